"""The identity of a store, and what it does not know after a restore."""

import json
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import sqlalchemy as sa

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


class Identity:
    """The store's id, and a generation number that tells the store from its older copies.

    `on_advance` is called after each commit that raises the number. It receives both, as a StoreMark.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self.on_advance: Callable[[StoreMark], None] = lambda _mark: None

    async def read_mark(self) -> StoreMark:
        """Return the store's mark. A new store gets one."""
        if mark := await self._transactions.read(_read_mark):
            return mark
        return await self._transactions.write(_advance, 0)

    async def is_backup(self) -> bool:
        """Return True for a file of `moza-mail backup` that has not been restored."""
        return await self._transactions.read(_is_backup)

    async def advance(self, at_least: int = 0) -> StoreMark:
        """Raise the generation, to `at_least` or more; return the new mark."""
        mark = await self._transactions.write(_advance, at_least)
        self.on_advance(mark)
        return mark

    @asynccontextmanager
    async def hold_sender_lock(self, purpose: str) -> AsyncGenerator[None]:
        """Hold the sender lock, as `Ledger.hold_sender_lock` does.

        The generation rises when the lock is taken and before it is released.
        """
        async with self._transactions.hold(SenderLock.MAILINGS, purpose):
            await self.advance()
            try:
                yield
            finally:
                await self.advance()

    async def read_gap(self) -> RestoreGap | None:
        """Return the period that a restored store does not know; None if it was never restored."""
        return await self._transactions.read(_read_gap)

    async def write_gap(self, gap: RestoreGap) -> None:
        """Replace the stored period that the store does not know."""
        await self._transactions.write(_write_gap, gap)

    async def doubt_deliveries(self, *, now: datetime) -> int:
        """Make every unfinished delivery and confirmation mail uncertain; return how many."""
        return await self._transactions.write(_doubt, now)


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


def _advance(connection: sa.Connection, at_least: int) -> StoreMark:
    before = _read_mark(connection) or StoreMark(store_id=secrets.token_hex(16), generation=0)
    mark = StoreMark(store_id=before.store_id, generation=max(before.generation + 1, at_least))
    _write(connection, STORE_ID, mark.store_id)
    _write(connection, GENERATION, str(mark.generation))
    return mark


def _read_gap(connection: sa.Connection) -> RestoreGap | None:
    text = _read(connection, GAP)
    if not text:
        return None
    found = json.loads(text)
    assumed = found["assumed_until"]
    return RestoreGap(
        start=datetime.fromisoformat(found["start"]),
        end=datetime.fromisoformat(found["end"]),
        is_open=found["is_open"],
        assumed_until=datetime.fromisoformat(assumed) if assumed else None,
    )


def _write_gap(connection: sa.Connection, gap: RestoreGap) -> None:
    text = json.dumps(
        {
            "start": format_utc(gap.start),
            "end": format_utc(gap.end),
            "is_open": gap.is_open,
            "assumed_until": format_utc(gap.assumed_until) if gap.assumed_until else "",
        }
    )
    _write(connection, GAP, text)


def _doubt(connection: sa.Connection, now: datetime) -> int:
    count = 0
    for table in (deliveries, confirmations):
        values = {"state": DeliveryState.UNCERTAIN, "detail": RESTORED, "changed_at": now}
        count += connection.execute(
            sa.update(table).where(table.c.state.in_(NOT_PROVEN)).values(values)
        ).rowcount
    return count
