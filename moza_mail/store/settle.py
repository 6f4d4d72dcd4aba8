"""Record the intents and outcomes that senders report, many in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model import retry
from moza_mail.model.bounce import BounceThresholds
from moza_mail.model.mailing import DeliveryState, RejectedUpdates
from moza_mail.model.outcome import Outcome
from moza_mail.model.reply import Phase
from moza_mail.model.verdict import Verdict
from moza_mail.store.auto_suppress import suppress_failing
from moza_mail.store.bulk import Given, Row, among, updating
from moza_mail.store.paging import split_into_pages
from moza_mail.store.schema import deliveries, is_of, shared

OUTCOME_STATES = frozenset(
    {
        DeliveryState.ACCEPTED,
        DeliveryState.DEFERRED,
        DeliveryState.REFUSED,
        DeliveryState.UNCERTAIN,
        DeliveryState.PENDING,
    }
)
GIVEN_UP = "given up: 48 hours have passed since the first attempt"

# The values that differ between the rows of a group, each with the column that it is compared with or written to. The other
# values are shared by all rows of a group.
INTENT_COLUMNS = {"number": deliveries.c.id}
OUTCOME_COLUMNS = {
    "number": deliveries.c.id,
    "retry_at": deliveries.c.next_attempt,
    "first_at": deliveries.c.first_attempt_at,
    "reply_text": deliveries.c.reply,
    "relay_id": deliveries.c.queue_id,
}

# If this sender was taken for dead, another sender may have claimed its rows. Their sender id then differs: they do not change.
IS_OWN = is_of(shared("this_sender", deliveries.c.sender_id))


def _intent_statement(given: Given) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(deliveries.c.id == given["number"], deliveries.c.state == DeliveryState.CLAIMED, IS_OWN)
        .values(state=DeliveryState.INTENT, changed_at=shared("now", deliveries.c.changed_at))
    )


def _outcome_statement(given: Given) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(
            deliveries.c.id == given["number"],
            (deliveries.c.state == DeliveryState.CLAIMED) | (deliveries.c.state == DeliveryState.INTENT),
            IS_OWN,
        )
        .values(
            state=shared("new_state", deliveries.c.state),
            attempts=deliveries.c.attempts + shared("counted", deliveries.c.attempts),
            next_attempt=given["retry_at"],
            first_attempt_at=given["first_at"],
            reply=given["reply_text"],
            detail=shared("new_detail", deliveries.c.detail),
            phase=shared("at_phase", deliveries.c.phase),
            verdict=shared("new_verdict", deliveries.c.verdict),
            queue_id=given["relay_id"],
            changed_at=shared("now", deliveries.c.changed_at),
        )
    )


UPDATE_INTENTS = updating(INTENT_COLUMNS, _intent_statement)
UPDATE_OUTCOMES = updating(OUTCOME_COLUMNS, _outcome_statement)


@dataclass(frozen=True, slots=True)
class Intents:
    """Deliveries whose envelope a sender is about to send."""

    delivery_ids: Sequence[int]
    now: datetime


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcomes of attempts, each with its delivery's id."""

    outcomes: Sequence[tuple[int, Outcome]]
    now: datetime


Update = Intents | Outcomes


class SharedColumns(NamedTuple):
    """The columns whose values many outcomes have in common.

    Outcomes with equal values in these columns form a group, which one statement updates.
    """

    new_state: DeliveryState
    counted: int
    new_detail: str
    at_phase: Phase
    new_verdict: Verdict | None
    now: datetime


class NotClaimed(Exception):
    """An update does not match the state of its delivery; the transaction must roll back."""


def record_together(
    connection: sa.Connection, updates: Sequence[Update], sender_id: int | None, thresholds: BounceThresholds
) -> None:
    """Record all updates with few statements; raise NotClaimed if one must be rejected."""
    intents, outcomes = _group_rows(connection, updates)
    for now, rows in intents.items():
        if UPDATE_INTENTS.run(connection, rows, now=now, this_sender=sender_id) != len(rows):
            raise NotClaimed
    for columns, rows in outcomes.items():
        if UPDATE_OUTCOMES.run(connection, rows, **columns._asdict(), this_sender=sender_id) != len(rows):
            raise NotClaimed
    for update in updates:
        if isinstance(update, Outcomes):
            suppress_failing(connection, update.outcomes, update.now, thresholds)


