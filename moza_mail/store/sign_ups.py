"""Sign-ups: people ask to join a list, and confirm with the link in a mail."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from moza_mail.model import sign_up as limits
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.sign_up import Confirmation, ConfirmResult, SignUp
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.store import rows
from moza_mail.store.audit_writer import add_entry, find_hasher
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import confirmations, erasures, lists, shared, subscribers, subscriptions
from moza_mail.store.subscribers import save_list
from moza_mail.store.subscriptions import confirm_subscription, find_state
from moza_mail.store.suppressions import is_suppressed
from moza_mail.store.transactions import Transactions

UNSENT = (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.INTENT, DeliveryState.DEFERRED)


class SignUps:
    """Sign-ups by id. Each has a confirmation mail, which `store.confirmations` sends."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def add(self, sign_up: SignUp, mailing_list: MailingList, *, now: datetime) -> None:
        """Store an unconfirmed sign-up and queue its confirmation mail, if the limits allow it.

        Nothing changes for a confirmed subscriber or a suppressed address. A person who unsubscribed stays
        unsubscribed until they use the link. An address gets one mail an hour and three a week, over all
        lists (model/sign_up.py).
        """
        await self._transactions.write_grouped(_add, sign_up, mailing_list, now)

    async def find(self, sign_up_id: int) -> Confirmation | None:
        """Return a sign-up; None after it was deleted."""
        return await self._transactions.read(_find, sign_up_id)

    async def confirm(self, sign_up_id: int, *, now: datetime) -> ConfirmResult:
        """Confirm the subscription with the consent, name and language of the sign-up.

        Nothing changes if the subscription is confirmed already, or if the person unsubscribed after this
        sign-up.
        """
        return await self._transactions.write_grouped(_confirm, sign_up_id, now)


