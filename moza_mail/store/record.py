"""What senders report of their deliveries, many reports in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model import mailing as decide
from moza_mail.model.mailing import DeliveryState, Outcome
from moza_mail.store.bulk import Given, among, updating
from moza_mail.store.people import slices
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
class Step:
    """One report: a delivery's intent, or its outcome."""

    delivery: int
    outcome: Outcome | None
    now: datetime


class OutOfStep(Exception):
    """At least one report does not fit its delivery's state; the transaction must be undone."""


def together(connection: sa.Connection, steps: Sequence[Step], sender: int | None) -> None:
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
    if intents and INTENTS.run(connection, intents, me=sender) != len(intents):
        raise OutOfStep
    if outcomes and OUTCOMES.run(connection, _values(connection, outcomes), me=sender) != len(outcomes):
        raise OutOfStep


def one_by_one(
    connection: sa.Connection, steps: Sequence[Step], sender: int | None
) -> list[StoreError | None]:
    """Record the reports in their order; give for each the error when it does not fit, which changes nothing."""
    return [_alone(connection, step, sender) for step in steps]


def _alone(connection: sa.Connection, step: Step, sender: int | None) -> StoreError | None:
    if step.outcome is None:
        done = INTENTS.run(connection, [{"number": step.delivery, "now": step.now}], me=sender)
    else:
        done = OUTCOMES.run(connection, _values(connection, [step]), me=sender)
    if done == 1:
        return None
    query = sa.select(deliveries.c.state, deliveries.c.sender).where(deliveries.c.id == step.delivery)
    found = connection.execute(query).first()
    if found is None:
        return StoreError(f"There is no delivery {step.delivery}.")
    goal = DeliveryState.INTENT if step.outcome is None else step.outcome.state
    whose = "" if found.sender == sender else ", of another sender,"
    return StoreError(f"Delivery {step.delivery} is {found.state}{whose} and cannot become {goal}.")


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
        for number, attempts, created_at in connection.execute(
            query.where(among(connection, deliveries.c.id, part))
        )
    }


def _columns(step: Step, outcome: Outcome, tried: tuple[int, datetime] | None) -> dict[str, Any]:
    state, detail, again = outcome.state, outcome.detail, None
    if state is DeliveryState.DEFERRED and tried:
        again = decide.next_attempt(attempts=tried[0] + 1, created_at=tried[1], now=step.now)
        if again is None:
            state, detail = DeliveryState.REFUSED, GIVEN_UP
    return {
        "number": step.delivery,
        "goal": state,
        "counted": int(state is not DeliveryState.PENDING),
        "again": again,
        "said": str(outcome.reply) if outcome.reply else detail,
        "why": detail,
        "at": outcome.phase,
        "queue": outcome.reply.queue_id if outcome.reply else "",
        "now": step.now,
    }
