"""The identity of a store, and the period without data in a restored store."""

import json
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import date, datetime

import sqlalchemy as sa

from moza_mail.errors import StoreUnavailable
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.store_mark import RestoreGap, StoreMark
from moza_mail.model.timestamps import format_utc
from moza_mail.store.schema import confirmations, deliveries, insert, properties
from moza_mail.store.senders import SenderLock
from moza_mail.store.transactions import Transactions

STORE_ID, GENERATION, GAP, IS_BACKUP = "store_id", "generation", "restore_gap", "is_backup"
RESTORED = "restored from a backup: it may have been sent since"
# A delivery in one of these states in a backup may have been accepted since.
NOT_PROVEN = (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.INTENT, DeliveryState.DEFERRED)
NEXT = sa.cast(properties.c.value, sa.BigInteger) + 1
AT_LEAST = sa.bindparam("at_least", type_=sa.BigInteger)
# One statement, so that two senders on PostgreSQL never raise the generation to the same number.
OTHER = properties.alias("other")
OWN_ID = sa.select(OTHER.c.value).where(OTHER.c.name == STORE_ID).scalar_subquery()
RAISE = (
    sa.update(properties)
    .where(properties.c.name == GENERATION)
    .values(value=sa.cast(sa.case((NEXT < AT_LEAST, AT_LEAST), else_=NEXT), sa.Text))
    .returning(properties.c.value, OWN_ID)
)


class Identity:
    """The store's id, and a generation number that distinguishes the store from its copies.

    The id and the number together are the mark of the store. `on_advance` is called with the new mark after each commit that
    raises the number. The second argument is False while messages are sent. `on_advance` must then write the mark fast, and
    the mark may be lost in a power failure.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self.on_advance: Callable[[StoreMark, bool], None] = lambda _mark, _is_durable: None

    async def read_mark(self) -> StoreMark:
        """Return the store's mark. A new store gets one."""
        if mark := await self._transactions.read(_read_mark):
            return mark
        return await self._transactions.write(raise_generation, 0)

    async def is_backup(self) -> bool:
        """Return True if this store is a file of `moza-mail backup` that was not restored."""
        return await self._transactions.read(_is_backup)

    async def advance(self, at_least: int = 0) -> StoreMark:
        """Raise the generation, to `at_least` or more; return the new mark."""
        mark = await self._transactions.write(raise_generation, at_least)
        self.on_advance(mark, True)
        return mark

    @asynccontextmanager
    async def hold_sender_lock(self, purpose: str) -> AsyncGenerator[None]:
        """Hold the sender lock, as `Ledger.hold_sender_lock` does.

        The generation rises when the lock is taken and before it is released, if the database can be reached.
        """
        async with self._transactions.hold(SenderLock.MAILINGS, purpose):
            await self.advance()
            try:
                yield
            finally:
                # Each commit of intents has raised the generation already.
                with suppress(StoreUnavailable):
                    await self.advance()

    async def read_gap(self) -> RestoreGap | None:
        """Return the period without data in a restored store; None if it was never restored."""
        return await self._transactions.read(_read_gap)

    async def write_gap(self, gap: RestoreGap) -> None:
        """Store the period between a backup and its restore, in place of an earlier period."""
        await self._transactions.write(_write_gap, gap)

    async def doubt_deliveries(self, *, now: datetime) -> int:
        """Make every unfinished delivery and confirmation mail uncertain; return how many."""
        return await self._transactions.write(doubt_deliveries, now)


def _read(connection: sa.Connection, name: str) -> str:
    return connection.scalar(sa.select(properties.c.value).where(properties.c.name == name)) or ""


def _write(connection: sa.Connection, name: str, value: str) -> None:
    row = insert(connection, properties).values(name=name, value=value)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": row.excluded.value}))


def _read_mark(connection: sa.Connection) -> StoreMark | None:
    store_id = _read(connection, STORE_ID)
    return StoreMark(store_id=store_id, generation=int(_read(connection, GENERATION))) if store_id else None


def _is_backup(connection: sa.Connection) -> bool:
    return connection.scalar(sa.select(properties.c.name).where(properties.c.name == IS_BACKUP)) is not None


def raise_generation(connection: sa.Connection, at_least: int = 0) -> StoreMark:
    """Raise the generation within a transaction, to `at_least` or more; return the new mark.

    Each commit of intents raises the generation. So a copy of the store from the middle of a run has a lower generation than
    the project's mark, and is recognised as older.
    """
    raised = connection.execute(RAISE, {"at_least": at_least}).one_or_none()
    if raised is None:
        mark = StoreMark(store_id=secrets.token_hex(16), generation=max(1, at_least))
        _write(connection, STORE_ID, mark.store_id)
        _write(connection, GENERATION, str(mark.generation))
        return mark
    generation, store_id = raised
    return StoreMark(store_id=store_id, generation=int(generation))


def _read_gap(connection: sa.Connection) -> RestoreGap | None:
    text = _read(connection, GAP)
    if not text:
        return None
    found = json.loads(text)
    assumed = found["assumed_through"]
    return RestoreGap(
        start=datetime.fromisoformat(found["start"]),
        end=datetime.fromisoformat(found["end"]),
        is_open=found["is_open"],
        assumed_through=date.fromisoformat(assumed) if assumed else None,
    )


def _write_gap(connection: sa.Connection, gap: RestoreGap) -> None:
    text = json.dumps(
        {
            "start": format_utc(gap.start),
            "end": format_utc(gap.end),
            "is_open": gap.is_open,
            "assumed_through": str(gap.assumed_through or ""),
        }
    )
    _write(connection, GAP, text)


def doubt_deliveries(connection: sa.Connection, now: datetime) -> int:
    """Make every unfinished delivery and confirmation mail uncertain; return how many."""
    count = 0
    for table in (deliveries, confirmations):
        values = {"state": DeliveryState.UNCERTAIN, "detail": RESTORED, "changed_at": now}
        count += connection.execute(
            sa.update(table).where(table.c.state.in_(NOT_PROVEN)).values(values)
        ).rowcount
    return count
