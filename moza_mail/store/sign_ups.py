"""The statements of coming onto a list by one's own wish, and of choosing. Each function is given a transaction."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from moza_mail.model import sign_up as terms
from moza_mail.model.audit import Act, Entry
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.sign_up import Choice, Confirmation, Confirmed, Preferences, SignUp
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.store import audit_log, rows
from moza_mail.store import subscribers as people
from moza_mail.store.postgres.advisory import alone_with_people
from moza_mail.store.schema import confirmations, erasures, insert, lists, shared, subscribers, subscriptions

UNSENT = (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.INTENT, DeliveryState.DEFERRED)


def _equals(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    return column == shared(name, column)


# Built once: to put a statement together costs more than to run it, and many sign up at the same time.
_BY_KEY = _equals(subscribers.c.address_key, "key")
_ON_LIST = sa.and_(
    subscriptions.c.subscriber == subscribers.c.id, _equals(subscriptions.c.list_slug, "on_list")
)
KNOWN = sa.select(
    sa.select(subscribers.c.id).where(_BY_KEY).scalar_subquery().label("number"),
    sa.select(subscriptions.c.state)
    .join(subscribers, _ON_LIST)
    .where(_BY_KEY)
    .scalar_subquery()
    .label("state"),
    sa.or_(
        people.suppressed(shared("key", subscribers.c.address_key)),
        # An objection outlives its person's erasing.
        sa.exists().where(_equals(erasures.c.pseudonym, "pseudonym"), erasures.c.suppressed.is_not(None)),
    ).label("is_suppressed"),
    sa.exists().where(_equals(lists.c.slug, "on_list")).label("list_is_known"),
)
ENTER = sa.insert(subscribers).returning(subscribers.c.id)
AWAIT = sa.insert(subscriptions)
EARLIER = sa.select(
    confirmations.c.list_slug,
    confirmations.c.state,
    confirmations.c.created_at,
    confirmations.c.due_at,
    confirmations.c.void_at,
).where(
    _equals(confirmations.c.subscriber, "number"),
    confirmations.c.created_at > shared("since", confirmations.c.created_at),
)
QUEUE = sa.insert(confirmations)


def sign_up(connection: sa.Connection, wish: SignUp, mailing_list: MailingList, now: datetime) -> None:
    """Keep a sign-up and put its mail in the queue, unless there is somebody whom no mail may reach for it."""
    alone_with_people(connection)
    known_by = audit_log.pseudonyms(connection)
    asking = {"key": wish.address.key, "pseudonym": known_by.of(wish.address) if known_by else ""}
    known = connection.execute(KNOWN, {**asking, "on_list": mailing_list.slug}).one()
    if known.state is SubscriptionState.CONFIRMED or known.is_suppressed:
        return
    if not known.list_is_known:
        people.put_list(connection, mailing_list)
    number = known.number or _enter(connection, wish, now)
    asked = {
        "list_slug": mailing_list.slug,
        "subscriber": number,
        "consent": wish.consent.evidence,
        "source": wish.source,
        "created_at": now,
    }
    if known.state is None:
        connection.execute(AWAIT, {**asked, "state": SubscriptionState.UNCONFIRMED})
    due = _due(connection, number, mailing_list.slug, now) if known.number else now
    if due:
        mail = {"name": wish.name, "lang": wish.lang, "state": DeliveryState.PENDING, "due_at": due}
        connection.execute(QUEUE, {**asked, **mail})
    if known.state is None or due:
        told = "a mail asks to confirm it" if due else "an earlier mail asks to confirm it"
        entry = Entry(at=now, act=Act.SIGN_UP, list_slug=mailing_list.slug, subscriber=number, detail=told)
        audit_log.note(connection, entry, wish.address)


def _enter(connection: sa.Connection, wish: SignUp, now: datetime) -> int:
    """A subscriber of whom nothing is known but an address that somebody typed."""
    given = {"address": str(wish.address), "address_key": wish.address.key, "name": "", "attributes": {}}
    return int(connection.execute(ENTER, {**given, "created_at": now}).scalar_one())


def _on(subscriber: sa.ColumnElement[int], list_slug: str) -> sa.ColumnElement[bool]:
    return sa.and_(subscriptions.c.subscriber == subscriber, subscriptions.c.list_slug == list_slug)


def _due(connection: sa.Connection, number: int, list_slug: str, now: datetime) -> datetime | None:
    """When one more mail may go to this address for this list; None when an earlier one serves, or three were made this week."""
    earlier = connection.execute(EARLIER, {"number": number, "since": now - terms.WITHIN}).all()
    if len(earlier) >= terms.MOST:
        return None
    serve = (row for row in earlier if row.list_slug == list_slug and row.void_at is None)
    if any(now - row.created_at < _serves(row.state) for row in serve):
        return None
    first: datetime = max([now, *(row.due_at + terms.APART for row in earlier)])
    return first


def _serves(state: DeliveryState) -> timedelta:
    """How long a mail stands for those that would be asked for after it: one that has yet to go does so longest."""
    return terms.STALE if state in UNSENT else terms.APART


CONFIRMATION = (
    confirmations.c.id,
    confirmations.c.subscriber,
    confirmations.c.list_slug,
    subscribers.c.address,
    confirmations.c.consent,
    confirmations.c.lang,
    confirmations.c.created_at,
    confirmations.c.void_at,
)


def as_confirmation(row: Any) -> Confirmation:
    """A row of CONFIRMATION."""
    number, subscriber, list_slug, text, consent, lang, created_at, void_at = row[:8]
    return Confirmation(
        id=number,
        subscriber=subscriber,
        list_slug=list_slug,
        address=rows.address(text),
        consent=consent,
        lang=lang,
        created_at=created_at,
        void=void_at is not None,
    )


def confirmation(connection: sa.Connection, number: int) -> Confirmation | None:
    """A sign-up by its number."""
    query = sa.select(*CONFIRMATION).join(subscribers, subscribers.c.id == confirmations.c.subscriber)
    found = connection.execute(query.where(confirmations.c.id == number)).first()
    return as_confirmation(found) if found else None


def confirm(connection: sa.Connection, number: int, now: datetime) -> Confirmed:
    """The link of a sign-up was used: its person is on the list from now on, by what they asked for then."""
    alone_with_people(connection)
    asked = connection.execute(sa.select(confirmations).where(confirmations.c.id == number)).first()
    if asked is None:
        return Confirmed.GONE
    if asked.void_at is not None:
        return Confirmed.LEFT
    if _state(connection, asked.subscriber, asked.list_slug) is SubscriptionState.CONFIRMED:
        return Confirmed.ALREADY
    evidence = {"consent": asked.consent, "source": asked.source, "created_at": asked.created_at}
    _put_on(connection, asked.subscriber, asked.list_slug, now, **evidence)
    given = {name: text for name, text in (("name", asked.name), ("lang", asked.lang)) if text}
    if given:
        connection.execute(sa.update(subscribers).where(subscribers.c.id == asked.subscriber).values(given))
    entry = Entry(at=now, act=Act.CONFIRM, list_slug=asked.list_slug, subscriber=asked.subscriber)
    audit_log.note(
        connection, replace(entry, detail=f"sign-up {number} of {asked.created_at:%Y-%m-%d %H:%M}")
    )
    return Confirmed.NOW


def _state(connection: sa.Connection, number: int, list_slug: str) -> SubscriptionState | None:
    query = sa.select(subscriptions.c.state).where(_on(sa.literal(number), list_slug))
    return connection.execute(query).scalar()


def _put_on(connection: sa.Connection, number: int, list_slug: str, now: datetime, **evidence: Any) -> None:
    """Confirm somebody by their own act, whatever stood there before."""
    values = {
        "state": SubscriptionState.CONFIRMED,
        "confirmed_at": now,
        "unsubscribed_at": None,
        **evidence,
    }
    made = insert(connection, subscriptions).values(list_slug=list_slug, subscriber=number, **values)
    connection.execute(made.on_conflict_do_update(index_elements=["list_slug", "subscriber"], set_=values))
    people.came_back(connection, number)


def preferences(connection: sa.Connection, number: int) -> Preferences | None:
    """What a reader sees of themselves; None when there is nobody of that number."""
    query = sa.select(*rows.SUBSCRIBER).where(subscribers.c.id == number)
    found = connection.execute(query).first()
    if found is None:
        return None
    subscriber = rows.subscriber(found)
    return Preferences(
        subscriber=subscriber,
        subscriptions=people.subscriptions_of(connection, number),
        suppressed=people.suppression(connection, subscriber.address) is not None,
    )


def choose(connection: sa.Connection, number: int, choice: Choice, source: str, now: datetime) -> bool:
    """Do what a reader chose; false when there is nobody of that number."""
    alone_with_people(connection)
    changed = sa.update(subscribers).where(subscribers.c.id == number)
    if connection.execute(changed.values(name=choice.name, lang=choice.lang)).rowcount == 0:
        return False
    audit_log.note(connection, Entry(at=now, act=Act.PREFERENCES, subscriber=number))
    for list_slug in choice.leaves:
        people.unsubscribe(connection, number, list_slug, now)
    for list_slug, consent in choice.joins.items():
        if _state(connection, number, list_slug) is not SubscriptionState.CONFIRMED:
            evidence = {"consent": consent.evidence, "source": source, "created_at": now}
            _put_on(connection, number, list_slug, now, **evidence)
            entry = Entry(at=now, act=Act.CONFIRM, list_slug=list_slug, subscriber=number)
            audit_log.note(connection, replace(entry, detail="chosen on the reader's own page"))
    return True
