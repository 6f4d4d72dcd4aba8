"""Add many people to a list with few statements: read what is known, decide in memory, write the differences."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.subscriber import AddResult, ImportPreview, NewSubscriber, SubscriptionState
from moza_mail.store.audit_writer import add_entry
from moza_mail.store.bulk import Given, among, inserting, updating
from moza_mail.store.paging import split_into_pages
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import lists, subscribers, subscriptions, suppressions
from moza_mail.store.suppressions import select_erased

INSERT_SUBSCRIBERS = inserting(
    subscribers,
    "address",
    "address_key",
    "name",
    "attributes",
    "lang",
    same=["created_at"],
    giving=["address_key", "id"],
)
SHARED_COLUMNS = ("list_slug", "state", "source", "created_at", "confirmed_at", "unsubscribed_at")
INSERT_SUBSCRIPTIONS = inserting(subscriptions, "subscriber_id", "consent", same=SHARED_COLUMNS)


def _update_statement(given: Given) -> sa.Update:
    update = sa.update(subscribers).where(subscribers.c.id == given["number"])
    return update.values(name=given["new_name"], attributes=given["new_attributes"], lang=given["new_lang"])


def _confirm_statement(given: Given) -> sa.Update:
    on_list = sa.bindparam("on_list", type_=sa.Text)
    return (
        sa.update(subscriptions)
        .where(subscriptions.c.list_slug == on_list, subscriptions.c.subscriber_id == given["number"])
        .values(
            state=SubscriptionState.CONFIRMED,
            consent=given["new_consent"],
            source=sa.bindparam("new_source", type_=sa.Text),
            confirmed_at=sa.bindparam("now", type_=subscriptions.c.confirmed_at.type),
        )
    )


UPDATE_SUBSCRIBERS = updating(
    {
        "number": subscribers.c.id,
        "new_name": subscribers.c.name,
        "new_attributes": subscribers.c.attributes,
        "new_lang": subscribers.c.lang,
    },
    _update_statement,
)
CONFIRM_SUBSCRIPTIONS = updating(
    {"number": subscriptions.c.subscriber_id, "new_consent": subscriptions.c.consent}, _confirm_statement
)

IMPORT = "import"
"""The start of the source of those who were imported from a file."""
CHANGED = (AddResult.ADDED, AddResult.UPDATED)


@dataclass(slots=True)
class ImportedPerson:
    """A person as they will be stored, and which statements that takes."""

    address: str
    id: int | None = None
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    lang: str = ""
    state: SubscriptionState | None = None
    consent: str = ""
    must_update: bool = False
    must_subscribe: bool = False
    must_confirm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTerms:
    """The list, state, source and time that all people of a call share."""

    list_slug: str
    state: SubscriptionState
    source: str
    now: datetime


def import_subscribers(
    connection: sa.Connection, newcomers: Sequence[NewSubscriber], terms: ImportTerms
) -> list[AddResult]:
    """Add people to a list and return the result for each, in order."""
    if connection.execute(sa.select(lists.c.slug).where(lists.c.slug == terms.list_slug)).first() is None:
        raise StoreError(
            f"the store has no list `{terms.list_slug}`", hint="Add it to subscribers/lists.toml."
        )
    lock_people(connection)
    keys = [newcomer.address.key for newcomer in newcomers]
    people = _select_people(connection, set(keys), terms.list_slug)
    arrivals = _decide_all(connection, newcomers, keys, people, terms.state)
    _write_subscribers(connection, people, terms)
    _write_subscriptions(connection, people.values(), terms)
    _add_entries(connection, newcomers, arrivals, people, terms)
    return arrivals


def preview_import(
    connection: sa.Connection,
    newcomers: Sequence[NewSubscriber],
    list_slug: str,
    state: SubscriptionState,
    preview: ImportPreview,
) -> list[AddResult]:
    """Return the result for each as `import_subscribers` would, and write nothing."""
    keys = [newcomer.address.key for newcomer in newcomers]
    repeated = set(keys) & preview.repeated
    people = _select_people(connection, set(keys), list_slug)
    people |= {key: preview.people[key] for key in repeated & preview.people.keys()}
    arrivals = _decide_all(connection, newcomers, keys, people, state)
    preview.people.update({key: people[key] for key in repeated & people.keys()})
    return arrivals


def _add_entries(
    connection: sa.Connection,
    newcomers: Sequence[NewSubscriber],
    arrivals: Sequence[AddResult],
    people: Mapping[str, ImportedPerson],
    terms: ImportTerms,
) -> None:
    """Add one audit entry for a chunk of an import, whose rows have their source and time; else one for each person."""
    counts = {arrival: count for arrival in CHANGED if (count := arrivals.count(arrival))}
    if not counts:
        return
    entry = AuditEntry(occurred_at=terms.now, action=_action(terms), list_slug=terms.list_slug)
    if entry.action is AuditAction.IMPORT:
        detail = ", ".join(f"{count} {arrival}" for arrival, count in counts.items())
        add_entry(connection, replace(entry, detail=f"{terms.source}: {detail}"))
        return
    for newcomer, arrival in zip(newcomers, arrivals, strict=True):
        if arrival in CHANGED:
            number = people[newcomer.address.key].id
            detail = f"{terms.source}: {arrival}"
            add_entry(connection, replace(entry, subscriber_id=number, detail=detail), newcomer.address)


def _action(terms: ImportTerms) -> AuditAction:
    if terms.state is SubscriptionState.UNCONFIRMED:
        return AuditAction.SIGN_UP
    return AuditAction.IMPORT if terms.source.startswith(IMPORT) else AuditAction.ADD


def _select_people(connection: sa.Connection, keys: set[str], list_slug: str) -> dict[str, ImportedPerson]:
    """Return the known people by address key, with their state on the list."""
    joined = subscribers.outerjoin(
        subscriptions,
        sa.and_(subscriptions.c.subscriber_id == subscribers.c.id, subscriptions.c.list_slug == list_slug),
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
        row[0]: ImportedPerson(*row[1:])
        for part in split_into_pages(keys)
        for row in connection.execute(query.where(among(connection, subscribers.c.address_key, part)))
    }


def _select_barred(connection: sa.Connection, keys: set[str]) -> dict[str, AddResult]:
    """Return the address keys that must not be added, with their result."""
    query = sa.select(suppressions.c.address_key)
    erased = dict.fromkeys(select_erased(connection, keys), AddResult.ERASED)
    return erased | {
        key: AddResult.SUPPRESSED
        for part in split_into_pages(keys)
        for key in connection.scalars(query.where(among(connection, suppressions.c.address_key, part)))
    }


def _decide_all(
    connection: sa.Connection,
    newcomers: Sequence[NewSubscriber],
    keys: Sequence[str],
    people: dict[str, ImportedPerson],
    state: SubscriptionState,
) -> list[AddResult]:
    """Decide about each in order, and note in `people` what must be written."""
    barred = _select_barred(connection, set(keys))
    return [
        barred.get(key) or _decide(newcomer, key, people, state)
        for newcomer, key in zip(newcomers, keys, strict=True)
    ]


def _decide(
    newcomer: NewSubscriber, key: str, people: dict[str, ImportedPerson], state: SubscriptionState
) -> AddResult:
    person = people.get(key)
    if person is None:
        people[key] = _new_person(newcomer, state)
        return AddResult.ADDED
    if person.state is SubscriptionState.UNSUBSCRIBED:
        return AddResult.UNSUBSCRIBED
    differs = _update(person, newcomer)
    if person.state is None:
        person.state, person.consent, person.must_subscribe = state, newcomer.consent, True
        return AddResult.ADDED
    if person.state is SubscriptionState.UNCONFIRMED and state is SubscriptionState.CONFIRMED:
        person.state, person.consent = state, newcomer.consent
        person.must_confirm = not person.must_subscribe
        return AddResult.UPDATED
    return AddResult.UPDATED if differs else AddResult.UNCHANGED


def _new_person(newcomer: NewSubscriber, state: SubscriptionState) -> ImportedPerson:
    return ImportedPerson(
        address=str(newcomer.address),
        name=newcomer.name,
        attributes=dict(newcomer.attributes),
        lang=newcomer.lang,
        state=state,
        consent=newcomer.consent,
        must_subscribe=True,
    )


def _update(person: ImportedPerson, newcomer: NewSubscriber) -> bool:
    """Take over a name, language and attributes that are given; true if one differs."""
    name, lang = newcomer.name or person.name, newcomer.lang or person.lang
    attributes = {**person.attributes, **newcomer.attributes}
    differs = (name, lang, attributes) != (person.name, person.lang, person.attributes)
    person.name, person.lang, person.attributes = name, lang, attributes
    person.must_update = person.must_update or differs
    return differs


def _write_subscribers(
    connection: sa.Connection, people: Mapping[str, ImportedPerson], terms: ImportTerms
) -> None:
    new = {key: person for key, person in people.items() if person.id is None}
    if new:
        rows = [(one.address, key, one.name, one.attributes, one.lang) for key, one in new.items()]
        for key, number in INSERT_SUBSCRIBERS.returned(connection, rows, created_at=terms.now):
            new[key].id = number
    changed = [person for key, person in people.items() if person.must_update and key not in new]
    if changed:
        UPDATE_SUBSCRIBERS.run(connection, [(one.id, one.name, one.attributes, one.lang) for one in changed])


def _write_subscriptions(
    connection: sa.Connection, people: Iterable[ImportedPerson], terms: ImportTerms
) -> None:
    people = list(people)
    confirmed_at = terms.now if terms.state is SubscriptionState.CONFIRMED else None
    unsubscribed_at = terms.now if terms.state is SubscriptionState.UNSUBSCRIBED else None
    subscribed = [(person.id, person.consent) for person in people if person.must_subscribe]
    if subscribed:
        values = (terms.list_slug, terms.state, terms.source, terms.now, confirmed_at, unsubscribed_at)
        INSERT_SUBSCRIPTIONS.run(connection, subscribed, **dict(zip(SHARED_COLUMNS, values, strict=True)))
    confirmed = [(person.id, person.consent) for person in people if person.must_confirm]
    if confirmed:
        CONFIRM_SUBSCRIPTIONS.run(
            connection, confirmed, on_list=terms.list_slug, new_source=terms.source, now=confirmed_at
        )
