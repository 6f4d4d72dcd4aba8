"""Address: one mail address that can be put in an envelope and a header, whatever was typed."""

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Self

from moza_mail.errors import AddressError
from moza_mail.i18n import gettext as _
from moza_mail.i18n import index_by_text

# C0, DEL and C1, and the separators that some software reads as a line's end: a CR or LF would start a header.
CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# What nearly every address is: a dot-atom (RFC 5322 3.2.3) at a short host name of letters, digits and single hyphens. It is what
# email-validator would give, in a fraction of the time; a test holds the two equal. All else is left to email-validator.
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
PLAIN = re.compile(rf"({ATOM}(?:\.{ATOM})*)@((?:{LABEL}\.)+([A-Za-z]+))")
SHORT = 64
"""As long as a local part may be (RFC 5321 4.5.3.1.1); in a host name that is no longer, no label is too long."""
# Domains that can get no mail (RFC 6761 and others), and mailboxes that are written small (RFC 2142), as email-validator has them.
NO_DOMAINS = frozenset({"arpa", "invalid", "local", "localhost", "onion"})
ROLES = frozenset(
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
"""What is shown for the address of a person who was erased, or of a mailing so old that only its counts are kept."""
# An address as it stands in a text; rather too much than too little before the @, for that is masked.
ADDRESS_IN_TEXT = re.compile(r"""([^\s<>()\[\]:;,"@\\]{1,320})@([^\s<>()\[\]:;,"'@\\/|=]+)""")


def mask_addresses(text: str, keep: Container[str] = ()) -> str:
    """A text with every address in it masked: the first letter and the domain are left. Those in `but`, in lower case, are not.

    Who logs in at a server, as a URL says it (`//user@host`), is no mail address.
    """

    def mask(found: re.Match[str]) -> str:
        if found[1].startswith("//") or found[0].lower() in keep:
            return found[0]
        return f"{found[1][:1]}***@{found[2]}"

    return ADDRESS_IN_TEXT.sub(mask, text)


def find_addresses(text: str) -> set[str]:
    """What looks like an address in a text, in lower case."""
    return {found[0].lower() for found in ADDRESS_IN_TEXT.finditer(text)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A mail address: `local` as typed, `domain` as A-labels in lower case (RFC 5890).

    `local` is ASCII unless the project has decided otherwise: anything else needs SMTPUTF8 on the whole path (RFC 6531).
    """

    local: str
    domain: str

    @classmethod
    def parse(cls, text: str, *, international: bool = False) -> Self:
        """Read exactly one address, without a display name; raise AddressError with the reason.

        `international` lets signs beyond ASCII stand before the @. Spaces around it are forgiven. Syntax is RFC 5321 4.1.2 as email-validator reads it; no DNS is asked.
        """
        bare = text.strip(" \t")
        if plain := _plain(bare):
            return cls(local=plain[0], domain=plain[1])
        if found := CONTROL_CHARACTER.search(bare):
            raise AddressError(text, _("has a control character (U+{code:04X})", code=ord(found.group())))
        bare = text.strip()
        if not bare:
            raise AddressError(text, _("is empty"))
        if any(sign in bare for sign in "<>,;") or bare.count("@") > 1 or '"' in bare:
            raise AddressError(text, _("is not one plain address"))
        return cls._checked(text, bare, international=international)

    @classmethod
    def _checked(cls, text: str, bare: str, *, international: bool) -> Self:
        from email_validator import EmailNotValidError, validate_email

        try:
            found = validate_email(
                bare, check_deliverability=False, test_environment=True, strict=True, allow_smtputf8=True
            )
        except EmailNotValidError as error:
            raise AddressError(text, _clause(str(error))) from None
        if not international and (found.smtputf8 or not found.local_part.isascii()):
            raise AddressError(
                text, _("has a sign before the @ that most mail servers refuse (only ASCII is accepted)")
            )
        return cls(local=found.local_part, domain=found.ascii_domain.lower())

    @property
    def key(self) -> str:
        """What makes two addresses the same reader: all in lower case, as every large provider treats it."""
        return f"{self.local}@{self.domain}".lower()

    def masked(self) -> str:
        """The address for a log line: its first letter and its domain."""
        if not self.domain:
            return ADDRESS_REMOVED
        return f"{self.local[:1]}***@{self.domain}"

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}" if self.domain else ADDRESS_REMOVED


def _plain(text: str) -> tuple[str, str] | None:
    """The local part and the domain of an address that holds nothing out of the ordinary."""
    found = PLAIN.fullmatch(text) if len(text) < 2 * SHORT else None
    if found is None:
        return None
    local, domain, top = found.groups()
    if len(local) > SHORT or len(domain) >= SHORT or top.lower() in NO_DOMAINS or local.lower() in ROLES:
        return None
    return local, domain.lower()


# What email-validator says most, as clauses that follow the address.
CLAUSES = index_by_text(
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


def _clause(sentence: str) -> str:
    """email-validator's sentence as a clause that follows the address."""
    clause = sentence[:1].lower() + sentence[1:].rstrip(".")
    return CLAUSES.get(clause, clause)
