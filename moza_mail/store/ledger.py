"""The statements of the ledger: mailings, and the deliveries as a sender moves them. Each is given a transaction."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import EmptyAudience, StoreError
from moza_mail.model.audit import Act, Entry
from moza_mail.model.mailing import Begun, Delivery, DeliveryState, Mailing, SentIssue, SkipReason
from moza_mail.model.rate import Domains
from moza_mail.model.segment import Segment
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.store import audit_log, rows
from moza_mail.store.bulk import Given, among, updating
from moza_mail.store.merge import lacking, missing, named, values
from moza_mail.store.schema import (
    deliveries,
    domain,
    insert,
    is_in,
    is_of,
    mailings,
    shared,
    subscribers,
    subscriptions,
)
from moza_mail.store.subscribers import PAGE, confirmed, slices, suppressed

stands = deliveries.c.state
# What is taken before a look at who waits; it costs a search of the index.
FEW = 64
Dead = Callable[[sa.Connection, AbstractSet[int]], AbstractSet[int]]


def create_mailing(connection: sa.Connection, mailing: Mailing) -> Mailing:
    """Store a mailing and its audience; a million deliveries are one statement."""
    # Asking first would leave a moment in which another machine stores it too.
    number = connection.execute(
        insert(connection, mailings)
        .values(**rows.of_mailing(mailing))
        .on_conflict_do_nothing()
        .returning(mailings.c.id)
    ).scalar()
    if number is None:
        raise StoreError(
            f"There is already a mailing of {mailing.issue_slug} to {mailing.list_slug}.",
            hint=f"`moza-mail status {mailing.issue_slug}` shows it.",
        )
    readers = _freeze_audience(connection, mailing, number)
    told = f"{mailing.issue_slug}: an audience of {readers}"
    entry = Entry(at=mailing.created_at, act=Act.PREPARE, list_slug=mailing.list_slug, mailing=number)
    audit_log.note(connection, replace(entry, detail=told))
    return replace(mailing, id=number)


def _freeze_audience(connection: sa.Connection, mailing: Mailing, number: int) -> int:
    """Make a delivery for each who would be mailed now, with the values its fields ask for; who lacks one is skipped.

    Gives how many there are.
    """
    fields = mailing.rendered.fields
    pending = sa.literal(DeliveryState.PENDING, stands.type)
    columns: dict[str, sa.ColumnElement[Any]] = {
        "mailing": sa.literal(number, deliveries.c.mailing.type),
        "subscriber": subscribers.c.id,
        "address": subscribers.c.address,
        "name": subscribers.c.name,
        "state": pending,
    }
    if fields:
        skipped = sa.literal(DeliveryState.SKIPPED, stands.type)
        columns |= {
            "state": sa.case((lacking(fields), skipped), else_=pending),
            "merge_values": values(connection, fields),
        }
    chosen = confirmed(connection, mailing.list_slug, mailing.segment)
    people = chosen.add_columns(*columns.values()).order_by(subscriptions.c.subscriber)
    made = sa.insert(deliveries).from_select(list(columns), people).execution_options(preserve_rowcount=True)
    readers = connection.execute(made).rowcount
    if readers == 0:
        raise EmptyAudience(
            f"Nobody would be mailed: {mailing.whom} has no confirmed subscriber who may be.",
            hint=f"Bring people in with `moza-mail subscribers import FILE --list {mailing.list_slug}`.",
        )
    if not missing(fields):
        return readers
    # Said afterwards, of the few: to work it out for each reader would read everybody's attributes once more for each word.
    told = {
        "skip_reason": SkipReason.MISSING_VALUE,
        "detail": named(fields),
        "changed_at": mailing.created_at,
    }
    _move(connection, number, DeliveryState.SKIPPED, sa.true(), **told)
    if next_pending(connection, number) is None:
        names = ", ".join(missing(fields))
        raise EmptyAudience(
            f"Nobody would be mailed: nobody on {mailing.whom} has a value for {names}.",
            hint=f'Import the column, or give the field a default: {{{{ {next(iter(missing(fields)))} | default("lezer") }}}}.',
        )
    return readers


def next_pending(connection: sa.Connection, mailing: int) -> int | None:
    """The lowest number of a pending delivery."""
    query = sa.select(deliveries.c.id).where(deliveries.c.mailing == mailing, is_in(DeliveryState.PENDING))
    return connection.execute(query.limit(1)).scalar()


def mailing(connection: sa.Connection, issue_slug: str, list_slug: str) -> Mailing | None:
    """The mailing of an issue to a list."""
    found = connection.execute(
        sa.select(mailings).where(mailings.c.issue_slug == issue_slug, mailings.c.list_slug == list_slug)
    ).first()
    return rows.mailing(found) if found else None


def mailings_of(connection: sa.Connection, issue_slug: str) -> list[Mailing]:
    """All mailings or those of one issue, newest first."""
    query = sa.select(mailings).order_by(mailings.c.id.desc())
    if issue_slug:
        query = query.where(mailings.c.issue_slug == issue_slug)
    return [rows.mailing(row) for row in connection.execute(query)]


def sent_issues(connection: sa.Connection, list_slug: str) -> list[SentIssue]:
    """Those of a list with a delivery that was accepted, newest first; without what is heavy in a mailing."""
    taken = sa.exists().where(deliveries.c.mailing == mailings.c.id, is_in(DeliveryState.ACCEPTED))
    query = (
        sa.select(
            mailings.c.issue_slug,
            mailings.c.issue_title,
            mailings.c.text,
            mailings.c.created_at.label("at"),
            mailings.c.segment.is_(None).label("whole"),
        )
        .where(mailings.c.list_slug == list_slug, taken)
        .order_by(mailings.c.id.desc())
    )
    return [SentIssue(**row._asdict()) for row in connection.execute(query)]


def begun(connection: sa.Connection) -> list[Begun]:
    """Every mailing without its content, oldest first; what is left of each is asked of the indexes alone."""
    of_it = deliveries.c.mailing == mailings.c.id
    unfinished = (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.INTENT)
    waiting = sa.or_(*(sa.exists().where(of_it, is_in(state)) for state in unfinished))
    again = sa.select(sa.func.min(deliveries.c.next_attempt)).where(of_it, is_in(DeliveryState.DEFERRED))
    query = sa.select(
        mailings.c.id.label("mailing"),
        mailings.c.issue_slug,
        mailings.c.list_slug,
        mailings.c.created_at,
        waiting.label("waiting"),
        sa.type_coerce(again.scalar_subquery(), deliveries.c.next_attempt.type).label("next_attempt"),
    )
    return [Begun(**row) for row in connection.execute(query.order_by(mailings.c.id)).mappings()]


def counts(connection: sa.Connection, mailing: int) -> dict[DeliveryState, int]:
    """How many deliveries stand in each state."""
    found = connection.execute(
        sa.select(stands, sa.func.count()).where(deliveries.c.mailing == mailing).group_by(stands)
    )
    return dict.fromkeys(DeliveryState, 0) | dict(iter(found))


def skipped(connection: sa.Connection, mailing: int) -> dict[tuple[SkipReason, str], int]:
    """How many deliveries are skipped, by reason and what is added to it."""
    reason = deliveries.c.skip_reason
    # Of the others, the detail is what an earlier attempt left.
    added = sa.case((reason == SkipReason.MISSING_VALUE, deliveries.c.detail), else_="").label("added")
    query = (
        sa.select(reason, added, sa.func.count())
        .where(deliveries.c.mailing == mailing, is_in(DeliveryState.SKIPPED))
        .group_by(reason, sa.text("added"))
        .order_by(reason, sa.text("added"))
    )
    return {(reason, detail): count for reason, detail, count in connection.execute(query)}


def next_attempt(connection: sa.Connection, mailing: int) -> datetime | None:
    """When the earliest deferred delivery may be tried again."""
    query = sa.select(deliveries.c.next_attempt).where(
        deliveries.c.mailing == mailing, is_in(DeliveryState.DEFERRED)
    )
    return connection.execute(query.order_by(deliveries.c.next_attempt).limit(1)).scalar()


def deliveries_in(
    connection: sa.Connection, mailing: int, states: Iterable[DeliveryState], after: int
) -> list[Delivery]:
    """One page of the deliveries in those states, behind a number.

    Each state gives its own page from the index, and the lowest of them all are the page: sorting every row that is
    left, for each page, would make a million deliveries quadratic.
    """
    pages = [
        sa.select(
            sa.select(*rows.DELIVERY)
            .where(deliveries.c.mailing == mailing, is_in(state), deliveries.c.id > after)
            .order_by(deliveries.c.id)
            .limit(PAGE)
            .subquery()
        )
        for state in states
    ]
    if not pages:
        return []
    found = connection.execute(sa.union_all(*pages).order_by("id").limit(PAGE))
    return [rows.delivery(row) for row in found]


def recover(connection: sa.Connection, mailing: int, now: datetime, dead: Dead) -> dict[DeliveryState, int]:
    """Give back what was claimed; doubt what was in intent, whose attempt counts because its body may have left.

    Only of those who are known to be dead, not of all but the living: a sender may have begun since they were asked.
    """
    held = is_in(DeliveryState.CLAIMED) | is_in(DeliveryState.INTENT)
    of = sa.select(deliveries.c.sender).where(deliveries.c.mailing == mailing, held).distinct()
    found = set(connection.scalars(of))
    left = deliveries.c.sender.is_(None) | deliveries.c.sender.in_(dead(connection, found - {None}))
    back = _move(
        connection, mailing, DeliveryState.CLAIMED, left, state=DeliveryState.PENDING, changed_at=now
    )
    doubtful = _move(
        connection,
        mailing,
        DeliveryState.INTENT,
        left,
        state=DeliveryState.UNCERTAIN,
        attempts=deliveries.c.attempts + 1,
        detail="the sender ended before the relay's answer was recorded",
        changed_at=now,
    )
    return {DeliveryState.PENDING: back, DeliveryState.UNCERTAIN: doubtful}


def claim_uncertain(connection: sa.Connection, mailing: int, now: datetime) -> int:
    """Make the uncertain pending."""
    every = sa.true()
    moved = _move(
        connection, mailing, DeliveryState.UNCERTAIN, every, state=DeliveryState.PENDING, changed_at=now
    )
    if moved:
        told = f"{moved} uncertain are mailed again"
        audit_log.note(connection, Entry(at=now, act=Act.RETRY, mailing=mailing, detail=told))
    return moved


def prove(connection: sa.Connection, delivery: int, queue_id: str, evidence: str, now: datetime) -> bool:
    """Make one uncertain delivery accepted, and keep what showed it."""
    told = {"queue_id": queue_id, "detail": f"shown by the relay's log: {evidence[:400]}"}
    moved = connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.id == delivery, stands == DeliveryState.UNCERTAIN)
        .values(state=DeliveryState.ACCEPTED, changed_at=now, **told)
        .returning(deliveries.c.mailing, deliveries.c.subscriber)
    ).first()
    if moved is None:
        return False
    shown = f"accepted, as the relay's log shows: {queue_id}"
    audit_log.note(connection, Entry(at=now, act=Act.SETTLE, **moved._asdict(), detail=shown))
    return True


def _move(
    connection: sa.Connection,
    mailing: int,
    source: DeliveryState,
    which: sa.ColumnElement[bool],
    **values: Any,
) -> int:
    """Move such deliveries of a mailing out of one state, and count them."""
    statement = sa.update(deliveries).where(deliveries.c.mailing == mailing, is_in(source), which)
    return connection.execute(statement.values(**values)).rowcount


def release(connection: sa.Connection, numbers: Sequence[int], sender: int | None) -> None:
    """Make deliveries that this sender has claimed pending, all or none."""
    wanted = set(numbers)
    moved = 0
    for part in slices(wanted):
        statement = sa.update(deliveries).where(
            among(connection, deliveries.c.id, part), stands == DeliveryState.CLAIMED, is_of(sender)
        )
        moved += connection.execute(statement.values(state=DeliveryState.PENDING)).rowcount
    if moved != len(wanted):
        raise StoreError(
            f"{len(wanted) - moved} of {len(wanted)} deliveries are not claimed by this sender: none was given back."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a sender asks for: up to `limit` deliveries of a mailing, of all readers or of those at some domains.

    It is given fewer when somebody waits for the store meanwhile (`awaited`): two hundred and fifty took fifty milliseconds,
    and a reader who leaves is not to wait for that.
    """

    mailing: int
    limit: int
    domains: Domains | None = None
    awaited: Callable[[], bool] = lambda: False


