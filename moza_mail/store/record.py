"""What senders report of their deliveries, many reports in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model import mailing as decide
from moza_mail.model.mailing import DeliveryState, Outcome
from moza_mail.store import evidence
from moza_mail.store.bulk import Given, among, updating
from moza_mail.store.people import slices
from moza_mail.store.protocol import Misfits
from moza_mail.store.schema import deliveries, is_of, mailings

BECOMES = frozenset(
    {
        DeliveryState.ACCEPTED,
        DeliveryState.DEFERRED,
        DeliveryState.REFUSED,
        DeliveryState.UNCERTAIN,
        DeliveryState.PENDING,
    }
)
GIVEN_UP = "given up: 48 hours have passed since the mailing was made"

# What a report gives, by the column it is compared with or written to. The number of a sender whose lease was taken for
# dead no longer fits, so that what another has since is not touched.
INTENT = {"number": deliveries.c.id, "now": deliveries.c.changed_at}
OUTCOME = {
    "number": deliveries.c.id,
    "goal": deliveries.c.state,
    "counted": deliveries.c.attempts,
    "again": deliveries.c.next_attempt,
    "said": deliveries.c.reply,
    "why": deliveries.c.detail,
    "at": deliveries.c.phase,
    "queue": deliveries.c.queue_id,
    "now": deliveries.c.changed_at,
}


def _intend(given: Given) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(
            deliveries.c.id == given["number"],
            deliveries.c.state == DeliveryState.CLAIMED,
            is_of(sa.bindparam("me", type_=deliveries.c.sender.type)),
        )
        .values(state=DeliveryState.INTENT, changed_at=given["now"])
    )


def _settle(given: Given) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(
            deliveries.c.id == given["number"],
            (deliveries.c.state == DeliveryState.CLAIMED) | (deliveries.c.state == DeliveryState.INTENT),
            is_of(sa.bindparam("me", type_=deliveries.c.sender.type)),
        )
        .values(
            state=given["goal"],
            attempts=deliveries.c.attempts + given["counted"],
            next_attempt=given["again"],
            reply=given["said"],
            detail=given["why"],
            phase=given["at"],
            queue_id=given["queue"],
            changed_at=given["now"],
        )
    )


INTENTS = updating(INTENT, _intend)
OUTCOMES = updating(OUTCOME, _settle)


@dataclass(frozen=True, slots=True)
class Intents:
    """Bodies that are about to leave, as one caller reports them."""

    deliveries: Sequence[int]
    now: datetime


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of attempts, as one caller reports it."""

    outcomes: Sequence[tuple[int, Outcome]]
    now: datetime


Report = Intents | Outcomes


class OutOfStep(Exception):
    """At least one delivery does not stand where its report says; the transaction must be undone."""


def together(connection: sa.Connection, reports: Sequence[Report], sender: int | None) -> None:
    """Record all reports with two statements; raise OutOfStep when something in them cannot be."""
    intents: list[dict[str, Any]] = []
    outcomes: list[dict[str, Any]] = []
    settled: set[int] = set()
    for report in reports:
        if isinstance(report, Outcomes):
            settled.update(delivery for delivery, _ in report.outcomes)
            outcomes += _values(connection, report)
        elif settled.isdisjoint(report.deliveries):
            intents += [{"number": delivery, "now": report.now} for delivery in report.deliveries]
        else:
            # Intents are written first here, which would turn the order of these two around.
            raise OutOfStep
    if intents and INTENTS.run(connection, intents, me=sender) != len(intents):
        raise OutOfStep
    if outcomes and OUTCOMES.run(connection, outcomes, me=sender) != len(outcomes):
        raise OutOfStep
    for report in reports:
        if isinstance(report, Outcomes):
            evidence.weigh(connection, report.outcomes, report.now)


def one_by_one(connection: sa.Connection, reports: Sequence[Report], sender: int | None) -> list[Misfits]:
    """Record the reports in their order, and give for each what does not fit, which changes nothing."""
    return [_misfits(connection, report, sender) for report in reports]


def _misfits(connection: sa.Connection, report: Report, sender: int | None) -> Misfits:
    found: dict[int, StoreError] = {}
    if isinstance(report, Intents):
        for delivery in report.deliveries:
            if INTENTS.run(connection, [{"number": delivery, "now": report.now}], me=sender) != 1:
                found[delivery] = _why(connection, delivery, DeliveryState.INTENT, sender)
        return found
    for delivery, outcome in report.outcomes:
        values = _values(connection, Outcomes([(delivery, outcome)], report.now))
        if OUTCOMES.run(connection, values, me=sender) != 1:
            found[delivery] = _why(connection, delivery, outcome.state, sender)
        else:
            evidence.weigh(connection, [(delivery, outcome)], report.now)
    return found


def _why(connection: sa.Connection, delivery: int, goal: DeliveryState, sender: int | None) -> StoreError:
    """Why a delivery cannot come to stand at `goal`."""
    query = sa.select(deliveries.c.state, deliveries.c.sender).where(deliveries.c.id == delivery)
    found = connection.execute(query).first()
    if found is None:
        return StoreError(f"There is no delivery {delivery}.")
    whose = "" if found.sender == sender else ", of another sender,"
    return StoreError(f"Delivery {delivery} is {found.state}{whose} and cannot become {goal}.")


def _values(connection: sa.Connection, report: Outcomes) -> list[dict[str, Any]]:
    """The columns of each outcome."""
    deferred = [delivery for delivery, outcome in report.outcomes if outcome.state is DeliveryState.DEFERRED]
    tries = _tries(connection, deferred) if deferred else {}
    return [
        _columns(delivery, outcome, tries.get(delivery), report.now) for delivery, outcome in report.outcomes
    ]


def _tries(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, tuple[int, datetime]]:
    """How often each delivery was tried before, and when its mailing was made."""
    query = sa.select(deliveries.c.id, deliveries.c.attempts, mailings.c.created_at).join(
        mailings, mailings.c.id == deliveries.c.mailing
    )
    return {
        number: (attempts, created_at)
        for part in slices(numbers)
        for number, attempts, created_at in connection.execute(
            query.where(among(connection, deliveries.c.id, part))
        )
    }


def _columns(
    delivery: int, outcome: Outcome, tried: tuple[int, datetime] | None, now: datetime
) -> dict[str, Any]:
    state, detail, again = outcome.state, outcome.detail, None
    if state is DeliveryState.DEFERRED and tried:
        again = decide.next_attempt(attempts=tried[0] + 1, created_at=tried[1], now=now, delivery=delivery)
        if again is None:
            state, detail = DeliveryState.REFUSED, GIVEN_UP
    return {
        "number": delivery,
        "goal": state,
        "counted": int(state is not DeliveryState.PENDING),
        "again": again,
        "said": str(outcome.reply) if outcome.reply else detail,
        "why": detail,
        "at": outcome.phase,
        "queue": outcome.reply.queue_id if outcome.reply else "",
        "now": now,
    }
