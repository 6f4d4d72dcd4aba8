"""The statements about people: lists, subscribers, subscriptions, suppressions. Each function is given a transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.address import Address
from moza_mail.model.audit import Act, Entry
from moza_mail.model.mailing import Delivery
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.merge_field import MergeField
from moza_mail.model.message import Recipient
from moza_mail.model.segment import Segment
from moza_mail.model.subscriber import Subscriber, Subscription, SubscriptionState, Suppression
from moza_mail.store import audit_log, merge, rows, segments
from moza_mail.store.bulk import among
from moza_mail.store.postgres.advisory import alone_with_people
from moza_mail.store.protocol import Audience, Chosen, Person
from moza_mail.store.schema import (
    confirmations,
    deliveries,
    erasures,
    insert,
    lifted,
    lists,
    mailings,
    shared,
    subscribers,
    subscriptions,
    suppressions,
)

BEFORE = "it was suppressed when its person was erased"
LEFT_OUT = ("unconfirmed", "unsubscribed", "suppressed", "not_in_segment", "missing_value")
PAGE = 1000
"""Rows read in one transaction by those that read in pages."""


def slices(keys: Iterable[Any]) -> Iterable[list[Any]]:
    """The keys in parts that one statement can bind (SQLite takes 32,766, PostgreSQL 65,535)."""
    left = iter(keys)
    while part := list(islice(left, PAGE)):
        yield part


def put_list(connection: sa.Connection, mailing_list: MailingList) -> None:
    """Insert the list or take over its title."""
    statement = insert(connection, lists).values(slug=mailing_list.slug, title=mailing_list.title)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["slug"], set_={"title": statement.excluded.title})
    )


def suppressed(key: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether an address key may never be mailed."""
    return sa.exists().where(suppressions.c.address_key == key)


def confirmed(connection: sa.Connection, list_slug: str, segment: Segment | None = None) -> sa.Select[Any]:
    """Those who would be mailed if a mailing were prepared now; the caller chooses columns and order."""
    inside = (segments.holds(connection, segment.condition),) if segment else ()
    return (
        sa.select()
        .select_from(
            subscriptions.join(subscribers, subscribers.c.id == subscriptions.c.subscriber),
        )
        .where(
            subscriptions.c.list_slug == list_slug,
            subscriptions.c.state == SubscriptionState.CONFIRMED,
            ~suppressed(subscribers.c.address_key),
            *inside,
        )
    )


def recipients(
    connection: sa.Connection,
    list_slug: str,
    fields: Sequence[MergeField],
    segment: Segment | None,
    after: int,
) -> list[Recipient]:
    """One page of those who would be in an audience, behind a subscriber's number, with the values that fields ask for."""
    found = connection.execute(
        confirmed(connection, list_slug, segment)
        .add_columns(
            subscribers.c.id, subscribers.c.address, subscribers.c.name, merge.values(connection, fields)
        )
        .where(subscriptions.c.subscriber > after)
        .order_by(subscriptions.c.subscriber)
        .limit(PAGE)
    )
    return [
        Recipient(subscriber=number, address=rows.address(text), name=name, values=merge.given(values))
        for number, text, name, values in found
    ]


def people(
    connection: sa.Connection, list_slug: str, chosen: Chosen, after: int
) -> list[tuple[Subscriber, Subscription]]:
    """One page of those of a list who are chosen, behind a subscriber's number."""
    where = [subscriptions.c.list_slug == list_slug, subscriptions.c.subscriber > after]
    if chosen.state:
        where.append(subscriptions.c.state == chosen.state)
    if chosen.condition:
        where.append(segments.holds(connection, chosen.condition))
    query = (
        sa.select(*rows.SUBSCRIBER, *rows.SUBSCRIPTION)
        .join_from(subscriptions, subscribers, subscribers.c.id == subscriptions.c.subscriber)
        .where(*where)
        .order_by(subscriptions.c.subscriber)
        .limit(PAGE)
    )
    own = len(rows.SUBSCRIBER)
    return [(rows.subscriber(row), rows.subscription(row[own:])) for row in connection.execute(query)]


def attribute_names(connection: sa.Connection, list_slug: str) -> list[str]:
    """The names of all that is kept of anybody on a list."""
    kept = subscribers.c.attributes
    if connection.dialect.name == "postgresql":
        names = sa.func.json_object_keys(kept).table_valued("key")
    else:
        names = sa.func.json_each(kept).table_valued("key")
    query = (
        sa.select(names.c.key)
        .distinct()
        .select_from(subscriptions.join(subscribers, subscribers.c.id == subscriptions.c.subscriber))
        .join(names, sa.true())
        .where(subscriptions.c.list_slug == list_slug)
    )
    return sorted(connection.scalars(query))


