"""Read and write whole rows of any table, in the same order in both databases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.timestamps import format_utc
from moza_mail.store.paging import PAGE

Row = dict[str, Any]
Key = tuple[Any, ...]


def to_json_value(value: Any) -> Any:
    """Convert a column's value for JSON."""
    return format_utc(value) if isinstance(value, datetime) else value


def with_byte_order(connection: sa.Connection, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return SQL that sorts a text column by bytes, whatever the database's collation is."""
    return sa.collate(column, "C") if connection.dialect.name == "postgresql" else column


def select_rows(connection: sa.Connection, table: sa.Table, after: Key | None) -> list[Row]:
    """Return one page of rows with keys > `after`, ordered by key.

    In a key of several columns, the integer columns come first, so that the query can use an index.
    """
    keys = list_key_columns(table)
    ordered = [
        column if isinstance(column.type, sa.Integer) else with_byte_order(connection, column)
        for column in keys
    ]
    query = sa.select(table).order_by(*ordered).limit(PAGE)
    if after is not None:
        query = query.where(keys[0] >= after[0] if len(keys) > 1 else sa.true())
        query = query.where(
            sa.tuple_(*ordered) > sa.tuple_(*after) if len(keys) > 1 else ordered[0] > after[0]
        )
    return [dict(row) for row in connection.execute(query).mappings()]


def list_key_columns(table: sa.Table) -> Sequence[sa.Column[Any]]:
    """Return the columns of the primary key, integers first."""
    return sorted(table.primary_key.columns, key=lambda column: not isinstance(column.type, sa.Integer))


def get_key(table: sa.Table, row: Row) -> Key:
    """Return the key of a row. The next page begins after the key of the last row."""
    return tuple(row[column.name] for column in list_key_columns(table))


def find_last_id(connection: sa.Connection, table: sa.Table) -> int:
    """Return the highest id that a row of the table ever had.

    Ids are never reused, because a link in a sent mail may contain one.
    """
    if connection.dialect.name == "postgresql":
        sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, "id")))
        if sequence is None:
            return 0
        query = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"  # noqa: S608  (a name from the catalog)
        return connection.scalar(sa.text(query)) or 0
    highest = connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
    query = "SELECT seq FROM sqlite_sequence WHERE name = :name"
    return max(highest, connection.scalar(sa.text(query), {"name": table.name}) or 0)


def set_last_id(connection: sa.Connection, table: sa.Table, last: int) -> None:
    """Make the next row of a table get an id above `last`."""
    if not last:
        return
    if connection.dialect.name == "postgresql":
        sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, "id")))
        if sequence is not None:
            connection.execute(sa.select(sa.func.setval(sequence, last)))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        values = {"name": table.name, "last": last}
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), values)
