"""Filled-in sign-up forms: the queue between the public pages and the confirmation mails.

A form only adds a row to the queue. The response therefore takes the same time for an address that is known, new,
suppressed or erased. The sender of confirmations handles the rows a moment later. Each function runs in a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from moza_mail.model import sign_up as limits
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailbox import hash_mailbox
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.sign_up import SignUp
from moza_mail.model.subscriber import SubscriptionState, SuppressionReason
from moza_mail.store import rows
from moza_mail.store.audit_writer import add_entry, find_hasher
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import (
    confirmations,
    erasures,
    insert,
    lists,
    shared,
    sign_up_requests,
    subscribers,
    subscriptions,
    suppressions,
)
from moza_mail.store.subscribers import save_list

UNSENT = (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.INTENT, DeliveryState.DEFERRED)
BATCH = 16
"""The number of requests in one transaction. It is small, because people wait for pages meanwhile."""
IS_WAITING = sign_up_requests.c.handled_at.is_(None)
CLEARED = dict.fromkeys(("address", "address_key", "name", "lang", "consent", "source"), "")


def _equals(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    return column == shared(name, column)


# Built once: building a statement costs more than running it, and many people sign up at the same time.
FIND_LIST = sa.select(lists.c.slug).where(_equals(lists.c.slug, "on_list"))
_BY_KEY = _equals(subscribers.c.address_key, "key")
_ON_LIST = sa.and_(
    subscriptions.c.subscriber_id == subscribers.c.id, _equals(subscriptions.c.list_slug, "on_list")
)
_SUPPRESSED = sa.and_(_equals(suppressions.c.address_key, "key"), suppressions.c.held_at.is_(None))
# A suppression outlives the erasure of its person.
_ERASED = sa.and_(
    _equals(erasures.c.address_hash, "address_hash"), erasures.c.suppression_reason.is_not(None)
)
SELECT_KNOWN = sa.select(
    sa.select(subscribers.c.id).where(_BY_KEY).scalar_subquery().label("number"),
    sa.select(subscriptions.c.state)
    .join(subscribers, _ON_LIST)
    .where(_BY_KEY)
    .scalar_subquery()
    .label("state"),
    sa.select(suppressions.c.reason).where(_SUPPRESSED).scalar_subquery().label("reason"),
    sa.select(suppressions.c.created_at).where(_SUPPRESSED).scalar_subquery().label("suppressed_at"),
    sa.select(erasures.c.suppression_reason).where(_ERASED).scalar_subquery().label("reason_at_erasure"),
    sa.select(erasures.c.erased_at).where(_ERASED).scalar_subquery().label("erased_at"),
)
INSERT_SUBSCRIBER = sa.insert(subscribers).returning(subscribers.c.id)
INSERT_SUBSCRIPTION = sa.insert(subscriptions)
SELECT_EARLIER = sa.select(
    confirmations.c.subscriber_id,
    confirmations.c.list_slug,
    confirmations.c.state,
    confirmations.c.created_at,
    confirmations.c.due_at,
    confirmations.c.voided_at,
).where(
    _equals(confirmations.c.mailbox, "mailbox"),
    confirmations.c.created_at > shared("since", confirmations.c.created_at),
)
INSERT_CONFIRMATION = sa.insert(confirmations)


def add_request(
    connection: sa.Connection, sign_up: SignUp, mailing_list: MailingList, stamp: str, now: datetime
) -> bool:
    """Add a filled-in form to the queue.

    Return False if a form with this stamp was added before.

    stamp: the unique text in the form, so that a form that is sent twice counts once.
    """
    if connection.execute(FIND_LIST, {"on_list": mailing_list.slug}).first() is None:
        save_list(connection, mailing_list)
    values = {
        "stamp": stamp,
        "list_slug": mailing_list.slug,
        "address": str(sign_up.address),
        "address_key": sign_up.address.key,
        "name": sign_up.name,
        "lang": sign_up.lang,
        "consent": sign_up.consent.evidence,
        "source": sign_up.source,
        "created_at": now,
    }
    added = (
        insert(connection, sign_up_requests).values(values).on_conflict_do_nothing(index_elements=["stamp"])
    )
    return connection.execute(added.returning(sign_up_requests.c.id)).first() is not None


def handle_requests(connection: sa.Connection, now: datetime) -> bool:
    """Handle one batch of the queue, oldest first; return True if more rows may be waiting.

    A handled row keeps its stamp, but no personal data. The row is deleted when no form with that stamp is valid any more.
    """
    query = sa.select(sign_up_requests).where(IS_WAITING).order_by(sign_up_requests.c.id).limit(BATCH)
    if connection.execute(query).first() is None:
        return False
    # Read the requests again with the lock held, because another process may have handled some of them.
    lock_people(connection)
    found = connection.execute(query).all()
    for request in found:
        _handle(connection, request)
    handled = sa.update(sign_up_requests).where(sign_up_requests.c.id.in_([row.id for row in found]))
    connection.execute(handled.values(handled_at=now, **CLEARED))
    is_old = sign_up_requests.c.handled_at < now - limits.FORM_LIFETIME
    connection.execute(sa.delete(sign_up_requests).where(is_old))
    return len(found) == BATCH


def find_oldest_request(connection: sa.Connection) -> datetime | None:
    """Return when the oldest waiting request was added; None if no request waits."""
    query = sa.select(sign_up_requests.c.created_at).where(IS_WAITING)
    return connection.scalar(query.order_by(sign_up_requests.c.id).limit(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _KnownAddress:
    """State of an address at a sign-up.

    suppressed_at: None if the address is not suppressed.
    """

    subscriber_id: int | None
    state: SubscriptionState | None
    suppressed_at: datetime | None
    has_complained: bool

    @property
    def gets_no_mail(self) -> bool:
        """Return True for a confirmed, not suppressed subscriber, and for a person who complained."""
        is_subscribed = self.state is SubscriptionState.CONFIRMED and self.suppressed_at is None
        return self.has_complained or is_subscribed


def _find_known(connection: sa.Connection, request: Any) -> _KnownAddress:
    hasher = find_hasher(connection)
    address_hash = hasher.hash_address(rows.address(request.address)) if hasher else ""
    key = {"key": request.address_key, "on_list": request.list_slug, "address_hash": address_hash}
    row = connection.execute(SELECT_KNOWN, key).one()
    return _KnownAddress(
        subscriber_id=row.number,
        state=row.state,
        suppressed_at=row.suppressed_at or row.erased_at,
        has_complained=SuppressionReason.COMPLAINT in {row.reason, row.reason_at_erasure},
    )


def _handle(connection: sa.Connection, request: Any) -> None:
    """Store an unconfirmed sign-up and queue its confirmation mail, if the limits allow it."""
    known, now = _find_known(connection, request), request.created_at
    if known.gets_no_mail:
        return
    number = known.subscriber_id or _insert_subscriber(connection, request)
    values = {
        "list_slug": request.list_slug,
        "subscriber_id": number,
        "consent": request.consent,
        "source": request.source,
        "created_at": now,
    }
    if known.state is None:
        connection.execute(INSERT_SUBSCRIPTION, {**values, "state": SubscriptionState.UNCONFIRMED})
    address = rows.address(request.address)
    mailbox = hash_mailbox(address)
    due = _find_due(connection, mailbox, number, request, known)
    if due:
        mail = {"name": request.name, "lang": request.lang, "state": DeliveryState.PENDING, "due_at": due}
        connection.execute(INSERT_CONFIRMATION, {**values, **mail, "mailbox": mailbox})
    if known.state is None or due:
        detail = "a mail asks to confirm it" if due else "an earlier mail asks to confirm it"
        entry = AuditEntry(
            occurred_at=now,
            action=AuditAction.SIGN_UP,
            list_slug=request.list_slug,
            subscriber_id=number,
            detail=detail,
        )
        add_entry(connection, entry, address)


def _insert_subscriber(connection: sa.Connection, request: Any) -> int:
    """Insert a subscriber with only an address.

    The sign-up's name is not stored yet, because nobody has proved that the address is theirs.
    """
    values = {
        "address": request.address,
        "address_key": request.address_key,
        "name": "",
        "attributes": {},
        "created_at": request.created_at,
    }
    return int(connection.execute(INSERT_SUBSCRIBER, values).scalar_one())


def _find_due(
    connection: sa.Connection, mailbox: str, number: int, request: Any, known: _KnownAddress
) -> datetime | None:
    """Return when another confirmation mail may be sent to this mailbox.

    Return None if an earlier mail can still be used, or if the limit is reached. The limit is three mails a week. A
    suppressed address gets only one mail after its suppression.
    """
    now = request.created_at
    since = {"mailbox": mailbox, "since": now - limits.MAIL_LIMIT_PERIOD}
    earlier: Sequence[Any] = connection.execute(SELECT_EARLIER, since).all()
    if len(earlier) >= limits.MAIL_LIMIT:
        return None
    own = [row for row in earlier if row.subscriber_id == number]
    if known.suppressed_at:
        own = [row for row in own if row.created_at > known.suppressed_at]
        if own:
            return None
    same_list = (row for row in own if row.list_slug == request.list_slug and row.voided_at is None)
    if any(now - row.created_at < _find_silent_period(row.state) for row in same_list):
        return None
    due: datetime = max([now, *(row.due_at + limits.MAIL_INTERVAL for row in earlier)])
    return due


def _find_silent_period(state: DeliveryState) -> timedelta:
    """Return the time after a sign-up in which another one for the same list queues no mail.

    The time is longer while the mail of the earlier sign-up has not been sent.

    state: the state of that mail.
    """
    return limits.LONGEST_DELAY if state in UNSENT else limits.MAIL_INTERVAL
