"""Retention: delete expired personal data in batches, without blocking a running send."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.retention import RetentionPeriods, RetentionResult
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.model.timestamps import format_utc
from moza_mail.store.audit_check import verify_rows
from moza_mail.store.audit_head import find_last_number, find_seal, read_head, write_head
from moza_mail.store.audit_writer import add_entry, require_hasher
from moza_mail.store.bulk import Given, among, updating
from moza_mail.store.erasure import HELD, anonymous_values, without_text
from moza_mail.store.paging import PAGE
from moza_mail.store.postgres.advisory import lock_audit_log, lock_people
from moza_mail.store.schema import (
    audit_log,
    bounces,
    confirmations,
    deliveries,
    insert,
    mailings,
    properties,
    sign_up_requests,
    subscribers,
    subscriptions,
)
from moza_mail.store.transactions import Transactions

FINISHED = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.SKIPPED)
KEPT_SINCE = "audit_kept_since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One committed batch of changes. `last_key` is None in the last batch."""

    changed: int
    last_key: Any


class Retention:
    """Delete personal data that is older than its retention period."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def delete_expired(
        self, periods: RetentionPeriods, *, now: datetime, dry_run: bool = False
    ) -> RetentionResult:
        """Delete expired data, a thousand rows per transaction; with `dry_run` only count it.

        Finished deliveries lose their recipient and the text of the reply. Bounces lose the text of their
        report. Reply codes and suppressions stay. Sign-ups that were never confirmed are deleted, and so is
        their subscriber if nothing else is stored about them. Unfinished deliveries stay. A second run
        changes nothing.
        """
        cutoffs = {kind: periods.before(kind, now) for kind in ("deliveries", "bounces", "sign_ups", "audit")}
        read = self._transactions.read
        still_open = await read(count_open, cutoffs["deliveries"])
        if dry_run:
            return RetentionResult(changed=await read(count_expired, cutoffs), still_open=still_open)
        taken = {
            "deliveries": 0,
            "bounces": await self._run_batches(shorten_bounces, cutoffs["bounces"], ""),
            "confirmations": await self._run_batches(delete_confirmations, cutoffs["sign_ups"], 0),
            "sign_ups": await self._run_batches(delete_sign_ups, cutoffs["sign_ups"], 0),
            "audit": await self._transactions.write(delete_entries, cutoffs["audit"], now),
        }
        for mailing_id in await read(mailings_with_recipients, cutoffs["deliveries"]):
            anonymise = partial(anonymise_deliveries, mailing_id=mailing_id, now=now)
            taken["deliveries"] += await self._run_batches(anonymise, cutoffs["deliveries"], 0)
        if any(count for kind, count in taken.items() if kind != "audit"):
            await self._transactions.write(_add_entry, taken, now)
        purge = await self._transactions.run(lambda: self._transactions.database.purge(()))
        return RetentionResult(
            changed=taken, still_open=still_open, remains=purge.remains, is_complete=purge.is_complete
        )

    async def _run_batches(self, run_batch: Callable[..., Batch], cutoff: datetime, first_key: Any) -> int:
        """Run batches until none is left and return how many rows they changed."""
        changed, key = 0, first_key
        while key is not None:
            batch = await self._transactions.write(run_batch, cutoff, key)
            changed, key = changed + batch.changed, batch.last_key
        return changed


def _anonymise_statement(given: Given) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(deliveries.c.id == given["number"])
        .values(
            address="",
            name="",
            queue_id="",
            merge_values=None,
            reply=given["bare_reply"],
            detail=given["kept_detail"],
        )
    )


def _shorten_statement(given: Given) -> sa.Update:
    update = sa.update(bounces).where(bounces.c.digest == given["report_digest"])
    return update.values(reply=given["bare_reply"])


ANONYMISE = updating(
    {"number": deliveries.c.id, "bare_reply": deliveries.c.reply, "kept_detail": deliveries.c.detail},
    _anonymise_statement,
)
SHORTEN = updating({"report_digest": bounces.c.digest, "bare_reply": bounces.c.reply}, _shorten_statement)


def mailings_with_recipients(connection: sa.Connection, created_before: datetime) -> list[int]:
    """Return the ids of mailings that may still contain recipient data, oldest first."""
    query = sa.select(mailings.c.id).where(
        mailings.c.created_at < created_before, mailings.c.anonymised_at.is_(None)
    )
    return list(connection.scalars(query.order_by(mailings.c.id)))


def _has_recipient(mailing_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (deliveries.c.mailing_id == mailing_id, deliveries.c.address != "")


def _finished_before(cutoff: datetime) -> sa.ColumnElement[bool]:
    # changed_at is NULL while a delivery is pending, so pending rows never match.
    return deliveries.c.state.in_(FINISHED) & (deliveries.c.changed_at < cutoff)


def anonymise_deliveries(
    connection: sa.Connection, cutoff: datetime, after: int, *, mailing_id: int, now: datetime
) -> Batch:
    """Remove recipient data from one batch of deliveries that finished before `cutoff`.

    after: the last delivery id of the previous batch.
    """
    query = sa.select(
        deliveries.c.id,
        deliveries.c.reply,
        deliveries.c.detail,
        deliveries.c.skip_reason,
    ).where(*_has_recipient(mailing_id), _finished_before(cutoff), deliveries.c.id > after)
    found = connection.execute(query.order_by(deliveries.c.id).limit(PAGE)).all()
    rows = []
    for number, *texts in found:
        kept = anonymous_values(*texts)
        rows.append((number, kept["reply"], kept["detail"]))
    changed = ANONYMISE.run(connection, rows) if rows else 0
    if len(found) == PAGE:
        return Batch(changed=changed, last_key=found[-1].id)
    left = sa.select(deliveries.c.id).where(*_has_recipient(mailing_id)).limit(1)
    if connection.execute(left).first() is None:
        connection.execute(sa.update(mailings).where(mailings.c.id == mailing_id).values(anonymised_at=now))
    return Batch(changed=changed, last_key=None)


def shorten_bounces(connection: sa.Connection, cutoff: datetime, after: str) -> Batch:
    """Remove the server's text from one batch of bounces older than `cutoff`."""
    query = sa.select(bounces.c.digest, bounces.c.reply).where(
        bounces.c.created_at < cutoff, bounces.c.digest > after, bounces.c.reply != ""
    )
    found = connection.execute(query.order_by(bounces.c.digest).limit(PAGE)).all()
    rows = [(digest, bare) for digest, reply in found if (bare := without_text(reply)) != reply]
    changed = SHORTEN.run(connection, rows) if rows else 0
    return Batch(changed=changed, last_key=found[-1].digest if len(found) == PAGE else None)


