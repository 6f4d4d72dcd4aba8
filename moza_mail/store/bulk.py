"""One statement for many rows, run in one go.

The rows are a table of the statement's own, called `given`. To PostgreSQL they go as columns, each an array that it
unnests. To SQLite they go as VALUES. Run for each row anew, a statement would give Python's lock away and ask for it back
each time, and wait for an event loop that is busy at that moment.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa

from moza_mail.store.schema import as_json, shared, words_as_json

Given = Mapping[str, sa.ColumnElement[Any]]
"""What each row gives, by name: the columns of `given`."""

Row = tuple[Any, ...]
Statement = sa.Update | sa.Insert | sa.sql.dml.ReturningInsert[Any]
PLACE = "rows_of_this_statement"
# SQLite keeps what it has prepared for each number of rows; more of them at a time gain nothing.
MOST = 128


class Bulk:
    """A statement that is run for many rows; make one with `updating` or `inserting`."""

    def __init__(
        self, types: Mapping[str, sa.types.TypeEngine[Any]], statement: Callable[[Given], Statement]
    ) -> None:
        self._types = types
        self._statement = statement
        columns = [sa.column(name, kind) for name, kind in types.items()]
        arrays = [sa.bindparam(name, type_=sa.ARRAY(kind)) for name, kind in types.items()]
        unnested = sa.func.unnest(*arrays).table_valued(*columns).render_derived(name="given")
        self._unnested = statement({column.key: column for column in unnested.c})
        self._values: _Values | None = None

    def run(self, connection: sa.Connection, rows: Sequence[Row], **same: Any) -> int:
        """Run it for these rows, and give how many it changed; `same` are parameters that all rows share."""
        return sum(done.rowcount for done in self._done(connection, rows, same))

    def returned(self, connection: sa.Connection, rows: Sequence[Row], **same: Any) -> Iterator[Row]:
        """Run it for these rows, and give what the statement returns of each, in any order."""
        for done in self._done(connection, rows, same):
            yield from map(tuple, done.all())

    def _done(
        self, connection: sa.Connection, rows: Sequence[Row], same: Mapping[str, Any]
    ) -> Iterator[sa.CursorResult[Any]]:
        if connection.dialect.name == "postgresql":
            arrays = {
                name: list(column) for name, column in zip(self._types, zip(*rows, strict=True), strict=True)
            }
            yield connection.execute(self._unnested, {**arrays, **same})
            return
        if self._values is None:
            self._values = _Values(self._types, self._statement, connection.dialect)
        for first in range(0, len(rows), MOST):
            yield self._values.run(connection, rows[first : first + MOST], same)


class _Values:
    """The statement as SQLite is given it: compiled once, so that a row costs no more than its values."""

    def __init__(
        self,
        types: Mapping[str, sa.types.TypeEngine[Any]],
        statement: Callable[[Given], Statement],
        dialect: sa.Dialect,
    ) -> None:
        # SQLite calls the columns of VALUES column1, column2 and so on.
        columns = [sa.column(f"column{place}", kind) for place, kind in enumerate(types.values(), start=1)]
        given = sa.table(PLACE, *columns).alias("given")
        compiled: Any = statement(dict(zip(types, given.c, strict=True))).compile(dialect=dialect)
        self._head, self._tail = str(compiled).split(PLACE)
        self._row = f"({', '.join('?' * len(types))})"
        self._texts: dict[int, str] = {}
        self._constant = dict(compiled.params)
        said = [(name, _said(compiled.binds[name].type, dialect)) for name in compiled.positiontup]
        first = self._head.count("?")
        self._before, self._behind = said[:first], said[first:]
        self._columns = [_said(kind, dialect) for kind in types.values()]
        self._plain = all(say is _as_it_is for say in self._columns)

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
            # By columns, of which most go as they are: a row is then no more than its place in each.
            said = (
                values if say is _as_it_is else map(say, values)
                for say, values in zip(self._columns, zip(*rows, strict=True), strict=True)
            )
            given = zip(*said, strict=True)
        parameters = (
            *(say(shared[name]) for name, say in self._before),
            *chain.from_iterable(given),
            *(say(shared[name]) for name, say in self._behind),
        )
        # Not through the statement that SQLAlchemy would have to compile anew for each number of rows.
        return connection.exec_driver_sql(text, parameters)


def _said(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Callable[[Any], Any]:
    """How a value of this type is said to the database."""
    if isinstance(kind, sa.JSON) and not kind.none_as_null:
        return words_as_json
    return kind.dialect_impl(dialect).bind_processor(dialect) or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def updating(columns: Mapping[str, sa.Column[Any]], update: Callable[[Given], sa.Update]) -> Bulk:
    """An UPDATE; what a row gives has the type of the column it is compared with or written to."""
    return Bulk({name: column.type for name, column in columns.items()}, update)


def inserting(table: sa.Table, *names: str, same: Sequence[str] = (), giving: Sequence[str] = ()) -> Bulk:
    """An INSERT of these columns and of those that all rows have the `same`; it returns the columns `giving`."""

    def insert(given: Given) -> Statement:
        rest = (shared(name, table.c[name]) for name in same)
        made = sa.insert(table).from_select([*names, *same], sa.select(*given.values(), *rest))
        return made.returning(*(table.c[name] for name in giving)) if giving else made

    return Bulk({name: table.c[name].type for name in names}, insert)


def among(
    connection: sa.Connection, column: sa.ColumnElement[Any], values: Iterable[Any]
) -> sa.ColumnElement[bool]:
    """Whether the column is one of the values, of which there may be thousands: they go as one parameter."""
    if connection.dialect.name != "postgresql":
        listed = sa.func.json_each(as_json(list(values))).table_valued("value")
        return column.in_(sa.select(sa.type_coerce(listed.c.value, column.type)))
    array = sa.bindparam(None, list(values), type_=sa.ARRAY(column.type))
    return column == sa.func.any(array)
