"""Claim and release deliveries, and recover the deliveries of dead senders.

Each function runs in a transaction.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing import Delivery, DeliveryState, SkipReason
from moza_mail.model.rate import ClaimExclusion, DomainFilter
from moza_mail.model.segment import Segment
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.model.verdict import Verdict
from moza_mail.store import rows
from moza_mail.store.audience import select_audience
from moza_mail.store.audit_writer import add_entry
from moza_mail.store.bulk import among
from moza_mail.store.schema import (
    deliveries,
    domain,
    is_in,
    is_of,
    mailings,
    shared,
    subscribers,
    subscriptions,
    to_json,
)
from moza_mail.store.suppressions import is_suppressed

state_column = deliveries.c.state
SENDER_DIED = "the sender ended before the relay's answer was recorded"
FindDead = Callable[[sa.Connection, AbstractSet[int]], AbstractSet[int]]


@dataclass(slots=True, kw_only=True)
class OwnClaims:
    """The deliveries that this sender has claimed and that have no intent yet.

    sender_id: the id of this sender; None without the sender lock.
    in_memory: the ids of these deliveries if there can be no other sender (SQLite). A claim then writes nothing, and the
        rows stay pending or deferred. None if several senders may share a mailing (PostgreSQL). A claim then changes the
        state of the rows to claimed.
    """

    sender_id: int | None
    in_memory: frozenset[int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRequest:
    """A request for deliveries of a mailing: how many, and to which recipients."""

    mailing_id: int
    limit: int
    domains: DomainFilter | None = None
    excluded: ClaimExclusion | None = None


def claim(connection: sa.Connection, request: ClaimRequest, now: datetime, own: OwnClaims) -> list[Delivery]:
    """Claim deliveries: pending ones by id, then deferred ones by due time."""
    claimed: list[Delivery] = []
    for state in (DeliveryState.PENDING, DeliveryState.DEFERRED):
        query = _select_in_state(state, connection.dialect.name)
        if request.domains is not None:
            query = query.where(is_at(connection, deliveries.c.address, request.domains))
        if request.excluded is not None:
            query = query.where(~_is_excluded(connection, request.excluded))
        while len(claimed) < request.limit:
            values = {
                "of_mailing": request.mailing_id,
                "after": request.domains.after if request.domains else 0,
                "now": now,
                "claimed": to_json(list(own.in_memory or ())),
                "most": request.limit - len(claimed),
            }
            found = connection.execute(query, values).all()
            if not found:
                break
            claimed += _mark(connection, found, now, own)
    return claimed


@cache
def _select_in_state(state: DeliveryState, dialect: str) -> sa.Select[Any]:
    """Select the deliveries in one state that may be claimed, in the order of claiming.

    The statement is cached, because building it takes longer than running it. The index on (mailing, state, id) gives
    pending deliveries without a sort. On PostgreSQL, the statement also has the state as a range, so that no other index
    fits. Otherwise PostgreSQL might read the primary key past all sent deliveries for each batch, if its statistics are
    from a time when all deliveries were pending. On SQLite, the range would cause a sort.
    """
    query = _select_candidates().where(is_in(state)).limit(sa.bindparam("most", type_=sa.Integer))
    if dialect != "postgresql":
        listed = sa.func.json_each(sa.bindparam("claimed", type_=sa.Text)).table_valued("value")
        query = query.where(deliveries.c.id.not_in(sa.select(listed.c.value)))
    if state is DeliveryState.DEFERRED:
        due = query.where(deliveries.c.next_attempt <= shared("now", deliveries.c.next_attempt))
        return due.order_by(deliveries.c.next_attempt, deliveries.c.id)
    query = query.where(deliveries.c.id > shared("after", deliveries.c.id))
    if dialect != "postgresql":
        return query.order_by(deliveries.c.id)
    return query.where(state_column >= state, state_column <= state).order_by(state_column, deliveries.c.id)


def is_at(
    connection: sa.Connection, address: sa.ColumnElement[str], domains: DomainFilter
) -> sa.ColumnElement[bool]:
    """Return the condition that a stored address matches the domain filter.

    The domains are in lower case.
    """
    found = domain(address, connection).in_(sorted(domains.names))
    return ~found if domains.inverted else found


def _is_excluded(connection: sa.Connection, excluded: ClaimExclusion) -> sa.ColumnElement[bool]:
    at_domains = is_at(connection, deliveries.c.address, DomainFilter(names=excluded.domains))
    return among(connection, deliveries.c.id, excluded.delivery_ids) | at_domains


def count_remaining(
    connection: sa.Connection,
    list_slug: str,
    domains: DomainFilter,
    mailing_id: int | None,
    segment: Segment | None,
) -> int:
    """Count the recipients who match the domain filter and have not been mailed yet.

    Without a mailing, count the recipients whom a mailing created now would have.
    """
    if mailing_id is None:
        audience = select_audience(connection, list_slug, segment).where(
            is_at(connection, subscribers.c.address, domains)
        )
        return int(connection.execute(audience.add_columns(sa.func.count())).scalar_one())
    remaining = [DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.DEFERRED]
    return connection.execute(
        sa.select(sa.func.count()).where(
            deliveries.c.mailing_id == mailing_id,
            state_column.in_(remaining),
            deliveries.c.id > domains.after,
            is_at(connection, deliveries.c.address, domains),
        )
    ).scalar_one()


def _select_candidates() -> sa.Select[Any]:
    """Select the deliveries of the mailing `of_mailing`, each with the reason to skip it.

    The reason is NULL if the delivery is to be sent.
    """
    # SQL's lower() changes only ASCII letters, and an SMTPUTF8 address may have others. The stored key equals Address.key.
    key = (
        sa.select(subscribers.c.address_key)
        .where(subscribers.c.id == deliveries.c.subscriber_id)
        .correlate(deliveries)
        .scalar_subquery()
    )
    reason = sa.case(
        (subscriptions.c.state.is_(None), sa.literal(SkipReason.ERASED.value, sa.Text)),
        (
            subscriptions.c.state != SubscriptionState.CONFIRMED,
            sa.literal(SkipReason.UNSUBSCRIBED.value, sa.Text),
        ),
        (is_suppressed(key), sa.literal(SkipReason.SUPPRESSED.value, sa.Text)),
        else_=sa.null(),
    )
    of_mailing = shared("of_mailing", deliveries.c.mailing_id)
    list_slug = sa.select(mailings.c.list_slug).where(mailings.c.id == of_mailing).scalar_subquery()
    on_list = sa.and_(
        subscriptions.c.list_slug == list_slug, subscriptions.c.subscriber_id == deliveries.c.subscriber_id
    )
    return (
        sa.select(*rows.CANDIDATE, reason.label("reason"))
        .select_from(deliveries.outerjoin(subscriptions, on_list))
        .where(deliveries.c.mailing_id == of_mailing)
        # Skip rows that another sender is claiming at this moment. SQLite has one writer and ignores this.
        .with_for_update(of=deliveries, skip_locked=True)
    )


def _mark(
    connection: sa.Connection, found: Sequence[sa.Row[Any]], now: datetime, own: OwnClaims
) -> list[Delivery]:
    """Mark each candidate as claimed or as skipped, and return the claimed deliveries."""
    good = [rows.claimed_delivery(row) for row in found if row[-1] is None]
    claimed = [delivery.id for delivery in good]
    if own.in_memory is not None:
        own.in_memory |= set(claimed)
    elif claimed:
        _set_state(connection, claimed, now, state=DeliveryState.CLAIMED, sender_id=own.sender_id)
    for reason in {row[-1] for row in found} - {None}:
        skipped = [row.id for row in found if row[-1] == reason]
        _set_state(connection, skipped, now, state=DeliveryState.SKIPPED, skip_reason=SkipReason(reason))
    return good


def _set_state(connection: sa.Connection, ids: Sequence[int], now: datetime, **values: Any) -> None:
    update = sa.update(deliveries).where(among(connection, deliveries.c.id, ids))
    connection.execute(update.values(changed_at=now, next_attempt=None, **values))


def release(connection: sa.Connection, delivery_ids: Sequence[int], own: OwnClaims) -> None:
    """Set claimed deliveries to pending again.

    If this sender has not claimed all of them, raise StoreError. The transaction then changes none of them.
    """
    wanted = set(delivery_ids)
    if own.in_memory is None:
        of_sender = (
            among(connection, deliveries.c.id, wanted),
            is_in(DeliveryState.CLAIMED),
            is_of(own.sender_id),
        )
        update = sa.update(deliveries).where(*of_sender)
        moved = connection.execute(update.values(state=DeliveryState.PENDING)).rowcount
    else:
        moved = len(wanted & own.in_memory)
        own.in_memory -= wanted
    if moved != len(wanted):
        raise StoreError(
            f"{len(wanted) - moved} of {len(wanted)} deliveries are not claimed by this sender, so none was given back"
        )


def recover(
    connection: sa.Connection, mailing_id: int, now: datetime, find_dead: FindDead
) -> dict[DeliveryState, int]:
    """Reset deliveries of dead senders: claimed becomes pending, intent becomes uncertain.

    The body of a delivery in intent may have been sent. Deliveries are reset only if their sender is known to be
    dead. It is not enough that a sender is not known to be alive, because it may have just started.
    """
    held = is_in(DeliveryState.CLAIMED) | is_in(DeliveryState.INTENT)
    holders = sa.select(deliveries.c.sender_id).where(deliveries.c.mailing_id == mailing_id, held).distinct()
    found = set(connection.scalars(holders))
    is_left = deliveries.c.sender_id.is_(None) | deliveries.c.sender_id.in_(
        find_dead(connection, found - {None})
    )
    pending = _move(
        connection, mailing_id, DeliveryState.CLAIMED, is_left, state=DeliveryState.PENDING, changed_at=now
    )
    uncertain = _move(
        connection,
        mailing_id,
        DeliveryState.INTENT,
        is_left,
        state=DeliveryState.UNCERTAIN,
        attempts=deliveries.c.attempts + 1,
        detail=SENDER_DIED,
        changed_at=now,
    )
    return {DeliveryState.PENDING: pending, DeliveryState.UNCERTAIN: uncertain}


def expire_pending(connection: sa.Connection, mailing_id: int, now: datetime) -> int:
    """Skip the pending deliveries of a mailing as too late and return how many."""
    return _move(
        connection,
        mailing_id,
        DeliveryState.PENDING,
        sa.true(),
        state=DeliveryState.SKIPPED,
        skip_reason=SkipReason.TOO_LATE,
        changed_at=now,
    )


def retry_uncertain(connection: sa.Connection, mailing_id: int, now: datetime) -> int:
    """Make the uncertain deliveries of a mailing pending and return how many."""
    moved = _move(
        connection,
        mailing_id,
        DeliveryState.UNCERTAIN,
        sa.true(),
        state=DeliveryState.PENDING,
        changed_at=now,
    )
    return _add_retry(connection, mailing_id, now, moved, "uncertain are mailed again")


def retry_refused(connection: sa.Connection, mailing_id: int, verdict: Verdict | None, now: datetime) -> int:
    """Make refused deliveries of a mailing pending and return how many.

    verdict: only deliveries refused with this verdict; None for all.
    """
    moved = _move(
        connection,
        mailing_id,
        DeliveryState.REFUSED,
        deliveries.c.verdict == verdict if verdict else sa.true(),
        state=DeliveryState.PENDING,
        first_attempt_at=None,
        changed_at=now,
    )
    detail = f"refused are mailed again{f' ({verdict})' if verdict else ''}"
    return _add_retry(connection, mailing_id, now, moved, detail)


def _add_retry(connection: sa.Connection, mailing_id: int, now: datetime, moved: int, detail: str) -> int:
    """Note in the audit log how many deliveries are tried again; return that number."""
    if moved:
        detail = f"{moved} {detail}"
        add_entry(
            connection,
            AuditEntry(occurred_at=now, action=AuditAction.RETRY, mailing_id=mailing_id, detail=detail),
        )
    return moved


def _move(
    connection: sa.Connection,
    mailing_id: int,
    old_state: DeliveryState,
    condition: sa.ColumnElement[bool],
    **values: Any,
) -> int:
    """Update the deliveries of a mailing that are in `old_state`, and return how many."""
    update = sa.update(deliveries).where(deliveries.c.mailing_id == mailing_id, is_in(old_state), condition)
    return connection.execute(update.values(**values)).rowcount


def settle_from_log(
    connection: sa.Connection, delivery_id: int, queue_id: str, evidence: str, now: datetime
) -> bool:
    """Make an uncertain delivery accepted and store the evidence.

    Return False if the delivery is not uncertain.
    """
    values = {"queue_id": queue_id, "detail": f"shown by the relay's log: {evidence[:400]}"}
    moved = connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.id == delivery_id, state_column == DeliveryState.UNCERTAIN)
        .values(state=DeliveryState.ACCEPTED, changed_at=now, **values)
        .returning(deliveries.c.mailing_id, deliveries.c.subscriber_id)
    ).first()
    if moved is None:
        return False
    detail = f"accepted, as the relay's log shows: {queue_id}"
    add_entry(
        connection, AuditEntry(occurred_at=now, action=AuditAction.SETTLE, **moved._asdict(), detail=detail)
    )
    return True
