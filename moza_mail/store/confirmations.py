"""Confirmation mails: queued by `sign_ups`, then claimed and sent like deliveries."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model import retry
from moza_mail.model.audit import RELAY_ACTOR
from moza_mail.model.bounce import AddressReply, suppresses
from moza_mail.model.mailing import DeliveryState, SkipReason
from moza_mail.model.outcome import Outcome
from moza_mail.model.sign_up import LONGEST_DELAY, Confirmation
from moza_mail.model.store_mark import StoreMark
from moza_mail.model.subscriber import SubscriptionState, Suppression, SuppressionReason
from moza_mail.store import rows
from moza_mail.store.bulk import among
from moza_mail.store.database import Database
from moza_mail.store.identity import Identity, raise_generation
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import confirmations, shared, subscribers, subscriptions, suppressions
from moza_mail.store.senders import SenderLock
from moza_mail.store.sign_up_requests import find_oldest_request
from moza_mail.store.sign_ups import CONFIRMATION, to_confirmation
from moza_mail.store.suppressions import is_suppressed, suppress
from moza_mail.store.transactions import Transactions

GIVEN_UP = "given up: 48 hours have passed since the sign-up"
SENDER_DIED = "the sender ended before the relay's answer was recorded"
WAITING = (DeliveryState.PENDING, DeliveryState.DEFERRED)
HELD = (DeliveryState.CLAIMED, DeliveryState.INTENT)
# A confirmation that was released untried waits this long, so that it is not tried in a loop.
RETRY_DELAY = timedelta(seconds=20)
state_column = confirmations.c.state


class Confirmations:
    """The ledger of the mails that ask to confirm a sign-up."""

    def __init__(self, transactions: Transactions, identity: Identity) -> None:
        self._transactions = transactions
        self._identity = identity

    @property
    def _sender_id(self) -> int | None:
        return self._transactions.database.sender_id(SenderLock.CONFIRMATIONS)

    def hold_sender_lock(self, purpose: str) -> AbstractAsyncContextManager[None]:
        """Hold the lock for sending confirmation mails.

        It works like the lock of `Ledger.hold_sender_lock`, but the two locks do not exclude each other.

        purpose: the command that holds the lock, for the error message of other senders.
        """
        return self._transactions.hold(SenderLock.CONFIRMATIONS, purpose)

    async def recover(self, *, now: datetime) -> None:
        """Reset confirmations of a dead sender: claimed becomes pending, intent uncertain.

        The caller must hold the sender lock. An uncertain confirmation is never sent again: a person who got
        no mail can sign up again.
        """
        await self._transactions.write_grouped(_recover, self._transactions.database, now)

    async def claim(self, *, limit: int, now: datetime) -> list[Confirmation]:
        """Claim up to `limit` confirmations that are due, the longest overdue first.

        Confirmations that are no longer needed are skipped. Confirmations older than 48 hours are refused.
        """
        return await self._transactions.write_grouped(_claim, limit, now, self._sender_id)

    async def record_intents(self, ids: Sequence[int], *, now: datetime) -> None:
        """Change claimed confirmations to intent, before their messages are sent.

        If this sender has not claimed all of them, raise StoreError and change none.
        """
        mark = await self._transactions.write_grouped(_record_intents, ids, now, self._sender_id)
        self._identity.on_advance(mark, False)

    async def record_outcomes(self, outcomes: Sequence[tuple[int, Outcome]], *, now: datetime) -> None:
        """Record the outcomes of attempts, as `Ledger.record_outcomes` does.

        In contrast to a delivery, a confirmation that becomes pending again waits a minute. An address that does
        not exist is suppressed. Confirmations of other senders do not change.
        """
        await self._transactions.write_grouped(_record_outcomes, outcomes, now, self._sender_id)

    async def release(self, ids: Sequence[int]) -> None:
        """Return claimed confirmations to pending if no attempt was made to send them.

        Confirmations that this sender has not claimed do not change.
        """
        if ids:
            await self._transactions.write_grouped(_release, ids, self._sender_id)

    async def find_next_due(self) -> datetime | None:
        """Return when the next unsent confirmation is due; None if there is none.

        A queued sign-up form has no confirmation yet, so handle queued forms first.
        """
        return await self._transactions.read(_find_next_due)

    async def find_oldest_unsent(self) -> datetime | None:
        """Return the time when the oldest unsent confirmation was queued; None if there is none.

        A confirmation is unsent while no relay has replied to it. A queued sign-up form counts as an unsent confirmation.
        """
        return await self._transactions.read(_find_oldest_unsent)

    async def list_uncertain(self) -> list[Confirmation]:
        """Return the confirmations that a relay may have accepted, oldest first.

        They are never sent again.
        """
        return await self._transactions.read(_list_uncertain)

    async def count_by_state(self) -> dict[DeliveryState, int]:
        """Count the confirmations in each state, zeros included."""
        return await self._transactions.read(_count_by_state)


def _is_of(sender_id: int | None) -> sa.ColumnElement[bool]:
    return confirmations.c.sender_id.is_not_distinct_from(sender_id)


def _recover(connection: sa.Connection, database: Database, now: datetime) -> None:
    held = set(
        connection.scalars(sa.select(confirmations.c.sender_id).where(state_column.in_(HELD)).distinct())
    )
    left = confirmations.c.sender_id.is_(None) | confirmations.c.sender_id.in_(
        database.find_dead(connection, held - {None})
    )
    for before, after, detail in (
        (DeliveryState.CLAIMED, DeliveryState.PENDING, ""),
        (DeliveryState.INTENT, DeliveryState.UNCERTAIN, SENDER_DIED),
    ):
        moved = sa.update(confirmations).where(state_column == before, left)
        connection.execute(moved.values(state=after, detail=detail, changed_at=now))


def _claim(connection: sa.Connection, limit: int, now: datetime, sender_id: int | None) -> list[Confirmation]:
    claimed: list[Confirmation] = []
    while len(claimed) < limit:
        found = connection.execute(_select_due(now).limit(limit - len(claimed))).all()
        if not found:
            break
        good = [row for row in found if row.reason is None and now - row.created_at < LONGEST_DELAY]
        _mark(connection, good, state=DeliveryState.CLAIMED, sender_id=sender_id, changed_at=now)
        for reason in SkipReason:
            skipped = [row for row in found if row.reason == reason]
            _mark(connection, skipped, state=DeliveryState.SKIPPED, skip_reason=reason, changed_at=now)
        late = [row for row in found if row.reason is None and row not in good]
        _mark(connection, late, state=DeliveryState.REFUSED, detail=GIVEN_UP, changed_at=now)
        claimed += [to_confirmation(row) for row in good]
    return claimed


def _select_due(now: datetime) -> sa.Select[Any]:
    """Select the confirmations that are due, each with the reason to skip it.

    The reason is NULL if the confirmation is to be sent.
    """
    reason = sa.case(
        (confirmations.c.voided_at.is_not(None), sa.literal(SkipReason.UNSUBSCRIBED.value, sa.Text)),
        (_is_stopped(), sa.literal(SkipReason.SUPPRESSED.value, sa.Text)),
        (
            (subscriptions.c.state == SubscriptionState.CONFIRMED)
            & ~is_suppressed(subscribers.c.address_key),
            sa.literal(SkipReason.CONFIRMED.value, sa.Text),
        ),
        else_=sa.null(),
    )
    on_list = sa.and_(
        subscriptions.c.list_slug == confirmations.c.list_slug,
        subscriptions.c.subscriber_id == confirmations.c.subscriber_id,
    )
    return (
        sa.select(*CONFIRMATION, reason.label("reason"))
        .select_from(
            confirmations.join(subscribers, subscribers.c.id == confirmations.c.subscriber_id).outerjoin(
                subscriptions, on_list
            )
        )
        .where(state_column.in_(WAITING), confirmations.c.due_at <= now)
        .order_by(confirmations.c.due_at, confirmations.c.id)
        # Skip rows that another sender is claiming at this moment.
        .with_for_update(of=confirmations, skip_locked=True)
    )


def _is_stopped() -> sa.ColumnElement[bool]:
    """Return the condition that a suppression of the address stops a confirmation.

    A suppression for a complaint stops it, and so does any suppression since the sign-up.
    """
    return sa.exists().where(
        suppressions.c.address_key == subscribers.c.address_key,
        suppressions.c.held_at.is_(None),
        (suppressions.c.reason == SuppressionReason.COMPLAINT)
        | (suppressions.c.created_at >= confirmations.c.created_at),
    )


def _mark(connection: sa.Connection, found: Sequence[sa.Row[Any]], **values: Any) -> None:
    if found:
        which = among(connection, confirmations.c.id, [row.id for row in found])
        connection.execute(sa.update(confirmations).where(which).values(**values))


def _record_intents(
    connection: sa.Connection, ids: Sequence[int], now: datetime, sender_id: int | None
) -> StoreMark:
    moved = sa.update(confirmations).where(
        among(connection, confirmations.c.id, ids), state_column == DeliveryState.CLAIMED, _is_of(sender_id)
    )
    done = connection.execute(moved.values(state=DeliveryState.INTENT, changed_at=now)).rowcount
    if done != len(ids):
        raise StoreError(f"{len(ids) - done} of {len(ids)} confirmations are not claimed by this sender")
    return raise_generation(connection)


# Built once: building a statement costs more than running it.
_CLAIMED_BY_SENDER = sa.and_(
    confirmations.c.id == shared("number", confirmations.c.id),
    state_column.in_(HELD),
    confirmations.c.sender_id.is_not_distinct_from(shared("this_sender", confirmations.c.sender_id)),
)
SELECT_TRIED = (
    sa.select(
        confirmations.c.attempts, confirmations.c.created_at, confirmations.c.list_slug, subscribers.c.address
    )
    .join(subscribers, subscribers.c.id == confirmations.c.subscriber_id)
    .where(_CLAIMED_BY_SENDER)
)
OUTCOME_COLUMNS = ("state", "due_at", "attempts", "reply", "detail", "phase", "queue_id", "changed_at")
UPDATE_OUTCOME = (
    sa.update(confirmations)
    .where(_CLAIMED_BY_SENDER)
    .values({name: shared(f"new_{name}", confirmations.c[name]) for name in OUTCOME_COLUMNS})
)


def _record_outcomes(
    connection: sa.Connection, outcomes: Sequence[tuple[int, Outcome]], now: datetime, sender_id: int | None
) -> None:
    lock_people(connection)
    for number, outcome in outcomes:
        key = {"number": number, "this_sender": sender_id}
        row: rows.Row | None = connection.execute(SELECT_TRIED, key).first()
        if row is not None:
            values = _outcome_values(row, number, outcome, now)
            connection.execute(
                UPDATE_OUTCOME, {**key, **{f"new_{name}": value for name, value in values.items()}}
            )
            _suppress(connection, row, outcome, now)


def _outcome_values(row: rows.Row, number: int, outcome: Outcome, now: datetime) -> dict[str, Any]:
    state, detail, due = outcome.state, outcome.detail, now
    if state is DeliveryState.DEFERRED:
        retry_at = retry.compute_next_attempt(
            attempts=row.attempts + 1, first_attempt_at=row.created_at, now=now, delivery_id=number
        )
        state, detail, due = (state, detail, retry_at) if retry_at else (DeliveryState.REFUSED, GIVEN_UP, now)
    elif state is DeliveryState.PENDING:
        due = now + RETRY_DELAY
    return {
        "state": state,
        "due_at": due,
        "attempts": row.attempts + (outcome.state is not DeliveryState.PENDING),
        "reply": str(outcome.reply or ""),
        "detail": detail,
        "phase": outcome.phase,
        "queue_id": outcome.reply.queue_id if outcome.reply else "",
        "changed_at": now,
    }


def _suppress(connection: sa.Connection, row: rows.Row, outcome: Outcome, now: datetime) -> None:
    """Suppress an address that does not exist: it was mistyped or made up."""
    if outcome.reply is None or outcome.state is DeliveryState.ACCEPTED:
        return
    if reason := suppresses([AddressReply(at=now, reply=outcome.reply, verdict=outcome.verdict)]):
        suppress(
            connection,
            Suppression(
                address=rows.address(row.address),
                reason=reason,
                created_at=now,
                evidence=f"{outcome.reply} [confirmation for {row.list_slug}]",
            ),
            actor=RELAY_ACTOR,
        )


def _release(connection: sa.Connection, ids: Sequence[int], sender_id: int | None) -> None:
    moved = sa.update(confirmations).where(
        among(connection, confirmations.c.id, ids), state_column == DeliveryState.CLAIMED, _is_of(sender_id)
    )
    connection.execute(moved.values(state=DeliveryState.PENDING))


def _find_next_due(connection: sa.Connection) -> datetime | None:
    moments = [
        connection.scalar(
            sa.select(confirmations.c.due_at)
            .where(state_column == state)
            .order_by(confirmations.c.due_at)
            .limit(1)
        )
        for state in WAITING
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def _find_oldest_unsent(connection: sa.Connection) -> datetime | None:
    # A confirmation that the recipient's server deferred does not count, because a relay has replied to it.
    unsent = (DeliveryState.PENDING, DeliveryState.CLAIMED)
    queued = connection.scalar(
        sa.select(confirmations.c.created_at)
        .where(state_column.in_(unsent))
        .order_by(confirmations.c.created_at)
        .limit(1)
    )
    moments = (queued, find_oldest_request(connection))
    return min((moment for moment in moments if moment is not None), default=None)


def _list_uncertain(connection: sa.Connection) -> list[Confirmation]:
    query = sa.select(*CONFIRMATION).join(subscribers, subscribers.c.id == confirmations.c.subscriber_id)
    is_uncertain = state_column == DeliveryState.UNCERTAIN
    return [
        to_confirmation(row)
        for row in connection.execute(query.where(is_uncertain).order_by(confirmations.c.id))
    ]


def _count_by_state(connection: sa.Connection) -> dict[DeliveryState, int]:
    found = connection.execute(sa.select(state_column, sa.func.count()).group_by(state_column))
    return dict.fromkeys(DeliveryState, 0) | dict(iter(found))
