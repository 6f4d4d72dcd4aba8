"""What has had its time is taken away, a thousand rows in a transaction, beside whoever sends meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.audit import Act, Entry
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.model.timestamps import format_utc
from moza_mail.store import audit_log
from moza_mail.store.bulk import Given, among, updating
from moza_mail.store.erasure import HANDS, bare, without_words
from moza_mail.store.postgres.advisory import alone_with_people
from moza_mail.store.schema import (
    audit,
    bounces,
    confirmations,
    deliveries,
    insert,
    mailings,
    properties,
    subscribers,
    subscriptions,
)
from moza_mail.store.subscribers import PAGE

DONE = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.SKIPPED)
KEPT_SINCE = "audit_kept_since"


def _clear_them(given: Given) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(deliveries.c.id == given["number"])
        .values(
            address="", name="", queue_id="", merge_values=None, reply=given["said"], detail=given["told"]
        )
    )


def _shorten_them(given: Given) -> sa.Update:
    return sa.update(bounces).where(bounces.c.digest == given["report"]).values(reply=given["said"])


CLEARED = updating(
    {"number": deliveries.c.id, "said": deliveries.c.reply, "told": deliveries.c.detail}, _clear_them
)
SHORTENED = updating({"report": bounces.c.digest, "said": bounces.c.reply}, _shorten_them)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One transaction of a sweep: how many rows it took away, and the key it ended with; None when it was the last."""

    taken: int
    after: Any


def old_mailings(connection: sa.Connection, before: datetime) -> list[int]:
    """The mailings that were made before a moment and may still name readers."""
    query = sa.select(mailings.c.id).where(mailings.c.created_at < before, mailings.c.cleared_at.is_(None))
    return list(connection.scalars(query.order_by(mailings.c.id)))


