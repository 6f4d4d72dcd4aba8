"""The move file: all subscriber data as lines of JSON, to move a project elsewhere.

It can be imported into another database or on another machine. The first line of the file has the version of the format
and an id of the project's secret, but never the secret itself. The last line has the number of rows of each table, so that
a truncated file is recognised. A sign-up keeps its number, so that the link in its mail works in the other project too.
"""

import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import AddressError, StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.move_file import VERSION, read_header
from moza_mail.store.audit_writer import add_entry, adopt_secret, require_hasher, stored_fingerprint
from moza_mail.store.paging import PAGE, split_into_pages
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.raw_rows import find_last_id, set_last_id, to_json_value, with_byte_order
from moza_mail.store.schema import (
    UtcTime,
    confirmations,
    erasures,
    lists,
    mailings,
    removed_suppressions,
    subscribers,
    subscriptions,
    suppressions,
    to_json,
)
from moza_mail.store.transactions import Transactions

MOVED = {
    table.name: table
    for table in (
        lists,
        subscribers,
        subscriptions,
        confirmations,
        suppressions,
        removed_suppressions,
        erasures,
    )
}
# These columns are not exported. Keys are computed from the addresses, mailings are not moved, and removed suppressions
# get new numbers.
LEFT_OUT = frozenset(
    {
        ("subscribers", "address_key"),
        ("confirmations", "sender_id"),
        ("suppressions", "address_key"),
        ("suppressions", "mailing_id"),
        ("removed_suppressions", "id"),
        ("removed_suppressions", "address_key"),
        ("removed_suppressions", "mailing_id"),
    }
)
COLUMNS = {
    name: tuple(column for column in table.c if (name, column.name) not in LEFT_OUT)
    for name, table in MOVED.items()
}
HAVE_ADDRESS = frozenset({"subscribers", "suppressions", "removed_suppressions"})
# A mail that was about to be sent may have arrived, so the other project must not send it again.
STATE_AFTER_MOVE = {
    DeliveryState.CLAIMED.value: DeliveryState.PENDING.value,
    DeliveryState.INTENT.value: DeliveryState.UNCERTAIN.value,
}
Row = dict[str, Any]


