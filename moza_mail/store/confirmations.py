"""The ledger of confirmations: the mails that ask to confirm a sign-up, as they are queued, taken and sent."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model import mailing as decide
from moza_mail.model.audit import RELAY
from moza_mail.model.mailing import DeliveryState, Outcome, SkipReason
from moza_mail.model.sign_up import STALE, Confirmation
from moza_mail.model.subscriber import SubscriptionState, Suppression
from moza_mail.model.threshold import suppresses
from moza_mail.store import rows
from moza_mail.store import subscribers as people
from moza_mail.store.bulk import among
from moza_mail.store.engine import Database
from moza_mail.store.postgres.advisory import alone_with_people
from moza_mail.store.schema import confirmations, shared, subscribers, subscriptions
from moza_mail.store.sender import Right
from moza_mail.store.sign_ups import CONFIRMATION, as_confirmation

GIVEN_UP = "given up: 48 hours have passed since the sign-up"
ENDED = "the sender ended before the relay's answer was recorded"
WAITS = (DeliveryState.PENDING, DeliveryState.DEFERRED)
HELD = (DeliveryState.CLAIMED, DeliveryState.INTENT)
# One that came back untried is not tried again at once, over and over.
PAUSE = timedelta(minutes=1)
stands = confirmations.c.state


class ConfirmationQueue:
    """The Confirmations of a store in a SQL database."""

    def __init__(
        self,
        database: Database,
        read: Callable[..., Awaitable[Any]],
        write: Callable[..., Awaitable[Any]],
        holding: Callable[[str], AbstractAsyncContextManager[None]],
    ) -> None:
        self._database = database
        self._read = read
        self._write = write
        self.sending = holding

    @property
    def _me(self) -> int | None:
        return self._database.holds(Right.CONFIRMING)

    async def recover(self, *, now: datetime) -> None:  # noqa: D102
        await self._write(recover, self._database, now)

    async def claim(self, *, limit: int, now: datetime) -> list[Confirmation]:  # noqa: D102
        found: list[Confirmation] = await self._write(claim, limit, now, self._me)
        return found

    async def intend(self, numbers: Sequence[int], *, now: datetime) -> None:  # noqa: D102
        await self._write(intend, numbers, now, self._me)

    async def settle(self, outcomes: Sequence[tuple[int, Outcome]], *, now: datetime) -> None:  # noqa: D102
        await self._write(settle, outcomes, now, self._me)

    async def release(self, numbers: Sequence[int]) -> None:  # noqa: D102
        if numbers:
            await self._write(release, numbers, self._me)

    async def next_due(self) -> datetime | None:  # noqa: D102
        due: datetime | None = await self._read(next_due)
        return due

    async def counts(self) -> dict[DeliveryState, int]:  # noqa: D102
        found: dict[DeliveryState, int] = await self._read(counts)
        return found


def _mine(me: int | None) -> sa.ColumnElement[bool]:
    return confirmations.c.sender.is_not_distinct_from(me)


def recover(connection: sa.Connection, database: Database, now: datetime) -> None:
    """Give back what the dead had claimed; doubt what they had in intent."""
    held = set(connection.scalars(sa.select(confirmations.c.sender).where(stands.in_(HELD)).distinct()))
    left = confirmations.c.sender.is_(None) | confirmations.c.sender.in_(
        database.dead(connection, held - {None})
    )
    for before, after, detail in (
        (DeliveryState.CLAIMED, DeliveryState.PENDING, ""),
        (DeliveryState.INTENT, DeliveryState.UNCERTAIN, ENDED),
    ):
        moved = sa.update(confirmations).where(stands == before, left)
        connection.execute(moved.values(state=after, detail=detail, changed_at=now))


def claim(connection: sa.Connection, limit: int, now: datetime, me: int | None) -> list[Confirmation]:
    """Take those that are due; who needs none any more is skipped, what is too old given up."""
    taken: list[Confirmation] = []
    while len(taken) < limit:
        found = connection.execute(_candidates(now).limit(limit - len(taken))).all()
        if not found:
            break
        good = [row for row in found if row.reason is None and now - row.created_at < STALE]
        _mark(connection, good, state=DeliveryState.CLAIMED, sender=me, changed_at=now)
        for reason in SkipReason:
            skipped = [row for row in found if row.reason == reason]
            _mark(connection, skipped, state=DeliveryState.SKIPPED, skip_reason=reason, changed_at=now)
        late = [row for row in found if row.reason is None and row not in good]
        _mark(connection, late, state=DeliveryState.REFUSED, detail=GIVEN_UP, changed_at=now)
        taken += [as_confirmation(row) for row in good]
    return taken


def _candidates(now: datetime) -> sa.Select[Any]:
    """What is due, each with why it need not be mailed after all, or null."""
    reason = sa.case(
        (confirmations.c.void_at.is_not(None), sa.literal(SkipReason.UNSUBSCRIBED.value, sa.Text)),
        (people.suppressed(subscribers.c.address_key), sa.literal(SkipReason.SUPPRESSED.value, sa.Text)),
        (
            subscriptions.c.state == SubscriptionState.CONFIRMED,
            sa.literal(SkipReason.CONFIRMED.value, sa.Text),
        ),
        else_=sa.null(),
    )
    on_list = sa.and_(
        subscriptions.c.list_slug == confirmations.c.list_slug,
        subscriptions.c.subscriber == confirmations.c.subscriber,
    )
    return (
        sa.select(*CONFIRMATION, reason.label("reason"))
        .select_from(
            confirmations.join(subscribers, subscribers.c.id == confirmations.c.subscriber).outerjoin(
                subscriptions, on_list
            )
        )
        .where(stands.in_(WAITS), confirmations.c.due_at <= now)
        .order_by(confirmations.c.due_at, confirmations.c.id)
        # What another sender is taking at this moment is theirs.
        .with_for_update(of=confirmations, skip_locked=True)
    )


def _mark(connection: sa.Connection, found: Sequence[sa.Row[Any]], **values: Any) -> None:
    if found:
        which = among(connection, confirmations.c.id, [row.id for row in found])
        connection.execute(sa.update(confirmations).where(which).values(**values))


def intend(connection: sa.Connection, numbers: Sequence[int], now: datetime, me: int | None) -> None:
    """Note that these bodies are about to leave."""
    moved = sa.update(confirmations).where(
        among(connection, confirmations.c.id, numbers), stands == DeliveryState.CLAIMED, _mine(me)
    )
    done = connection.execute(moved.values(state=DeliveryState.INTENT, changed_at=now)).rowcount
    if done != len(numbers):
        raise StoreError(
            f"{len(numbers) - done} of {len(numbers)} confirmations are not claimed by this sender."
        )


# Built once: to put a statement together costs more than to run it.
_IN_HAND = sa.and_(
    confirmations.c.id == shared("number", confirmations.c.id),
    stands.in_(HELD),
    confirmations.c.sender.is_not_distinct_from(shared("me", confirmations.c.sender)),
)
TRIED = (
    sa.select(
        confirmations.c.attempts, confirmations.c.created_at, confirmations.c.list_slug, subscribers.c.address
    )
    .join(subscribers, subscribers.c.id == confirmations.c.subscriber)
    .where(_IN_HAND)
)
BECOMES = ("state", "due_at", "attempts", "reply", "detail", "phase", "queue_id", "changed_at")
BECAME = (
    sa.update(confirmations)
    .where(_IN_HAND)
    .values({name: shared(f"its_{name}", confirmations.c[name]) for name in BECOMES})
)


def settle(
    connection: sa.Connection, outcomes: Sequence[tuple[int, Outcome]], now: datetime, me: int | None
) -> None:
    """Write down what became of each."""
    alone_with_people(connection)
    for number, outcome in outcomes:
        mine = {"number": number, "me": me}
        row: rows.Row | None = connection.execute(TRIED, mine).first()
        if row is not None:
            became = _became(row, number, outcome, now)
            connection.execute(BECAME, {**mine, **{f"its_{name}": value for name, value in became.items()}})
            _suppress(connection, row, outcome, now)


def _became(row: rows.Row, number: int, outcome: Outcome, now: datetime) -> dict[str, Any]:
    state, detail, due = outcome.state, outcome.detail, now
    if state is DeliveryState.DEFERRED:
        again = decide.next_attempt(
            attempts=row.attempts + 1, created_at=row.created_at, now=now, delivery=number
        )
        state, detail, due = (state, detail, again) if again else (DeliveryState.REFUSED, GIVEN_UP, now)
    elif state is DeliveryState.PENDING:
        due = now + PAUSE
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
    """An address that does not exist was typed wrong or made up: nobody is to mail it again."""
    if outcome.reply is None or outcome.state is DeliveryState.ACCEPTED:
        return
    if reason := suppresses([(now, outcome.reply)]):
        people.suppress(
            connection,
            Suppression(
                address=rows.address(row.address),
                reason=reason,
                at=now,
                evidence=f"{outcome.reply} [confirmation for {row.list_slug}]",
            ),
            actor=RELAY,
        )


def release(connection: sa.Connection, numbers: Sequence[int], me: int | None) -> None:
    """Make claimed ones pending."""
    moved = sa.update(confirmations).where(
        among(connection, confirmations.c.id, numbers), stands == DeliveryState.CLAIMED, _mine(me)
    )
    connection.execute(moved.values(state=DeliveryState.PENDING))


def next_due(connection: sa.Connection) -> datetime | None:
    """When the next may go."""
    moments = [
        connection.scalar(
            sa.select(confirmations.c.due_at).where(stands == state).order_by(confirmations.c.due_at).limit(1)
        )
        for state in WAITS
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def counts(connection: sa.Connection) -> dict[DeliveryState, int]:
    """How many stand in each state."""
    found = connection.execute(sa.select(stands, sa.func.count()).group_by(stands))
    return dict.fromkeys(DeliveryState, 0) | dict(iter(found))