def claim(connection: sa.Connection, sought: Sought, now: datetime, sender: int | None) -> list[Delivery]:
    """Take up to `limit` deliveries: pending ones by number, then the deferred that have waited longest."""
    taken: list[Delivery] = []
    mailing, limit = sought.mailing, sought.limit
    list_slug = connection.execute(sa.select(mailings.c.list_slug).where(mailings.c.id == mailing)).scalar()
    pending = in_order(connection, _candidates(mailing, list_slug).where(is_in(DeliveryState.PENDING)))
    due = (
        _candidates(mailing, list_slug)
        .where(is_in(DeliveryState.DEFERRED), deliveries.c.next_attempt <= now)
        .order_by(deliveries.c.next_attempt, deliveries.c.id)
    )
    if sought.domains is not None:
        meant = at(connection, deliveries.c.address, sought.domains)
        pending, due = pending.where(meant, deliveries.c.id > sought.domains.after), due.where(meant)
    for queue in (pending, due):
        while len(taken) < limit:
            found = connection.execute(queue.limit(min(FEW, limit - len(taken)))).all()
            if not found:
                break
            taken += _take(connection, found, now, sender)
            if taken and sought.awaited():
                return taken
    return taken


def in_order(connection: sa.Connection, pending: sa.Select[Any]) -> sa.Select[Any]:
    """Pending deliveries by number, from the index on (mailing, state, id) and without sorting all that are left.

    To PostgreSQL the state is said as a range beside, so that only that index has this order. From statistics of when all
    were pending it would walk the primary key instead, past all that has been sent, for each batch anew. SQLite sorts when it
    is told both.
    """
    if connection.dialect.name != "postgresql":
        return pending.order_by(deliveries.c.id)
    only = pending.where(stands >= DeliveryState.PENDING, stands <= DeliveryState.PENDING)
    return only.order_by(stands, deliveries.c.id)


