"""Diagnoses of a relay, a store, the secret files and the clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from moza_mail.app import judge_health as doctor
from moza_mail.model.health import FilePermissions, HealthState, RelayStatus, StoreStatus

NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)
ALL = {"pipelining": "", "size": "1000000", "dsn": "", "smtputf8": ""}
PATH = Path("subscribers/moza-mail.db")


def worst(found):
    order = [HealthState.BAD, HealthState.UNKNOWN, HealthState.DOUBTFUL, HealthState.GOOD]
    those = sorted(found, key=lambda one: order.index(one.state))
    assert all(one.hint or one.state in {HealthState.GOOD, HealthState.UNKNOWN} for one in those)
    return those[0].state, " | ".join(one.message for one in those)


@pytest.mark.parametrize(
    ("seen", "wants", "state", "says"),
    [
        ({}, {}, HealthState.GOOD, "accepts our login"),
        ({"certificate_ends": NOW + timedelta(days=90)}, {}, HealthState.GOOD, "in 90 days"),
        ({"certificate_ends": NOW + timedelta(days=9, hours=5)}, {}, HealthState.DOUBTFUL, "in 9 days"),
        ({"certificate_ends": NOW + timedelta(hours=5)}, {}, HealthState.DOUBTFUL, "in less than a day"),
        ({"extensions": {"size": ""}}, {}, HealthState.DOUBTFUL, "does not offer PIPELINING"),
        (
            {},
            {"size": 1_000_001},
            HealthState.BAD,
            "at most 1000000 bytes, but a message of the newest issue has 1000001",
        ),
        ({}, {"size": 1_000_000}, HealthState.GOOD, "offers DSN"),
        ({"extensions": {**ALL, "size": "0"}}, {"size": 5}, HealthState.GOOD, "offers"),
        ({"extensions": {"pipelining": ""}}, {"reports": True}, HealthState.DOUBTFUL, "does not offer DSN"),
        ({"extensions": {"pipelining": ""}}, {"smtputf8": True}, HealthState.BAD, "`smtputf8` is set"),
    ],
)
def test_a_relay_is_judged_by_its_certificate_and_extensions(seen, wants, state, says):
    shown = RelayStatus(**{"relay": "smtps://u@relay.test:465", "logged_in": True, "extensions": ALL, **seen})

    found, said = worst(doctor.judge_relay(shown, doctor.RelayRequirements(**wants), now=NOW))

    assert (found, says in said) == (state, True), said


@pytest.mark.parametrize(
    ("seen", "free", "state", "says"),
    [
        ({"exists": False}, 5_000_000_000, HealthState.GOOD, "does not exist yet"),
        ({"schema": "0009"}, 5_000_000_000, HealthState.GOOD, "is intact and has the current version"),
        ({"schema": "0009"}, None, HealthState.GOOD, "is intact"),
        ({"schema": "0007"}, 5_000_000_000, HealthState.GOOD, "upgrades it to 0009"),
        ({"schema": "0010"}, 5_000_000_000, HealthState.BAD, "written by a newer moza-mail"),
        (
            {"schema": "0009", "damage": "row 3 missing"},
            5_000_000_000,
            HealthState.BAD,
            "is damaged: row 3 missing",
        ),
        ({"schema": "0009"}, 500_000_000, HealthState.DOUBTFUL, "0.5 GB of free space"),
        ({"schema": "0009"}, 5_000_000, HealthState.BAD, "0.0 GB of free space"),
    ],
)
def test_a_store_is_judged_by_its_version_damage_and_free_space(seen, free, state, says):
    found, said = worst(
        doctor.judge_store(
            StoreStatus(**{"path": PATH, "known_schema": "0009", "exists": True, **seen}), free=free
        )
    )

    assert (found, says in said) == (state, True), said


@pytest.mark.parametrize(
    ("mode", "ours", "state", "says"),
    [
        (0o100600, True, HealthState.GOOD, "only their owner can read: the secret"),
        (0o100640, True, HealthState.BAD, "(mode 0640)"),
        (0o100604, True, HealthState.BAD, "(mode 0604)"),
        (0o100600, False, HealthState.DOUBTFUL, "belongs to another user"),
    ],
)
def test_a_secret_is_judged_by_its_permissions_and_owner(mode, ours, state, says):
    seen = FilePermissions(name="the secret", path=Path("subscribers/secret"), mode=mode, is_owned=ours)

    found, said = worst(doctor.judge_files([seen]))

    assert (found, says in said) == (state, True), said


@pytest.mark.parametrize(
    ("newest", "synchronised", "state", "says"),
    [
        (None, True, HealthState.GOOD, "synchronised over the network"),
        (NOW + timedelta(minutes=4), True, HealthState.GOOD, "synchronised over"),
        (NOW + timedelta(minutes=6), True, HealthState.BAD, "has an entry of 2026-01-14 08:06 UTC"),
        (NOW, False, HealthState.DOUBTFUL, "is not synchronised"),
        (NOW, None, HealthState.UNKNOWN, "it is unknown whether"),
    ],
)
def test_a_clock_is_judged_by_the_store_and_its_synchronisation(newest, synchronised, state, says):
    found, said = worst(doctor.judge_clock(NOW, newest, synchronised=synchronised))

    assert (found, says in said) == (state, True), said
