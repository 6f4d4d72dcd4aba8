"""The throttle: no delivery exceeds a rate, waits for another group, or is forgotten."""

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from moza_mail.model.address import Address
from moza_mail.model.mailing import Delivery, DeliveryState
from moza_mail.model.rate import DomainFilter, SendRates, TokenBucket
from moza_mail.sending.throttle import Throttle

NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)


class DeliveryQueue:
    """Deliveries in memory, the rate limits of a store, and a clock that advances only in pauses."""

    def __init__(self, *homes: str) -> None:
        self.now = NOW
        self.stopped_at = None
        self.buckets = {}
        self.left = dict(enumerate(homes, 1))
        self.held = 0
        self.most_held = 0
        self.asked = 0
        self.rate_limits = self

    async def claim(self, most: int, domains: DomainFilter) -> list[Delivery]:
        self.asked += 1
        meant = [
            number
            for number, home in sorted(self.left.items())
            if (home in domains.names) != domains.inverted and number > domains.after
        ]
        self.held += len(meant[:most])
        self.most_held = max(self.most_held, self.held)
        return [delivery(number, self.left.pop(number)) for number in meant[:most]]

    async def release(self, deliveries: list[Delivery]) -> None:
        self.held -= len(deliveries)
        self.left.update({one.id: one.address.domain for one in deliveries})

    async def pause(self, wait: timedelta) -> bool:
        if self.stopped_at is not None and self.now + max(wait, timedelta(0)) >= self.stopped_at:
            self.stopped_at = self.now
            return False
        self.now += max(wait, timedelta(0))
        return True

    async def reserve(self, name, rate, count, *, now):
        bucket = self.buckets.get(name) or TokenBucket(rate=rate, full_at=now)
        self.buckets[name], wait = bucket.reserve(now, count)
        return wait

    def clock(self):
        return self.now


def delivery(number: int, home: str) -> Delivery:
    address = Address(local=f"reader{number}", domain=home)
    return Delivery(
        id=number, mailing_id=1, subscriber_id=number, address=address, name="", state=DeliveryState.CLAIMED
    )


def start_times(
    queue: DeliveryQueue, overall: str = "", groups: dict[str, str] | None = None, most: int = 100
):
    """Return the times at which each domain's deliveries started, in seconds from the beginning."""

    async def work():
        throttle = Throttle(queue, SendRates.parse(overall, groups or {}), queue, queue.clock)
        found = defaultdict(list)
        while batch := await throttle.next_batch(most):
            queue.held -= len(batch)
            for one in batch:
                found[one.address.domain].append((queue.now - NOW).total_seconds())
        return found

    return asyncio.run(work())


@pytest.mark.parametrize(("rate", "per_second"), [("50/s", 50), ("7/s", 7), ("3600/h", 1), ("200/s", 200)])
def test_a_rate_limit_is_exceeded_by_at_most_its_burst(rate, per_second):
    count = per_second * 20
    moments = start_times(DeliveryQueue(*["a.example"] * count), rate)["a.example"]
    assert len(moments) == count
    assert 19 <= moments[-1] <= 20
    within = Counter(int(moment) for moment in moments)
    assert max(within.values()) <= per_second * 1.1 + 1


def test_a_waiting_domain_group_delays_no_other():
    queue = DeliveryQueue(*["slow.example"] * 30, *["fast.example"] * 500)
    found = start_times(queue, groups={"slow.example": "1/s"})
    assert {home: len(moments) for home, moments in found.items()} == {
        "slow.example": 30,
        "fast.example": 500,
    }
    assert found["fast.example"][-1] == 0
    assert found["slow.example"] == list(range(30))
    assert queue.most_held <= 101


def test_a_domain_group_obeys_its_own_rate_and_the_overall_rate():
    queue = DeliveryQueue(*["slow.example", "fast.example"] * 100)
    found = start_times(queue, "20/s", {"slow.example": "5/s"})
    assert 19.5 <= found["slow.example"][-1] <= 20.5
    # The overall rate is 20 per second, of which the slow group uses 5.
    assert 100 / 20 <= found["fast.example"][-1] <= 100 / 15 + 0.5
    every = sorted(found["slow.example"] + found["fast.example"])
    assert max(Counter(int(moment) for moment in every).values()) <= 20 + 2


def test_the_rate_used_by_an_earlier_send_still_counts():
    first = DeliveryQueue(*["a.example"] * 10)
    start_times(first, "1/s")
    second = DeliveryQueue(*["a.example"] * 2)
    second.now, second.buckets = first.now, first.buckets
    assert start_times(second, "1/s")["a.example"] == [10, 11]


def test_a_stop_during_a_wait_releases_no_further_delivery():
    queue = DeliveryQueue(*["a.example"] * 10)
    queue.stopped_at = NOW + timedelta(seconds=2.5)
    assert start_times(queue, "1/s")["a.example"] == [0, 1, 2]


def test_the_throttle_does_not_wait_for_an_empty_group():
    queue = DeliveryQueue("a.example")
    queue.buckets["slow.example"] = TokenBucket(
        rate=SendRates.parse("1/h", {}).overall, full_at=NOW + timedelta(hours=1)
    )
    assert start_times(queue, groups={"slow.example": "1/h"}) == {"a.example": [0]}
    assert queue.now == NOW


def test_deliveries_that_waited_long_are_claimed_again():
    queue = DeliveryQueue("a.example", "a.example", "a.example")

    async def work():
        throttle = Throttle(queue, SendRates.parse("", {"a.example": "1/m"}), queue, queue.clock)
        first = await throttle.next_batch(9)
        claim = queue.claim

        async def claim_and_leave(most, domains):
            found = await claim(most, domains)
            if queue.now > NOW:
                return [one for one in found if one.id != 2]
            return found

        queue.claim = claim_and_leave
        second = await throttle.next_batch(9)
        return first, second

    first, second = asyncio.run(work())
    assert ([one.id for one in first], [one.id for one in second]) == ([1], [3])