def at(connection: sa.Connection, address: sa.ColumnElement[str], domains: Domains) -> sa.ColumnElement[bool]:
    """Whether an address of the store is one of those that are meant; a domain is kept in lower case."""
    found = domain(address, connection).in_(sorted(domains.names))
    return ~found if domains.others else found


def waiting(
    connection: sa.Connection,
    list_slug: str,
    domains: Domains,
    mailing: int | None,
    segment: Segment | None,
) -> int:
    """How many of these readers are still to be mailed."""
    if mailing is None:
        everyone = confirmed(connection, list_slug, segment).where(
            at(connection, subscribers.c.address, domains)
        )
        return int(connection.execute(everyone.add_columns(sa.func.count())).scalar_one())
    still = [DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.DEFERRED]
    return connection.execute(
        sa.select(sa.func.count()).where(
            deliveries.c.mailing == mailing,
            stands.in_(still),
            deliveries.c.id > domains.after,
            at(connection, deliveries.c.address, domains),
        )
    ).scalar_one()


def _candidates(mailing: int, list_slug: str | None) -> sa.Select[Any]:
    """Deliveries of a mailing, each with why it may not be sent after all, or null."""
    # SQL's lower() knows ASCII alone, and with SMTPUTF8 an address may hold more: only the key that is stored is Address.key.
    key = (
        sa.select(subscribers.c.address_key)
        .where(subscribers.c.id == deliveries.c.subscriber)
        .correlate(deliveries)
        .scalar_subquery()
    )
    reason = sa.case(
        (subscriptions.c.state.is_(None), sa.literal(SkipReason.ERASED.value, sa.Text)),
        (
            subscriptions.c.state != SubscriptionState.CONFIRMED,
            sa.literal(SkipReason.UNSUBSCRIBED.value, sa.Text),
        ),
        (suppressed(key), sa.literal(SkipReason.SUPPRESSED.value, sa.Text)),
        else_=sa.null(),
    )
    on_list = sa.and_(
        subscriptions.c.list_slug == list_slug, subscriptions.c.subscriber == deliveries.c.subscriber
    )
    return (
        sa.select(*rows.CANDIDATE, reason.label("reason"))
        .select_from(deliveries.outerjoin(subscriptions, on_list))
        .where(deliveries.c.mailing == mailing)
        # What another sender is taking at this moment is theirs. (SQLite has one writer and needs no word for it.)
        .with_for_update(of=deliveries, skip_locked=True)
    )


