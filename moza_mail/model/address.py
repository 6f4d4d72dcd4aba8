"""Mail addresses: parse what was typed, and mask addresses in logs."""

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from typing import Self

from moza_mail.errors import AddressError
from moza_mail.i18n import gettext as _
from moza_mail.i18n import index_by_text

# C0, DEL and C1, and the separators that some software reads as a line ending. A CR or LF would begin a new header.
CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# The form of nearly all addresses: a dot-atom (RFC 5322 3.2.3) at a short hostname of letters, digits and single hyphens.
# For these we return what email-validator would, in a fraction of the time; a test compares the two.
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
SIMPLE_ADDRESS = re.compile(rf"({ATOM}(?:\.{ATOM})*)@((?:{LABEL}\.)+([A-Za-z]+))")
MAX_LOCAL_PART = 64
"""The maximum length of a local part (RFC 5321 4.5.3.1.1). In a hostname up to this length, no label is too long."""
# Domains that cannot receive mail (RFC 6761 and others), and mailbox names that email-validator converts to lower case (RFC 2142).
RESERVED_DOMAINS = frozenset({"arpa", "invalid", "local", "localhost", "onion"})
ROLE_NAMES = frozenset(
    [
        "info",
        "marketing",
        "sales",
        "support",
        "abuse",
        "noc",
        "security",
        "postmaster",
        "hostmaster",
        "usenet",
        "news",
        "webmaster",
        "www",
        "uucp",
        "ftp",
    ]
)


ADDRESS_REMOVED = "(no longer kept)"
"""Shown in place of an address that is no longer kept."""
# Matches rather too much than too little before the @, because that part is masked.
ADDRESS_IN_TEXT = re.compile(
    r"""([^\s<>()\[\]:;,"@＠\\]{1,320})("?@|＠|%40|=40)([^\s<>()\[\]:;,"'@\\/|=]+)"""
)


def mask_addresses(text: str, keep: Container[str] = ()) -> str:
    """Mask all addresses in a text: only the first letter and the domain stay.

    keep: addresses to leave as they are, in lower case. The user name in a URL (`//user@host`) is not an address.
    """

    def mask(found: re.Match[str]) -> str:
        if found[1].startswith("//") or found[0].lower() in keep:
            return found[0]
        return f"{found[1][:1]}***@{found[3]}"

    return ADDRESS_IN_TEXT.sub(mask, text)


def normalise_address(text: str) -> str:
    """Return the form in which two spellings of one address are equal.

    Upper and lower case make no difference, as at all large providers. Neither do composed and decomposed
    characters (NFC, NFD) and the two lower-case forms of sigma. `ß` and `ss`, and `i` and the Turkish dotless
    `ı`, are different mailboxes.

    text: a stored address, with its domain as A-labels.
    """
    if text.isascii():
        return text.lower()
    # In lower case a composed character can be a decomposed one, such as the Turkish dotted I.
    lower = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    return lower.replace("ς", "σ")


def find_addresses(text: str) -> set[str]:
    """Return everything in a text that looks like an address, in lower case."""
    return {found[0].lower() for found in ADDRESS_IN_TEXT.finditer(text)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A mail address.

    local: as typed; ASCII, unless the project allows addresses that need SMTPUTF8 (RFC 6531).
    domain: A-labels in lower case (RFC 5890).
    """

    local: str
    domain: str

    @classmethod
    def parse(cls, text: str, *, international: bool = False) -> Self:
        """Parse exactly one address, without a display name; raise AddressError with the reason.

        The address must have the syntax of RFC 5321 4.1.2, which email-validator checks without DNS. Spaces around it are
        ignored.

        international: allow characters beyond ASCII before the @.
        """
        bare = text.strip(" \t")
        if simple := _split_simple(bare):
            return cls(local=simple[0], domain=simple[1])
        if found := CONTROL_CHARACTER.search(bare):
            raise AddressError(
                text, _("contains a control character (U+{code:04X})", code=ord(found.group()))
            )
        bare = text.strip()
        if not bare:
            raise AddressError(text, _("is empty"))
        if any(character in bare for character in "<>,;") or bare.count("@") > 1 or '"' in bare:
            raise AddressError(text, _("is not one plain address"))
        return cls._checked(text, bare, international=international)

    @classmethod
    def parse_typed(cls, text: str) -> Self:
        """Parse an address that an operator typed to look somebody up.

        Characters beyond ASCII are allowed, and a dot after the domain, as DNS writes it, is ignored.
        """
        return cls.parse(text.strip().removesuffix("."), international=True)

    @classmethod
    def _checked(cls, text: str, bare: str, *, international: bool) -> Self:
        from email_validator import EmailNotValidError, validate_email

        try:
            found = validate_email(
                bare, check_deliverability=False, test_environment=True, strict=True, allow_smtputf8=True
            )
        except EmailNotValidError as error:
            raise AddressError(text, _to_clause(str(error))) from None
        if not international and (found.smtputf8 or not found.local_part.isascii()):
            raise AddressError(
                text,
                _("contains a character before the @ that most mail servers refuse (only ASCII is accepted)"),
            )
        return cls(local=found.local_part, domain=found.ascii_domain.lower())

    @property
    def key(self) -> str:
        """The form in which addresses are compared; see `normalise_address`."""
        return normalise_address(f"{self.local}@{self.domain}")

    def mask(self) -> str:
        """Return the masked address for logs: its first letter and its domain."""
        if not self.domain:
            return ADDRESS_REMOVED
        return f"{self.local[:1]}***@{self.domain}"

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}" if self.domain else ADDRESS_REMOVED


def _split_simple(text: str) -> tuple[str, str] | None:
    """Return the local part and domain of an address in the usual form; None for other forms."""
    found = SIMPLE_ADDRESS.fullmatch(text) if len(text) < 2 * MAX_LOCAL_PART else None
    if found is None:
        return None
    local, domain, top = found.groups()
    if (
        len(local) > MAX_LOCAL_PART
        or len(domain) >= MAX_LOCAL_PART
        or top.lower() in RESERVED_DOMAINS
        or local.lower() in ROLE_NAMES
    ):
        return None
    return local, domain.lower()


# The most common messages of email-validator, as clauses that follow the address.
REASONS = index_by_text(
    _("an email address must have an @-sign"),
    _("there must be something before the @-sign"),
    _("there must be something after the @-sign"),
    _("the part after the @-sign is not valid. It should have a period"),
    _("the part after the @-sign contains invalid characters: SPACE"),
    _("the email address contains invalid characters before the @-sign: SPACE"),
    _("an email address cannot start with a period"),
    _("an email address cannot have two periods in a row"),
    _("an email address cannot have a period immediately before the @-sign"),
)


def _to_clause(sentence: str) -> str:
    """Turn a message of email-validator into a clause that follows the address."""
    clause = sentence[:1].lower() + sentence[1:].rstrip(".")
    return REASONS.get(clause, clause)
