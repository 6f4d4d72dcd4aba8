"""Everything that is held about one address: where it stands in each table, and all of those rows, whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address
from moza_mail.model.address_hash import Pseudonyms
from moza_mail.model.timestamps import format_utc
from moza_mail.store.schema import (
    audit,
    bounces,
    confirmations,
    deliveries,
    erasures,
    lifted,
    mailings,
    subscribers,
    subscriptions,
    suppressions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The person of an address: the numbers it has or had, and the pseudonym that stands for it."""

    key: str
    pseudonym: str
    numbers: frozenset[int]


def subject(connection: sa.Connection, address: Address, known_by: Pseudonyms) -> Subject:
    """Whoever has or had an address, whether or not anything is held of them."""
    pseudonym = known_by.of(address)
    has = connection.scalars(sa.select(subscribers.c.id).where(subscribers.c.address_key == address.key))
    numbers = set(has)
    had = sa.select(audit.c.subscriber).where(audit.c.pseudonym == pseudonym, audit.c.subscriber.is_not(None))
    numbers |= set(connection.scalars(had.distinct()))
    return Subject(key=address.key, pseudonym=pseudonym, numbers=frozenset(numbers))


def _mailed(of: Subject) -> sa.ColumnElement[bool]:
    return deliveries.c.subscriber.in_(of.numbers) | (sa.func.lower(deliveries.c.address) == of.key)


# A test holds this to the schema: a table is here, or it is said there why it holds nothing of a reader.
WHERE: Mapping[sa.Table, Callable[[Subject], sa.ColumnElement[bool]]] = {
    subscribers: lambda of: subscribers.c.address_key == of.key,
    subscriptions: lambda of: subscriptions.c.subscriber.in_(of.numbers),
    confirmations: lambda of: confirmations.c.subscriber.in_(of.numbers),
    suppressions: lambda of: suppressions.c.address_key == of.key,
    lifted: lambda of: lifted.c.address_key == of.key,
    deliveries: _mailed,
    bounces: lambda of: bounces.c.delivery.in_(sa.select(deliveries.c.id).where(_mailed(of))),
    erasures: lambda of: erasures.c.pseudonym == of.pseudonym,
    audit: lambda of: audit.c.subscriber.in_(of.numbers) | (audit.c.pseudonym == of.pseudonym),
}
OF_NOBODY = {
    "lists": "the lists' names",
    "rates": "how fast the relay may be used",
    "mailings": "an issue as all readers get it; what an editor wrote in it is published",
    "senders": "which process sent, by the account of the machine",
    "approvals": "which colleague approved an issue",
    "notices": "what the operator was told once",
    "properties": "the store's own settings",
}
"""The tables that hold nothing of a reader, and what they hold."""


def everything(
    connection: sa.Connection, address: Address, known_by: Pseudonyms
) -> dict[str, list[dict[str, Any]]]:
    """All rows about an address by table, every column by its name, as JSON has it; what a mailing is, by its issue and list."""
    of = subject(connection, address, known_by)
    return {table.name: _rows(connection, table, where(of)) for table, where in WHERE.items()}


def _rows(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    query = sa.select(*table.c, *_issue(table)).where(where)
    if table is deliveries:
        query = query.join(mailings, mailings.c.id == deliveries.c.mailing)
    if table is bounces:
        query = query.join(deliveries, deliveries.c.id == bounces.c.delivery).join(
            mailings, mailings.c.id == deliveries.c.mailing
        )
    found = connection.execute(query.order_by(*table.primary_key))
    return [{name: _as_json(value) for name, value in row.items()} for row in found.mappings()]


def _issue(table: sa.Table) -> Sequence[sa.ColumnElement[Any]]:
    if table in {deliveries, bounces}:
        return (mailings.c.issue_slug.label("issue"), mailings.c.list_slug.label("list"))
    return ()


def _as_json(value: Any) -> Any:
    return format_utc(value) if isinstance(value, datetime) else value