class SubscriberMove:
    """Export everything about subscribers as lines, and import them into an empty store."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def iter_lines(self) -> AsyncGenerator[str]:
        """Return the lines of a move file. Stores with the same content give the same lines."""
        yield to_json(await self._transactions.read(_describe))
        counts: Counter[str] = Counter()
        for line in await self._transactions.read(_select_all, "lists", counts):
            yield line
        after = 0
        while page := await self._transactions.read(_select_people, after, counts):
            after = page[0]
            for line in page[1]:
                yield line
        for name in ("confirmations", "suppressions", "removed_suppressions", "erasures"):
            for line in await self._transactions.read(_select_all, name, counts):
                yield line
        yield to_json({"end": {name: counts[name] for name in MOVED}})

    async def import_lines(self, lines: Iterable[str], source: str, *, now: datetime) -> Mapping[str, int]:
        """Import a move file in one transaction, and return the number of rows by table.

        Raises StoreError if the store is not empty, if it has another secret, or for a line that cannot be used.
        """
        return await self._transactions.write(_import_lines, lines, source, now)


def _describe(connection: sa.Connection) -> Row:
    secret_id = require_hasher(connection).fingerprint
    return {
        "move_file": VERSION,
        "secret_id": secret_id,
        "last_subscriber_id": find_last_id(connection, subscribers),
        "last_confirmation_id": find_last_id(connection, confirmations),
    }


def _select_all(connection: sa.Connection, name: str, counts: Counter[str]) -> list[str]:
    """Return all rows of a small table as lines."""
    table = MOVED[name]
    (key,) = table.primary_key.columns
    order = key if isinstance(key.type, sa.Integer) else with_byte_order(connection, key)
    return _to_lines(name, connection.execute(sa.select(*COLUMNS[name]).order_by(order)), counts)


def _select_people(
    connection: sa.Connection, after: int, counts: Counter[str]
) -> tuple[int, list[str]] | None:
    """Return the last id and the lines of one page of subscribers; None after the last page.

    The lines include the subscriptions of these subscribers.
    """
    query = sa.select(*COLUMNS["subscribers"]).where(subscribers.c.id > after)
    page = connection.execute(query.order_by(subscribers.c.id).limit(PAGE)).all()
    if not page:
        return None
    last: int = page[-1].id
    joined = connection.execute(
        sa.select(*COLUMNS["subscriptions"])
        .where(subscriptions.c.subscriber_id > after, subscriptions.c.subscriber_id <= last)
        .order_by(subscriptions.c.subscriber_id, with_byte_order(connection, subscriptions.c.list_slug))
    )
    return last, _to_lines("subscribers", page, counts) + _to_lines("subscriptions", joined, counts)


def _to_lines(name: str, rows: Iterable[sa.Row[Any]], counts: Counter[str]) -> list[str]:
    names = [column.name for column in COLUMNS[name]]
    records = [{"table": name, **dict(zip(names, map(to_json_value, row), strict=True))} for row in rows]
    if name == "confirmations":
        for record in records:
            record["state"] = STATE_AFTER_MOVE.get(record["state"], record["state"])
    counts[name] += len(records)
    return list(map(to_json, records))


def _import_lines(
    connection: sa.Connection, lines: Iterable[str], source: str, now: datetime
) -> Mapping[str, int]:
    lock_people(connection)
    for table in (subscribers, suppressions, erasures, mailings):
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise StoreError(
                _(
                    "a move file can only be imported into an empty project, but this project has {table}",
                    table=table.name,
                ),
                hint=_("Make a new project: moza-mail init FOLDER"),
            )
    numbered = enumerate(lines, start=1)
    header = read_header(next(numbered, (1, ""))[1]) or {}
    _check_header(connection, header, source, now)
    connection.execute(sa.delete(lists))
    counts: Counter[str] = Counter()
    stated: list[Mapping[str, int]] = []
    for name, group in groupby(_parse_lines(numbered, source, stated), key=lambda one: one[0]):
        for page in split_into_pages(row for _name, row in group):
            connection.execute(sa.insert(MOVED[name]), page)
            counts[name] += len(page)
    if not stated or dict(stated[0]) != {name: counts[name] for name in MOVED}:
        raise StoreError(_("{file}: the file is not complete", file=source), hint=_("Export it again."))
    set_last_id(connection, subscribers, header["last_subscriber_id"])
    set_last_id(connection, confirmations, header["last_confirmation_id"])
    detail = f"{source}: {counts['subscribers']} moved"
    add_entry(connection, AuditEntry(occurred_at=now, action=AuditAction.IMPORT, detail=detail))
    return {name: counts[name] for name in MOVED}


def _check_header(
    connection: sa.Connection, header: Row | Mapping[str, Any], source: str, now: datetime
) -> None:
    numbers = (header.get("last_subscriber_id"), header.get("last_confirmation_id"))
    if header.get("move_file") != VERSION or not all(isinstance(number, int) for number in numbers):
        raise StoreError(
            _("{file}: this is not a move file of this version", file=source),
            hint=_("Make one with: moza-mail subscribers export --all"),
        )
    if header.get("secret_id") != require_hasher(connection).fingerprint:
        raise StoreError(
            _("{file}: the file was made with another secret than this project's", file=source),
            hint=_("Add the secret of the project that made the file: --secret-file FILE"),
        )
    if stored_fingerprint(connection) != header["secret_id"]:
        adopt_secret(connection, now)


def _parse_lines(
    numbered: Iterable[tuple[int, str]], source: str, stated: list[Mapping[str, int]]
) -> Iterator[tuple[str, Row]]:
    """Yield the table and the values of each line.

    stated: a list to which the row counts in the last line are added.
    """
    for number, line in numbered:
        try:
            record = json.loads(line)
            if not stated and set(record) == {"end"}:
                stated.append(record["end"])
                continue
            # The line with the counts is the last one, so any line after it is an error.
            name = "" if stated else record.pop("table")
            yield name, _parse_row(name, record)
        except (ValueError, KeyError, TypeError, AttributeError, AddressError):
            raise StoreError(
                _("{file}, line {line}: the line cannot be used", file=source, line=number),
                hint=_("Export it again: a move file is not meant to be edited."),
            ) from None


def _parse_row(name: str, record: Row) -> Row:
    """Return a row's values for the database.

    Raise ValueError, KeyError or TypeError if the row is wrong.
    """
    columns = COLUMNS[name]
    if record.keys() != {column.name for column in columns}:
        raise ValueError
    row = {column.name: _parse_value(column, record[column.name]) for column in columns}
    if name in HAVE_ADDRESS:
        row["address_key"] = Address.parse(row["address"], international=True).key
    if name in {"suppressions", "removed_suppressions"}:
        row["mailing_id"] = None
    return row


def _parse_value(column: sa.Column[Any], value: Any) -> Any:
    if value is None and column.nullable:
        return None
    if isinstance(column.type, UtcTime):
        return datetime.fromisoformat(value)
    if isinstance(column.type, sa.Enum):
        kind: Any = column.type.enum_class
        return kind(value)
    if isinstance(column.type, sa.JSON):
        texts = value.values() if isinstance(value, dict) else [None]
        is_right = all(isinstance(text, str) for text in texts)
    else:
        is_right = isinstance(value, str if isinstance(column.type, sa.String) else int)
    if not is_right:
        raise TypeError
    return value
