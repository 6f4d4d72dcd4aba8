"""Find a likely typing error in the domain of an address, such as gmial.con."""

from dataclasses import replace
from difflib import get_close_matches

from moza_mail.model.address import Address

# The providers of most private addresses in the Netherlands and Belgium.
COMMON_DOMAINS = (
    "gmail.com",
    "hotmail.com",
    "hotmail.nl",
    "outlook.com",
    "outlook.nl",
    "live.nl",
    "live.com",
    "icloud.com",
    "yahoo.com",
    "ziggo.nl",
    "kpnmail.nl",
    "planet.nl",
    "xs4all.nl",
    "telenet.be",
    "skynet.be",
    "proton.me",
)
ENDINGS = {"con": "com", "cpm": "com", "comm": "com", "vom": "com", "ocm": "com", "nll": "nl", "ln": "nl"}
"""Endings that no domain has, each with the ending that was meant."""
ALIKE = 0.86
"""The minimum similarity of two domains.

One letter may be wrong, missing or doubled, or two swapped. `mail.com` is not similar enough to `gmail.com`.
"""
REAL_DOMAINS = frozenset(
    {"mail.com", "ymail.com", "email.com", "hotmail.be", "live.be", "gmx.com", "me.com", "mac.com"}
)


def suggest_address(address: Address) -> Address | None:
    """Return the address that was probably meant; None if `address` seems correct."""
    domain = address.domain
    if domain in COMMON_DOMAINS or domain in REAL_DOMAINS:
        return None
    name, _dot, ending = domain.rpartition(".")
    corrected = f"{name}.{ENDINGS[ending]}" if ending in ENDINGS else domain
    close = get_close_matches(corrected, COMMON_DOMAINS, n=1, cutoff=ALIKE)
    found = close[0] if close else corrected
    return None if found == domain else replace(address, domain=found)
