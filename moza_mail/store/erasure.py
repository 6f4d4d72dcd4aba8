"""Erase a person: delete their rows, and remove their address from other texts.

A hash of the address stays, so that no import adds the person again.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address, normalise_address
from moza_mail.model.address_search import AddressFinder
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing import DeliveryState, SkipReason
from moza_mail.model.reply import Reply
from moza_mail.model.subscriber import SuppressionReason
from moza_mail.store.address_leftovers import Leftovers, remove_address
from moza_mail.store.audit_writer import add_entry
from moza_mail.store.bulk import among
from moza_mail.store.paging import split_into_pages
from moza_mail.store.personal_data import DataSubject, find_subject
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import (
    bounces,
    confirmations,
    deliveries,
    erasures,
    insert,
    mailings,
    removed_suppressions,
    sign_up_requests,
    subscribers,
    subscriptions,
    suppressions,
)

LONGEST_SENDING = timedelta(hours=1)
"""A delivery that was claimed longer ago belongs to a process that died."""
HELD = (DeliveryState.CLAIMED, DeliveryState.INTENT)
UNSENT = (DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.CLAIMED)
Counts = dict[str, int]


def is_being_mailed(connection: sa.Connection, subject: DataSubject, now: datetime) -> bool:
    """Return True if a sender has claimed a message to the person, or is sending it.

    Until the transaction ends, no sender can claim a message to the person.
    """
    of_subject = confirmations.c.subscriber_id.in_(subject.ids)
    for table, where in ((deliveries, _is_addressed(subject)), (confirmations, of_subject)):
        query = sa.select(table.c.state, table.c.changed_at).where(where).with_for_update()
        for state, changed_at in connection.execute(query).all():
            if state in HELD and changed_at > now - LONGEST_SENDING:
                return True
    return False


def _is_addressed(subject: DataSubject) -> sa.ColumnElement[bool]:
    """Return the condition for deliveries to the person that still have an address."""
    # Listing the mailings lets the index on (mailing, subscriber) find one row of each, without a full scan.
    any_mailing = deliveries.c.mailing_id.in_(sa.select(mailings.c.id))
    return any_mailing & deliveries.c.subscriber_id.in_(subject.ids) & (deliveries.c.address != "")


def erase(connection: sa.Connection, address: Address, now: datetime) -> Counts | None:
    """Erase a person from every table; return the number of rows changed in each.

    Return None, and change nothing, while a message to them is being sent.
    """
    lock_people(connection)
    subject = find_subject(connection, address)
    if is_being_mailed(connection, subject, now):
        return None
    consents = _describe_consents(connection, subject)
    suppressed = connection.scalar(
        sa.select(suppressions.c.reason).where(suppressions.c.address_key == address.key)
    )
    counts = {
        "deliveries": _anonymise(connection, _is_addressed(subject), now),
        "sign_up_requests": _delete(
            connection, sign_up_requests, sign_up_requests.c.address_key == address.key
        ),
        "confirmations": _delete(connection, confirmations, confirmations.c.subscriber_id.in_(subject.ids)),
        "subscriptions": _delete(connection, subscriptions, subscriptions.c.subscriber_id.in_(subject.ids)),
        "subscribers": _delete(connection, subscribers, subscribers.c.address_key == address.key),
        "suppressions": _delete(connection, suppressions, suppressions.c.address_key == address.key),
        "removed_suppressions": _delete(
            connection, removed_suppressions, removed_suppressions.c.address_key == address.key
        ),
    }
    if any(counts.values()):
        _insert_erasure(connection, subject, suppressed, consents, now)
    return counts


def _delete(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.delete(table).where(where)).rowcount


def _describe_consents(connection: sa.Connection, subject: DataSubject) -> str:
    """Return the dates of each consent, without its text.

    The dates prove when the person had consented to being mailed.
    """
    found = connection.execute(
        sa.select(
            subscriptions.c.list_slug,
            subscriptions.c.state,
            subscriptions.c.created_at,
            subscriptions.c.confirmed_at,
            subscriptions.c.unsubscribed_at,
        )
        .where(subscriptions.c.subscriber_id.in_(subject.ids))
        .order_by(subscriptions.c.list_slug)
    )
    return "; ".join(_describe_consent(row) for row in found)


def _describe_consent(row: Any) -> str:
    moments = (("confirmed", row.confirmed_at), ("unsubscribed", row.unsubscribed_at))
    since = ", ".join(f"{what} {at:%Y-%m-%d}" for what, at in moments if at)
    return f"{row.list_slug}: came {row.created_at:%Y-%m-%d}" + (f", {since}" if since else "")


def _insert_erasure(
    connection: sa.Connection,
    subject: DataSubject,
    reason: SuppressionReason | None,
    consents: str,
    now: datetime,
) -> None:
    values: Mapping[str, Any] = {
        "address_hash": subject.address_hash,
        "erased_at": now,
        "suppression_reason": reason,
    }
    inserted = insert(connection, erasures).values(values)
    kept = sa.func.coalesce(inserted.excluded.suppression_reason, erasures.c.suppression_reason)
    connection.execute(
        inserted.on_conflict_do_update(
            index_elements=["address_hash"], set_={"erased_at": now, "suppression_reason": kept}
        )
    )
    ids: list[int | None] = [*sorted(subject.ids)] or [None]
    for number in ids:
        entry = AuditEntry(
            occurred_at=now,
            action=AuditAction.ERASE,
            subscriber_id=number,
            address_hash=subject.address_hash,
            detail=consents,
        )
        add_entry(connection, entry)


def _anonymise(connection: sa.Connection, where: sa.ColumnElement[bool], now: datetime) -> int:
    """Remove the person from deliveries, but keep the columns that are counted.

    Deliveries that are not sent yet are skipped. Return the number of deliveries.
    """
    columns = (
        deliveries.c.id,
        deliveries.c.state,
        deliveries.c.reply,
        deliveries.c.detail,
        deliveries.c.skip_reason,
    )
    found = connection.execute(sa.select(*columns).where(where).with_for_update()).all()
    for row in found:
        values = {**anonymous_values(row.reply, row.detail, row.skip_reason), "merge_values": None}
        if row.state in UNSENT:
            skipped = {"state": DeliveryState.SKIPPED, "skip_reason": SkipReason.ERASED, "detail": ""}
            values |= {**skipped, "next_attempt": None, "changed_at": now}
        elif row.state is DeliveryState.INTENT:
            values |= {"state": DeliveryState.UNCERTAIN, "changed_at": now}
        connection.execute(sa.update(deliveries).where(deliveries.c.id == row.id).values(values))
    ids = [row.id for row in found]
    for part in split_into_pages(ids):
        for digest, reply in connection.execute(
            sa.select(bounces.c.digest, bounces.c.reply).where(among(connection, bounces.c.delivery_id, part))
        ).all():
            connection.execute(
                sa.update(bounces).where(bounces.c.digest == digest).values(reply=without_text(reply))
            )
    return len(found)


def anonymous_values(reply: str, detail: str, skip_reason: SkipReason | None) -> dict[str, Any]:
    """Return replacements for the columns of a delivery that may hold personal data."""
    kept = detail if skip_reason is SkipReason.MISSING_VALUE else ""
    return {"address": "", "name": "", "reply": without_text(reply), "detail": kept, "queue_id": ""}


def without_text(reply: str) -> str:
    """Return a stored reply without the server's own words; "" for a text that is no reply."""
    found = Reply.from_text(reply)
    return str(found.without_text()) if found else ""


