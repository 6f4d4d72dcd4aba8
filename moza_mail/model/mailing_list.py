"""A mailing list: its sender, its opt-in, and the text that subscribers consent to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from moza_mail.model.address import Address
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.segment import Segment
from moza_mail.model.send_time import WeeklySchedule

ATTRIBUTE_NAME = r"[a-z][a-z0-9_]{0,62}"
"""The name of an attribute of subscribers, such as `organisatie`."""
LANGUAGE_TAG = r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
"""A language and its subtags, such as `nl` or `en-GB` (the common part of BCP 47)."""


class OptIn(StrEnum):
    """The way to join a list: by a confirmation mail, or by consent given elsewhere."""

    DOUBLE = "double"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingList:
    """A list as configured in subscribers/lists.toml.

    sender_name: the name in the From header.
    theme: the theme of its issues, empty for the project's theme.
    list_id: the identifier of RFC 2919, which must never change.
    postal_address, contact: shown in the footer of every mail.
    archive_url: the page with earlier issues.
    attributes: attributes of subscribers that issues may use as merge fields.
    consent: the consent text by language; the text with key "" is for all other languages. If empty, the theme's text is used.
    consent_version: the version of the consent texts, which change together.
    schedule: the weekly time at which issues are sent automatically.
    issue_title: the pattern of the titles of new issues.
    approval: the approval policy of the list, None for the project's policy.
    """

    slug: str
    title: str
    sender: Address
    sender_name: str = ""
    reply_to: Address | None = None
    lang: str = "nl"
    theme: str = ""
    opt_in: OptIn = OptIn.DOUBLE
    list_id: str = ""
    postal_address: str = ""
    contact: str = ""
    archive_url: str = ""
    attributes: tuple[str, ...] = ()
    consent: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    consent_version: str = ""
    schedule: WeeklySchedule | None = None
    issue_title: str = ""
    approval: ApprovalPolicy | None = None
    segments: Mapping[str, Segment] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def identifier(self) -> str:
        """The List-Id: `list_id`, or else the slug and the domain of the sender."""
        return self.list_id or f"{self.slug}.{self.sender.domain}"

    def consent_for(self, lang: str) -> str:
        """Return the consent text for a language; empty if the list has none.

        For `nl-BE`, the texts are tried in this order: `nl-BE`, `nl`, all languages, the language of the list.
        """
        tags = (lang, lang.split("-", maxsplit=1)[0], "", self.lang)
        return next((self.consent[tag] for tag in tags if tag in self.consent), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The text that a subscriber agrees to, exactly as shown, and its version."""

    text: str
    version: str = ""

    @property
    def evidence(self) -> str:
        """The text and version to store with the subscription."""
        return f"{self.text} [{self.version}]" if self.version else self.text
