"""Pace: when each delivery may go, so that a relay or a provider gets no more than its rate, and a slow one holds up no other."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from moza_mail.model.mailing import Delivery
from moza_mail.model.rate import Domains, Rate, Rates
from moza_mail.store import Store

OVERALL = "all"
# Who has waited longer than this for a turn is claimed anew, because they may have left the list meanwhile.
FRESH = timedelta(seconds=5)


class DeliverySource(Protocol):
    """Where deliveries come from, and how one waits."""

    async def claim(self, most: int, domains: Domains) -> list[Delivery]:
        """Claim up to so many; empty when there is none."""

    async def give_back(self, deliveries: list[Delivery]) -> None:
        """Claimed ones are not to go now."""

    async def pause(self, wait: timedelta) -> bool:
        """Wait; false, and at once, when the sending is to end."""


@dataclass(slots=True, kw_only=True)
class _Queue:
    """The deliveries of one group, or those of no group: a few are claimed, and go at `ready_at`."""

    domains: Domains
    name: str
    rate: Rate | None
    batch: list[Delivery] = field(default_factory=list)
    claimed_at: datetime
    ready_at: datetime
    after: int = 0


class Throttle:
    """Gives out deliveries no faster than the rates allow; how far a rate is used up is in the store."""

    def __init__(
        self, store: Store, rates: Rates, desk: DeliverySource, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._rates = rates
        self._desk = desk
        self._clock = clock
        self._open: list[_Queue] = []
        self.begin()

    def begin(self) -> None:
        """Look at every queue anew: what was given back may be in it."""
        now = self._clock()
        rated = [(group.domains, group.name, group.rate) for group in self._rates.groups]
        self._open = [
            _Queue(domains=domains, name=name, rate=rate, claimed_at=now, ready_at=now)
            for domains, name, rate in [*rated, (self._rates.ungrouped, "", None)]
        ]

    async def next_batch(self, most: int) -> list[Delivery]:
        """Wait for the next deliveries that may go, a burst at most; empty when none is left or the sending is to end."""
        while self._open:
            for queue in list(self._open):
                if not queue.batch and not await self._fill(queue, most):
                    self._open.remove(queue)
            if not self._open:
                break
            queue = min(self._open, key=lambda queue: queue.ready_at)
            if not await self._desk.pause(queue.ready_at - self._clock()):
                return []
            if batch := await self._go(queue):
                return batch
        return []

    async def _fill(self, queue: _Queue, most: int) -> bool:
        """Claim a few and take their turns; false when the queue is empty."""
        queue.batch = await self._claim(queue, self._most(queue, most))
        if queue.batch:
            wait = await self._turns(queue.name, queue.rate, len(queue.batch))
            queue.claimed_at = self._clock()
            queue.ready_at = queue.claimed_at + wait
        return bool(queue.batch)

    def _most(self, queue: _Queue, most: int) -> int:
        rates = (queue.rate, self._rates.overall)
        return min([most, *(rate.burst for rate in rates if rate is not None)])

    async def _claim(self, queue: _Queue, most: int) -> list[Delivery]:
        """Claim from where this queue was, for what was before is other queues'; and once more from the start at its end."""
        while True:
            found = await self._desk.claim(most, replace(queue.domains, after=queue.after))
            if found or not queue.after:
                break
            queue.after = 0
        queue.after = max([queue.after, *(delivery.id for delivery in found)])
        return found

    async def _go(self, queue: _Queue) -> list[Delivery]:
        """The queue's turn has come: wait for the turn of all, and give out whom it may still mail by then."""
        overall = await self._turns(OVERALL, self._rates.overall, len(queue.batch))
        if overall and not await self._desk.pause(overall):
            return []
        batch, queue.batch = queue.batch, []
        if self._clock() - queue.claimed_at <= FRESH:
            return batch
        await self._desk.give_back(batch)
        queue.after = min(delivery.id for delivery in batch) - 1
        return await self._claim(queue, len(batch))

    async def _turns(self, name: str, rate: Rate | None, count: int) -> timedelta:
        """Take turns, when there is a rate to keep; how long to wait for them."""
        if rate is None:
            return timedelta(0)
        return await self._store.rate_limits.reserve(name, rate, count, now=self._clock())