def delete_confirmations(connection: sa.Connection, cutoff: datetime, after: int) -> Batch:
    """Delete one batch of old confirmations, and all old queued forms.

    Both are old if they were created before `cutoff`. The links of these confirmations expired long ago.
    """
    connection.execute(sa.delete(sign_up_requests).where(sign_up_requests.c.created_at < cutoff))
    query = sa.select(confirmations.c.id).where(_is_old_confirmation(cutoff), confirmations.c.id > after)
    found = list(connection.scalars(query.order_by(confirmations.c.id).limit(PAGE)))
    if found:
        lock_people(connection)
        connection.execute(sa.delete(confirmations).where(among(connection, confirmations.c.id, found)))
    return Batch(changed=len(found), last_key=found[-1] if len(found) == PAGE else None)


def _is_old_confirmation(cutoff: datetime) -> sa.ColumnElement[bool]:
    return (confirmations.c.created_at < cutoff) & confirmations.c.state.not_in(HELD)


def _is_old_sign_up(cutoff: datetime) -> sa.ColumnElement[bool]:
    """Return the condition for unconfirmed subscriptions that were created before `cutoff`.

    A subscription with a later sign-up is left out.
    """
    later = sa.exists().where(
        confirmations.c.subscriber_id == subscriptions.c.subscriber_id,
        confirmations.c.list_slug == subscriptions.c.list_slug,
        ~_is_old_confirmation(cutoff),
    )
    return sa.and_(
        subscriptions.c.state == SubscriptionState.UNCONFIRMED, subscriptions.c.created_at < cutoff, ~later
    )


def delete_sign_ups(connection: sa.Connection, cutoff: datetime, after: int) -> Batch:
    """Delete one batch of unconfirmed subscriptions.

    Subscribers about whom nothing else is stored are deleted too.
    """
    lock_people(connection)
    query = sa.select(subscriptions.c.list_slug, subscriptions.c.subscriber_id).where(
        _is_old_sign_up(cutoff), subscriptions.c.subscriber_id > after
    )
    found = connection.execute(query.order_by(subscriptions.c.subscriber_id).limit(PAGE)).all()
    for list_slug, subscriber_id in found:
        key = (subscriptions.c.list_slug == list_slug, subscriptions.c.subscriber_id == subscriber_id)
        connection.execute(sa.delete(subscriptions).where(*key))
    subscriber_ids = {row.subscriber_id for row in found}
    if subscriber_ids:
        _delete_unused(connection, subscriber_ids)
    # The last subscriber may have another subscription beyond the limit, so the next batch begins with this subscriber.
    return Batch(changed=len(found), last_key=found[-1].subscriber_id - 1 if len(found) == PAGE else None)