def scrub(connection: sa.Connection, address: Address, leftovers: Leftovers, now: datetime) -> Counts:
    """Remove an address from leftover rows.

    Deliveries to the address lose all data about the person. Other rows lose only the address.
    """
    lock_people(connection)
    subject = find_subject(connection, address)
    finder = AddressFinder(address)
    counts: Counter[str] = Counter()
    for table, keys in leftovers.items():
        counts[table.name] += len(keys)
        for key in keys:
            if table is deliveries and _was_sent_to(connection, key[0], address):
                _anonymise(connection, deliveries.c.id == key[0], now)
            else:
                remove_address(connection, table, key, finder)
    if counts and find_erased_at(connection, subject.address_hash) is None:
        _insert_erasure(connection, subject, None, "", now)
    return dict(counts)


def find_erased_at(connection: sa.Connection, address_hash: str) -> datetime | None:
    """Return when the person with this address hash was last erased.

    Return None if they never were, or if they have signed up again.
    """
    return connection.scalar(sa.select(erasures.c.erased_at).where(erasures.c.address_hash == address_hash))


def _was_sent_to(connection: sa.Connection, delivery_id: int, address: Address) -> bool:
    text = connection.scalar(sa.select(deliveries.c.address).where(deliveries.c.id == delivery_id))
    return normalise_address(text or "") == address.key
