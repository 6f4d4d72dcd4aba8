"""A mailing list: its sender, its opt-in, and the sentences that a subscriber consents to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from moza_mail.model.address import Address
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.segment import Segment
from moza_mail.model.send_time import WeeklySchedule

LANGUAGE_TAG = r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
"""A language and its subtags, such as `nl` or `en-GB` (the common part of BCP 47)."""


class OptIn(StrEnum):
    """How one comes on a list: by a confirmation mail, or by a consent given elsewhere and recorded."""

    DOUBLE = "double"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingList:
    """A named audience, as subscribers/lists.toml has it.

    `sender` and `reply_to` are addresses, `sender_name` is what a reader sees in From. `list_id` is the identifier
    of RFC 2919, stable for ever. `postal_address` and `contact` stand in the footer of every mail. `archive_url` is the
    page of earlier issues. `attributes` are those of its readers that an issue may name as a field. `consent` is what one
    says yes to at sign-up, by language, "" being that of every other; when it is empty the theme has a sentence for it.
    `consent_version` is the label of these sentences, all of which are changed together.
    `slot` is the moment of the week at which it is mailed, `issue_title` the pattern of its issues' titles.
    `approval` is its own policy, None for that of the project. `segments` are parts of it, by their slugs.
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
        """What the list is known by: its `list_id`, else its slug at the domain of its sender."""
        return self.list_id or f"{self.slug}.{self.sender.domain}"

    def consent_for(self, lang: str) -> str:
        """The list's sentence for a language: `nl-BE`, else `nl`, else that of every language, else of the list's own; or ""."""
        tags = (lang, lang.split("-", maxsplit=1)[0], "", self.lang)
        return next((self.consent[tag] for tag in tags if tag in self.consent), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What one says yes to: the very words that are shown, and their version, empty when they have none."""

    text: str
    version: str = ""

    @property
    def evidence(self) -> str:
        """What is stored with the subscription: the words as they were shown, and the version behind them."""
        return f"{self.text} [{self.version}]" if self.version else self.text
