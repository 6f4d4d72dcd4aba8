"""One statement for many rows.

SQLite runs a statement for each row faster than it would do anything cleverer. To PostgreSQL the rows go as columns, each an
array that it unnests: one statement and one answer, however many there are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

Given = Mapping[str, sa.ColumnElement[Any]]
"""What each row gives, by name: parameters, or the columns of the unnested arrays."""


class Bulk:
    """A statement that is run for many rows; make one with `updating` or `inserting`."""

    def __init__(
        self,
        types: Mapping[str, sa.types.TypeEngine[Any]],
        one: Callable[[Given], sa.Executable],
        many: Callable[[Given], sa.Executable],
    ) -> None:
        self._names = tuple(types)
        self._one = one({name: sa.bindparam(name, type_=kind) for name, kind in types.items()})
        arrays = [sa.bindparam(name, type_=sa.ARRAY(kind)) for name, kind in types.items()]
        columns = [sa.column(name, kind) for name, kind in types.items()]
        given = sa.func.unnest(*arrays).table_valued(*columns).render_derived(name="given")
        self._many = many({column.key: column for column in given.c})

    def run(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]], **same: Any) -> int:
        """Run it for these rows, and give how many it changed; `same` are parameters that all rows share."""
        if connection.dialect.name != "postgresql":
            return connection.execute(self._one, [{**row, **same} for row in rows]).rowcount
        arrays = {name: [row[name] for row in rows] for name in self._names}
        return connection.execute(self._many, {**arrays, **same}).rowcount


def updating(columns: Mapping[str, sa.Column[Any]], update: Callable[[Given], sa.Update]) -> Bulk:
    """An UPDATE; what a row gives has the type of the column it is compared with or written to."""
    return Bulk({name: column.type for name, column in columns.items()}, update, update)


def inserting(table: sa.Table, *names: str) -> Bulk:
    """An INSERT of these columns."""
    return Bulk(
        {name: table.c[name].type for name in names},
        sa.insert(table).values,
        lambda given: sa.insert(table).from_select(names, sa.select(*given.values())),
    )


def among(
    connection: sa.Connection, column: sa.ColumnElement[Any], values: Iterable[Any]
) -> sa.ColumnElement[bool]:
    """Whether the column is one of the values, of which there may be a thousand."""
    if connection.dialect.name != "postgresql":
        return column.in_(values)
    array = sa.bindparam(None, list(values), type_=sa.ARRAY(column.type))
    return column == sa.func.any(array)
