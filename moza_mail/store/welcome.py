"""Bringing many people onto a list with few statements: read what is known, decide in memory, write what differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.subscriber import Arrival, Newcomer, SubscriptionState
from moza_mail.store.advisory import alone_with_people
from moza_mail.store.people import slices
from moza_mail.store.schema import lists, subscribers, subscriptions, suppressions


@dataclass(slots=True)
class Known:
    """One person as the store will have them when all is written."""

    address: str
    number: int | None = None
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    state: SubscriptionState | None = None
    consent: str = ""
    changed: bool = False
    joined: bool = False
    promoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How they come: on which list, in which state, by what way, when."""

    list_slug: str
    state: SubscriptionState
    source: str
    now: datetime


def welcome(connection: sa.Connection, newcomers: Sequence[Newcomer], terms: Terms) -> list[Arrival]:
    """What became of each newcomer, in order."""
    if connection.execute(sa.select(lists.c.slug).where(lists.c.slug == terms.list_slug)).first() is None:
        raise StoreError(
            f"The store knows no list {terms.list_slug}.", hint="Add it to subscribers/lists.toml."
        )
    alone_with_people(connection)
    keys = {newcomer.address.key for newcomer in newcomers}
    known = _known(connection, keys, terms.list_slug)
    suppressed = _suppressed(connection, keys)
    arrivals = [_receive(newcomer, known, suppressed, terms) for newcomer in newcomers]
    _write_people(connection, known, terms)
    _write_subscriptions(connection, known.values(), terms)
    return arrivals


def _known(connection: sa.Connection, keys: set[str], list_slug: str) -> dict[str, Known]:
    joined = subscribers.outerjoin(
        subscriptions,
        sa.and_(subscriptions.c.subscriber == subscribers.c.id, subscriptions.c.list_slug == list_slug),
    )
    query = sa.select(
        subscribers.c.address_key,
        subscribers.c.address,
        subscribers.c.id,
        subscribers.c.name,
        subscribers.c.attributes,
        subscriptions.c.state,
    ).select_from(joined)
    return {
        row[0]: Known(*row[1:])
        for part in slices(keys)
        for row in connection.execute(query.where(subscribers.c.address_key.in_(part)))
    }


def _suppressed(connection: sa.Connection, keys: set[str]) -> set[str]:
    query = sa.select(suppressions.c.address_key)
    return {
        key
        for part in slices(keys)
        for key in connection.scalars(query.where(suppressions.c.address_key.in_(part)))
    }


def _receive(newcomer: Newcomer, known: dict[str, Known], suppressed: set[str], terms: Terms) -> Arrival:
    """Decide about one person and note in `known` what is to be written."""
    key = newcomer.address.key
    if key in suppressed:
        return Arrival.SUPPRESSED
    one = known.get(key)
    if one is None:
        one = known[key] = Known(address=str(newcomer.address))
    if one.state is SubscriptionState.UNSUBSCRIBED:
        return Arrival.UNSUBSCRIBED
    renamed = _rename(one, newcomer)
    if one.state is None:
        one.state, one.consent, one.joined = terms.state, newcomer.consent, True
        return Arrival.ADDED
    if one.state is SubscriptionState.UNCONFIRMED and terms.state is SubscriptionState.CONFIRMED:
        one.state, one.consent = terms.state, newcomer.consent
        one.promoted = not one.joined
        return Arrival.UPDATED
    return Arrival.UPDATED if renamed else Arrival.UNCHANGED


def _rename(one: Known, newcomer: Newcomer) -> bool:
    """Take over a name that is given and attributes that differ; an attribute that is not named is kept."""
    name = newcomer.name or one.name
    attributes = {**one.attributes, **newcomer.attributes}
    differs = (name, attributes) != (one.name, one.attributes)
    one.name, one.attributes = name, attributes
    one.changed = one.changed or differs
    return differs


def _write_people(connection: sa.Connection, known: Mapping[str, Known], terms: Terms) -> None:
    new = {key: one for key, one in known.items() if one.number is None}
    if new:
        connection.execute(
            sa.insert(subscribers),
            [
                {
                    "address": one.address,
                    "address_key": key,
                    "name": one.name,
                    "attributes": one.attributes,
                    "created_at": terms.now,
                }
                for key, one in new.items()
            ],
        )
        query = sa.select(subscribers.c.address_key, subscribers.c.id)
        for part in slices(new):
            for key, number in connection.execute(query.where(subscribers.c.address_key.in_(part))):
                new[key].number = number
    changed = [one for key, one in known.items() if one.changed and key not in new]
    if changed:
        connection.execute(
            sa.update(subscribers)
            .where(subscribers.c.id == sa.bindparam("number"))
            .values(name=sa.bindparam("new_name"), attributes=sa.bindparam("new_attributes")),
            [
                {"number": one.number, "new_name": one.name, "new_attributes": one.attributes}
                for one in changed
            ],
        )


def _write_subscriptions(connection: sa.Connection, people: Any, terms: Terms) -> None:
    confirmed_at = terms.now if terms.state is SubscriptionState.CONFIRMED else None
    left_at = terms.now if terms.state is SubscriptionState.UNSUBSCRIBED else None
    joined = [
        {
            "list_slug": terms.list_slug,
            "subscriber": one.number,
            "state": one.state,
            "consent": one.consent,
            "source": terms.source,
            "created_at": terms.now,
            "confirmed_at": confirmed_at,
            "unsubscribed_at": left_at,
        }
        for one in people
        if one.joined
    ]
    if joined:
        connection.execute(sa.insert(subscriptions), joined)
    promoted = [{"number": one.number, "given": one.consent} for one in people if one.promoted]
    if promoted:
        connection.execute(
            sa.update(subscriptions)
            .where(
                subscriptions.c.list_slug == terms.list_slug,
                subscriptions.c.subscriber == sa.bindparam("number"),
            )
            .values(
                state=SubscriptionState.CONFIRMED,
                consent=sa.bindparam("given"),
                source=terms.source,
                confirmed_at=confirmed_at,
            ),
            promoted,
        )
