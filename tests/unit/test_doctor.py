"""Diagnoses of a relay, a store, the secret files and the clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from moza_mail.app import judge_health as doctor
from moza_mail.model.health import FileSeen, RelaySeen, State, StoreStatus

NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)
ALL = {"pipelining": "", "size": "1000000", "dsn": "", "smtputf8": ""}
PATH = Path("subscribers/moza-mail.db")


def worst(found):
    order = [State.BAD, State.UNKNOWN, State.DOUBTFUL, State.GOOD]
    those = sorted(found, key=lambda one: order.index(one.state))
    assert all(one.remedy or one.state in {State.GOOD, State.UNKNOWN} for one in those)
    return those[0].state, " | ".join(one.says for one in those)


@pytest.mark.parametrize(
    ("seen", "wants", "state", "says"),
    [
        ({}, {}, State.GOOD, "accepts our login"),
        ({"ends": NOW + timedelta(days=90)}, {}, State.GOOD, "in 90 days"),
        ({"ends": NOW + timedelta(days=9, hours=5)}, {}, State.DOUBTFUL, "in 9 days"),
        ({"ends": NOW + timedelta(hours=5)}, {}, State.DOUBTFUL, "in less than a day"),
        ({"extensions": {"size": ""}}, {}, State.DOUBTFUL, "does not offer PIPELINING"),
        (
            {},
            {"size": 1_000_001},
            State.BAD,
            "at most 1000000 bytes, but the newest issue makes one of 1000001",
        ),
        ({}, {"size": 1_000_000}, State.GOOD, "offers DSN"),
        ({"extensions": {**ALL, "size": "0"}}, {"size": 5}, State.GOOD, "offers"),
        ({"extensions": {"pipelining": ""}}, {"reports": True}, State.DOUBTFUL, "does not offer DSN"),
        ({"extensions": {"pipelining": ""}}, {"smtputf8": True}, State.BAD, "`smtputf8` is set"),
    ],
)
def test_a_relay(seen, wants, state, says):
    shown = RelaySeen(**{"relay": "smtps://u@relay.test:465", "logged_in": True, "extensions": ALL, **seen})

    found, said = worst(doctor.judge_relay(shown, doctor.RelayRequirements(**wants), now=NOW))

    assert (found, says in said) == (state, True), said


@pytest.mark.parametrize(
    ("seen", "free", "state", "says"),
    [
        ({"there": False}, 5_000_000_000, State.GOOD, "does not exist yet"),
        ({"schema": "0009"}, 5_000_000_000, State.GOOD, "is intact and has the current version"),
        ({"schema": "0009"}, None, State.GOOD, "is intact"),
        ({"schema": "0007"}, 5_000_000_000, State.GOOD, "upgrades it to 0009"),
        ({"schema": "0010"}, 5_000_000_000, State.BAD, "written by a newer moza-mail"),
        (
            {"schema": "0009", "damage": "row 3 missing"},
            5_000_000_000,
            State.BAD,
            "is damaged: row 3 missing",
        ),
        ({"schema": "0009"}, 500_000_000, State.DOUBTFUL, "0.5 GB of free space"),
        ({"schema": "0009"}, 5_000_000, State.BAD, "0.0 GB of free space"),
    ],
)
def test_a_store(seen, free, state, says):
    found, said = worst(
        doctor.judge_store(StoreStatus(**{"path": PATH, "head": "0009", "there": True, **seen}), free=free)
    )

    assert (found, says in said) == (state, True), said


@pytest.mark.parametrize(
    ("mode", "ours", "state", "says"),
    [
        (0o100600, True, State.GOOD, "only their owner can read: the secret"),
        (0o100640, True, State.BAD, "(mode 0640)"),
        (0o100604, True, State.BAD, "(mode 0604)"),
        (0o100600, False, State.DOUBTFUL, "belongs to another user"),
    ],
)
def test_a_secret(mode, ours, state, says):
    seen = FileSeen(named="the secret", path=Path("subscribers/secret"), mode=mode, ours=ours)

    found, said = worst(doctor.judge_files([seen]))

    assert (found, says in said) == (state, True), said


@pytest.mark.parametrize(
    ("newest", "synchronised", "state", "says"),
    [
        (None, True, State.GOOD, "synchronised over the network"),
        (NOW + timedelta(minutes=4), True, State.GOOD, "synchronised over"),
        (NOW + timedelta(minutes=6), True, State.BAD, "has an entry of 2026-01-14 08:06 UTC"),
        (NOW, False, State.DOUBTFUL, "is not synchronised"),
        (NOW, None, State.UNKNOWN, "it is unknown whether"),
    ],
)
def test_a_clock(newest, synchronised, state, says):
    found, said = worst(doctor.judge_clock(NOW, newest, synchronised=synchronised))

    assert (found, says in said) == (state, True), said
