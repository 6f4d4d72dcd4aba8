"""Add many people to a list with few statements.

Read their rows, decide in memory, and write the differences.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.subscriber import (
    AddResult,
    ImportPreview,
    NewSubscriber,
    SubscriptionState,
    SuppressionReason,
)
from moza_mail.store import rows as rows_of
from moza_mail.store.audit_writer import add_entry
from moza_mail.store.bulk import Given, among, inserting, updating
from moza_mail.store.paging import split_into_pages
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import lists, subscribers, subscriptions, suppressions
from moza_mail.store.subscriptions import unsubscribe
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
INSERT_SUBSCRIPTIONS = inserting(
    subscriptions,
    "subscriber_id",
    "state",
    "consent",
    "source",
    "confirmed_at",
    "unsubscribed_at",
    same=["list_slug", "created_at"],
)
INSERT_SUPPRESSIONS = inserting(
    suppressions, "address_key", "address", "reason", "evidence", same=["created_at", "mailing_id"]
)


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
            confirmed_at=given["since"],
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
    {
        "number": subscriptions.c.subscriber_id,
        "new_consent": subscriptions.c.consent,
        "since": subscriptions.c.confirmed_at,
    },
    _confirm_statement,
)

IMPORT = "import"
"""The prefix of the source of people who were imported from a file."""
CHANGED = (AddResult.ADDED, AddResult.UPDATED, AddResult.UNCONFIRMED, AddResult.TAKEN_OUT)


@dataclass(slots=True)
class ImportedPerson:
    """A person as the import will store them.

    evidence: the words of the file that explain their state; not stored for confirmed people.
    since: when they consented or left.
    suppression: why their address must not be mailed.
    must_...: True if the import must make this change to the stored data.
    """

    address: str
    id: int | None = None
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    lang: str = ""
    state: SubscriptionState | None = None
    source: str = ""
    confirmed_at: datetime | None = None
    consent: str = ""
    evidence: str = ""
    since: datetime | None = None
    suppression: SuppressionReason | None = None
    must_update: bool = False
    must_subscribe: bool = False
    must_confirm: bool = False
    must_unsubscribe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTerms:
    """The list, source and time that all people of one import share."""

    list_slug: str
    source: str
    now: datetime

    def quote(self, evidence: str) -> str:
        """Return the source, followed by the evidence if there is any."""
        return f"{self.source}: {evidence}" if evidence else self.source


def import_subscribers(
    connection: sa.Connection, new_subscribers: Sequence[NewSubscriber], terms: ImportTerms
) -> list[AddResult]:
    """Add people to a list, or remove those who left; return the results, in order."""
    if connection.execute(sa.select(lists.c.slug).where(lists.c.slug == terms.list_slug)).first() is None:
        raise StoreError(
            f"the store has no list `{terms.list_slug}`", hint="Add it to subscribers/lists.toml."
        )
    lock_people(connection)
    keys = [new_subscriber.address.key for new_subscriber in new_subscribers]
    people = _select_people(connection, set(keys), terms.list_slug)
    results = _decide_all(connection, new_subscribers, keys, people)
    _write_subscribers(connection, people, terms)
    _write_subscriptions(connection, people.values(), terms)
    _write_suppressions(connection, people, terms)
    _add_entries(connection, new_subscribers, results, people, terms)
    return results


def preview_import(
    connection: sa.Connection,
    new_subscribers: Sequence[NewSubscriber],
    list_slug: str,
    preview: ImportPreview,
) -> list[AddResult]:
    """Return the results that `import_subscribers` would return, and write nothing."""
    keys = [new_subscriber.address.key for new_subscriber in new_subscribers]
    repeated = set(keys) & preview.repeated
    people = _select_people(connection, set(keys), list_slug)
    people |= {key: preview.people[key] for key in repeated & preview.people.keys()}
    results = _decide_all(connection, new_subscribers, keys, people)
    preview.people.update({key: people[key] for key in repeated & people.keys()})
    return results


def _add_entries(
    connection: sa.Connection,
    new_subscribers: Sequence[NewSubscriber],
    results: Sequence[AddResult],
    people: Mapping[str, ImportedPerson],
    terms: ImportTerms,
) -> None:
    """Add audit entries: one for the import of a file, otherwise one for each person.

    One entry is enough for a file, because the imported rows contain its source and time.
    """
    counts = {result: count for result in CHANGED if (count := results.count(result))}
    suppressed = sum(person.suppression is not None for person in people.values())
    if not counts and not suppressed:
        return
    if terms.source.startswith(IMPORT):
        parts = [f"{count} {result.replace('_', ' ')}" for result, count in counts.items()]
        parts += [f"{suppressed} suppressed"] if suppressed else []
        detail = f"{terms.source}: {', '.join(parts)}"
        entry = AuditEntry(
            occurred_at=terms.now, action=AuditAction.IMPORT, list_slug=terms.list_slug, detail=detail
        )
        add_entry(connection, entry)
        return
    for new_subscriber, result in zip(new_subscribers, results, strict=True):
        if result in CHANGED:
            is_sign_up = new_subscriber.state is SubscriptionState.UNCONFIRMED
            entry = AuditEntry(
                occurred_at=terms.now,
                action=AuditAction.SIGN_UP if is_sign_up else AuditAction.ADD,
                list_slug=terms.list_slug,
                subscriber_id=people[new_subscriber.address.key].id,
                detail=f"{terms.source}: {result}",
            )
            add_entry(connection, entry, new_subscriber.address)


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
        subscriptions.c.source,
        subscriptions.c.confirmed_at,
    ).select_from(joined)
    return {
        row[0]: ImportedPerson(*row[1:])
        for part in split_into_pages(keys)
        for row in connection.execute(query.where(among(connection, subscribers.c.address_key, part)))
    }


def _select_barred(connection: sa.Connection, keys: set[str]) -> dict[str, AddResult]:
    """Return the results for people who must not be added, by address key."""
    query = sa.select(suppressions.c.address_key)
    erased = dict.fromkeys(select_erased(connection, keys), AddResult.ERASED)
    return erased | {
        key: AddResult.SUPPRESSED
        for part in split_into_pages(keys)
        for key in connection.scalars(query.where(among(connection, suppressions.c.address_key, part)))
    }


def _decide_all(
    connection: sa.Connection,
    new_subscribers: Sequence[NewSubscriber],
    keys: Sequence[str],
    people: dict[str, ImportedPerson],
) -> list[AddResult]:
    """Return the results in order; record in `people` what must be written."""
    barred = _select_barred(connection, set(keys))
    return [
        barred.get(key) or _decide(new_subscriber, key, people)
        for new_subscriber, key in zip(new_subscribers, keys, strict=True)
    ]


def _decide(new_subscriber: NewSubscriber, key: str, people: dict[str, ImportedPerson]) -> AddResult:
    """Return the result for one person; record in `people` what must be written."""
    person = people.get(key)
    if person is None:
        person = people[key] = ImportedPerson(address=str(new_subscriber.address))
    if person.suppression:
        return AddResult.SUPPRESSED
    if new_subscriber.suppression:
        return _suppress(person, new_subscriber)
    if person.state is SubscriptionState.UNSUBSCRIBED:
        return AddResult.UNSUBSCRIBED
    if new_subscriber.state is SubscriptionState.UNSUBSCRIBED:
        return _take_out(person, new_subscriber)
    differs = _update(person, new_subscriber)
    if person.state is None:
        person.state, person.must_subscribe = new_subscriber.state, True
        _take_consent(person, new_subscriber)
        is_confirmed = new_subscriber.state is SubscriptionState.CONFIRMED
        return AddResult.ADDED if is_confirmed else AddResult.UNCONFIRMED
    if person.state is SubscriptionState.UNCONFIRMED and new_subscriber.state is SubscriptionState.CONFIRMED:
        person.state = new_subscriber.state
        _take_consent(person, new_subscriber)
        person.must_confirm = not person.must_subscribe
        return AddResult.UPDATED
    return AddResult.UPDATED if differs else AddResult.UNCHANGED


def _suppress(person: ImportedPerson, new_subscriber: NewSubscriber) -> AddResult:
    """Suppress the address. An unknown address is suppressed without adding a subscriber."""
    person.suppression, person.evidence = new_subscriber.suppression, new_subscriber.evidence
    is_mailed = person.state is SubscriptionState.CONFIRMED
    return AddResult.TAKEN_OUT if is_mailed else AddResult.SUPPRESSED


def _take_out(person: ImportedPerson, new_subscriber: NewSubscriber) -> AddResult:
    """Unsubscribe a person who has left according to the file.

    A person who confirmed here later stays subscribed.
    """
    if person.state is SubscriptionState.CONFIRMED and _has_returned(person, new_subscriber.since):
        return AddResult.UNCHANGED
    earlier, person.state = person.state, SubscriptionState.UNSUBSCRIBED
    person.evidence, person.since, person.consent = new_subscriber.evidence, new_subscriber.since, ""
    # A row that is still to be inserted is inserted as unsubscribed.
    is_stored = earlier is not None and not person.must_subscribe
    person.must_subscribe, person.must_unsubscribe = not is_stored, is_stored
    return AddResult.TAKEN_OUT if earlier is SubscriptionState.CONFIRMED else AddResult.UNSUBSCRIBED


def _has_returned(person: ImportedPerson, left: datetime | None) -> bool:
    """Return True if the person signed up with moza-mail again after they left.

    left: the time of leaving according to the file.
    """
    if left is None or person.confirmed_at is None or person.source.startswith(IMPORT):
        return False
    return person.confirmed_at > left


def _take_consent(person: ImportedPerson, new_subscriber: NewSubscriber) -> None:
    person.consent, person.evidence, person.since = (
        new_subscriber.consent,
        new_subscriber.evidence,
        new_subscriber.since,
    )


def _update(person: ImportedPerson, new_subscriber: NewSubscriber) -> bool:
    """Copy the given name, language and attributes; return True if one of them changes."""
    name, lang = new_subscriber.name or person.name, new_subscriber.lang or person.lang
    attributes = {**person.attributes, **new_subscriber.attributes}
    differs = (name, lang, attributes) != (person.name, person.lang, person.attributes)
    person.name, person.lang, person.attributes = name, lang, attributes
    person.must_update = person.must_update or differs
    return differs


def _write_subscribers(
    connection: sa.Connection, people: Mapping[str, ImportedPerson], terms: ImportTerms
) -> None:
    new = {key: person for key, person in people.items() if person.id is None and person.must_subscribe}
    if new:
        rows = [(one.address, key, one.name, one.attributes, one.lang) for key, one in new.items()]
        for key, number in INSERT_SUBSCRIBERS.run_returning(connection, rows, created_at=terms.now):
            new[key].id = number
    changed = [person for key, person in people.items() if person.must_update and key not in new]
    if changed:
        UPDATE_SUBSCRIBERS.run(connection, [(one.id, one.name, one.attributes, one.lang) for one in changed])


def _write_subscriptions(
    connection: sa.Connection, people: Iterable[ImportedPerson], terms: ImportTerms
) -> None:
    people = list(people)
    subscribed = [_to_subscription(person, terms) for person in people if person.must_subscribe]
    if subscribed:
        INSERT_SUBSCRIPTIONS.run(connection, subscribed, list_slug=terms.list_slug, created_at=terms.now)
    confirmed = [
        (person.id, person.consent, _since(person, terms)) for person in people if person.must_confirm
    ]
    if confirmed:
        CONFIRM_SUBSCRIPTIONS.run(connection, confirmed, on_list=terms.list_slug, new_source=terms.source)
    for person in people:
        if person.must_unsubscribe and person.id is not None:
            detail = terms.quote(person.evidence)
            unsubscribe(connection, person.id, terms.list_slug, terms.now, detail=detail)


def _to_subscription(person: ImportedPerson, terms: ImportTerms) -> tuple[object, ...]:
    """Return a person's parameters for the SQL statement INSERT_SUBSCRIPTIONS."""
    is_confirmed = person.state is SubscriptionState.CONFIRMED
    is_unsubscribed = person.state is SubscriptionState.UNSUBSCRIBED
    since = _since(person, terms)
    return (
        person.id,
        person.state,
        person.consent,
        terms.source if is_confirmed else terms.quote(person.evidence),
        since if is_confirmed else None,
        since if is_unsubscribed else None,
    )


def _since(person: ImportedPerson, terms: ImportTerms) -> datetime:
    """Return when a person consented or left.

    If that time is unknown or in the future, return the time of the import.
    """
    return min(person.since, terms.now) if person.since else terms.now


def _write_suppressions(
    connection: sa.Connection, people: Mapping[str, ImportedPerson], terms: ImportTerms
) -> None:
    suppressed = {key: person for key, person in people.items() if person.suppression}
    rows = [
        (key, person.address, person.suppression, terms.quote(person.evidence))
        for key, person in suppressed.items()
    ]
    if rows:
        INSERT_SUPPRESSIONS.run(connection, rows, created_at=terms.now, mailing_id=None)
    for person in suppressed.values():
        # An address without a subscriber gets no entry of its own; the entry of the import counts it.
        if person.id is not None and person.suppression:
            entry = AuditEntry(
                occurred_at=terms.now,
                action=AuditAction.SUPPRESS,
                subscriber_id=person.id,
                detail=person.suppression.value,
            )
            add_entry(connection, entry, rows_of.address(person.address))
