"""Find everything that is stored about one address, table by table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address
from moza_mail.model.timestamps import format_utc
from moza_mail.store.address_leftovers import find_deliveries
from moza_mail.store.audit_writer import require_hasher
from moza_mail.store.schema import (
    audit_log,
    bounces,
    confirmations,
    deliveries,
    erasures,
    mailings,
    removed_suppressions,
    sign_up_requests,
    subscribers,
    subscriptions,
    suppressions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSubject:
    """A person, found by address (GDPR art. 4).

    ids: the subscriber ids that the address has or had.
    delivery_ids: the ids of the deliveries to the address, whichever subscriber had the address then; empty if they were
        not looked up.
    """

    key: str
    address_hash: str
    ids: frozenset[int]
    delivery_ids: frozenset[int] = frozenset()


def find_subject(connection: sa.Connection, address: Address) -> DataSubject:
    """Return the person who has or had an address, even if nothing is stored about them."""
    address_hash = require_hasher(connection).hash_address(address)
    present = connection.scalars(sa.select(subscribers.c.id).where(subscribers.c.address_key == address.key))
    ids = set(present)
    earlier = sa.select(audit_log.c.subscriber_id).where(
        audit_log.c.address_hash == address_hash, audit_log.c.subscriber_id.is_not(None)
    )
    ids |= set(connection.scalars(earlier.distinct()))
    return DataSubject(key=address.key, address_hash=address_hash, ids=frozenset(ids))


def _was_mailed(subject: DataSubject) -> sa.ColumnElement[bool]:
    return deliveries.c.subscriber_id.in_(subject.ids) | deliveries.c.id.in_(subject.delivery_ids)


# A test checks that each table of the schema is either in PERSONAL_TABLES or in OTHER_TABLES.
PERSONAL_TABLES: Mapping[sa.Table, Callable[[DataSubject], sa.ColumnElement[bool]]] = {
    subscribers: lambda subject: subscribers.c.address_key == subject.key,
    subscriptions: lambda subject: subscriptions.c.subscriber_id.in_(subject.ids),
    sign_up_requests: lambda subject: sign_up_requests.c.address_key == subject.key,
    confirmations: lambda subject: confirmations.c.subscriber_id.in_(subject.ids),
    suppressions: lambda subject: suppressions.c.address_key == subject.key,
    removed_suppressions: lambda subject: removed_suppressions.c.address_key == subject.key,
    deliveries: _was_mailed,
    bounces: lambda subject: bounces.c.delivery_id.in_(
        sa.select(deliveries.c.id).where(_was_mailed(subject))
    ),
    erasures: lambda subject: erasures.c.address_hash == subject.address_hash,
    audit_log: lambda subject: (
        audit_log.c.subscriber_id.in_(subject.ids) | (audit_log.c.address_hash == subject.address_hash)
    ),
}
OTHER_TABLES = {
    "lists": "the lists' names",
    "mailing_providers": "how many readers of a mailing a large provider has",
    "provider_verdicts": "how many of these readers fail, and what was decided",
    "rate_limits": "how fast the relay may be used",
    "mailings": "an issue as all recipients get it; what its author wrote is published",
    "senders": "which process sent, by its account on the machine",
    "approvals": "which colleague approved an issue",
    "notices": "what was reported to the operator once",
    "properties": "the store's own settings",
}
"""Tables without data about subscribers, and a description of each."""


def collect_rows(connection: sa.Connection, address: Address) -> dict[str, list[dict[str, Any]]]:
    """Return all rows about an address by table, as JSON values.

    Deliveries and bounces include their issue and list.
    """
    subject = replace(find_subject(connection, address), delivery_ids=find_deliveries(connection, address))
    return {
        table.name: _select(connection, table, where(subject)) for table, where in PERSONAL_TABLES.items()
    }


def _select(
    connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]
) -> list[dict[str, Any]]:
    query = sa.select(*table.c, *_list_issue_columns(table)).where(where)
    if table is deliveries:
        query = query.join(mailings, mailings.c.id == deliveries.c.mailing_id)
    if table is bounces:
        query = query.join(deliveries, deliveries.c.id == bounces.c.delivery_id).join(
            mailings, mailings.c.id == deliveries.c.mailing_id
        )
    found = connection.execute(query.order_by(*table.primary_key))
    return [{name: _to_json(value) for name, value in row.items()} for row in found.mappings()]


def _list_issue_columns(table: sa.Table) -> Sequence[sa.ColumnElement[Any]]:
    if table in {deliveries, bounces}:
        return (mailings.c.issue_slug.label("issue"), mailings.c.list_slug.label("list"))
    return ()


def _to_json(value: Any) -> Any:
    return format_utc(value) if isinstance(value, datetime) else value
