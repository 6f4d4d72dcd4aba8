"""Recognise addresses of one mailbox, such as `jan@example.org` and `jan+news@example.org`."""

import hashlib
import unicodedata

from moza_mail.model.address import Address

# Domains of one provider that reach the same mailbox, according to the provider's help pages (2026-11).
SAME_DOMAIN = {
    "googlemail.com": "gmail.com",
    "pm.me": "proton.me",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
    "mac.com": "icloud.com",
    "me.com": "icloud.com",
    "ya.ru": "yandex.ru",
    "yandex.com": "yandex.ru",
}
IGNORED_CHARACTERS = {"gmail.com": ".", "proton.me": ".-_"}
"""Characters that a provider ignores in a local part."""


def name_mailbox(address: Address) -> str:
    """Return one spelling for all addresses of a mailbox.

    Case, Unicode form and a `+tag` are ignored everywhere. Dots, and a provider's second domain, are ignored
    only where the provider ignores them. Two mailboxes may get the same name, so use it for limits only, and never
    to mail somebody.
    """
    local = unicodedata.normalize("NFKC", address.local).casefold()
    bare = local.partition("+")[0] or local
    domain = SAME_DOMAIN.get(address.domain.lower(), address.domain.lower())
    ignored = IGNORED_CHARACTERS.get(domain, "")
    return f"{''.join(each for each in bare if each not in ignored) or bare}@{domain}"


def hash_mailbox(address: Address) -> str:
    """Return a digest of a mailbox's name.

    Rows store the digest, because the name is itself an address. A search for that address would also find the rows of the
    mailbox's other spellings.
    """
    return hashlib.sha256(name_mailbox(address).encode("utf-8", "surrogatepass")).hexdigest()[:32]