def _group_rows(
    connection: sa.Connection, updates: Sequence[Update]
) -> tuple[dict[datetime, list[Row]], dict[SharedColumns, list[Row]]]:
    """Group intents and outcomes by the columns they share.

    Raise NotClaimed if an outcome of a delivery comes before its intent, because the order would be lost.
    """
    intents: dict[datetime, list[Row]] = {}
    outcomes: dict[SharedColumns, list[Row]] = {}
    settled: set[int] = set()
    for update in updates:
        if isinstance(update, Outcomes):
            settled.update(delivery_id for delivery_id, _ in update.outcomes)
            for columns, row in _outcome_rows(connection, update):
                outcomes.setdefault(columns, []).append(row)
        elif settled.isdisjoint(update.delivery_ids):
            intents.setdefault(update.now, []).extend((delivery_id,) for delivery_id in update.delivery_ids)
        else:
            # Intents are written first, which would reverse the order of these two updates.
            raise NotClaimed
    return intents, outcomes


def record_each(
    connection: sa.Connection, updates: Sequence[Update], sender_id: int | None, thresholds: BounceThresholds
) -> list[RejectedUpdates]:
    """Record the updates one by one, in order.

    Return one mapping for each update: the deliveries that it could not change, each with the error.
    """
    return [_record(connection, update, sender_id, thresholds) for update in updates]


def _record(
    connection: sa.Connection, update: Update, sender_id: int | None, thresholds: BounceThresholds
) -> RejectedUpdates:
    rejected: dict[int, StoreError] = {}
    if isinstance(update, Intents):
        for delivery_id in update.delivery_ids:
            if UPDATE_INTENTS.run(connection, [(delivery_id,)], now=update.now, this_sender=sender_id) != 1:
                rejected[delivery_id] = _explain(connection, delivery_id, DeliveryState.INTENT, sender_id)
        return rejected
    for delivery_id, outcome in update.outcomes:
        ((columns, row),) = _outcome_rows(connection, Outcomes([(delivery_id, outcome)], update.now))
        if UPDATE_OUTCOMES.run(connection, [row], **columns._asdict(), this_sender=sender_id) != 1:
            rejected[delivery_id] = _explain(connection, delivery_id, outcome.state, sender_id)
        else:
            suppress_failing(connection, [(delivery_id, outcome)], update.now, thresholds)
    return rejected


def _explain(
    connection: sa.Connection, delivery_id: int, state: DeliveryState, sender_id: int | None
) -> StoreError:
    """Return the error for a delivery that cannot change to a state."""
    query = sa.select(deliveries.c.state, deliveries.c.sender_id).where(deliveries.c.id == delivery_id)
    found = connection.execute(query).first()
    if found is None:
        return StoreError(f"there is no delivery {delivery_id}")
    whose = "" if found.sender_id == sender_id else ", of another sender,"
    return StoreError(f"delivery {delivery_id} is {found.state}{whose} and cannot become {state}")


def _outcome_rows(connection: sa.Connection, update: Outcomes) -> Iterator[tuple[SharedColumns, Row]]:
    """Yield two parts of each outcome: the columns shared with its group, and its own row."""
    deferred = [number for number, outcome in update.outcomes if outcome.state is DeliveryState.DEFERRED]
    attempts = _earlier_attempts(connection, deferred) if deferred else {}
    for delivery_id, outcome in update.outcomes:
        yield _outcome_row(delivery_id, outcome, attempts.get(delivery_id), update.now)


def _earlier_attempts(
    connection: sa.Connection, delivery_ids: Sequence[int]
) -> dict[int, tuple[int, datetime | None]]:
    """Return each delivery's number of attempts, and the time it was first deferred."""
    query = sa.select(deliveries.c.id, deliveries.c.attempts, deliveries.c.first_attempt_at)
    return {
        number: (attempts, first_at)
        for part in split_into_pages(delivery_ids)
        for number, attempts, first_at in connection.execute(
            query.where(among(connection, deliveries.c.id, part))
        )
    }


def _outcome_row(
    delivery_id: int, outcome: Outcome, earlier: tuple[int, datetime | None] | None, now: datetime
) -> tuple[SharedColumns, Row]:
    state, detail, reply = outcome.state, outcome.detail, outcome.reply
    retry_at = first_at = None
    if state is DeliveryState.DEFERRED and earlier:
        attempts, first_at = earlier
        first_at = first_at or now
        retry_at = retry.compute_next_attempt(
            attempts=attempts + 1, first_attempt_at=first_at, now=now, delivery_id=delivery_id
        )
        if retry_at is None:
            state, detail = DeliveryState.REFUSED, GIVEN_UP
    columns = SharedColumns(
        state, int(state is not DeliveryState.PENDING), detail, outcome.phase, outcome.verdict, now
    )
    text = str(reply) if reply else detail
    return columns, (delivery_id, retry_at, first_at, text, reply.queue_id if reply else "")