def audience(
    connection: sa.Connection, list_slug: str, fields: Sequence[MergeField], segment: Segment | None
) -> Audience:
    """Count a list by who would be mailed and who would not: outside the segment, or for want of a value too."""
    state, blocked = subscriptions.c.state, suppressed(subscribers.c.address_key)
    lacks = merge.missing(fields)
    counted = [sa.func.sum(sa.case((condition, 1), else_=0)) for condition in lacks.values()]
    outside = ~segments.holds(connection, segment.condition) if segment else sa.false()
    found = connection.execute(
        sa.select(
            state,
            blocked.label("blocked"),
            outside.label("outside"),
            merge.lacking(fields).label("lacking"),
            sa.func.count(),
            *counted,
        )
        .join(subscribers, subscribers.c.id == subscriptions.c.subscriber)
        .where(subscriptions.c.list_slug == list_slug)
        .group_by(state, sa.text("blocked"), sa.text("outside"), sa.text("lacking"))
    )
    mailed, left_out = 0, dict.fromkeys(LEFT_OUT, 0)
    missing = dict.fromkeys(lacks, 0)
    for where, is_blocked, is_outside, is_lacking, count, *without in found:
        if where is not SubscriptionState.CONFIRMED:
            left_out[where.value] += count
        elif is_blocked:
            left_out["suppressed"] += count
        elif is_outside:
            left_out["not_in_segment"] += count
        elif is_lacking:
            left_out["missing_value"] += count
            missing = {name: missing[name] + int(more) for name, more in zip(lacks, without, strict=True)}
        else:
            mailed += count
    return Audience(
        confirmed=mailed,
        left_out={reason: count for reason, count in left_out.items() if count},
        missing={name: count for name, count in missing.items() if count},
    )


def person(connection: sa.Connection, address: Address) -> Person | None:
    """All that is held about an address."""
    found = connection.execute(
        sa.select(*rows.SUBSCRIBER).where(subscribers.c.address_key == address.key)
    ).first()
    if found is None:
        return None
    return Person(
        subscriber=rows.subscriber(found),
        subscriptions=subscriptions_of(connection, found.id),
        suppressions=(known,) if (known := suppression(connection, address)) else (),
        lifted=lifted_of(connection, address),
        deliveries=_deliveries(connection, found.id),
    )


def subscriptions_of(connection: sa.Connection, subscriber: int) -> tuple[Subscription, ...]:
    """Where a subscriber stands with each list they ever were on."""
    found = connection.execute(
        sa.select(*rows.SUBSCRIPTION)
        .where(subscriptions.c.subscriber == subscriber)
        .order_by(subscriptions.c.list_slug)
    )
    return tuple(rows.subscription(row) for row in found)


def _deliveries(connection: sa.Connection, subscriber: int) -> tuple[tuple[str, Delivery], ...]:
    found = connection.execute(
        sa.select(mailings.c.issue_slug, *rows.DELIVERY)
        .join(deliveries, deliveries.c.mailing == mailings.c.id)
        # Naming every mailing lets the index on (mailing, subscriber) find one row of each, instead of reading all.
        .where(deliveries.c.mailing.in_(sa.select(mailings.c.id)), deliveries.c.subscriber == subscriber)
        .order_by(deliveries.c.id)
    )
    return tuple((row[0], rows.delivery(row[1:])) for row in found)


# Built once: to put a statement together costs more than to run it, and many leave at the same time.
VOID = (
    sa.update(confirmations)
    .where(
        confirmations.c.subscriber == shared("number", confirmations.c.subscriber),
        confirmations.c.list_slug == shared("on_list", confirmations.c.list_slug),
        confirmations.c.void_at.is_(None),
    )
    .values(void_at=shared("now", confirmations.c.void_at))
)
LEAVE = (
    sa.update(subscriptions)
    .where(
        subscriptions.c.list_slug == shared("on_list", subscriptions.c.list_slug),
        subscriptions.c.subscriber == shared("number", subscriptions.c.subscriber),
        subscriptions.c.state != SubscriptionState.UNSUBSCRIBED,
    )
    .values(
        state=SubscriptionState.UNSUBSCRIBED, unsubscribed_at=shared("now", subscriptions.c.unsubscribed_at)
    )
)


def unsubscribe(
    connection: sa.Connection, subscriber: int, list_slug: str, now: datetime, *, actor: str = ""
) -> None:
    """Take someone off a list; the moment of the first time is kept. A sign-up that waits for its link is void from then on."""
    alone_with_people(connection)
    who = {"number": subscriber, "on_list": list_slug, "now": now}
    connection.execute(VOID, who)
    left = connection.execute(LEAVE, who)
    if left.rowcount:
        entry = Entry(at=now, act=Act.UNSUBSCRIBE, actor=actor, list_slug=list_slug, subscriber=subscriber)
        audit_log.note(connection, entry)


