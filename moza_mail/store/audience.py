"""Count or read the recipients that a mailing would have if it were created now."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from moza_mail.model.audience import AudienceCount
from moza_mail.model.merge_field import MergeField
from moza_mail.model.message import Recipient
from moza_mail.model.segment import Segment
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.store import rows
from moza_mail.store.attributes import (
    has_missing_value,
    map_missing_values,
    select_merge_values,
    translate_condition,
    without_nulls,
)
from moza_mail.store.paging import PAGE
from moza_mail.store.schema import subscribers, subscriptions
from moza_mail.store.suppressions import is_suppressed


def select_audience(
    connection: sa.Connection, list_slug: str, segment: Segment | None = None
) -> sa.Select[Any]:
    """Select the confirmed, unsuppressed subscribers of a list, or of one of its segments.

    The caller adds the columns and the order.
    """
    in_segment = (translate_condition(connection, segment.condition),) if segment else ()
    return (
        sa.select()
        .select_from(
            subscriptions.join(subscribers, subscribers.c.id == subscriptions.c.subscriber_id),
        )
        .where(
            subscriptions.c.list_slug == list_slug,
            subscriptions.c.state == SubscriptionState.CONFIRMED,
            ~is_suppressed(subscribers.c.address_key),
            *in_segment,
        )
    )


def select_recipients(
    connection: sa.Connection,
    list_slug: str,
    fields: Sequence[MergeField],
    segment: Segment | None,
    after: int,
) -> list[Recipient]:
    """Return one page of recipients with subscriber ids > `after`, with their merge values."""
    found = connection.execute(
        select_audience(connection, list_slug, segment)
        .add_columns(
            subscribers.c.id,
            subscribers.c.address,
            subscribers.c.name,
            select_merge_values(connection, fields),
        )
        .where(subscriptions.c.subscriber_id > after)
        .order_by(subscriptions.c.subscriber_id)
        .limit(PAGE)
    )
    return [
        Recipient(subscriber_id=number, address=rows.address(text), name=name, values=without_nulls(values))
        for number, text, name, values in found
    ]


def count_audience(
    connection: sa.Connection, list_slug: str, fields: Sequence[MergeField], segment: Segment | None
) -> AudienceCount:
    """Count the subscribers of a list who would be mailed, and those who would not by reason.

    If several reasons apply to a subscriber, the subscriber is counted only for the first reason.
    """
    lacks = map_missing_values(fields)
    conditions: dict[str, sa.ColumnElement[bool]] = {
        "blocked": is_suppressed(subscribers.c.address_key),
        "outside": ~translate_condition(connection, segment.condition) if segment else sa.false(),
        "lacking": has_missing_value(fields),
        **{f"lacks_{index}": condition for index, condition in enumerate(lacks.values())},
    }
    # The offset makes both databases evaluate each condition once per row. A GROUP BY would make SQLite keep all rows in memory.
    each = (
        sa.select(subscriptions.c.state, *(_or_false(one, name) for name, one in conditions.items()))
        .join(subscribers, subscribers.c.id == subscriptions.c.subscriber_id)
        .where(subscriptions.c.list_slug == list_slug)
        .offset(0)
        .subquery()
    )
    row = each.c
    unsuppressed = (row.state == SubscriptionState.CONFIRMED) & ~row.blocked
    lacking = unsuppressed & ~row.outside & row.lacking
    reasons: dict[str, sa.ColumnElement[bool]] = {
        "unconfirmed": row.state == SubscriptionState.UNCONFIRMED,
        "unsubscribed": row.state == SubscriptionState.UNSUBSCRIBED,
        "suppressed": (row.state == SubscriptionState.CONFIRMED) & row.blocked,
        "not_in_segment": unsuppressed & row.outside,
        "missing_value": lacking,
    }
    missing = {name: lacking & row[f"lacks_{index}"] for index, name in enumerate(lacks)}
    mailed = unsuppressed & ~row.outside & ~row.lacking
    counted = (mailed, *reasons.values(), *missing.values())
    confirmed, *counts = connection.execute(
        sa.select(*(sa.func.count().filter(one) for one in counted))
    ).one()
    left_out = dict(zip(reasons, counts, strict=False))
    missing_counts = dict(zip(missing, counts[len(reasons) :], strict=True))
    return AudienceCount(
        confirmed=confirmed,
        left_out={reason: count for reason, count in left_out.items() if count},
        missing={name: count for name, count in missing_counts.items() if count},
    )


def _or_false(condition: sa.ColumnElement[bool], name: str) -> sa.Label[bool]:
    """Return the condition as a column with a name. NULL becomes false."""
    return sa.case((condition, sa.true()), else_=sa.false()).label(name)
