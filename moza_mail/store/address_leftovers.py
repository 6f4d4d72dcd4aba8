"""Find an address in the texts of all tables, in every spelling, and remove it.

The address may be in the attributes, consent or reply of another person, or in an old mailing.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address, normalise_address
from moza_mail.model.address_search import ESCAPES, AddressFinder
from moza_mail.store.schema import (
    audit_log,
    deliveries,
    erasures,
    lists,
    mailings,
    metadata,
    properties,
)

# These tables hold published texts, entries without addresses that are never changed, or settings of the project.
NOT_SEARCHED = (mailings, audit_log, erasures, lists, properties)
SEARCHED = tuple(table for table in metadata.sorted_tables if table not in NOT_SEARCHED)
"""The tables whose texts may contain anybody's address."""
OWN_ADDRESS = {"address_key", "digest", "address"}
"""Columns with the row's own address, or with a digest. An erasure deletes rows about the person by their key."""
PUBLISHED = (
    mailings.c.issue_title,
    mailings.c.subject,
    mailings.c.preheader,
    mailings.c.html,
    mailings.c.text,
    mailings.c.attachments,
)

Key = tuple[Any, ...]
Leftovers = Mapping[sa.Table, Sequence[Key]]
"""The primary keys of rows that contain the address, by table."""


def find_leftovers(connection: sa.Connection, address: Address) -> Leftovers:
    """Return the rows that contain an address."""
    finder = AddressFinder(address)
    found: dict[sa.Table, list[Key]] = {}
    for table in SEARCHED:
        texts = _text_columns(table)
        if not texts:
            continue
        keys = tuple(table.primary_key)
        where = _may_contain(connection, texts, address)
        for row in connection.execute(sa.select(*keys, *texts).where(where)):
            if any(finder.is_in_value(value) for value in row[len(keys) :]):
                found.setdefault(table, []).append(tuple(row[: len(keys)]))
    return found


def find_issues(connection: sa.Connection, address: Address) -> list[str]:
    """Return the issues whose own text contains an address.

    The text of an issue was published and is not changed.
    """
    finder = AddressFinder(address)
    where = _may_contain(connection, PUBLISHED, address)
    query = sa.select(mailings.c.issue_slug, *PUBLISHED).where(where).order_by(mailings.c.id)
    found = (row[0] for row in connection.execute(query) if any(map(finder.is_in_value, row[1:])))
    return list(dict.fromkeys(found))


def find_deliveries(connection: sa.Connection, address: Address) -> frozenset[int]:
    """Return the ids of the deliveries to an address, whichever subscriber had it then."""
    query = sa.select(deliveries.c.id, deliveries.c.address)
    found = connection.execute(query.where(_may_contain(connection, [deliveries.c.address], address)))
    return frozenset(number for number, text in found if normalise_address(text) == address.key)


def remove_address(connection: sa.Connection, table: sa.Table, key: Key, finder: AddressFinder) -> None:
    """Remove an address from the texts of a row.

    A row whose key contains the address is deleted.
    """
    keys = tuple(table.primary_key)
    where = [column == value for column, value in zip(keys, key, strict=True)]
    if any(finder.is_in_value(value) for value in key):
        connection.execute(sa.delete(table).where(*where))
        return
    row = connection.execute(sa.select(*_text_columns(table)).where(*where)).mappings().one()
    values = {name: finder.remove_from_value(value) for name, value in row.items()}
    connection.execute(sa.update(table).where(*where).values(values))


def _text_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns that may contain any text.

    The columns with a row's own address are left out, except `deliveries.address`.
    """
    return [
        column
        for column in table.c
        if isinstance(column.type, sa.Text | sa.JSON)
        and (column.name not in OWN_ADDRESS or column is deliveries.c.address)
    ]


def _may_contain(
    connection: sa.Connection, columns: Sequence[sa.Column[Any]], address: Address
) -> sa.ColumnElement[bool]:
    """Return the condition for rows that must be searched for every spelling.

    These rows have a text that contains a character beyond ASCII, an escaped character, or both parts of the
    address. No other text can contain any spelling of the address.
    """
    if connection.dialect.name != "postgresql":
        # One Python call for each of 1.2 million rows takes 5 seconds of processor time; SQL functions for each column take 9.
        raw: Any = connection.connection.driver_connection
        raw.create_function("may_contain_address", -1, partial(_texts_may_contain, *_parts(address)))
        return sa.func.may_contain_address(*columns, type_=sa.Boolean)
    return sa.or_(*(_column_may_contain(column, address) for column in columns))


def _parts(address: Address) -> tuple[str, str]:
    return address.local.lower(), address.domain


def _texts_may_contain(local: str, domain: str, *texts: str | None) -> bool:
    text = "\n".join([each for each in texts if each])
    if not text.isascii() or any(escape in text for escape in ESCAPES):
        return True
    lower = text.lower()
    return domain in lower and local in lower


def _column_may_contain(column: sa.Column[Any], address: Address) -> sa.ColumnElement[bool]:
    text = sa.cast(column, sa.Text)
    lower = sa.func.lower(sa.collate(text, "C"))
    is_ascii = sa.func.octet_length(text) == sa.func.char_length(text)
    has_escape = sa.or_(*(sa.func.strpos(text, escape) > 0 for escape in ESCAPES))
    has_parts = sa.and_(*(sa.func.strpos(lower, part) > 0 for part in _parts(address)))
    return has_escape | ~is_ascii | has_parts
