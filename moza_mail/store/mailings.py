"""Mailings: created once with a frozen audience, then found and listed.

Each function runs in a transaction.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import EmptyAudience, StoreError
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing import DeliveryState, Mailing, SentIssue, SkipReason, StartedMailing
from moza_mail.store import rows
from moza_mail.store.attributes import (
    describe_missing_values,
    has_missing_value,
    map_missing_values,
    select_merge_values,
)
from moza_mail.store.audience import select_audience
from moza_mail.store.audit_writer import add_entry
from moza_mail.store.schema import deliveries, insert, is_in, mailings, subscribers, subscriptions

state_column = deliveries.c.state


def create_mailing(connection: sa.Connection, mailing: Mailing) -> Mailing:
    """Insert a mailing and its deliveries. One statement inserts all deliveries."""
    # Insert without a search first: another machine could insert the mailing between the search and the insert.
    number = connection.execute(
        insert(connection, mailings)
        .values(**rows.mailing_values(mailing))
        .on_conflict_do_nothing()
        .returning(mailings.c.id)
    ).scalar()
    if number is None:
        raise StoreError(
            f"there is already a mailing of `{mailing.issue_slug}` to `{mailing.list_slug}`",
            hint=f"See it with `moza-mail status {mailing.issue_slug}`.",
        )
    size = _freeze_audience(connection, mailing, number)
    entry = AuditEntry(
        occurred_at=mailing.created_at,
        action=AuditAction.PREPARE,
        list_slug=mailing.list_slug,
        mailing_id=number,
    )
    add_entry(connection, replace(entry, detail=f"{mailing.issue_slug}: an audience of {size}"))
    return replace(mailing, id=number)


def _freeze_audience(connection: sa.Connection, mailing: Mailing, number: int) -> int:
    """Insert a delivery for each subscriber of the audience; return how many.

    A delivery is skipped if its subscriber has no value for a required field.
    """
    fields = mailing.rendered.fields
    pending = sa.literal(DeliveryState.PENDING, state_column.type)
    columns: dict[str, sa.ColumnElement[Any]] = {
        "mailing_id": sa.literal(number, deliveries.c.mailing_id.type),
        "subscriber_id": subscribers.c.id,
        "address": subscribers.c.address,
        "name": subscribers.c.name,
        "state": pending,
    }
    if fields:
        skipped = sa.literal(DeliveryState.SKIPPED, state_column.type)
        columns |= {
            "state": sa.case((has_missing_value(fields), skipped), else_=pending),
            "merge_values": select_merge_values(connection, fields),
        }
    audience = select_audience(connection, mailing.list_slug, mailing.segment)
    audience = audience.add_columns(*columns.values()).order_by(subscriptions.c.subscriber_id)
    inserted = (
        sa.insert(deliveries).from_select(list(columns), audience).execution_options(preserve_rowcount=True)
    )
    size = connection.execute(inserted).rowcount
    if size == 0:
        raise EmptyAudience(
            f"Nobody would be mailed: {mailing.audience_name} has no confirmed subscriber who may be.",
            hint=f"Bring people in with `moza-mail subscribers import FILE --list {mailing.list_slug}`.",
        )
    if required := map_missing_values(fields):
        _explain_skipped(connection, mailing, number, list(required))
    return size


def _explain_skipped(connection: sa.Connection, mailing: Mailing, number: int, required: list[str]) -> None:
    """Store which values the skipped deliveries lack; raise EmptyAudience if all are skipped.

    This runs after the insert, for the few skipped deliveries only. For the whole audience the database would
    read every subscriber's attributes again for each field.
    """
    skipped = sa.update(deliveries).where(deliveries.c.mailing_id == number, is_in(DeliveryState.SKIPPED))
    connection.execute(
        skipped.values(
            skip_reason=SkipReason.MISSING_VALUE,
            detail=describe_missing_values(mailing.rendered.fields),
            changed_at=mailing.created_at,
        )
    )
    pending = sa.select(deliveries.c.id).where(
        deliveries.c.mailing_id == number, is_in(DeliveryState.PENDING)
    )
    if connection.execute(pending.limit(1)).scalar() is None:
        raise EmptyAudience(
            f"Nobody would be mailed: nobody on {mailing.audience_name} has a value for {', '.join(required)}.",
            hint=f'Import the column, or give the field a default: {{{{ {required[0]} | default("lezer") }}}}.',
        )


def find_mailing(connection: sa.Connection, issue_slug: str, list_slug: str) -> Mailing | None:
    """Return the mailing of an issue to a list."""
    found = connection.execute(
        sa.select(mailings).where(mailings.c.issue_slug == issue_slug, mailings.c.list_slug == list_slug)
    ).first()
    return rows.mailing(found) if found else None


def list_mailings(connection: sa.Connection, issue_slug: str) -> list[Mailing]:
    """Return all mailings, or those of one issue, newest first."""
    query = sa.select(mailings).order_by(mailings.c.id.desc())
    if issue_slug:
        query = query.where(mailings.c.issue_slug == issue_slug)
    return [rows.mailing(row) for row in connection.execute(query)]


def list_sent_issues(connection: sa.Connection, list_slug: str) -> list[SentIssue]:
    """Return the issues of a list with an accepted delivery, newest first, without their HTML."""
    is_accepted = sa.exists().where(deliveries.c.mailing_id == mailings.c.id, is_in(DeliveryState.ACCEPTED))
    query = (
        sa.select(
            mailings.c.issue_slug,
            mailings.c.issue_title,
            sa.func.coalesce(mailings.c.issue_date, "").label("issue_date"),
            mailings.c.text,
            mailings.c.news,
            mailings.c.created_at.label("created_at"),
            mailings.c.segment.is_(None).label("is_whole_list"),
        )
        .where(mailings.c.list_slug == list_slug, is_accepted)
        .order_by(mailings.c.id.desc())
    )
    return [SentIssue(**row._asdict()) for row in connection.execute(query)]


def pause(connection: sa.Connection, mailing_id: int, until: datetime | None) -> None:
    """Store the time until which a mailing is paused."""
    connection.execute(sa.update(mailings).where(mailings.c.id == mailing_id).values(paused_until=until))


def list_started(connection: sa.Connection) -> list[StartedMailing]:
    """Return the sending state of every mailing, oldest first, without the mailing's content.

    The state says if the mailing has unsent deliveries. The query reads the deliveries only through indexes.
    """
    of_mailing = deliveries.c.mailing_id == mailings.c.id
    unfinished = (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.INTENT)
    waiting = sa.or_(*(sa.exists().where(of_mailing, is_in(state)) for state in unfinished))
    next_attempt = sa.select(sa.func.min(deliveries.c.next_attempt)).where(
        of_mailing, is_in(DeliveryState.DEFERRED)
    )
    query = sa.select(
        mailings.c.id.label("mailing_id"),
        mailings.c.issue_slug,
        mailings.c.list_slug,
        mailings.c.created_at,
        mailings.c.paused_until,
        waiting.label("has_unsent"),
        sa.type_coerce(next_attempt.scalar_subquery(), deliveries.c.next_attempt.type).label("next_attempt"),
    )
    return [StartedMailing(**row) for row in connection.execute(query.order_by(mailings.c.id)).mappings()]
