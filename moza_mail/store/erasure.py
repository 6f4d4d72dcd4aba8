"""Erasing a person: their rows, their address wherever else it stands, and the mark that keeps an import from reviving them."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.address import ADDRESS_REMOVED, Address
from moza_mail.model.audit import Act, Entry
from moza_mail.model.mailing import DeliveryState, Reply, SkipReason
from moza_mail.model.subscriber import SuppressionReason
from moza_mail.store import audit_log
from moza_mail.store.bulk import among
from moza_mail.store.personal_data import Subject, subject
from moza_mail.store.postgres.advisory import alone_with_people
from moza_mail.store.schema import (
    bounces,
    confirmations,
    deliveries,
    erasures,
    insert,
    lifted,
    mailings,
    subscribers,
    subscriptions,
    suppressions,
)
from moza_mail.store.subscribers import slices

IN_FLIGHT = timedelta(hours=1)
"""No message is under way so long after it was claimed; what says otherwise was left by a process that died."""
HANDS = (DeliveryState.CLAIMED, DeliveryState.INTENT)
OPEN = (DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.CLAIMED)
SCRUBBED = (subscribers, subscriptions, confirmations, suppressions, lifted, deliveries, bounces)
ITS_OWN = {"address_key", "digest"}
Counts = dict[str, int]


def under_way(connection: sa.Connection, of: Subject, now: datetime) -> bool:
    """Whether a message to a person is in a sender's hands at this moment; until the transaction ends none comes into them."""
    mailed = _addressed(of)
    asked = confirmations.c.subscriber.in_(of.numbers)
    for table, where in ((deliveries, mailed), (confirmations, asked)):
        query = sa.select(table.c.state, table.c.changed_at).where(where).with_for_update()
        for state, changed_at in connection.execute(query).all():
            if state in HANDS and changed_at > now - IN_FLIGHT:
                return True
    return False


def _addressed(of: Subject) -> sa.ColumnElement[bool]:
    """The deliveries to a person that still name them."""
    # Naming every mailing lets the index on (mailing, subscriber) find one row of each, instead of reading all.
    every = deliveries.c.mailing.in_(sa.select(mailings.c.id))
    return every & deliveries.c.subscriber.in_(of.numbers) & (deliveries.c.address != "")


def erase(connection: sa.Connection, address: Address, now: datetime) -> Counts | None:
    """Take a person out of every table; give how many rows of each, or None when a message to them is under way."""
    alone_with_people(connection)
    known_by = audit_log.pseudonyms(connection)
    if known_by is None:
        raise StoreError("Nobody can be erased from a store that was opened without the project's secret.")
    of = subject(connection, address, known_by)
    if under_way(connection, of, now):
        return None
    told = _consents(connection, of)
    suppressed = connection.scalar(
        sa.select(suppressions.c.reason).where(suppressions.c.address_key == address.key)
    )
    counts = {
        "deliveries": _anonymise(connection, _addressed(of), now),
        "confirmations": _gone(connection, confirmations, confirmations.c.subscriber.in_(of.numbers)),
        "subscriptions": _gone(connection, subscriptions, subscriptions.c.subscriber.in_(of.numbers)),
        "subscribers": _gone(connection, subscribers, subscribers.c.address_key == address.key),
        "suppressions": _gone(connection, suppressions, suppressions.c.address_key == address.key),
        "lifted": _gone(connection, lifted, lifted.c.address_key == address.key),
    }
    if any(counts.values()):
        _mark(connection, of, suppressed, told, now)
    return counts


def _gone(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.delete(table).where(where)).rowcount


def _consents(connection: sa.Connection, of: Subject) -> str:
    """That there was a consent, without its words: what is left to show for the time in which they were mailed."""
    found = connection.execute(
        sa.select(
            subscriptions.c.list_slug,
            subscriptions.c.state,
            subscriptions.c.created_at,
            subscriptions.c.confirmed_at,
            subscriptions.c.unsubscribed_at,
        )
        .where(subscriptions.c.subscriber.in_(of.numbers))
        .order_by(subscriptions.c.list_slug)
    )
    return "; ".join(_consent(row) for row in found)


def _consent(row: Any) -> str:
    moments = (("confirmed", row.confirmed_at), ("unsubscribed", row.unsubscribed_at))
    since = ", ".join(f"{what} {at:%Y-%m-%d}" for what, at in moments if at)
    return f"{row.list_slug}: came {row.created_at:%Y-%m-%d}" + (f", {since}" if since else "")


def _mark(
    connection: sa.Connection, of: Subject, suppressed: SuppressionReason | None, told: str, now: datetime
) -> None:
    values: Mapping[str, Any] = {"pseudonym": of.pseudonym, "at": now, "suppressed": suppressed}
    made = insert(connection, erasures).values(values)
    kept = sa.func.coalesce(made.excluded.suppressed, erasures.c.suppressed)
    connection.execute(
        made.on_conflict_do_update(index_elements=["pseudonym"], set_={"at": now, "suppressed": kept})
    )
    numbers: list[int | None] = [*sorted(of.numbers)] or [None]
    for number in numbers:
        entry = Entry(at=now, act=Act.ERASE, subscriber=number, pseudonym=of.pseudonym, detail=told)
        audit_log.note(connection, entry)


