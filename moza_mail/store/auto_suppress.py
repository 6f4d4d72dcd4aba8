"""What the replies to an address's mailings say of the address itself: it is suppressed with what showed it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.audit import RELAY
from moza_mail.model.mailing import DeliveryState, Outcome, Reply, kind
from moza_mail.model.subscriber import Suppression, SuppressionReason
from moza_mail.model.threshold import MAY_SUPPRESS, Thresholds, suppresses
from moza_mail.store import rows, subscribers
from moza_mail.store.bulk import among
from moza_mail.store.schema import deliveries, lifted, mailings
from moza_mail.store.subscribers import slices

ANSWERED = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.DEFERRED)


def weigh(
    connection: sa.Connection,
    outcomes: Iterable[tuple[int, Outcome]],
    now: datetime,
    thresholds: Thresholds,
) -> None:
    """Suppress the addresses of which these outcomes, or they and the replies of earlier mailings, say that they are dead."""
    said = {
        number: outcome.reply
        for number, outcome in outcomes
        if outcome.state is not DeliveryState.ACCEPTED
        and outcome.reply is not None
        and kind(outcome.reply) in MAY_SUPPRESS
    }
    for part in slices(said):
        found = _rows(connection, part)
        # One word is mostly enough, and then nobody needs to look through all mailings.
        doubtful = [row for row in found if suppresses([(now, said[row.id])], thresholds) is None]
        earlier = _earlier(connection, doubtful) if doubtful else {}
        for row in found:
            replies = [*earlier.get(row.id, ()), (now, said[row.id])]
            if reason := suppresses(replies, thresholds):
                _suppress(connection, row, reason, replies)


def _rows(connection: sa.Connection, numbers: Sequence[int]) -> Sequence[sa.Row[Any]]:
    query = sa.select(
        deliveries.c.id,
        deliveries.c.mailing,
        deliveries.c.subscriber,
        deliveries.c.address,
        mailings.c.issue_slug,
        mailings.c.list_slug,
    ).join(mailings, mailings.c.id == deliveries.c.mailing)
    return list(connection.execute(query.where(among(connection, deliveries.c.id, numbers))))


def _earlier(
    connection: sa.Connection, doubtful: Sequence[sa.Row[Any]]
) -> dict[int, list[tuple[datetime, Reply]]]:
    """By delivery, the last reply of each other mailing to the same address since a human last lifted its suppression."""
    of = {row.subscriber: row for row in doubtful}
    since = lifted_at(connection, [row.address.lower() for row in doubtful])
    query = (
        sa.select(
            deliveries.c.id,
            deliveries.c.subscriber,
            deliveries.c.address,
            deliveries.c.changed_at,
            deliveries.c.reply,
        )
        # Naming every mailing lets the index on (mailing, subscriber) find one row of each, instead of reading all.
        .where(deliveries.c.mailing.in_(sa.select(mailings.c.id)), deliveries.c.state.in_(ANSWERED))
        .where(among(connection, deliveries.c.subscriber, of))
        .order_by(deliveries.c.changed_at, deliveries.c.id)
    )
    found: dict[int, list[tuple[datetime, Reply]]] = {}
    for number, subscriber, address, moment, written in connection.execute(query):
        row = of[subscriber]
        reply = Reply.recall(written)
        key = address.lower()
        if number == row.id or reply is None or key != row.address.lower():
            continue
        if key not in since or moment > since[key]:
            found.setdefault(row.id, []).append((moment, reply))
    return found


def lifted_at(connection: sa.Connection, keys: Sequence[str]) -> dict[str, datetime]:
    """When a suppression of each of these addresses was last lifted, of those of which one was."""
    query = (
        sa.select(lifted.c.address_key, sa.func.max(lifted.c.lifted_at, type_=lifted.c.lifted_at.type))
        .where(lifted.c.address_key.in_(keys))
        .group_by(lifted.c.address_key)
    )
    return dict(iter(connection.execute(query)))


def _suppress(
    connection: sa.Connection,
    row: sa.Row[Any],
    reason: SuppressionReason,
    replies: Sequence[tuple[datetime, Reply]],
) -> None:
    found = Suppression(
        address=rows.address(row.address),
        reason=reason,
        at=replies[-1][0],
        evidence=showing(replies, f"{row.issue_slug} to {row.list_slug}"),
    )
    subscribers.put_suppression(connection, found, actor=RELAY, mailing=row.mailing)


def showing(replies: Sequence[tuple[datetime, Reply]], where: str) -> str:
    """What replies showed, as the evidence of a suppression: the last one, where, and the days of those like it."""
    last = replies[-1][1]
    others = [f"{moment:%Y-%m-%d}" for moment, reply in replies[:-1] if kind(reply) is kind(last)]
    before = f"; the like on {', '.join(others)}" if others else ""
    return f"{last} [{where}{before}]"
