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

LEFT_OUT = ("unconfirmed", "unsubscribed", "suppressed", "not_in_segment", "missing_value")


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
    """Count the subscribers of a list: those who would be mailed, and the rest by reason.

    A subscriber to whom several reasons apply is counted for the first one.
    """
    lacks = map_missing_values(fields)
    found = connection.execute(
        sa.select(
            subscriptions.c.state,
            is_suppressed(subscribers.c.address_key).label("blocked"),
            (~translate_condition(connection, segment.condition) if segment else sa.false()).label("outside"),
            has_missing_value(fields).label("lacking"),
            sa.func.count(),
            *(sa.func.sum(sa.case((condition, 1), else_=0)) for condition in lacks.values()),
        )
        .join(subscribers, subscribers.c.id == subscriptions.c.subscriber_id)
        .where(subscriptions.c.list_slug == list_slug)
        .group_by(subscriptions.c.state, sa.text("blocked"), sa.text("outside"), sa.text("lacking"))
    )
    mailed, left_out = 0, dict.fromkeys(LEFT_OUT, 0)
    missing = dict.fromkeys(lacks, 0)
    for state, is_blocked, is_outside, is_lacking, count, *missing_counts in found:
        if state is not SubscriptionState.CONFIRMED:
            left_out[state.value] += count
        elif is_blocked:
            left_out["suppressed"] += count
        elif is_outside:
            left_out["not_in_segment"] += count
        elif is_lacking:
            left_out["missing_value"] += count
            missing = {
                name: missing[name] + int(more) for name, more in zip(lacks, missing_counts, strict=True)
            }
        else:
            mailed += count
    return AudienceCount(
        confirmed=mailed,
        left_out={reason: count for reason, count in left_out.items() if count},
        missing={name: count for name, count in missing.items() if count},
    )
