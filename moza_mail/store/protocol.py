"""What every store promises: the people, and the ledger of who was mailed."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from moza_mail.model.address import Address
from moza_mail.model.mailing import Delivery, DeliveryState, Mailing, Outcome
from moza_mail.model.message import Recipient
from moza_mail.model.subscriber import (
    Arrival,
    MailingList,
    Newcomer,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """All that is held about one subscriber."""

    subscriber: Subscriber
    subscriptions: tuple[Subscription, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    deliveries: tuple[tuple[str, Delivery], ...] = ()
    """The issue's slug and the delivery, for each mailing they were in the audience of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who would be mailed now, and who of the list would not: `left_out` counts by reason."""

    confirmed: int
    left_out: Mapping[str, int]


class Store(Protocol):
    """People and ledger. Every method is one transaction, durable when it returns; each raises StoreError."""

    async def close(self) -> None:
        """Finish what is queued and let go of the file or the server; closing twice is closing once."""

    async def put_list(self, mailing_list: MailingList) -> None:
        """Make the list known; a changed title is taken over."""

    async def welcome(
        self,
        newcomers: Sequence[Newcomer],
        *,
        list_slug: str,
        state: SubscriptionState,
        source: str,
        now: datetime,
    ) -> list[Arrival]:
        """Bring people onto a list and say of each, in order, what became of them.

        A known address keeps its subscriber; a name or attribute that differs is updated. One who unsubscribed from
        the list stays so, a suppressed address stays suppressed, and a confirmed subscription never becomes less.
        Doing it twice changes nothing.
        """

    async def person(self, address: Address) -> Person | None:
        """All that is held about an address, or None."""

    def people(self, list_slug: str) -> AsyncGenerator[tuple[Subscriber, Subscription]]:
        """Everyone of a list, whatever their state, by subscriber number, read in pages."""

    async def unsubscribe(self, subscriber: int, list_slug: str, *, now: datetime) -> None:
        """Take someone off a list, at once; doing it twice changes nothing."""

    async def suppress(self, suppression: Suppression) -> None:
        """Never mail this address again, over all lists; the first reason is kept."""

    async def audience(self, list_slug: str) -> Audience:
        """Count who would be mailed if a mailing were prepared now."""

    def recipients(self, list_slug: str) -> AsyncGenerator[Recipient]:
        """Those who would be mailed if a mailing were prepared now, read in pages."""

    async def create_mailing(self, mailing: Mailing) -> Mailing:
        """Store the mailing with its content and freeze its audience in one transaction; give it back with its number.

        The audience is one pending delivery per confirmed, unsuppressed subscriber of the list. When nobody would be
        mailed EmptyAudience is raised and nothing stored. A mailing of that issue to that list must not exist yet
        (StoreError).
        """

    async def mailing(self, issue_slug: str, list_slug: str) -> Mailing | None:
        """The mailing of an issue to a list, or None."""

    async def mailings(self, issue_slug: str = "") -> list[Mailing]:
        """All mailings, or those of one issue, newest first."""

    async def counts(self, mailing: int) -> dict[DeliveryState, int]:
        """How many deliveries stand in each state; every state is in it."""

    async def next_attempt(self, mailing: int) -> datetime | None:
        """When the earliest deferred delivery may be tried again."""

    def deliveries(self, mailing: int, states: Iterable[DeliveryState]) -> AsyncGenerator[Delivery]:
        """The deliveries in those states, by number, read in pages."""

    def sending(self, who: str) -> AbstractAsyncContextManager[None]:
        """Hold the only right to send through this store; raise StoreLocked naming who holds it.

        The right ends with the process, however it ends.
        """

    async def recover(self, mailing: int, *, now: datetime) -> dict[DeliveryState, int]:
        """With the right to send held: what a dead sender left claimed becomes pending, what it left in intent uncertain.

        Gives how many moved into each of the two states.
        """

    async def claim(self, mailing: int, *, limit: int, now: datetime) -> list[Delivery]:
        """Take up to `limit` deliveries that are pending, or deferred and due, and mark them claimed.

        Subscription and suppression are looked at again here: who left since is marked skipped, with the reason, and
        not given out. An empty list means that nothing is left to do now.
        """

    async def claim_uncertain(self, mailing: int, *, now: datetime) -> int:
        """A human has decided to mail the uncertain again: mark them pending, and say how many."""

    async def intend(self, delivery: int, *, now: datetime) -> None:
        """Mark a claimed delivery as intent, durably. Calls that wait together are committed together."""

    async def settle(self, delivery: int, outcome: Outcome, *, now: datetime) -> None:
        """Record what became of an attempt, durably. Calls that wait together are committed together.

        accepted, refused, uncertain: final, with reply and queue id. deferred: with the time of the next attempt, or
        refused when 48 hours have passed. pending: given back, the attempt is not counted.
        """

    async def release(self, deliveries: Sequence[int]) -> None:
        """Give back claimed deliveries that were never tried."""
