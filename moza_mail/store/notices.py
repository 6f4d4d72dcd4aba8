"""Notices: errors that were already reported to the operator.

So a command that cron runs reports each error once.
"""

from datetime import datetime

import sqlalchemy as sa

from moza_mail.store.schema import insert, notices
from moza_mail.store.transactions import Transactions


class Notices:
    """Keys of the notices that were reported by any process that uses this store."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def was_reported(self, key: str) -> bool:
        """Return True if `report_once` was called with this key before."""
        return await self._transactions.read(_was_reported, key)

    async def report_once(self, key: str, *, now: datetime) -> bool:
        """Record the key; return False if the notice was reported before.

        True means that the caller must report the notice now.

        key: identifies the notice. Two notices with the same key are the same.
        """
        return await self._transactions.write(_report_once, key, now)

    async def forget(self, key: str) -> None:
        """Forget a notice, so that `report_once` reports it again."""
        await self._transactions.write(_forget, key)


def _forget(connection: sa.Connection, key: str) -> None:
    connection.execute(sa.delete(notices).where(notices.c.key == key))


def _was_reported(connection: sa.Connection, key: str) -> bool:
    return connection.scalar(sa.select(notices.c.key).where(notices.c.key == key)) is not None


def _report_once(connection: sa.Connection, key: str, now: datetime) -> bool:
    inserted = insert(connection, notices).values(key=key, reported_at=now).on_conflict_do_nothing()
    return connection.execute(inserted.returning(notices.c.key)).scalar() is not None
