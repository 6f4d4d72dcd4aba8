"""Recognise hosts that some recipients cannot reach, and deceptive host names."""

import re
import unicodedata
from urllib.parse import SplitResult, parse_qs, urlsplit

from moza_mail.model.network import is_public, parse_address

MAX_SHOWN = 80
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# Reserved names that are never in the public DNS (RFC 6761, 6762, 8375, ICANN's .internal), and common office names.
INTERNAL_DOMAINS = (
    "local",
    "localdomain",
    "internal",
    "intern",
    "intranet",
    "lan",
    "corp",
    "home",
    "home.arpa",
)
LOOPBACK_NAMES = ("localhost", "localhost.localdomain")
# Letters of other scripts that look like a letter from a to z.
LATIN_LOOKALIKES = frozenset("асеорхуіјѕԁԛԝһӏѵкмтвнгпοαιυνρτκχωօսհոցզ")
LOOKALIKE_SCRIPTS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
# Security services that replace a link by one of their own. `unwrap_link` reads the original from the parameters.
REWRITING_SERVICES = (
    *(
        "safelinks.protection.outlook.com",
        "urldefense.com",
        "urldefense.proofpoint.com",
        "linkprotect.cudasvc.com",
    ),
    *(
        "mimecastprotect.com",
        "mimecast.com",
        "secure-web.cisco.com",
        "clicktime.symantec.com",
        "l.facebook.com",
    ),
    *("statics.teams.cdn.office.net", "protect.checkpoint.com", "linkprotect.net"),
)
GOOGLE = re.compile(r"(?:www\.)?google\.[a-z.]{2,6}")


def split_url(url: str) -> SplitResult:
    """Split a URL into its parts, which are all empty if the URL is invalid."""
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts


def host_of(url: str) -> str:
    """Return the host of a URL in lower case, empty if there is none."""
    return (split_url(url).hostname or "").rstrip(".")


def is_under(name: str, domains: tuple[str, ...]) -> bool:
    """Return True if the host is one of the domains or a subdomain of one."""
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def is_well_formed(name: str) -> bool:
    """Return True if the name is an IP address or a valid host name (RFC 1123 2.1).

    The labels of a valid host name consist of letters, digits and hyphens.
    """
    return bool(parse_address(name)) or (
        len(name) <= 253 and all(LABEL.fullmatch(label) for label in name.split("."))
    )


def is_loopback(name: str) -> bool:
    """Return True if the host is the computer of the person who follows the link."""
    address = parse_address(name)
    return (
        name in LOOPBACK_NAMES
        or name.endswith(".localhost")
        or bool(address and (address.is_loopback or address.is_unspecified))
    )


def is_internal(name: str) -> bool:
    """Return True if the host can only be reached from inside a private network."""
    address = parse_address(name)
    if address:
        return not is_public(address)
    return "." not in name or is_under(name, INTERNAL_DOMAINS)


def is_private(name: str) -> bool:
    """Return True if the name alone shows that some recipients cannot reach the host."""
    return is_loopback(name) or is_internal(name)


def decode_idna(name: str) -> str:
    """Return the host with decoded A-labels (RFC 5891), empty if an A-label is invalid."""
    try:
        return ".".join(
            label.removeprefix("xn--").encode("ascii").decode("punycode")
            if label.startswith("xn--")
            else label
            for label in name.split(".")
        )
    except UnicodeError:
        return ""


def is_lookalike(name: str) -> bool:
    """Return True if a label may be mistaken for a Latin name (UTS 39, 5).

    Such a label mixes Latin and foreign letters, or consists of foreign letters that all look Latin.
    """
    for label in name.split("."):
        letters = [letter for letter in label if letter.isalpha()]
        foreign = [letter for letter in letters if unicodedata.name(letter, "").startswith(LOOKALIKE_SCRIPTS)]
        latin = [letter for letter in letters if unicodedata.name(letter, "").startswith("LATIN")]
        if foreign and (latin or all(letter in LATIN_LOOKALIKES for letter in foreign)):
            return True
    return False


def unwrap_link(url: str) -> tuple[str, str]:
    """Return the host of the service that rewrote a link, and the original link.

    Both are empty if no known service rewrote the link. The original link is empty if it cannot be read.
    """
    name, parts = host_of(url), split_url(url)
    if not is_under(name, REWRITING_SERVICES) and not (GOOGLE.fullmatch(name) and parts.path == "/url"):
        return "", ""
    parameters = parse_qs(parts.query)
    original = next((found[0] for key in ("url", "u", "q", "domain") if (found := parameters.get(key))), "")
    return name, original if original.startswith(("https://", "http://")) else ""


def shorten(text: str) -> str:
    """Shorten a URL or text for a finding, without the password that a URL may contain."""
    bare = re.sub(r"(?<=//)[^/?#\s]*@", "", text)
    return bare if len(bare) <= MAX_SHOWN else f"{bare[: MAX_SHOWN - 20]}...{bare[-17:]}"
