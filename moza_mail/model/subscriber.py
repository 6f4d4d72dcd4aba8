"""Subscribers, their subscriptions with the permitted changes of state, and suppressed addresses."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from moza_mail.errors import InvalidTransition
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.timestamps import require_utc


class SubscriptionState(StrEnum):
    """The state of a subscription to one list."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"


class SuppressionReason(StrEnum):
    """Why an address must not be mailed on any list."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    COMPLAINT = "complaint"
    MANUAL = "manual"

    @property
    def is_objection(self) -> bool:
        """True if it may be the person's own decision, which only that person can reverse."""
        return self in {SuppressionReason.COMPLAINT, SuppressionReason.MANUAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person with an address.

    attributes: values from imports, by column.
    lang: the chosen language; empty for that of each list.
    """

    id: int
    address: Address
    name: str = ""
    lang: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscriber on a list, with the words, time and source of the consent."""

    subscriber_id: int
    list_slug: str
    state: SubscriptionState
    consent: str = ""
    source: str = ""
    created_at: datetime
    confirmed_at: datetime | None = None
    unsubscribed_at: datetime | None = None

    def __post_init__(self) -> None:
        require_utc(self.created_at, self.confirmed_at, self.unsubscribed_at)

    def confirm(self, *, at: datetime, consent: str) -> Self:
        """Confirm the subscription. Someone who unsubscribed must sign up again; no old link confirms them."""
        if self.state is SubscriptionState.UNSUBSCRIBED:
            raise InvalidTransition(
                _(
                    "a subscriber who left the list `{list_slug}` cannot be confirmed",
                    list_slug=self.list_slug,
                )
            )
        if self.state is SubscriptionState.CONFIRMED:
            return self
        return replace(self, state=SubscriptionState.CONFIRMED, confirmed_at=at, consent=consent)

    def unsubscribe(self, *, at: datetime) -> Self:
        """Unsubscribe; does nothing if already unsubscribed."""
        if self.state is SubscriptionState.UNSUBSCRIBED:
            return self
        return replace(self, state=SubscriptionState.UNSUBSCRIBED, unsubscribed_at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSubscriber:
    """A subscriber of a list with the reason that their address is suppressed, None if it is not."""

    subscriber: Subscriber
    subscription: Subscription
    suppression: SuppressionReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that must not be mailed, with the reason and the evidence.

    A removed suppression has the time and reason of its removal; bounces before that no longer count.
    """

    address: Address
    reason: SuppressionReason
    created_at: datetime
    evidence: str = ""
    removed_at: datetime | None = None
    removal_reason: str = ""

    def __post_init__(self) -> None:
        require_utc(self.created_at, self.removed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscriber:
    """A person in a file or given to `subscribers add`, before the store looks them up.

    line: the line of the file.
    lang: the language that they chose.
    state: what the file says about their subscription.
    suppression: why their address must not be mailed on any list; None if the file does not say so.
    evidence: why they are not confirmed, in the words of the file.
    since: when they consented or left, if that is known.
    """

    address: Address
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    consent: str = ""
    line: int = 0
    lang: str = ""
    state: SubscriptionState = SubscriptionState.CONFIRMED
    suppression: SuppressionReason | None = None
    evidence: str = ""
    since: datetime | None = None


class AddResult(StrEnum):
    """The result of adding one person, or of taking one out because a file says so.

    unconfirmed: new on the list, and not mailed. taken_out: was mailed until now, and the file says that they left.
    unsubscribed, suppressed: is not mailed, because of this file or of what happened earlier.
    """

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    UNCONFIRMED = "unconfirmed"
    TAKEN_OUT = "taken_out"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """State between the calls of a dry run: people whose address key is in `repeated`, as they would be by then."""

    repeated: AbstractSet[str] = frozenset()
    people: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionQuery:
    """Conditions on suppressions by bounces; all that are given must hold.

    reply: words in the reply that caused the suppression.
    """

    mailing_id: int | None = None
    since: datetime | None = None
    domain: str = ""
    reply: str = ""