def _claim_them(given: Given) -> sa.Update:
    marks = {
        "changed_at": shared("now", deliveries.c.changed_at),
        "sender": shared("me", deliveries.c.sender),
    }
    of = sa.update(deliveries).where(deliveries.c.id == given["number"])
    return of.values(state=DeliveryState.CLAIMED, next_attempt=None, **marks)


def _skip_them(given: Given) -> sa.Update:
    marks = {
        "changed_at": shared("now", deliveries.c.changed_at),
        "skip_reason": shared("why", deliveries.c.skip_reason),
    }
    of = sa.update(deliveries).where(deliveries.c.id == given["number"])
    return of.values(state=DeliveryState.SKIPPED, next_attempt=None, **marks)


CLAIMED = updating({"number": deliveries.c.id}, _claim_them)
SKIPPED = updating({"number": deliveries.c.id}, _skip_them)


def _take(
    connection: sa.Connection, found: Sequence[sa.Row[Any]], now: datetime, sender: int | None
) -> list[Delivery]:
    """Mark the candidates claimed or skipped, and give those that are claimed."""
    good = [row[:-1] for row in found if row[-1] is None]
    if good:
        CLAIMED.run(connection, [row[:1] for row in good], now=now, me=sender)
    for reason in {row[-1] for row in found} - {None}:
        SKIPPED.run(
            connection, [row[:1] for row in found if row[-1] == reason], now=now, why=SkipReason(reason)
        )
    return [rows.candidate(row) for row in good]
