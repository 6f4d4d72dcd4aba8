"""Rate limits: parsing a rate, and a token bucket that is never exceeded."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.model.rate import Rate, SendRates, TokenBucket

NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "count", "seconds", "burst"),
    [("50/s", 50, 1, 5), ("600/m", 600, 60, 1), (" 10000 / h ", 10_000, 3600, 1), ("2000/s", 2000, 1, 200)],
)
def test_a_rate_is_parsed_and_spread_evenly(text, count, seconds, burst):
    rate = Rate.parse(text)
    assert (rate.count, rate.seconds, rate.burst) == (count, seconds, burst)
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize("text", ["", "50", "0/s", "-1/s", "50/d", "1.5/s", "50/s 10/h", "99999999/s"])
def test_an_invalid_rate_is_refused(text):
    with pytest.raises(ValueError, match="50/s"):
        Rate.parse(text)


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        ({"outlook": "5/s"}, "`outlook` is not a domain"),
        ({"a.example, b.example": "5/s", "b.example": "1/s"}, "`b.example` is in it twice"),
        ({" ": "5/s"}, "is not a domain"),
        ({"a.example": "veel"}, "must be a rate"),
    ],
)
def test_an_invalid_domain_group_is_named(groups, says):
    with pytest.raises(ValueError, match=says):
        SendRates.parse("", groups)


def test_the_domains_of_a_group_share_a_rate_and_other_domains_have_none():
    rates = SendRates.parse("50/s", {"Outlook.com hotmail.com": "5/s", "b.example": "1/m"})
    assert [group.name for group in rates.groups] == ["hotmail.com outlook.com", "b.example"]
    assert rates.other_domains.names == {"outlook.com", "hotmail.com", "b.example"}
    assert rates.other_domains.inverted
    assert not SendRates.parse("", {})
    assert str(rates) == "50/s, 5/s for hotmail.com outlook.com, 1/m for b.example"


@pytest.mark.parametrize(
    ("messages", "in_groups", "seconds"),
    [(1000, {}, 20), (1000, {"slow.example": 200}, 40), (0, {}, 0), (1000, {"slow.example": 50}, 20)],
)
def test_a_mailing_takes_as_long_as_its_slowest_group(messages, in_groups, seconds):
    rates = SendRates.parse("50/s", {"slow.example": "5/s"})
    assert rates.duration_of(messages, in_groups) == timedelta(seconds=seconds)


def test_ten_thousand_messages_at_ten_thousand_an_hour_take_exactly_an_hour():
    bucket, now = TokenBucket(rate=Rate.parse("10000/h"), full_at=NOW), NOW
    for _ in range(10_000):
        bucket, wait = bucket.reserve(now, 1)
        now += wait
    assert timedelta(seconds=3599) < now - NOW <= timedelta(seconds=3600)


TAKES = st.lists(st.tuples(st.floats(0, 2), st.integers(1, 3)), min_size=1, max_size=60)


@given(text=st.sampled_from(["50/s", "7/s", "1/s", "90/m", "20000/h", "3000/s"]), takes=TAKES)
def test_no_period_has_more_messages_than_the_rate_and_one_burst(text, takes):
    rate, now = Rate.parse(text), NOW
    bucket, left = TokenBucket(rate=rate, full_at=NOW), []
    for idle, count in takes:
        now += timedelta(seconds=idle / 10)
        bucket, wait = bucket.reserve(now, count := min(count, rate.burst))
        now += wait
        left.append((now, count))
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(left))
    for first, (began, _) in enumerate(left):
        for last, (ended, _) in enumerate(left[first:], first):
            within = sum(count for _, count in left[first : last + 1])
            allowed = (ended - began).total_seconds() * rate.count / rate.seconds + rate.burst
            assert within <= allowed + 0.01


def test_two_senders_share_one_token_bucket():
    bucket, gone = TokenBucket(rate=Rate.parse("10/s"), full_at=NOW), []
    clocks = [NOW, NOW]
    for turn in range(100):
        bucket, wait = bucket.reserve(clocks[turn % 2], 1)
        clocks[turn % 2] += wait
        gone.append(clocks[turn % 2])
    assert timedelta(seconds=9.8) < max(gone) - NOW <= timedelta(seconds=10)


def test_a_clock_that_was_set_back_does_not_stop_sending_for_days():
    bucket = TokenBucket(rate=Rate.parse("10/s"), full_at=NOW + timedelta(days=3))
    _, wait = bucket.reserve(NOW, 1)
    assert wait <= timedelta(seconds=1)
