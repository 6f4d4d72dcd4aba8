"""The rate limit for sign-ups from one network."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.model.rate import Rate
from moza_mail.web.public import rate_limit
from moza_mail.web.public.rate_limit import SignUpLimiter, find_networks

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
HOURLY = Rate.parse("30/h")
NONE = timedelta(0)


def admitted(visits, hosts, now=NOON):
    return Counter(visits.acquire(host, now) == NONE for host in hosts)[True]


def test_one_address_may_sign_up_in_a_burst_and_then_evenly():
    visits = SignUpLimiter(HOURLY)
    assert admitted(visits, ["192.0.2.1"] * 100) == 30
    assert visits.acquire("192.0.2.1", NOON) == timedelta(minutes=2)
    assert admitted(visits, ["192.0.2.1"] * 100, NOON + timedelta(minutes=10)) == 5
    assert admitted(visits, ["192.0.2.1"] * 100, NOON + timedelta(hours=3)) == 30


@pytest.mark.parametrize(
    ("hosts", "most"),
    [
        ([f"192.0.2.{number % 256}" for number in range(1000)], 150),
        ([f"2001:db8:7:{number % 9}::{number:x}" for number in range(1000)], 150),
        ([f"2001:db8:7:1::{number:x}" for number in range(1000)], 30),
        ([f"::ffff:192.0.2.{number % 2}" for number in range(1000)], 60),
        (["192.0.2.9", "::ffff:192.0.2.9"] * 500, 30),
        (["fe80::1%eth0", "fe80::2%eth1"] * 500, 30),
        (["what?", "", "unix:"] * 500, 30),
    ],
)
def test_adjacent_addresses_share_a_limit_in_every_notation(hosts, most):
    assert admitted(SignUpLimiter(HOURLY), hosts) == most


def test_a_refused_sign_up_is_not_counted():
    visits = SignUpLimiter(HOURLY)
    for minute in range(120):
        admitted(visits, ["192.0.2.1"] * 50, NOON + timedelta(minutes=minute))
    assert visits.acquire("192.0.2.1", NOON + timedelta(minutes=122)) == NONE


def test_the_oldest_networks_are_forgotten_above_the_limit(monkeypatch):
    monkeypatch.setattr(rate_limit, "MAX_NETWORKS", 10)
    visits = SignUpLimiter(HOURLY)
    admitted(visits, ["192.0.2.1"] * 30)
    assert admitted(visits, [f"10.0.{number}.1" for number in range(4)]) == 4
    assert admitted(visits, ["192.0.2.1"]) == 0
    admitted(visits, [f"10.0.{number}.1" for number in range(20)])
    assert admitted(visits, ["192.0.2.1"]) == 1


@given(st.lists(st.tuples(st.ip_addresses().map(str), st.integers(0, 7200)), max_size=200))
def test_no_network_gets_more_sign_ups_in_an_hour_than_its_limit(visits):
    counter, times = SignUpLimiter(Rate.parse("3/h")), {}
    for host, second in sorted(visits, key=lambda visit: visit[1]):
        if counter.acquire(host, NOON + timedelta(seconds=second)) == NONE:
            times.setdefault(find_networks(host)[0][0], []).append(second)
    for seconds in times.values():
        assert all(later - first >= 1200 for first, later in zip(seconds, seconds[3:], strict=False))
