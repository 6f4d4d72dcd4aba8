"""What senders report of their deliveries, many reports in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model import mailing as decide
from moza_mail.model.mailing import DeliveryState, Outcome
from moza_mail.store.people import slices
from moza_mail.store.schema import deliveries, mailings

OUTCOMES = frozenset(
    {
        DeliveryState.ACCEPTED,
        DeliveryState.DEFERRED,
        DeliveryState.REFUSED,
        DeliveryState.UNCERTAIN,
        DeliveryState.PENDING,
    }
)
GIVEN_UP = "given up: 48 hours have passed since the mailing was made"

INTEND = (
    sa.update(deliveries)
    .where(deliveries.c.id == sa.bindparam("number"), deliveries.c.state == DeliveryState.CLAIMED)
    .values(state=DeliveryState.INTENT, changed_at=sa.bindparam("now"))
)
SETTLE = (
    sa.update(deliveries)
    .where(
        deliveries.c.id == sa.bindparam("number"),
        (deliveries.c.state == DeliveryState.CLAIMED) | (deliveries.c.state == DeliveryState.INTENT),
    )
    .values(
        state=sa.bindparam("to"),
        attempts=deliveries.c.attempts + sa.bindparam("counted"),
        next_attempt=sa.bindparam("again"),
        reply=sa.bindparam("said"),
        detail=sa.bindparam("why"),
        phase=sa.bindparam("when"),
        queue_id=sa.bindparam("queue"),
        changed_at=sa.bindparam("now"),
    )
)


@dataclass(frozen=True, slots=True)
class Step:
    """One report: a delivery's intent, or its outcome."""

    delivery: int
    outcome: Outcome | None
    now: datetime


class OutOfStep(Exception):
    """At least one report does not fit its delivery's state; the transaction must be undone."""


def together(connection: sa.Connection, steps: Sequence[Step]) -> None:
    """Record all reports with two statements; raise OutOfStep when one of them cannot be."""
    settled: set[int] = set()
    intents, outcomes = [], []
    for step in steps:
        if step.outcome is not None:
            settled.add(step.delivery)
            outcomes.append(step)
        elif step.delivery in settled:
            # Intents are written first here, which would turn the order of these two around.
            raise OutOfStep
        else:
            intents.append({"number": step.delivery, "now": step.now})
    if intents and connection.execute(INTEND, intents).rowcount != len(intents):
        raise OutOfStep
    if outcomes:
        values = _values(connection, outcomes)
        if connection.execute(SETTLE, values).rowcount != len(values):
            raise OutOfStep


def one_by_one(connection: sa.Connection, steps: Sequence[Step]) -> list[StoreError | None]:
    """Record the reports in their order; give for each the error when it does not fit, which changes nothing."""
    return [_alone(connection, step) for step in steps]


def _alone(connection: sa.Connection, step: Step) -> StoreError | None:
    if step.outcome is None:
        done = connection.execute(INTEND, [{"number": step.delivery, "now": step.now}])
    else:
        done = connection.execute(SETTLE, _values(connection, [step]))
    if done.rowcount == 1:
        return None
    state = connection.execute(sa.select(deliveries.c.state).where(deliveries.c.id == step.delivery)).scalar()
    if state is None:
        return StoreError(f"There is no delivery {step.delivery}.")
    goal = DeliveryState.INTENT if step.outcome is None else step.outcome.state
    return StoreError(f"Delivery {step.delivery} is {state} and cannot become {goal}.")


def _values(connection: sa.Connection, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The columns of each outcome."""
    deferred = [
        step.delivery for step in steps if step.outcome and step.outcome.state is DeliveryState.DEFERRED
    ]
    tries = _tries(connection, deferred) if deferred else {}
    return [
        _columns(step, step.outcome, tries.get(step.delivery)) for step in steps if step.outcome is not None
    ]


def _tries(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, tuple[int, datetime]]:
    """How often each delivery was tried before, and when its mailing was made."""
    query = sa.select(deliveries.c.id, deliveries.c.attempts, mailings.c.created_at).join(
        mailings, mailings.c.id == deliveries.c.mailing
    )
    return {
        number: (attempts, created_at)
        for part in slices(numbers)
        for number, attempts, created_at in connection.execute(query.where(deliveries.c.id.in_(part)))
    }


def _columns(step: Step, outcome: Outcome, tried: tuple[int, datetime] | None) -> dict[str, Any]:
    state, detail, again = outcome.state, outcome.detail, None
    if state is DeliveryState.DEFERRED and tried:
        again = decide.next_attempt(attempts=tried[0] + 1, created_at=tried[1], now=step.now)
        if again is None:
            state, detail = DeliveryState.REFUSED, GIVEN_UP
    return {
        "number": step.delivery,
        "to": state,
        "counted": int(state is not DeliveryState.PENDING),
        "again": again,
        "said": str(outcome.reply) if outcome.reply else detail,
        "why": detail,
        "when": outcome.phase,
        "queue": outcome.reply.queue_id if outcome.reply else "",
        "now": step.now,
    }
