"""Find addresses in the texts of all tables, in every spelling, and remove them.

An address may be in the attributes, consent or reply of another person, or in an old mailing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address, normalise_address
from moza_mail.model.address_search import ESCAPES, AddressFinder, AddressSetFinder
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
OWN_ADDRESS_COLUMNS = {"address_key", "digest", "address"}
"""Columns with the row's own address, or with a digest. They are not searched: an erasure deletes these rows by their key."""
PUBLISHED = (
    mailings.c.issue_title,
    mailings.c.subject,
    mailings.c.preheader,
    mailings.c.html,
    mailings.c.text,
    mailings.c.news,
    mailings.c.attachments,
)

Key = tuple[Any, ...]
Leftovers = Mapping[sa.Table, Sequence[Key]]
"""The primary keys of rows that contain the address, by table."""


def find_leftovers(connection: sa.Connection, finder: AddressSetFinder) -> Mapping[Address, Leftovers]:
    """Return the rows that contain an address, by address. Each table is read once."""
    found: dict[Address, dict[sa.Table, list[Key]]] = {}
    for table in SEARCHED:
        texts = _list_text_columns(table)
        if not texts:
            continue
        keys = tuple(table.primary_key)
        where = _may_contain(connection, texts, finder)
        for row in connection.execute(sa.select(*keys, *texts).where(where)):
            for address in finder.find_in_value(list(row[len(keys) :])):
                found.setdefault(address, {}).setdefault(table, []).append(tuple(row[: len(keys)]))
    return found


def find_issues(connection: sa.Connection, finder: AddressSetFinder) -> list[str]:
    """Return the issues whose own text contains one of the addresses.

    The text of an issue was published and is not changed.
    """
    where = _may_contain(connection, PUBLISHED, finder)
    query = sa.select(mailings.c.issue_slug, *PUBLISHED).where(where).order_by(mailings.c.id)
    found = (row[0] for row in connection.execute(query) if finder.find_in_value(list(row[1:])))
    return list(dict.fromkeys(found))


def find_deliveries(connection: sa.Connection, address: Address) -> frozenset[int]:
    """Return the ids of all deliveries to an address, whoever had the address at that time."""
    query = sa.select(deliveries.c.id, deliveries.c.address)
    where = _may_contain(connection, [deliveries.c.address], AddressSetFinder([address]))
    found = connection.execute(query.where(where))
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
    row = connection.execute(sa.select(*_list_text_columns(table)).where(*where)).mappings().one()
    values = {name: finder.remove_from_value(value) for name, value in row.items()}
    connection.execute(sa.update(table).where(*where).values(values))


def _list_text_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns that may contain any text.

    The columns with a row's own address are left out, except `deliveries.address`.
    """
    return [
        column
        for column in table.c
        if isinstance(column.type, sa.Text | sa.JSON)
        and (column.name not in OWN_ADDRESS_COLUMNS or column is deliveries.c.address)
    ]


def _may_contain(
    connection: sa.Connection, columns: Sequence[sa.Column[Any]], finder: AddressSetFinder
) -> sa.ColumnElement[bool]:
    """Return the condition for rows that must be searched for every spelling.

    These rows have a text that contains a character beyond ASCII, an escaped character, or an address in its plain
    spelling. No other text can contain any spelling of an address.
    """
    if connection.dialect.name != "postgresql":
        # One Python call for each of 1.2 million rows takes 5 seconds of processor time; SQL functions for each column take 9.
        raw: Any = connection.connection.driver_connection
        raw.create_function("may_contain_address", -1, lambda *texts: _texts_may_contain(finder, *texts))
        return sa.func.may_contain_address(*columns, type_=sa.Boolean)
    return sa.or_(*(_column_may_contain(column, finder.addresses) for column in columns))


def _texts_may_contain(finder: AddressSetFinder, *texts: str | None) -> bool:
    return finder.may_be_in("\n".join([each for each in texts if each]))


def _column_may_contain(column: sa.Column[Any], addresses: Sequence[Address]) -> sa.ColumnElement[bool]:
    text = sa.cast(column, sa.Text)
    lower = sa.func.lower(sa.collate(text, "C"))
    is_ascii = sa.func.octet_length(text) == sa.func.char_length(text)
    has_escape = sa.or_(*(sa.func.strpos(text, escape) > 0 for escape in ESCAPES))
    if len(addresses) > 1:
        # The server is faster at returning all texts with any address than at comparing each text with hundreds of addresses.
        return has_escape | ~is_ascii | text.op("~")("[@=]")
    parts = [part for each in addresses for part in (each.local.lower(), each.domain)]
    has_parts = sa.and_(*(sa.func.strpos(lower, part) > 0 for part in parts))
    return has_escape | ~is_ascii | has_parts
