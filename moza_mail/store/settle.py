"""Record the intents and outcomes that senders report, many in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import DeliverySkipped, StoreError
from moza_mail.model import retry
from moza_mail.model.bounce import BounceThresholds
from moza_mail.model.mailing import DeliveryState, RejectedUpdates
from moza_mail.model.outcome import Outcome
from moza_mail.store.auto_suppress import suppress_failing
from moza_mail.store.bulk import Bulk, Given, Row, among, updating
from moza_mail.store.claim import OwnClaims
from moza_mail.store.paging import split_into_pages
from moza_mail.store.schema import deliveries, is_in, is_of, literal_state, shared

OUTCOME_STATES = frozenset(DeliveryState) - {
    DeliveryState.CLAIMED,
    DeliveryState.INTENT,
    DeliveryState.SKIPPED,
}
GIVEN_UP = "given up: 48 hours have passed since the first attempt"
OUTCOME_COLUMNS = (
    "state",
    "next_attempt",
    "first_attempt_at",
    "reply",
    "detail",
    "phase",
    "verdict",
    "queue_id",
)

# If another sender took this one for dead, it may have claimed the same rows. Such rows have the other sender's id, and do not change.
IS_OWN = is_of(shared("this_sender", deliveries.c.sender_id))
IS_CLAIMED_ROW = is_in(DeliveryState.CLAIMED) & IS_OWN
# A sender with its claims in memory checks these claims before it runs the statement.
IS_FREE_ROW = is_in(DeliveryState.PENDING) | is_in(DeliveryState.DEFERRED)


CHANGED = {
    "changed_at": shared("now", deliveries.c.changed_at),
    "sender_id": shared("this_sender", deliveries.c.sender_id),
}


def _make_intent_statement(is_claimed: sa.ColumnElement[bool]) -> Bulk:
    def update(given: Given) -> sa.Update:
        claimed = sa.update(deliveries).where(deliveries.c.id == given["number"], is_claimed)
        return claimed.values(state=literal_state(DeliveryState.INTENT), next_attempt=None, **CHANGED)

    return updating({"number": deliveries.c.id}, update)


def _outcome_statement(given: Given) -> sa.Update:
    is_held = IS_CLAIMED_ROW | (is_in(DeliveryState.INTENT) & IS_OWN)
    values = {name: given[f"new_{name}"] for name in OUTCOME_COLUMNS}
    update = sa.update(deliveries).where(deliveries.c.id == given["number"], is_held)
    return update.values(attempts=deliveries.c.attempts + given["counted"], **values, **CHANGED)


CURRENT: sa.Select[Any] = sa.select(deliveries.c.state, deliveries.c.sender_id).where(
    deliveries.c.id == sa.bindparam("number", type_=sa.Integer)
)
UPDATE_CLAIMED_ROWS = _make_intent_statement(IS_CLAIMED_ROW)
UPDATE_FREE_ROWS = _make_intent_statement(IS_FREE_ROW)
UPDATE_OUTCOMES = updating(
    {
        "number": deliveries.c.id,
        "counted": deliveries.c.attempts,
        **{f"new_{name}": deliveries.c[name] for name in OUTCOME_COLUMNS},
    },
    _outcome_statement,
)


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


TAKEN_OVER = (
    "This process stood still, or was without the database, for so long that another sender took it for dead. Nobody is mailed"
    " twice. Look up the uncertain recipients in the relay's log: `moza-mail settle --log FILE`."
)


class NotClaimed(Exception):
    """The state of a delivery does not allow an update, so the transaction must roll back."""


def record_together(
    connection: sa.Connection, updates: Sequence[Update], own: OwnClaims, thresholds: BounceThresholds
) -> None:
    """Record all updates with one statement for intents and one for outcomes.

    The deliveries are also removed from `own.in_memory`. Raise NotClaimed if an update must be rejected.
    """
    intents, outcomes = _make_rows(connection, updates, own)
    update_intents = UPDATE_CLAIMED_ROWS if own.in_memory is None else UPDATE_FREE_ROWS
    for statement, rows in ((update_intents, intents), (UPDATE_OUTCOMES, outcomes)):
        shared_values = {"now": updates[-1].now, "this_sender": own.sender_id}
        if rows and statement.run(connection, rows, **shared_values) != len(rows):
            raise NotClaimed
    for update in updates:
        if isinstance(update, Outcomes):
            suppress_failing(connection, update.outcomes, update.now, thresholds)


def _make_rows(
    connection: sa.Connection, updates: Sequence[Update], own: OwnClaims
) -> tuple[list[Row], list[Row]]:
    """Return the parameters of the SQL statements for all intents and for all outcomes.

    The deliveries are also removed from `own.in_memory`. Raise NotClaimed for an intent whose delivery is not there. Also
    raise it if the outcome of a delivery comes before its intent, because all intents are written before all outcomes.
    """
    intents: list[Row] = []
    outcomes: list[Row] = []
    settled: set[int] = set()
    for update in updates:
        if isinstance(update, Outcomes):
            outcomes += _outcome_rows(connection, update)
            settled.update(delivery_id for delivery_id, _ in update.outcomes)
            # The row of a claim in memory does not name this sender yet. An intent in the same transaction writes the name.
            claimed = settled & own.in_memory if own.in_memory else set()
        else:
            claimed = set(update.delivery_ids)
            is_in_order = len(claimed) == len(update.delivery_ids) and settled.isdisjoint(claimed)
            if not is_in_order or (own.in_memory is not None and not claimed <= own.in_memory):
                raise NotClaimed
        intents += [(delivery_id,) for delivery_id in claimed]
        if own.in_memory is not None:
            own.in_memory -= claimed
    return intents, outcomes


def record_each(
    connection: sa.Connection,
    updates: Sequence[Update],
    own: OwnClaims,
    thresholds: BounceThresholds,
) -> list[RejectedUpdates]:
    """Record the updates one by one, in order.

    Return one mapping for each update. It maps each delivery that could not be changed to the error.
    """
    every: list[RejectedUpdates] = []
    for update in updates:
        rejected: dict[int, StoreError] = {}
        for delivery_id, state, single in _split(update):
            try:
                record_together(connection, [single], own, thresholds)
            except NotClaimed:
                found = connection.execute(CURRENT, {"number": delivery_id}).first()
                rejected[delivery_id] = _explain(found, delivery_id, state, own.sender_id)
                if own.in_memory is not None:
                    own.in_memory -= {delivery_id}
        every.append(rejected)
    return every


def _split(update: Update) -> Iterator[tuple[int, DeliveryState, Update]]:
    """Split an update by delivery; yield each delivery, its new state and its own update."""
    if isinstance(update, Intents):
        for delivery_id in update.delivery_ids:
            yield delivery_id, DeliveryState.INTENT, Intents([delivery_id], update.now)
    else:
        for delivery_id, outcome in update.outcomes:
            yield delivery_id, outcome.state, Outcomes([(delivery_id, outcome)], update.now)


def _explain(
    found: sa.Row[Any] | None, delivery_id: int, state: DeliveryState, sender_id: int | None
) -> StoreError:
    """Return the error for a delivery that cannot change to a state."""
    if found is None:
        return StoreError(f"there is no delivery {delivery_id}")
    if found.state is DeliveryState.SKIPPED:
        return DeliverySkipped(f"delivery {delivery_id} was skipped meanwhile")
    is_held = found.state in {DeliveryState.CLAIMED, DeliveryState.INTENT}
    whose = ", of another sender," if is_held and found.sender_id != sender_id else ""
    hint = TAKEN_OVER if whose or found.state is DeliveryState.UNCERTAIN else ""
    return StoreError(f"delivery {delivery_id} is {found.state}{whose} and cannot become {state}", hint=hint)


def _outcome_rows(connection: sa.Connection, update: Outcomes) -> Iterator[Row]:
    """Yield the parameters of the statement UPDATE_OUTCOMES for each outcome."""
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
) -> Row:
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
    counted = int(state is not DeliveryState.PENDING)
    text, queue_id = (str(reply), reply.queue_id) if reply else (detail, "")
    last = (outcome.phase, outcome.verdict, queue_id)
    return (delivery_id, counted, state, retry_at, first_at, text, detail, *last)
