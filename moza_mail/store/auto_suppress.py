"""Suppress addresses automatically, by the replies of relays to their deliveries."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.audit import RELAY_ACTOR
from moza_mail.model.bounce import MAY_SUPPRESS, BounceThresholds, suppresses
from moza_mail.model.mailing import DeliveryState, Outcome, Reply, classify_reply
from moza_mail.model.subscriber import Suppression, SuppressionReason
from moza_mail.store import rows
from moza_mail.store.bulk import among
from moza_mail.store.paging import split_into_pages
from moza_mail.store.schema import deliveries, mailings, removed_suppressions
from moza_mail.store.suppressions import insert_suppression

ANSWERED = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.DEFERRED)
TimedReply = tuple[datetime, Reply]


def suppress_failing(
    connection: sa.Connection,
    outcomes: Iterable[tuple[int, Outcome]],
    now: datetime,
    thresholds: BounceThresholds,
) -> None:
    """Suppress the addresses that these outcomes, with the replies to earlier mailings, show to be dead."""
    replies = {
        number: outcome.reply
        for number, outcome in outcomes
        if outcome.state is not DeliveryState.ACCEPTED
        and outcome.reply is not None
        and classify_reply(outcome.reply) in MAY_SUPPRESS
    }
    for part in split_into_pages(replies):
        found = _select_deliveries(connection, part)
        # One reply is mostly enough; only for the others are the earlier mailings read.
        undecided = [row for row in found if suppresses([(now, replies[row.id])], thresholds) is None]
        earlier = _earlier_replies(connection, undecided) if undecided else {}
        for row in found:
            timed = [*earlier.get(row.id, ()), (now, replies[row.id])]
            if reason := suppresses(timed, thresholds):
                _suppress(connection, row, reason, timed)


def _select_deliveries(connection: sa.Connection, ids: Sequence[int]) -> Sequence[sa.Row[Any]]:
    query = sa.select(
        deliveries.c.id,
        deliveries.c.mailing_id,
        deliveries.c.subscriber_id,
        deliveries.c.address,
        mailings.c.issue_slug,
        mailings.c.list_slug,
    ).join(mailings, mailings.c.id == deliveries.c.mailing_id)
    return list(connection.execute(query.where(among(connection, deliveries.c.id, ids))))


def _earlier_replies(
    connection: sa.Connection, undecided: Sequence[sa.Row[Any]]
) -> dict[int, list[TimedReply]]:
    """Return, by delivery, the last reply of each other mailing to the same address since its suppression was last removed."""
    row_of = {row.subscriber_id: row for row in undecided}
    removed_at = last_removed(connection, [row.address.lower() for row in undecided])
    query = (
        sa.select(
            deliveries.c.id,
            deliveries.c.subscriber_id,
            deliveries.c.address,
            deliveries.c.changed_at,
            deliveries.c.reply,
        )
        # Listing the mailings lets the index on (mailing, subscriber) find one row of each, without a full scan.
        .where(deliveries.c.mailing_id.in_(sa.select(mailings.c.id)), deliveries.c.state.in_(ANSWERED))
        .where(among(connection, deliveries.c.subscriber_id, row_of))
        .order_by(deliveries.c.changed_at, deliveries.c.id)
    )
    found: dict[int, list[TimedReply]] = {}
    for number, subscriber_id, address, replied_at, text in connection.execute(query):
        row = row_of[subscriber_id]
        reply = Reply.from_text(text)
        key = address.lower()
        if number == row.id or reply is None or key != row.address.lower():
            continue
        if key not in removed_at or replied_at > removed_at[key]:
            found.setdefault(row.id, []).append((replied_at, reply))
    return found


def last_removed(connection: sa.Connection, keys: Sequence[str]) -> dict[str, datetime]:
    """Return when a suppression of each address was last removed; addresses without one are absent."""
    query = (
        sa.select(
            removed_suppressions.c.address_key,
            sa.func.max(removed_suppressions.c.removed_at, type_=removed_suppressions.c.removed_at.type),
        )
        .where(removed_suppressions.c.address_key.in_(keys))
        .group_by(removed_suppressions.c.address_key)
    )
    return dict(iter(connection.execute(query)))


def _suppress(
    connection: sa.Connection, row: sa.Row[Any], reason: SuppressionReason, replies: Sequence[TimedReply]
) -> None:
    suppression = Suppression(
        address=rows.address(row.address),
        reason=reason,
        created_at=replies[-1][0],
        evidence=describe_evidence(replies, f"{row.issue_slug} to {row.list_slug}"),
    )
    insert_suppression(connection, suppression, actor=RELAY_ACTOR, mailing_id=row.mailing_id)


def describe_evidence(replies: Sequence[TimedReply], mailing: str) -> str:
    """Return the evidence of a suppression: the last reply, its mailing, and the days of similar replies."""
    last = replies[-1][1]
    others = [
        f"{replied_at:%Y-%m-%d}"
        for replied_at, reply in replies[:-1]
        if classify_reply(reply) is classify_reply(last)
    ]
    before = f"; the like on {', '.join(others)}" if others else ""
    return f"{last} [{mailing}{before}]"
