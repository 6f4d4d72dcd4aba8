"""Run one statement for many rows at once.

The statement reads the rows from a table called `given`. PostgreSQL gets one array per column and unnests the
arrays. SQLite gets VALUES. One statement per row would be slow: each statement releases Python's lock, and
must then wait for a busy event loop to get the lock back.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa

from moza_mail.store.schema import shared, text_map_to_json, to_json

Given = Mapping[str, sa.ColumnElement[Any]]
"""The columns of `given`, by name."""

Row = tuple[Any, ...]
Statement = sa.Update | sa.Insert | sa.sql.dml.ReturningInsert[Any]
ROWS_PLACEHOLDER = "rows_of_this_statement"
# Python caches a prepared statement for each number of rows. Statements with more rows are not faster.
MAX_ROWS = 128


class Bulk:
    """A statement for many rows; make one with `updating` or `inserting`."""

    def __init__(
        self, types: Mapping[str, sa.types.TypeEngine[Any]], statement: Callable[[Given], Statement]
    ) -> None:
        self._types = types
        self._statement = statement
        columns = [sa.column(name, kind) for name, kind in types.items()]
        arrays = [sa.bindparam(name, type_=sa.ARRAY(kind)) for name, kind in types.items()]
        unnested = sa.func.unnest(*arrays).table_valued(*columns).render_derived(name="given")
        self._unnested = statement({column.key: column for column in unnested.c})
        self._values: _ValuesStatement | None = None

    def run(self, connection: sa.Connection, rows: Sequence[Row], **same: Any) -> int:
        """Run the statement for these rows and return how many rows it changed.

        same: parameters that all rows share.
        """
        return sum(result.rowcount for result in self._run_all(connection, rows, same))

    def run_returning(self, connection: sa.Connection, rows: Sequence[Row], **same: Any) -> Iterator[Row]:
        """Run the statement for these rows and return the rows that it returns, in any order.

        same: parameters that all rows share.
        """
        for result in self._run_all(connection, rows, same):
            yield from map(tuple, result.all())

    def _run_all(
        self, connection: sa.Connection, rows: Sequence[Row], same: Mapping[str, Any]
    ) -> Iterator[sa.CursorResult[Any]]:
        if connection.dialect.name == "postgresql":
            arrays = {
                name: list(column) for name, column in zip(self._types, zip(*rows, strict=True), strict=True)
            }
            yield connection.execute(self._unnested, {**arrays, **same})
            return
        if self._values is None:
            self._values = _ValuesStatement(self._types, self._statement, connection.dialect)
        for first in range(0, len(rows), MAX_ROWS):
            yield self._values.run(connection, rows[first : first + MAX_ROWS], same)


class _ValuesStatement:
    """The SQLite form of the statement, compiled once: later runs only bind values."""

    def __init__(
        self,
        types: Mapping[str, sa.types.TypeEngine[Any]],
        statement: Callable[[Given], Statement],
        dialect: sa.Dialect,
    ) -> None:
        # SQLite names the columns of VALUES column1, column2 and so on.
        columns = [sa.column(f"column{place}", kind) for place, kind in enumerate(types.values(), start=1)]
        given = sa.table(ROWS_PLACEHOLDER, *columns).alias("given")
        compiled: Any = statement(dict(zip(types, given.c, strict=True))).compile(dialect=dialect)
        self._head, self._tail = str(compiled).split(ROWS_PLACEHOLDER)
        self._row = f"({', '.join('?' * len(types))})"
        self._texts: dict[int, str] = {}
        self._constant = dict(compiled.params)
        binds = [(name, _find_converter(compiled.binds[name].type, dialect)) for name in compiled.positiontup]
        first = self._head.count("?")
        self._before, self._after = binds[:first], binds[first:]
        self._columns = [_find_converter(kind, dialect) for kind in types.values()]
        self._plain = all(convert is _unchanged for convert in self._columns)

    def run(
        self, connection: sa.Connection, rows: Sequence[Row], same: Mapping[str, Any]
    ) -> sa.CursorResult[Any]:
        text = self._texts.get(len(rows))
        if text is None:
            values = ", ".join([self._row] * len(rows))
            text = self._texts[len(rows)] = f"{self._head}(VALUES {values}){self._tail}"
        shared = {**self._constant, **same}
        given: Iterable[Iterable[Any]] = rows
        if not self._plain:
            # Convert column by column, because most columns need no conversion.
            converted = (
                values if convert is _unchanged else map(convert, values)
                for convert, values in zip(self._columns, zip(*rows, strict=True), strict=True)
            )
            given = zip(*converted, strict=True)
        parameters = (
            *(convert(shared[name]) for name, convert in self._before),
            *chain.from_iterable(given),
            *(convert(shared[name]) for name, convert in self._after),
        )
        # Run the text, because SQLAlchemy would compile its own statement again for each number of rows.
        return connection.exec_driver_sql(text, parameters)


def _find_converter(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Callable[[Any], Any]:
    """Return the function that converts a value of this type for the database."""
    if isinstance(kind, sa.JSON) and not kind.none_as_null:
        return text_map_to_json
    return kind.dialect_impl(dialect).bind_processor(dialect) or _unchanged


def _unchanged(value: Any) -> Any:
    return value


def updating(columns: Mapping[str, sa.Column[Any]], update: Callable[[Given], sa.Update]) -> Bulk:
    """Make an UPDATE for many rows.

    columns: the names of the columns of `given`, each with a table column of the same type.
    update: a function that builds the statement from the columns of `given`.
    """
    return Bulk({name: column.type for name, column in columns.items()}, update)


def inserting(table: sa.Table, *names: str, same: Sequence[str] = (), giving: Sequence[str] = ()) -> Bulk:
    """Make an INSERT for many rows.

    names: columns with a value for each row.
    same: columns with one value for all rows.
    giving: columns of the inserted rows that the statement returns.
    """

    def insert(given: Given) -> Statement:
        rest = (shared(name, table.c[name]) for name in same)
        statement = sa.insert(table).from_select([*names, *same], sa.select(*given.values(), *rest))
        return statement.returning(*(table.c[name] for name in giving)) if giving else statement

    return Bulk({name: table.c[name].type for name in names}, insert)


def among(
    connection: sa.Connection, column: sa.ColumnElement[Any], values: Iterable[Any]
) -> sa.ColumnElement[bool]:
    """Return the condition that the column is one of the values.

    All values are one parameter, so there may be thousands of them.
    """
    if connection.dialect.name != "postgresql":
        listed = sa.func.json_each(to_json(list(values))).table_valued("value")
        return column.in_(sa.select(sa.type_coerce(listed.c.value, column.type)))
    array = sa.bindparam(None, list(values), type_=sa.ARRAY(column.type))
    return column == sa.func.any(array)
