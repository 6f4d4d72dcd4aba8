"""What senders report of their deliveries, many reports in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model import mailing as decide
from moza_mail.model.mailing import DeliveryState, Outcome, Phase
from moza_mail.model.threshold import Thresholds
from moza_mail.store import auto_suppress
from moza_mail.store.bulk import Given, Row, among, updating
from moza_mail.store.protocol import Misfits
from moza_mail.store.schema import deliveries, is_of, mailings, shared
from moza_mail.store.subscribers import slices

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

# What a report gives of each delivery, by the column it is compared with or written to; the rest all rows of a group share.
INTENT = {"number": deliveries.c.id}
OUTCOME = {
    "number": deliveries.c.id,
    "again": deliveries.c.next_attempt,
    "said": deliveries.c.reply,
    "queue": deliveries.c.queue_id,
}


# The number of a sender whose lease was taken for dead no longer fits, so that what another has since is not touched.
MINE = is_of(shared("me", deliveries.c.sender))


def _intend(given: Given) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(deliveries.c.id == given["number"], deliveries.c.state == DeliveryState.CLAIMED, MINE)
        .values(state=DeliveryState.INTENT, changed_at=shared("now", deliveries.c.changed_at))
    )


def _settle(given: Given) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(
            deliveries.c.id == given["number"],
            (deliveries.c.state == DeliveryState.CLAIMED) | (deliveries.c.state == DeliveryState.INTENT),
            MINE,
        )
        .values(
            state=shared("goal", deliveries.c.state),
            attempts=deliveries.c.attempts + shared("counted", deliveries.c.attempts),
            next_attempt=given["again"],
            reply=given["said"],
            detail=shared("why", deliveries.c.detail),
            phase=shared("at", deliveries.c.phase),
            queue_id=given["queue"],
            changed_at=shared("now", deliveries.c.changed_at),
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


class Shared(NamedTuple):
    """The columns of an outcome that most of a group have in common."""

    goal: DeliveryState
    counted: int
    why: str
    at: Phase
    now: datetime


class OutOfStep(Exception):
    """At least one delivery does not stand where its report says; the transaction must be undone."""


def together(
    connection: sa.Connection, reports: Sequence[Report], sender: int | None, thresholds: Thresholds
) -> None:
    """Record all reports with few statements; raise OutOfStep when something in them cannot be."""
    intents, outcomes = _gathered(connection, reports)
    for now, rows in intents.items():
        if INTENTS.run(connection, rows, now=now, me=sender) != len(rows):
            raise OutOfStep
    for common, rows in outcomes.items():
        if OUTCOMES.run(connection, rows, **common._asdict(), me=sender) != len(rows):
            raise OutOfStep
    for report in reports:
        if isinstance(report, Outcomes):
            auto_suppress.weigh(connection, report.outcomes, report.now, thresholds)


def _gathered(
    connection: sa.Connection, reports: Sequence[Report]
) -> tuple[dict[datetime, list[Row]], dict[Shared, list[Row]]]:
    """The rows of the intents and of the outcomes, by what they share; raise OutOfStep when their order counts."""
    intents: dict[datetime, list[Row]] = {}
    outcomes: dict[Shared, list[Row]] = {}
    settled: set[int] = set()
    for report in reports:
        if isinstance(report, Outcomes):
            settled.update(delivery for delivery, _ in report.outcomes)
            for common, row in _rows(connection, report):
                outcomes.setdefault(common, []).append(row)
        elif settled.isdisjoint(report.deliveries):
            intents.setdefault(report.now, []).extend((delivery,) for delivery in report.deliveries)
        else:
            # Intents are written first, which would turn the order of these two around.
            raise OutOfStep
    return intents, outcomes


def one_by_one(
    connection: sa.Connection, reports: Sequence[Report], sender: int | None, thresholds: Thresholds
) -> list[Misfits]:
    """Record the reports in their order, and give for each what does not fit, which changes nothing."""
    return [_misfits(connection, report, sender, thresholds) for report in reports]


def _misfits(
    connection: sa.Connection, report: Report, sender: int | None, thresholds: Thresholds
) -> Misfits:
    found: dict[int, StoreError] = {}
    if isinstance(report, Intents):
        for delivery in report.deliveries:
            if INTENTS.run(connection, [(delivery,)], now=report.now, me=sender) != 1:
                found[delivery] = _why(connection, delivery, DeliveryState.INTENT, sender)
        return found
    for delivery, outcome in report.outcomes:
        ((common, row),) = _rows(connection, Outcomes([(delivery, outcome)], report.now))
        if OUTCOMES.run(connection, [row], **common._asdict(), me=sender) != 1:
            found[delivery] = _why(connection, delivery, outcome.state, sender)
        else:
            auto_suppress.weigh(connection, [(delivery, outcome)], report.now, thresholds)
    return found


def _why(connection: sa.Connection, delivery: int, goal: DeliveryState, sender: int | None) -> StoreError:
    """Why a delivery cannot come to stand at `goal`."""
    query = sa.select(deliveries.c.state, deliveries.c.sender).where(deliveries.c.id == delivery)
    found = connection.execute(query).first()
    if found is None:
        return StoreError(f"There is no delivery {delivery}.")
    whose = "" if found.sender == sender else ", of another sender,"
    return StoreError(f"Delivery {delivery} is {found.state}{whose} and cannot become {goal}.")


def _rows(connection: sa.Connection, report: Outcomes) -> Iterator[tuple[Shared, Row]]:
    """Each outcome as columns: those that many have in common, and its own."""
    deferred = [delivery for delivery, outcome in report.outcomes if outcome.state is DeliveryState.DEFERRED]
    tries = _tries(connection, deferred) if deferred else {}
    for delivery, outcome in report.outcomes:
        yield _columns(delivery, outcome, tries.get(delivery), report.now)


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
) -> tuple[Shared, Row]:
    state, detail, reply, again = outcome.state, outcome.detail, outcome.reply, None
    if state is DeliveryState.DEFERRED and tried:
        again = decide.next_attempt(attempts=tried[0] + 1, created_at=tried[1], now=now, delivery=delivery)
        if again is None:
            state, detail = DeliveryState.REFUSED, GIVEN_UP
    common = Shared(state, int(state is not DeliveryState.PENDING), detail, outcome.phase, now)
    return common, (delivery, again, str(reply) if reply else detail, reply.queue_id if reply else "")
