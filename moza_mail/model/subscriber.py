"""The people: Subscriber, MailingList, Subscription and what it may become, Suppression and its reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from moza_mail.errors import InvalidTransition
from moza_mail.model.address import Address
from moza_mail.model.segment import Segment
from moza_mail.model.send_time import Slot
from moza_mail.model.timestamps import aware


class SubscriptionState(StrEnum):
    """Where a person stands with one list."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"


class OptIn(StrEnum):
    """How one comes on a list: by a confirmation mail, or by a consent given elsewhere and recorded."""

    DOUBLE = "double"
    RECORDED = "recorded"


class Policy(StrEnum):
    """Whether a mailing must be approved; under FOUR_EYES by another than who sends it."""

    OFF = "off"
    REQUIRED = "required"
    FOUR_EYES = "four-eyes"


class SuppressionReason(StrEnum):
    """Why an address must not be mailed, over all lists."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    COMPLAINT = "complaint"
    MANUAL = "manual"

    @property
    def is_objection(self) -> bool:
        """Whether it may be the person's own wish, which only they can take back."""
        return self in {SuppressionReason.COMPLAINT, SuppressionReason.MANUAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person by address; `attributes` are the other columns of their import.

    `lang` is the language they chose, empty for that of each list.
    """

    id: int
    address: Address
    name: str = ""
    lang: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


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
    slot: Slot | None = None
    issue_title: str = ""
    approval: Policy | None = None
    segments: Mapping[str, Segment] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def identifier(self) -> str:
        """What the list is known by: its `list_id`, else its slug at the domain of its sender."""
        return self.list_id or f"{self.slug}.{self.sender.domain}"

    def own_consent(self, lang: str) -> str:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A person on a list, with what they consented to, when and by what way."""

    subscriber: int
    list_slug: str
    state: SubscriptionState
    consent: str = ""
    source: str = ""
    created_at: datetime
    confirmed_at: datetime | None = None
    unsubscribed_at: datetime | None = None

    def __post_init__(self) -> None:
        aware(self.created_at, self.confirmed_at, self.unsubscribed_at)

    def confirm(self, *, at: datetime, consent: str) -> Self:
        """The person says yes; one who left must sign up anew, so that no link revives them."""
        if self.state is SubscriptionState.UNSUBSCRIBED:
            raise InvalidTransition(f"an unsubscribed reader of {self.list_slug} cannot be confirmed")
        if self.state is SubscriptionState.CONFIRMED:
            return self
        return replace(self, state=SubscriptionState.CONFIRMED, confirmed_at=at, consent=consent)

    def unsubscribe(self, *, at: datetime) -> Self:
        """The person leaves; leaving twice is leaving once."""
        if self.state is SubscriptionState.UNSUBSCRIBED:
            return self
        return replace(self, state=SubscriptionState.UNSUBSCRIBED, unsubscribed_at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that must not be mailed, why, and the report that showed it.

    One that was lifted says when and why: what was said of the address until then no longer counts.
    """

    address: Address
    reason: SuppressionReason
    at: datetime
    evidence: str = ""
    lifted_at: datetime | None = None
    lifted_because: str = ""

    def __post_init__(self) -> None:
        aware(self.at, self.lifted_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """One person of an import or of `subscribers add`, before the store knows them; `line` is the file's, `lang` the language they chose."""

    address: Address
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    consent: str = ""
    line: int = 0
    lang: str = ""


class Arrival(StrEnum):
    """What became of one Newcomer."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    ERASED = "erased"
