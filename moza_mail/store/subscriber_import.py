"""Bringing many people onto a list with few statements: read what is known, decide in memory, write what differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.audit import Act, Entry
from moza_mail.model.subscriber import Arrival, Newcomer, SubscriptionState
from moza_mail.store import audit_log
from moza_mail.store.bulk import Given, among, inserting, updating
from moza_mail.store.postgres.advisory import alone_with_people
from moza_mail.store.protocol import Foresight
from moza_mail.store.schema import lists, subscribers, subscriptions, suppressions
from moza_mail.store.subscribers import erased, slices

NEW = inserting(
    subscribers,
    "address",
    "address_key",
    "name",
    "attributes",
    "lang",
    same=["created_at"],
    giving=["address_key", "id"],
)
TERMS = ("list_slug", "state", "source", "created_at", "confirmed_at", "unsubscribed_at")
JOINED = inserting(subscriptions, "subscriber", "consent", same=TERMS)


def _rename_them(given: Given) -> sa.Update:
    changed = sa.update(subscribers).where(subscribers.c.id == given["number"])
    return changed.values(name=given["called"], attributes=given["having"], lang=given["speaking"])


def _promote_them(given: Given) -> sa.Update:
    on_list = sa.bindparam("on_list", type_=sa.Text)
    return (
        sa.update(subscriptions)
        .where(subscriptions.c.list_slug == on_list, subscriptions.c.subscriber == given["number"])
        .values(
            state=SubscriptionState.CONFIRMED,
            consent=given["agreed"],
            source=sa.bindparam("way", type_=sa.Text),
            confirmed_at=sa.bindparam("moment", type_=subscriptions.c.confirmed_at.type),
        )
    )


RENAMED = updating(
    {
        "number": subscribers.c.id,
        "called": subscribers.c.name,
        "having": subscribers.c.attributes,
        "speaking": subscribers.c.lang,
    },
    _rename_them,
)
PROMOTED = updating({"number": subscriptions.c.subscriber, "agreed": subscriptions.c.consent}, _promote_them)


IMPORT = "import"
"""How the source of those begins who came by a file."""
CHANGED = (Arrival.ADDED, Arrival.UPDATED)


@dataclass(slots=True)
class Known:
    """One person as the store will have them when all is written."""

    address: str
    number: int | None = None
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    lang: str = ""
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
    named = [newcomer.address.key for newcomer in newcomers]
    keys = set(named)
    known = _known(connection, keys, terms.list_slug)
    suppressed = _suppressed(connection, keys)
    arrivals = [
        _receive(newcomer, key, known, suppressed, terms.state)
        for newcomer, key in zip(newcomers, named, strict=True)
    ]
    _write_people(connection, known, terms)
    _write_subscriptions(connection, known.values(), terms)
    _note(connection, newcomers, arrivals, known, terms)
    return arrivals


def _note(
    connection: sa.Connection,
    newcomers: Sequence[Newcomer],
    arrivals: Sequence[Arrival],
    known: Mapping[str, Known],
    terms: Terms,
) -> None:
    """One entry for an import's chunk, for each person's own row says how and when they came; one for each other person."""
    counts = {arrival: count for arrival in CHANGED if (count := arrivals.count(arrival))}
    if not counts:
        return
    base = Entry(at=terms.now, act=_act(terms), list_slug=terms.list_slug)
    if base.act is Act.IMPORT:
        told = ", ".join(f"{count} {arrival}" for arrival, count in counts.items())
        audit_log.note(connection, replace(base, detail=f"{terms.source}: {told}"))
        return
    for newcomer, arrival in zip(newcomers, arrivals, strict=True):
        if arrival not in CHANGED:
            continue
        address = newcomer.address
        detail = f"{terms.source}: {arrival}"
        audit_log.note(
            connection, replace(base, subscriber=known[address.key].number, detail=detail), address
        )


def _act(terms: Terms) -> Act:
    if terms.state is SubscriptionState.UNCONFIRMED:
        return Act.SIGN_UP
    return Act.IMPORT if terms.source.startswith(IMPORT) else Act.ADD


def foresee(
    connection: sa.Connection,
    newcomers: Sequence[Newcomer],
    list_slug: str,
    state: SubscriptionState,
    foresight: Foresight,
) -> list[Arrival]:
    """What would become of each newcomer, in order; nothing is written."""
    named = [newcomer.address.key for newcomer in newcomers]
    keys = set(named)
    again = keys & foresight.again
    known = _known(connection, keys, list_slug)
    known |= {key: foresight.people[key] for key in again & foresight.people.keys()}
    suppressed = _suppressed(connection, keys)
    arrivals = [
        _receive(newcomer, key, known, suppressed, state)
        for newcomer, key in zip(newcomers, named, strict=True)
    ]
    foresight.people.update({key: known[key] for key in again & known.keys()})
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
        subscribers.c.lang,
        subscriptions.c.state,
    ).select_from(joined)
    return {
        row[0]: Known(*row[1:])
        for part in slices(keys)
        for row in connection.execute(query.where(among(connection, subscribers.c.address_key, part)))
    }


def _suppressed(connection: sa.Connection, keys: set[str]) -> dict[str, Arrival]:
    """Those who may not be brought in, and what becomes of them for it."""
    query = sa.select(suppressions.c.address_key)
    forgotten = dict.fromkeys(erased(connection, keys), Arrival.ERASED)
    return forgotten | {
        key: Arrival.SUPPRESSED
        for part in slices(keys)
        for key in connection.scalars(query.where(among(connection, suppressions.c.address_key, part)))
    }


def _receive(
    newcomer: Newcomer,
    key: str,
    known: dict[str, Known],
    suppressed: Mapping[str, Arrival],
    state: SubscriptionState,
) -> Arrival:
    """Decide about one person and note in `known` what is to be written."""
    if key in suppressed:
        return suppressed[key]
    one = known.get(key)
    if one is None:
        known[key] = _newcome(newcomer, state)
        return Arrival.ADDED
    if one.state is SubscriptionState.UNSUBSCRIBED:
        return Arrival.UNSUBSCRIBED
    renamed = _rename(one, newcomer)
    if one.state is None:
        one.state, one.consent, one.joined = state, newcomer.consent, True
        return Arrival.ADDED
    if one.state is SubscriptionState.UNCONFIRMED and state is SubscriptionState.CONFIRMED:
        one.state, one.consent = state, newcomer.consent
        one.promoted = not one.joined
        return Arrival.UPDATED
    return Arrival.UPDATED if renamed else Arrival.UNCHANGED


def _newcome(newcomer: Newcomer, state: SubscriptionState) -> Known:
    return Known(
        address=str(newcomer.address),
        name=newcomer.name,
        attributes=dict(newcomer.attributes),
        lang=newcomer.lang,
        state=state,
        consent=newcomer.consent,
        joined=True,
    )


def _rename(one: Known, newcomer: Newcomer) -> bool:
    """Take over a name and a language that are given and attributes that differ; an attribute that is not named is kept."""
    name, lang = newcomer.name or one.name, newcomer.lang or one.lang
    attributes = {**one.attributes, **newcomer.attributes}
    differs = (name, lang, attributes) != (one.name, one.lang, one.attributes)
    one.name, one.lang, one.attributes = name, lang, attributes
    one.changed = one.changed or differs
    return differs


def _write_people(connection: sa.Connection, known: Mapping[str, Known], terms: Terms) -> None:
    new = {key: one for key, one in known.items() if one.number is None}
    if new:
        made = [(one.address, key, one.name, one.attributes, one.lang) for key, one in new.items()]
        for key, number in NEW.returned(connection, made, created_at=terms.now):
            new[key].number = number
    changed = [one for key, one in known.items() if one.changed and key not in new]
    if changed:
        RENAMED.run(
            connection,
            [(one.number, one.name, one.attributes, one.lang) for one in changed],
        )


def _write_subscriptions(connection: sa.Connection, people: Any, terms: Terms) -> None:
    confirmed_at = terms.now if terms.state is SubscriptionState.CONFIRMED else None
    left_at = terms.now if terms.state is SubscriptionState.UNSUBSCRIBED else None
    joined = [(one.number, one.consent) for one in people if one.joined]
    if joined:
        fixed = (terms.list_slug, terms.state, terms.source, terms.now, confirmed_at, left_at)
        JOINED.run(connection, joined, **dict(zip(TERMS, fixed, strict=True)))
    promoted = [(one.number, one.consent) for one in people if one.promoted]
    if promoted:
        PROMOTED.run(connection, promoted, on_list=terms.list_slug, way=terms.source, moment=confirmed_at)
