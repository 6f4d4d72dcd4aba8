"""Suppress addresses automatically, based on the relays' replies to their deliveries."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import normalise_address
from moza_mail.model.audit import RELAY_ACTOR
from moza_mail.model.bounce import AddressReply, BounceThresholds, suppresses
from moza_mail.model.classify_reply import classify_reply
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.outcome import Outcome
from moza_mail.model.reply import Reply
from moza_mail.model.reply_text import ReplyContext
from moza_mail.model.subscriber import Suppression, SuppressionReason
from moza_mail.model.verdict import Verdict
from moza_mail.store import rows
from moza_mail.store.bulk import among
from moza_mail.store.paging import split_into_pages
from moza_mail.store.schema import deliveries, mailings, removed_suppressions
from moza_mail.store.suppressions import insert_suppression

ANSWERED = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.DEFERRED)


def suppress_failing(
    connection: sa.Connection,
    outcomes: Iterable[tuple[int, Outcome]],
    now: datetime,
    thresholds: BounceThresholds,
) -> None:
    """Suppress the addresses that no longer work, judging by the replies to their messages.

    The decision uses the replies in `outcomes` and the last reply of each other mailing to the same address.
    """
    replies = {
        number: AddressReply(at=now, reply=outcome.reply, verdict=outcome.verdict)
        for number, outcome in outcomes
        if outcome.reply is not None and outcome.verdict is not None
    }
    replies = {number: reply for number, reply in replies.items() if reply.may_suppress}
    for part in split_into_pages(replies):
        found = _select_deliveries(connection, part)
        # One reply is usually enough. Earlier mailings are read only for the other addresses.
        undecided = [row for row in found if suppresses([replies[row.id]], thresholds) is None]
        earlier = _earlier_replies(connection, undecided) if undecided else {}
        for row in found:
            all_replies = [*earlier.get(row.id, ()), replies[row.id]]
            if reason := suppresses(all_replies, thresholds):
                _suppress(connection, row, reason, all_replies)


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
) -> dict[int, list[AddressReply]]:
    """Map each delivery's id to the last replies of other mailings to the same address.

    If a suppression of the address was removed, replies before the removal are left out.
    """
    row_of = {row.subscriber_id: row for row in undecided}
    removed_at = find_last_removals(connection, [normalise_address(row.address) for row in undecided])
    query = (
        sa.select(
            deliveries.c.id,
            deliveries.c.subscriber_id,
            deliveries.c.address,
            deliveries.c.changed_at,
            deliveries.c.reply,
            deliveries.c.verdict,
        )
        # Listing the mailings lets the index on (mailing, subscriber) find one row of each, without a full scan.
        .where(deliveries.c.mailing_id.in_(sa.select(mailings.c.id)), deliveries.c.state.in_(ANSWERED))
        .where(among(connection, deliveries.c.subscriber_id, row_of))
        .order_by(deliveries.c.changed_at, deliveries.c.id)
    )
    found: dict[int, list[AddressReply]] = {}
    for number, subscriber_id, address, replied_at, text, verdict in connection.execute(query):
        row = row_of[subscriber_id]
        reply = recall_reply(replied_at, text, address, verdict)
        key = normalise_address(address)
        if number == row.id or reply is None or key != normalise_address(row.address):
            continue
        if key not in removed_at or replied_at > removed_at[key]:
            found.setdefault(row.id, []).append(reply)
    return found


def recall_reply(
    at: datetime, text: str, address: str, verdict: Verdict | None = None
) -> AddressReply | None:
    """Parse a stored reply; None if the text is not a reply.

    address: the recipient of the message.
    verdict: the stored verdict; None to classify the text again. The stored verdict is more reliable, because our own
        addresses were known when it was made.
    """
    reply = Reply.from_text(text)
    if reply is None:
        return None
    if reply.code < 400:
        return AddressReply(at=at, reply=reply, verdict=None)
    verdict = verdict or classify_reply(text, ReplyContext(recipients=(address,)))
    return AddressReply(at=at, reply=reply, verdict=verdict)


def find_last_removals(connection: sa.Connection, keys: Sequence[str]) -> dict[str, datetime]:
    """Return when the last suppression of each address was removed, by address key.

    Addresses without a removed suppression are absent.
    """
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
    connection: sa.Connection, row: sa.Row[Any], reason: SuppressionReason, replies: Sequence[AddressReply]
) -> None:
    suppression = Suppression(
        address=rows.address(row.address),
        reason=reason,
        created_at=replies[-1].at,
        evidence=describe_evidence(replies, f"{row.issue_slug} to {row.list_slug}"),
    )
    insert_suppression(
        connection,
        suppression,
        actor=RELAY_ACTOR,
        mailing_id=row.mailing_id,
        verdict=replies[-1].verdict,
    )


def describe_evidence(replies: Sequence[AddressReply], mailing: str) -> str:
    """Return the evidence of a suppression.

    The evidence names the last reply, its mailing, and the days of earlier replies with the same verdict.
    """
    last = replies[-1]
    others = [f"{each.at:%Y-%m-%d}" for each in replies[:-1] if each.verdict is last.verdict]
    before = f"; the like on {', '.join(others)}" if others else ""
    return f"{last.reply} [{mailing}{before}]"