def _equals(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    return column == shared(name, column)


# Built once: building a statement costs more than running it, and many people sign up at the same time.
_BY_KEY = _equals(subscribers.c.address_key, "key")
_ON_LIST = sa.and_(
    subscriptions.c.subscriber_id == subscribers.c.id, _equals(subscriptions.c.list_slug, "on_list")
)
SELECT_KNOWN = sa.select(
    sa.select(subscribers.c.id).where(_BY_KEY).scalar_subquery().label("number"),
    sa.select(subscriptions.c.state)
    .join(subscribers, _ON_LIST)
    .where(_BY_KEY)
    .scalar_subquery()
    .label("state"),
    sa.or_(
        is_suppressed(shared("key", subscribers.c.address_key)),
        # A suppression outlives the erasure of its person.
        sa.exists().where(
            _equals(erasures.c.address_hash, "address_hash"), erasures.c.suppression_reason.is_not(None)
        ),
    ).label("is_suppressed"),
    sa.exists().where(_equals(lists.c.slug, "on_list")).label("list_is_known"),
)
INSERT_SUBSCRIBER = sa.insert(subscribers).returning(subscribers.c.id)
INSERT_SUBSCRIPTION = sa.insert(subscriptions)
SELECT_EARLIER = sa.select(
    confirmations.c.list_slug,
    confirmations.c.state,
    confirmations.c.created_at,
    confirmations.c.due_at,
    confirmations.c.voided_at,
).where(
    _equals(confirmations.c.subscriber_id, "number"),
    confirmations.c.created_at > shared("since", confirmations.c.created_at),
)
INSERT_CONFIRMATION = sa.insert(confirmations)


def _add(connection: sa.Connection, sign_up: SignUp, mailing_list: MailingList, now: datetime) -> None:
    lock_people(connection)
    hasher = find_hasher(connection)
    key = {"key": sign_up.address.key, "address_hash": hasher.hash_address(sign_up.address) if hasher else ""}
    known = connection.execute(SELECT_KNOWN, {**key, "on_list": mailing_list.slug}).one()
    if known.state is SubscriptionState.CONFIRMED or known.is_suppressed:
        return
    if not known.list_is_known:
        save_list(connection, mailing_list)
    number = known.number or _insert_subscriber(connection, sign_up, now)
    values = {
        "list_slug": mailing_list.slug,
        "subscriber_id": number,
        "consent": sign_up.consent.evidence,
        "source": sign_up.source,
        "created_at": now,
    }
    if known.state is None:
        connection.execute(INSERT_SUBSCRIPTION, {**values, "state": SubscriptionState.UNCONFIRMED})
    due = _find_due(connection, number, mailing_list.slug, now) if known.number else now
    if due:
        mail = {"name": sign_up.name, "lang": sign_up.lang, "state": DeliveryState.PENDING, "due_at": due}
        connection.execute(INSERT_CONFIRMATION, {**values, **mail})
    if known.state is None or due:
        detail = "a mail asks to confirm it" if due else "an earlier mail asks to confirm it"
        entry = AuditEntry(
            occurred_at=now,
            action=AuditAction.SIGN_UP,
            list_slug=mailing_list.slug,
            subscriber_id=number,
            detail=detail,
        )
        add_entry(connection, entry, sign_up.address)


def _insert_subscriber(connection: sa.Connection, sign_up: SignUp, now: datetime) -> int:
    """Insert a subscriber with only an address.

    The sign-up's name is not stored yet, because nobody has proved that the address is theirs.
    """
    values = {
        "address": str(sign_up.address),
        "address_key": sign_up.address.key,
        "name": "",
        "attributes": {},
    }
    return int(connection.execute(INSERT_SUBSCRIBER, {**values, "created_at": now}).scalar_one())


def _find_due(connection: sa.Connection, number: int, list_slug: str, now: datetime) -> datetime | None:
    """Return when another confirmation mail for this list may be sent to this address.

    Return None if an earlier mail can still be used, or if the weekly limit is reached.
    """
    earlier = connection.execute(
        SELECT_EARLIER, {"number": number, "since": now - limits.MAIL_LIMIT_PERIOD}
    ).all()
    if len(earlier) >= limits.MAIL_LIMIT:
        return None
    same_list = (row for row in earlier if row.list_slug == list_slug and row.voided_at is None)
    if any(now - row.created_at < _serves_for(row.state) for row in same_list):
        return None
    due: datetime = max([now, *(row.due_at + limits.MAIL_INTERVAL for row in earlier)])
    return due


def _serves_for(state: DeliveryState) -> timedelta:
    """Return how long a mail makes another one unnecessary: longer if it is not sent yet."""
    return limits.LONGEST_DELAY if state in UNSENT else limits.MAIL_INTERVAL


CONFIRMATION = (
    confirmations.c.id,
    confirmations.c.subscriber_id,
    confirmations.c.list_slug,
    subscribers.c.address,
    confirmations.c.consent,
    confirmations.c.lang,
    confirmations.c.created_at,
    confirmations.c.voided_at,
)


def to_confirmation(row: Any) -> Confirmation:
    """Convert a row that begins with the columns CONFIRMATION to a Confirmation."""
    number, subscriber, list_slug, text, consent, lang, created_at, void_at = row[:8]
    return Confirmation(
        id=number,
        subscriber_id=subscriber,
        list_slug=list_slug,
        address=rows.address(text),
        consent=consent,
        lang=lang,
        created_at=created_at,
        is_void=void_at is not None,
    )


def _find(connection: sa.Connection, sign_up_id: int) -> Confirmation | None:
    query = sa.select(*CONFIRMATION).join(subscribers, subscribers.c.id == confirmations.c.subscriber_id)
    found = connection.execute(query.where(confirmations.c.id == sign_up_id)).first()
    return to_confirmation(found) if found else None


def _confirm(connection: sa.Connection, sign_up_id: int, now: datetime) -> ConfirmResult:
    lock_people(connection)
    found = connection.execute(sa.select(confirmations).where(confirmations.c.id == sign_up_id)).first()
    if found is None:
        return ConfirmResult.GONE
    if found.voided_at is not None:
        return ConfirmResult.LEFT
    if find_state(connection, found.subscriber_id, found.list_slug) is SubscriptionState.CONFIRMED:
        return ConfirmResult.ALREADY
    evidence = {"consent": found.consent, "source": found.source, "created_at": found.created_at}
    confirm_subscription(connection, found.subscriber_id, found.list_slug, now, **evidence)
    given = {name: text for name, text in (("name", found.name), ("lang", found.lang)) if text}
    if given:
        connection.execute(
            sa.update(subscribers).where(subscribers.c.id == found.subscriber_id).values(given)
        )
    entry = AuditEntry(
        occurred_at=now,
        action=AuditAction.CONFIRM,
        list_slug=found.list_slug,
        subscriber_id=found.subscriber_id,
    )
    add_entry(connection, replace(entry, detail=f"sign-up {sign_up_id} of {found.created_at:%Y-%m-%d %H:%M}"))
    return ConfirmResult.NOW