def _named(mailing: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (deliveries.c.mailing == mailing, deliveries.c.address != "")


def _had_its_time(before: datetime) -> sa.ColumnElement[bool]:
    # Null while it is pending; then it is not done.
    return deliveries.c.state.in_(DONE) & (deliveries.c.changed_at < before)


def clear(connection: sa.Connection, mailing: int, before: datetime, after: int, now: datetime) -> Page:
    """Take the reader out of one page of a mailing's deliveries that are done since before a moment."""
    query = sa.select(
        deliveries.c.id,
        deliveries.c.reply,
        deliveries.c.detail,
        deliveries.c.skip_reason,
    ).where(*_named(mailing), _had_its_time(before), deliveries.c.id > after)
    found = connection.execute(query.order_by(deliveries.c.id).limit(PAGE)).all()
    rows = []
    for number, *texts in found:
        kept = bare(*texts)
        rows.append((number, kept["reply"], kept["detail"]))
    taken = CLEARED.run(connection, rows) if rows else 0
    if len(found) == PAGE:
        return Page(taken=taken, after=found[-1].id)
    if connection.execute(sa.select(deliveries.c.id).where(*_named(mailing)).limit(1)).first() is None:
        connection.execute(sa.update(mailings).where(mailings.c.id == mailing).values(cleared_at=now))
    return Page(taken=taken, after=None)


def shorten(connection: sa.Connection, before: datetime, after: str) -> Page:
    """Take a server's own words out of one page of the bounces that are older than a moment."""
    query = sa.select(bounces.c.digest, bounces.c.reply).where(
        bounces.c.at < before, bounces.c.digest > after, bounces.c.reply != ""
    )
    found = connection.execute(query.order_by(bounces.c.digest).limit(PAGE)).all()
    wordy = [(digest, short) for digest, reply in found if (short := without_words(reply)) != reply]
    taken = SHORTENED.run(connection, wordy) if wordy else 0
    return Page(taken=taken, after=found[-1].digest if len(found) == PAGE else None)


def forget_letters(connection: sa.Connection, before: datetime, after: int) -> Page:
    """Delete one page of the confirmation mails that were asked for before a moment; their links have long expired."""
    query = sa.select(confirmations.c.id).where(_old_letter(before), confirmations.c.id > after)
    found = list(connection.scalars(query.order_by(confirmations.c.id).limit(PAGE)))
    if found:
        alone_with_people(connection)
        connection.execute(sa.delete(confirmations).where(among(connection, confirmations.c.id, found)))
    return Page(taken=len(found), after=found[-1] if len(found) == PAGE else None)


def _old_letter(before: datetime) -> sa.ColumnElement[bool]:
    return (confirmations.c.created_at < before) & confirmations.c.state.not_in(HANDS)


def _waits_in_vain(before: datetime) -> sa.ColumnElement[bool]:
    """Whether a subscription was asked for before a moment and never confirmed, nor asked for anew since."""
    asked = sa.exists().where(
        confirmations.c.subscriber == subscriptions.c.subscriber,
        confirmations.c.list_slug == subscriptions.c.list_slug,
        ~_old_letter(before),
    )
    return sa.and_(
        subscriptions.c.state == SubscriptionState.UNCONFIRMED, subscriptions.c.created_at < before, ~asked
    )


def forget_sign_ups(connection: sa.Connection, before: datetime, after: int) -> Page:
    """Delete one page of those who never confirmed: the subscription, and the person when nothing else is held of them."""
    alone_with_people(connection)
    query = sa.select(subscriptions.c.list_slug, subscriptions.c.subscriber).where(
        _waits_in_vain(before), subscriptions.c.subscriber > after
    )
    found = connection.execute(query.order_by(subscriptions.c.subscriber).limit(PAGE)).all()
    for list_slug, subscriber in found:
        of = (subscriptions.c.list_slug == list_slug, subscriptions.c.subscriber == subscriber)
        connection.execute(sa.delete(subscriptions).where(*of))
    numbers = {row.subscriber for row in found}
    if numbers:
        _forget_people(connection, numbers)
    # One of them may be on two lists: what the limit cut off is found by the next page.
    return Page(taken=len(found), after=found[-1].subscriber - 1 if len(found) == PAGE else None)


def _forget_people(connection: sa.Connection, numbers: Iterable[int]) -> None:
    held = (
        sa.exists().where(subscriptions.c.subscriber == subscribers.c.id),
        sa.exists().where(confirmations.c.subscriber == subscribers.c.id),
    )
    gone = sa.delete(subscribers).where(among(connection, subscribers.c.id, numbers), *(~one for one in held))
    connection.execute(gone)


def forget_entries(connection: sa.Connection, before: datetime, after: int) -> Page:
    """Delete one page of the audit entries that are older than a moment, from which on the database lets them go."""
    query = sa.select(audit.c.id).where(audit.c.at < before, audit.c.id > after)
    found = list(connection.scalars(query.order_by(audit.c.id).limit(PAGE)))
    if found:
        since = insert(connection, properties).values(name=KEPT_SINCE, value=format_utc(before))
        later = properties.c.value < since.excluded.value
        connection.execute(
            since.on_conflict_do_update(
                index_elements=["name"], set_={"value": since.excluded.value}, where=later
            )
        )
        connection.execute(sa.delete(audit).where(among(connection, audit.c.id, found)))
    return Page(taken=len(found), after=found[-1] if len(found) == PAGE else None)


def still_open(connection: sa.Connection, before: datetime) -> int:
    """How many deliveries of old mailings wait for a sender or for a human; they keep their address."""
    query = (
        sa.select(sa.func.count())
        .select_from(deliveries.join(mailings, mailings.c.id == deliveries.c.mailing))
        .where(
            mailings.c.created_at < before,
            mailings.c.cleared_at.is_(None),
            deliveries.c.state.not_in(DONE),
            deliveries.c.address != "",
        )
    )
    return int(connection.scalar(query) or 0)


def foreseen(connection: sa.Connection, befores: dict[str, datetime]) -> dict[str, int]:
    """How many rows of each kind have had their time; nothing is changed."""
    old, reported, waiting, noted = (befores[kind] for kind in ("deliveries", "bounces", "sign_ups", "audit"))
    joined = deliveries.join(mailings, mailings.c.id == deliveries.c.mailing)
    named = sa.select(sa.func.count()).select_from(joined)
    said = connection.execute(
        sa.select(bounces.c.reply).where(bounces.c.at < reported, bounces.c.reply != "")
    )
    return {
        "deliveries": connection.scalar(
            named.where(mailings.c.cleared_at.is_(None), deliveries.c.address != "", _had_its_time(old))
        )
        or 0,
        "bounces": sum(without_words(reply) != reply for (reply,) in said),
        "confirmations": _count(connection, confirmations, _old_letter(waiting)),
        "sign_ups": _count(connection, subscriptions, _waits_in_vain(waiting)),
        "audit": _count(connection, audit, audit.c.at < noted),
    }


def _count(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(table).where(where)) or 0)


def note(connection: sa.Connection, taken: dict[str, int], now: datetime) -> None:
    """Have the trail tell what was taken away."""
    told = ", ".join(f"{count} {kind}" for kind, count in taken.items() if count)
    audit_log.note(connection, Entry(at=now, act=Act.RETENTION, detail=told))