def suppress(
    connection: sa.Connection, suppression: Suppression, *, actor: str = "", mailing: int | None = None
) -> None:
    """Keep an address from being mailed; the first reason stays. Give the mailing of which a reply or a report showed it."""
    alone_with_people(connection)
    put_suppression(connection, suppression, actor=actor, mailing=mailing)


def put_suppression(
    connection: sa.Connection, suppression: Suppression, *, actor: str, mailing: int | None
) -> None:
    """The same beside others who change people."""
    values: Mapping[str, Any] = {
        "address_key": suppression.address.key,
        "address": str(suppression.address),
        "reason": suppression.reason,
        "at": suppression.at,
        "evidence": suppression.evidence,
        "mailing": mailing,
    }
    made = insert(connection, suppressions).values(values).on_conflict_do_nothing()
    if connection.execute(made.returning(suppressions.c.reason)).first():
        of = sa.select(subscribers.c.id).where(subscribers.c.address_key == suppression.address.key)
        entry = Entry(
            at=suppression.at,
            act=Act.SUPPRESS,
            actor=actor,
            subscriber=connection.scalar(of),
            mailing=mailing,
            # Not the evidence: it is a person's own words, or a server's about them.
            detail=suppression.reason.value,
        )
        audit_log.note(connection, entry, suppression.address)


def suppression(connection: sa.Connection, address: Address) -> Suppression | None:
    """Why an address must not be mailed; of a person who was erased that much is still known."""
    found = connection.execute(sa.select(suppressions).where(suppressions.c.address_key == address.key))
    row = found.first()
    return rows.suppression(row) if row else _suppressed_when_erased(connection, address)


def _suppressed_when_erased(connection: sa.Connection, address: Address) -> Suppression | None:
    known_by = audit_log.pseudonyms(connection)
    if known_by is None:
        return None
    query = sa.select(erasures).where(
        erasures.c.pseudonym == known_by.of(address), erasures.c.suppressed.is_not(None)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Suppression(address=address, reason=row.suppressed, at=row.at, evidence=BEFORE)


def erased(connection: sa.Connection, keys: Iterable[str]) -> set[str]:
    """Those of the address keys whose person was erased and has not come back by themselves; raise StoreError without the secret."""
    if connection.execute(sa.select(erasures.c.at).limit(1)).first() is None:
        return set()
    known_by = audit_log.pseudonyms(connection)
    if known_by is None:
        raise StoreError(
            "Who was erased is known by the project's secret alone, and the store was opened without it."
        )
    of = {known_by.of_key(key): key for key in keys}
    query = sa.select(erasures.c.pseudonym)
    return {
        of[pseudonym]
        for part in slices(of)
        for pseudonym in connection.scalars(query.where(among(connection, erasures.c.pseudonym, part)))
    }


def came_back(connection: sa.Connection, subscriber: int) -> None:
    """A person has come onto a list by their own act: that they were erased once stands in the trail alone from now on."""
    key = connection.scalar(sa.select(subscribers.c.address_key).where(subscribers.c.id == subscriber))
    if key and erased(connection, [key]) and (known_by := audit_log.pseudonyms(connection)):
        connection.execute(sa.delete(erasures).where(erasures.c.pseudonym == known_by.of_key(key)))


def lift(connection: sa.Connection, address: Address, because: str, now: datetime) -> Suppression | None:
    """Move a suppression into history; None when there is none."""
    alone_with_people(connection)
    ended = (
        sa.delete(suppressions).where(suppressions.c.address_key == address.key).returning(*suppressions.c)
    )
    row = connection.execute(ended).mappings().first()
    if row is None:
        return None
    values = {**row, "lifted_at": now, "lifted_because": because}
    connection.execute(sa.insert(lifted).values(values))
    of = sa.select(subscribers.c.id).where(subscribers.c.address_key == address.key)
    entry = Entry(at=now, act=Act.UNSUPPRESS, subscriber=connection.scalar(of), detail=row["reason"].value)
    audit_log.note(connection, entry, address)
    return rows.lifted(values)


def lifted_of(connection: sa.Connection, address: Address) -> tuple[Suppression, ...]:
    """The suppressions of an address that were lifted, oldest first."""
    query = sa.select(lifted).where(lifted.c.address_key == address.key).order_by(lifted.c.id)
    return tuple(rows.lifted(row) for row in connection.execute(query).mappings())


def suppressed_by(connection: sa.Connection, mailing: int) -> int:
    """How many addresses a mailing's replies have suppressed."""
    query = sa.select(sa.func.count()).where(suppressions.c.mailing == mailing)
    return connection.execute(query).scalar_one()


def suppressions_of(connection: sa.Connection, mailing: int, after: str) -> list[Suppression]:
    """One page of them, behind an address key."""
    query = sa.select(suppressions).where(
        suppressions.c.mailing == mailing, suppressions.c.address_key > after
    )
    found = connection.execute(query.order_by(suppressions.c.address_key).limit(PAGE))
    return [rows.suppression(row) for row in found]