def _delete_unused(connection: sa.Connection, subscriber_ids: Iterable[int]) -> None:
    uses = (
        sa.exists().where(subscriptions.c.subscriber_id == subscribers.c.id),
        sa.exists().where(confirmations.c.subscriber_id == subscribers.c.id),
    )
    unused = (~use for use in uses)
    connection.execute(
        sa.delete(subscribers).where(among(connection, subscribers.c.id, subscriber_ids), *unused)
    )


def delete_entries(connection: sa.Connection, cutoff: datetime, now: datetime) -> int:
    """Delete the audit entries that are older than `cutoff`; return their number.

    An entry that follows a newer entry stays. `cutoff` is stored first, because the database's triggers allow
    deleting only entries older than the stored time. The head of the audit log (audit_head.py) records the number of
    the last deleted entry. A new audit entry in the same transaction records when the entries were deleted.
    """
    hasher = require_hasher(connection)
    lock_audit_log(connection)
    head = read_head(connection, hasher)
    last = _find_last_expired_entry(connection, cutoff)
    # If another program has changed the log, nothing is deleted, because that would destroy the traces.
    if head is None or last <= head.deleted or not verify_rows(connection, hasher).is_intact:
        return 0
    inserted = insert(connection, properties).values(name=KEPT_SINCE, value=format_utc(cutoff))
    connection.execute(
        inserted.on_conflict_do_update(
            index_elements=["name"],
            set_={"value": inserted.excluded.value},
            where=properties.c.value < inserted.excluded.value,
        )
    )
    seal = find_seal(connection, last) or ""
    deleted = connection.execute(sa.delete(audit_log).where(audit_log.c.id <= last)).rowcount
    write_head(
        connection,
        hasher,
        replace(head, deleted=last, deleted_seal=seal, rows=head.rows - deleted),
    )
    detail = f"{deleted} audit, up to entry {last}, seal {seal}"
    add_entry(connection, AuditEntry(occurred_at=now, action=AuditAction.RETENTION, detail=detail))
    return deleted


def _find_last_expired_entry(connection: sa.Connection, cutoff: datetime) -> int:
    """Return the number of the last audit entry to delete.

    All entries with a higher number are kept. An old entry that follows a newer entry is kept too, so that the chain of seals has no gap. If no entry has
    expired, the number is lower than that of every entry.
    """
    kept = connection.scalar(sa.select(sa.func.min(audit_log.c.id)).where(audit_log.c.occurred_at >= cutoff))
    return find_last_number(connection) if kept is None else kept - 1


def count_open(connection: sa.Connection, cutoff: datetime) -> int:
    """Count the unfinished deliveries of mailings created before `cutoff`.

    These deliveries keep their address.
    """
    query = (
        sa.select(sa.func.count())
        .select_from(deliveries.join(mailings, mailings.c.id == deliveries.c.mailing_id))
        .where(
            mailings.c.created_at < cutoff,
            mailings.c.anonymised_at.is_(None),
            deliveries.c.state.not_in(FINISHED),
            deliveries.c.address != "",
        )
    )
    return int(connection.scalar(query) or 0)


def count_expired(connection: sa.Connection, cutoffs: dict[str, datetime]) -> dict[str, int]:
    """Count the expired rows of each kind and change nothing."""
    joined = deliveries.join(mailings, mailings.c.id == deliveries.c.mailing_id)
    expired = (
        sa.select(sa.func.count())
        .select_from(joined)
        .where(
            mailings.c.anonymised_at.is_(None),
            deliveries.c.address != "",
            _finished_before(cutoffs["deliveries"]),
        )
    )
    replies = connection.scalars(
        sa.select(bounces.c.reply).where(bounces.c.created_at < cutoffs["bounces"], bounces.c.reply != "")
    )
    return {
        "deliveries": connection.scalar(expired) or 0,
        "bounces": sum(without_text(reply) != reply for reply in replies),
        "confirmations": _count(connection, confirmations, _is_old_confirmation(cutoffs["sign_ups"])),
        "sign_ups": _count(connection, subscriptions, _is_old_sign_up(cutoffs["sign_ups"])),
        "audit": _count(
            connection, audit_log, audit_log.c.id <= _find_last_expired_entry(connection, cutoffs["audit"])
        ),
    }


def _count(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(table).where(where)) or 0)


def _add_entry(connection: sa.Connection, counts: dict[str, int], now: datetime) -> None:
    detail = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count and kind != "audit")
    add_entry(connection, AuditEntry(occurred_at=now, action=AuditAction.RETENTION, detail=detail))
