"""Rate limits: release deliveries no faster than the relay and each provider allow.

Deliveries to a provider that must wait do not hold up deliveries to other providers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from moza_mail.model.mailing import Delivery
from moza_mail.model.rate import DomainFilter, Rate, SendRates
from moza_mail.store import Store

OVERALL = "all"
"""Name of the rate limit that applies to all messages."""
# Deliveries claimed longer ago than this are claimed again, because recipients may have unsubscribed meanwhile.
MAX_CLAIM_AGE = timedelta(seconds=5)


class DeliverySource(Protocol):
    """The interface through which the throttle claims and releases deliveries, and waits."""

    async def claim(self, limit: int, domains: DomainFilter) -> list[Delivery]:
        """Claim up to `limit` deliveries; return an empty list if there are none."""

    async def release(self, deliveries: list[Delivery]) -> None:
        """Release claimed deliveries that this run will not send now."""

    async def pause(self, wait: timedelta) -> bool:
        """Wait and return True; return False at once if the run is stopped."""


@dataclass(slots=True, kw_only=True)
class _DomainQueue:
    """The deliveries to one group of domains, or to all domains without a group.

    batch: the claimed deliveries, which may be sent at `ready_at`.
    after: the next claim takes only deliveries with ids above this one.
    """

    domains: DomainFilter
    name: str
    rate: Rate | None
    batch: list[Delivery] = field(default_factory=list)
    claimed_at: datetime
    ready_at: datetime
    after: int = 0


class Throttle:
    """Releases deliveries no faster than the rates allow.

    The store remembers how much of each rate is used.
    """

    def __init__(
        self, store: Store, rates: SendRates, source: DeliverySource, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._rates = rates
        self._source = source
        self._clock = clock
        self._open: list[_DomainQueue] = []
        self._open_all_queues()

    def _open_all_queues(self) -> None:
        now = self._clock()
        rated = [(group.domains, group.name, group.rate) for group in self._rates.groups]
        self._open = [
            _DomainQueue(domains=domains, name=name, rate=rate, claimed_at=now, ready_at=now)
            for domains, name, rate in [*rated, (self._rates.other_domains, "", None)]
        ]

    async def next_batch(self, limit: int) -> list[Delivery]:
        """Wait until deliveries may be sent and return them.

        A batch has at most as many deliveries as the rate allows in one burst. The result is empty if no deliveries are left or
        the run is stopped.
        """
        while self._open:
            for queue in list(self._open):
                if not queue.batch and not await self._fill(queue, limit):
                    self._open.remove(queue)
            if not self._open:
                break
            queue = min(self._open, key=lambda queue: queue.ready_at)
            if not await self._source.pause(queue.ready_at - self._clock()):
                return []
            if batch := await self._take_batch(queue):
                return batch
        return []

    async def _fill(self, queue: _DomainQueue, limit: int) -> bool:
        """Claim a batch and reserve its share of the rate; return False if the queue is empty."""
        queue.batch = await self._claim(queue, self._max_batch(queue, limit))
        if queue.batch:
            wait = await self._reserve(queue.name, queue.rate, len(queue.batch))
            queue.claimed_at = self._clock()
            queue.ready_at = queue.claimed_at + wait
        return bool(queue.batch)

    def _max_batch(self, queue: _DomainQueue, limit: int) -> int:
        rates = (queue.rate, self._rates.overall)
        return min([limit, *(rate.burst for rate in rates if rate is not None)])

    async def _claim(self, queue: _DomainQueue, limit: int) -> list[Delivery]:
        """Claim the queue's next deliveries.

        At the end of the queue, claiming starts once more from the beginning, to find deliveries that were released meanwhile.
        """
        while True:
            found = await self._source.claim(limit, replace(queue.domains, after=queue.after))
            if found or not queue.after:
                break
            queue.after = 0
        queue.after = max([queue.after, *(delivery.id for delivery in found)])
        return found

    async def _take_batch(self, queue: _DomainQueue) -> list[Delivery]:
        """Wait for the overall rate, and return the deliveries of the batch.

        A batch that has waited too long is claimed again, so that only recipients who may still be mailed are returned.
        """
        overall = await self._reserve(OVERALL, self._rates.overall, len(queue.batch))
        if overall and not await self._source.pause(overall):
            return []
        batch, queue.batch = queue.batch, []
        if self._clock() - queue.claimed_at <= MAX_CLAIM_AGE:
            return batch
        await self._source.release(batch)
        queue.after = min(delivery.id for delivery in batch) - 1
        return await self._claim(queue, len(batch))

    async def _reserve(self, name: str, rate: Rate | None, count: int) -> timedelta:
        """Reserve room for `count` messages, and return how long to wait before sending them.

        Without a rate there is no wait.
        """
        if rate is None:
            return timedelta(0)
        return await self._store.rate_limits.reserve(name, rate, count, now=self._clock())
