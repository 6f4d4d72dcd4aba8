"""Subscribers, their subscriptions and suppressed addresses.

A subscription changes its state only in permitted ways.
"""

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
    """The reason not to mail an address on any list."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    COMPLAINT = "complaint"
    MANUAL = "manual"

    @property
    def is_objection(self) -> bool:
        """Return True if the suppression may be the person's own decision.

        Only that person can reverse such a decision.
        """
        return self in {SuppressionReason.COMPLAINT, SuppressionReason.MANUAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person with an address.

    attributes: values from imports, by column.
    lang: the chosen language; empty to use the language of each list.
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
        """Confirm the subscription.

        Someone who unsubscribed must sign up again; an old link does not confirm them.
        """
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
        """Unsubscribe. Does nothing if the person is unsubscribed already."""
        if self.state is SubscriptionState.UNSUBSCRIBED:
            return self
        return replace(self, state=SubscriptionState.UNSUBSCRIBED, unsubscribed_at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSubscriber:
    """A subscriber of a list, for an export.

    suppression: the reason that the address is suppressed, None if it is not.
    """

    subscriber: Subscriber
    subscription: Subscription
    suppression: SuppressionReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that must not be mailed, with the reason and the evidence.

    A removed suppression has the time and reason of its removal. Bounces before the removal no longer count.
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
    """A person in a file or given to `subscribers add`, not yet looked up in the store.

    line: the line of the file.
    lang: the language that they chose.
    state: the state of their subscription, according to the file.
    suppression: why their address must not be mailed on any list; None if the file does not say so.
    evidence: why they are not confirmed, as written in the file.
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
    """The result of adding one person, or of removing one because a file says so.

    unconfirmed: new on the list, and not mailed.
    taken_out: no longer mailed, because the file says that the person left.
    unsubscribed, suppressed: not mailed, because of this file or of an earlier event.
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
    """The state that a dry run keeps from one batch of rows to the next.

    repeated: the keys of addresses that occur more than once in the file.
    people: the people with those addresses, by key, as they would be after an import of the earlier rows.
    """

    repeated: AbstractSet[str] = frozenset()
    people: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionQuery:
    """Conditions on suppressions that bounces caused; all given conditions must hold.

    reply: words in the reply that caused the suppression.
    """

    mailing_id: int | None = None
    since: datetime | None = None
    domain: str = ""
    reply: str = ""