def _anonymise(connection: sa.Connection, where: sa.ColumnElement[bool], now: datetime) -> int:
    """Keep of deliveries what is counted, and nothing of the person; what was still to be mailed is skipped."""
    columns = (
        deliveries.c.id,
        deliveries.c.state,
        deliveries.c.reply,
        deliveries.c.detail,
        deliveries.c.skip_reason,
    )
    found = connection.execute(sa.select(*columns).where(where).with_for_update()).all()
    for row in found:
        values = {**bare(row.reply, row.detail, row.skip_reason), "merge_values": None}
        if row.state in OPEN:
            skipped = {"state": DeliveryState.SKIPPED, "skip_reason": SkipReason.ERASED, "detail": ""}
            values |= {**skipped, "next_attempt": None, "changed_at": now}
        elif row.state is DeliveryState.INTENT:
            values |= {"state": DeliveryState.UNCERTAIN, "changed_at": now}
        connection.execute(sa.update(deliveries).where(deliveries.c.id == row.id).values(values))
    numbers = [row.id for row in found]
    for part in slices(numbers):
        for digest, reply in connection.execute(
            sa.select(bounces.c.digest, bounces.c.reply).where(among(connection, bounces.c.delivery, part))
        ).all():
            connection.execute(
                sa.update(bounces).where(bounces.c.digest == digest).values(reply=without_words(reply))
            )
    return len(found)


def bare(reply: str, detail: str, skip_reason: SkipReason | None) -> dict[str, Any]:
    """The columns of a delivery in which something of a person may stand, with nothing of them left."""
    kept = detail if skip_reason is SkipReason.MISSING_VALUE else ""
    return {"address": "", "name": "", "reply": without_words(reply), "detail": kept, "queue_id": ""}


def without_words(reply: str) -> str:
    """What a server said, without its own words; nothing of what is no reply."""
    said = Reply.recall(reply)
    return str(said.bare()) if said else ""


def leftovers(connection: sa.Connection, address: Address) -> dict[str, list[Any]]:
    """The keys of the rows, by table, in which an address still stands: in a text of somebody else, or in an old mailing."""
    pattern = standing(address)
    found: dict[str, list[Any]] = {}
    for table in SCRUBBED:
        texts = _texts(table)
        where = sa.or_(*(_holds(connection, column, address.key) for column in texts))
        for row in connection.execute(sa.select(_key(table), *texts).where(where)):
            if any(pattern.search(_as_text(value)) for value in row[1:]):
                found.setdefault(table.name, []).append(row[0])
    return found


def in_issues(connection: sa.Connection, address: Address) -> list[str]:
    """The issues whose own text names an address; it was published, and stays."""
    texts = (mailings.c.html, mailings.c.text, mailings.c.subject, mailings.c.preheader)
    where = sa.or_(*(_holds(connection, column, address.key) for column in texts))
    return list(connection.scalars(sa.select(mailings.c.issue_slug).where(where).order_by(mailings.c.id)))


def scrub(
    connection: sa.Connection, address: Address, found: Mapping[str, Sequence[Any]], now: datetime
) -> Counts:
    """Take an address out of those rows: a delivery that went to it loses all of its person, another text the address alone."""
    alone_with_people(connection)
    known_by = audit_log.pseudonyms(connection)
    if known_by is None:
        raise StoreError("Nobody can be erased from a store that was opened without the project's secret.")
    counts: Counter[str] = Counter()
    for table in SCRUBBED:
        for key in found.get(table.name, ()):
            counts[table.name] += 1
            if table is deliveries and _went_to(connection, key, address):
                _anonymise(connection, deliveries.c.id == key, now)
            else:
                _cleaned(connection, table, key, standing(address))
    if counts and erased_at(connection, known_by.of(address)) is None:
        _mark(connection, subject(connection, address, known_by), None, "", now)
    return dict(counts)


def erased_at(connection: sa.Connection, pseudonym: str) -> datetime | None:
    """When the person of a pseudonym was last erased; None when they were not, or have come back by themselves."""
    return connection.scalar(sa.select(erasures.c.at).where(erasures.c.pseudonym == pseudonym))


def _went_to(connection: sa.Connection, key: int, address: Address) -> bool:
    text = connection.scalar(sa.select(deliveries.c.address).where(deliveries.c.id == key))
    return (text or "").lower() == address.key


def _cleaned(connection: sa.Connection, table: sa.Table, key: Any, pattern: re.Pattern[str]) -> None:
    texts = _texts(table)
    where = _key(table) == key
    for row in connection.execute(sa.select(*texts).where(where)).mappings().all():
        values = {}
        for name, value in row.items():
            clean = pattern.sub(ADDRESS_REMOVED, _as_text(value))
            if clean != _as_text(value):
                values[name] = clean if isinstance(value, str) else json.loads(clean)
        if values:
            connection.execute(sa.update(table).where(where, *_same(table, row)).values(values))


def _same(table: sa.Table, row: Any) -> list[sa.ColumnElement[bool]]:
    """What tells rows apart that share the key a leftover is known by: a subscriber's subscriptions."""
    return (
        [table.c.consent == row["consent"], table.c.source == row["source"]] if table is subscriptions else []
    )


def standing(address: Address) -> re.Pattern[str]:
    """An address where it stands by itself in a text, in whatever case, and not as the end or the beginning of another."""
    return re.compile(rf"(?<![\w.+-]){re.escape(address.key)}(?![\w-]|\.\w)", re.IGNORECASE)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _key(table: sa.Table) -> sa.Column[Any]:
    return table.c.subscriber if table is subscriptions else next(iter(table.primary_key))


def _texts(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns in which anything may be written; not those that are the address itself, by which a row is found."""
    return [
        column
        for column in table.c
        if isinstance(column.type, sa.Text | sa.JSON)
        and column.name not in ITS_OWN
        and not column.primary_key
        and not (column.name == "address" and table is not deliveries)
    ]


def _holds(connection: sa.Connection, column: sa.Column[Any], key: str) -> sa.ColumnElement[bool]:
    text = sa.func.lower(sa.cast(column, sa.Text))
    place = sa.func.strpos if connection.dialect.name == "postgresql" else sa.func.instr
    return place(text, key) > 0
