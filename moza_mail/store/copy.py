"""Copy a whole store to another database, and seal the source.

A sealed store cannot be opened, so nobody can send from both the source and the copy.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing import DeliveryState
from moza_mail.store.audit_writer import MOVED_TO, add_entry
from moza_mail.store.raw_rows import Key, Row, find_last_id, get_key, select_rows, set_last_id, to_json_value
from moza_mail.store.schema import confirmations, deliveries, insert, metadata, properties, to_json
from moza_mail.store.transactions import Transactions

UNFINISHED = (
    DeliveryState.PENDING,
    DeliveryState.CLAIMED,
    DeliveryState.INTENT,
    DeliveryState.DEFERRED,
)
BEING_SENT = (DeliveryState.CLAIMED, DeliveryState.INTENT)
TABLES = tuple(metadata.sorted_tables)
NUMBERED = tuple(table for table in TABLES if "id" in table.c and isinstance(table.c.id.type, sa.Integer))


async def copy_rows(
    source: Transactions, target: Transactions, target_name: str, *, now: datetime
) -> Mapping[str, int]:
    """Copy all rows to an empty store and seal the source; return the row counts by table.

    target_name: the URL of the target, which the sealed source shows to its users.

    Raise StoreError if a mailing is being sent, if the target is not empty, or if the copy differs from the source. In
    these cases, the source is not sealed.
    """
    await target.read(_require_empty)
    await source.write(_seal, target_name, now)
    try:
        await target.write(_clear_properties)
        counts = {table.name: await _copy_table(source, target, table) for table in TABLES}
        for table in NUMBERED:
            await target.write(set_last_id, table, await source.read(find_last_id, table))
        await _verify(source, target)
    except BaseException:
        await source.write(_unseal)
        raise
    return counts


async def _copy_table(source: Transactions, target: Transactions, table: sa.Table) -> int:
    after: Key | None = None
    count = 0
    while page := await source.read(select_rows, table, after):
        after = get_key(table, page[-1])
        rows = _without_seal(table, page)
        if rows:
            await target.write(_insert, table, rows)
        count += len(rows)
    return count


async def _verify(source: Transactions, target: Transactions) -> None:
    for table in TABLES:
        if await _digest(source, table) != await _digest(target, table):
            raise StoreError(
                _(
                    "the copy of {table} differs, because another process wrote to the database meanwhile",
                    table=table.name,
                ),
                hint=_(
                    "End `serve` and all other moza-mail processes, empty the new database, and try again."
                ),
            )


async def _digest(transactions: Transactions, table: sa.Table) -> str:
    """Return a digest of all rows of a table."""
    digest = hashlib.sha256()
    after: Key | None = None
    while page := await transactions.read(select_rows, table, after):
        after = get_key(table, page[-1])
        for row in _without_seal(table, page):
            digest.update(to_json({name: to_json_value(value) for name, value in row.items()}).encode())
    return digest.hexdigest()


def _without_seal(table: sa.Table, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if table is not properties or row["name"] != MOVED_TO]


def _insert(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> None:
    connection.execute(sa.insert(table), rows)


def _require_empty(connection: sa.Connection) -> None:
    for table in TABLES:
        if table is not properties and connection.execute(sa.select(table).limit(1)).first():
            raise StoreError(
                _("the new database is not empty: {table} has rows", table=table.name),
                hint=_("Name an empty database."),
            )


def _clear_properties(connection: sa.Connection) -> None:
    connection.execute(sa.delete(properties))


def _seal(connection: sa.Connection, target_name: str, now: datetime) -> None:
    for table, states in ((deliveries, UNFINISHED), (confirmations, BEING_SENT)):
        if connection.execute(sa.select(table.c.id).where(table.c.state.in_(states)).limit(1)).first():
            raise StoreError(
                _("a mailing is not complete, so the store cannot be copied now"),
                hint=_("Complete the mailing first. See what remains: moza-mail status"),
            )
    detail = f"the store was copied to {target_name}"
    add_entry(connection, AuditEntry(occurred_at=now, action=AuditAction.EXPORT, detail=detail))
    sealed = insert(connection, properties).values(name=MOVED_TO, value=target_name)
    connection.execute(
        sealed.on_conflict_do_update(index_elements=["name"], set_={"value": sealed.excluded.value})
    )


def _unseal(connection: sa.Connection) -> None:
    connection.execute(sa.delete(properties).where(properties.c.name == MOVED_TO))
