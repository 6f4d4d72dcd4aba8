"""Bounces: reports about messages that a relay had accepted.

A report and its effect are stored in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address, normalise_address
from moza_mail.model.audit import REPORT_ACTOR
from moza_mail.model.bounce import (
    FAILURE_KINDS,
    AddressReply,
    Bounce,
    BounceEffect,
    BounceKind,
    BounceThresholds,
    SentMessage,
    suppresses,
)
from moza_mail.model.reply import Reply
from moza_mail.model.sign_up import Confirmation
from moza_mail.model.subscriber import SubscriptionState, Suppression, SuppressionReason
from moza_mail.store import rows
from moza_mail.store.auto_suppress import ANSWERED, describe_evidence, find_last_removals, recall_reply
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import bounces, deliveries, mailings, subscribers
from moza_mail.store.subscriptions import find_state, unsubscribe
from moza_mail.store.suppressions import find_suppression, suppress
from moza_mail.store.transactions import Transactions

OVERRIDING = (BounceKind.HARD, BounceKind.SOFT, BounceKind.POLICY)
"""Failures that override the relay's acceptance. FORWARDED is left out: another address failed, not the recipient's."""
SENT = (
    deliveries.c.id.label("delivery_id"),
    deliveries.c.mailing_id,
    mailings.c.key.label("mailing_key"),
    mailings.c.issue_slug,
    mailings.c.list_slug,
    deliveries.c.subscriber_id,
    # Old mailings no longer contain the address. For them the subscriber's present address is used.
    sa.func.coalesce(sa.func.nullif(deliveries.c.address, ""), subscribers.c.address, "").label("address"),
)


class Bounces:
    """Reports about messages. Each report counts once, however often it is read."""

    def __init__(self, transactions: Transactions, thresholds: BounceThresholds) -> None:
        self._transactions = transactions
        self._thresholds = thresholds

    async def find_delivery(self, mailing_id: int, subscriber_id: int) -> SentMessage | None:
        """Return the delivery of a mailing to a subscriber."""
        return await self._transactions.read(_find_delivery, mailing_id, subscriber_id)

    async def list_deliveries_to(self, address: Address) -> list[SentMessage]:
        """Return the deliveries that went to this address, newest first.

        Deliveries to an earlier address of the same subscriber are left out.
        """
        return await self._transactions.read(_list_deliveries_to, address)

    async def record(self, bounce: Bounce) -> BounceEffect:
        """Store a bounce and apply its effect.

        A complaint suppresses the address. A failure suppresses it if the replies and bounces of all mailings
        to the address reach the thresholds. Each reply or bounce counts at the time when its message was sent.
        An unsubscribe request ends the subscription.
        """
        return await self._transactions.write(_record, bounce, self._thresholds)

    async def preview(self, bounce: Bounce) -> BounceEffect:
        """Return what `record` would return now, and change nothing."""
        return await self._transactions.read(_preview, bounce, self._thresholds)


def _find_delivery(connection: sa.Connection, mailing_id: int, subscriber_id: int) -> SentMessage | None:
    query = _select_sent().where(
        deliveries.c.mailing_id == mailing_id, deliveries.c.subscriber_id == subscriber_id
    )
    row = connection.execute(query).first()
    return _to_sent_message(row) if row else None


def _list_deliveries_to(connection: sa.Connection, address: Address) -> list[SentMessage]:
    subscriber_id = sa.select(subscribers.c.id).where(subscribers.c.address_key == address.key)
    # Listing the mailings lets the index on (mailing, subscriber) find one row of each, without a full scan.
    query = _select_sent().where(
        deliveries.c.mailing_id.in_(sa.select(mailings.c.id)), deliveries.c.subscriber_id.in_(subscriber_id)
    )
    found = [_to_sent_message(row) for row in connection.execute(query.order_by(deliveries.c.id.desc()))]
    return [sent for sent in found if sent.address.key == address.key]


def _select_sent() -> sa.Select[Any]:
    joined = deliveries.join(mailings, mailings.c.id == deliveries.c.mailing_id)
    return sa.select(*SENT).select_from(
        joined.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
    )


def _to_sent_message(row: Sequence[Any]) -> SentMessage:
    fields: dict[str, Any] = dict(zip((column.name for column in SENT), row, strict=True))
    return SentMessage(**{**fields, "address": rows.address(fields["address"])})


def _record(connection: sa.Connection, bounce: Bounce, thresholds: BounceThresholds) -> BounceEffect:
    lock_people(connection)
    consequence = _preview(connection, bounce, thresholds)
    if consequence.already_counted:
        return consequence
    connection.execute(
        sa.insert(bounces).values(
            digest=bounce.digest,
            kind=bounce.kind,
            delivery_id=bounce.sent_message.delivery_id if bounce.sent_message else None,
            proof=bounce.proof,
            verdict=bounce.verdict,
            reply=str(bounce.reply or ""),
            created_at=bounce.created_at,
        )
    )
    if consequence.suppression:
        mailing_id = bounce.sent_message.mailing_id if bounce.sent_message else None
        is_complaint = bounce.kind is BounceKind.COMPLAINT
        is_effective = suppress(
            connection,
            consequence.suppression,
            actor=REPORT_ACTOR,
            mailing_id=mailing_id,
            verdict=None if is_complaint else bounce.verdict,
        )
        consequence = replace(consequence, is_held=not is_effective)
    if consequence.unsubscribed and bounce.sent_message:
        sent = bounce.sent_message
        unsubscribe(connection, sent.subscriber_id, sent.list_slug, bounce.created_at, actor=REPORT_ACTOR)
    return consequence


def _preview(connection: sa.Connection, bounce: Bounce, thresholds: BounceThresholds) -> BounceEffect:
    if connection.execute(sa.select(bounces.c.kind).where(bounces.c.digest == bounce.digest)).first():
        return BounceEffect(already_counted=True)
    if bounce.confirmation is not None:
        return BounceEffect(
            suppression=_find_suppression_by_confirmation(connection, bounce, bounce.confirmation)
        )
    # An address without a domain means that the person was erased: there is nobody to unsubscribe or to suppress.
    if bounce.sent_message is None or not bounce.sent_message.address.domain:
        return BounceEffect()
    if bounce.kind is BounceKind.UNSUBSCRIBE:
        state = find_state(connection, bounce.sent_message.subscriber_id, bounce.sent_message.list_slug)
        return BounceEffect(unsubscribed=state not in {None, SubscriptionState.UNSUBSCRIBED})
    if find_suppression(connection, bounce.sent_message.address):
        return BounceEffect()
    return BounceEffect(suppression=_find_suppression(connection, bounce, bounce.sent_message, thresholds))


def _find_suppression_by_confirmation(
    connection: sa.Connection, bounce: Bounce, confirmation: Confirmation
) -> Suppression | None:
    """Return the suppression that a report about a confirmation mail causes, if any.

    Earlier replies and reports are not considered.
    """
    if find_suppression(connection, confirmation.address):
        return None
    where, reply = f"[confirmation for {confirmation.list_slug}]", bounce.reply
    if bounce.kind is BounceKind.COMPLAINT:
        reason = SuppressionReason.COMPLAINT
        evidence = f"complaint: {reply.text if reply else 'abuse'} {where}"
    elif (
        bounce.kind in OVERRIDING
        and reply is not None
        and (found := suppresses([_make_address_reply(bounce, bounce.created_at)]))
    ):
        reason, evidence = found, f"bounce: {reply} {where}"
    else:
        return None
    return Suppression(
        address=confirmation.address, reason=reason, created_at=bounce.created_at, evidence=evidence
    )


def _find_suppression(
    connection: sa.Connection, bounce: Bounce, sent: SentMessage, thresholds: BounceThresholds
) -> Suppression | None:
    """Return the suppression that a report about a delivery causes, if any."""
    where = f"{sent.issue_slug} to {sent.list_slug}"
    if bounce.kind is BounceKind.COMPLAINT:
        evidence = f"complaint: {bounce.reply.text if bounce.reply else 'abuse'} [{where}]"
        return Suppression(
            address=sent.address,
            reason=SuppressionReason.COMPLAINT,
            created_at=bounce.created_at,
            evidence=evidence,
        )
    if bounce.kind not in OVERRIDING or bounce.reply is None:
        return None
    replies, place = _list_last_replies(connection, bounce, sent)
    # Reports arrive out of order: a report about an earlier mailing may complete the evidence of a later mailing.
    for last in range(place, len(replies)):
        if reason := suppresses(replies[: last + 1], thresholds):
            evidence = f"bounce: {describe_evidence(replies[: last + 1], where)}"
            return Suppression(
                address=sent.address, reason=reason, created_at=bounce.created_at, evidence=evidence
            )
    return None


def _make_address_reply(bounce: Bounce, sent_at: datetime) -> AddressReply:
    return AddressReply(at=sent_at, reply=bounce.reply or Reply.parse(500, ""), verdict=bounce.verdict)


def _list_last_replies(
    connection: sa.Connection, bounce: Bounce, sent: SentMessage
) -> tuple[Sequence[AddressReply], int]:
    """Return the last reply or bounce of each mailing to the bounced address, oldest first.

    Also return the index of the reply that `bounce` reports. A reply counts at the time when its message was sent.
    That time is certain, but the date in a report is not. Messages that were sent before a suppression was last
    removed do not count. If the bounced message itself does not count, the index is past the end.
    """
    query = (
        sa.select(
            deliveries.c.id,
            deliveries.c.address,
            deliveries.c.changed_at,
            deliveries.c.reply,
            deliveries.c.verdict,
            bounces.c.reply,
            bounces.c.verdict,
        )
        .outerjoin(bounces, (bounces.c.delivery_id == deliveries.c.id) & bounces.c.kind.in_(OVERRIDING))
        .where(
            deliveries.c.mailing_id.in_(sa.select(mailings.c.id)),
            deliveries.c.subscriber_id == sent.subscriber_id,
            deliveries.c.state.in_(ANSWERED) | (deliveries.c.id == sent.delivery_id),
        )
        .order_by(deliveries.c.changed_at, deliveries.c.id, bounces.c.created_at)
    )
    removed_at = find_last_removals(connection, [sent.address.key]).get(sent.address.key)
    replies: dict[int, AddressReply] = {}
    for delivery, address, changed_at, replied, verdict, bounced, bounce_verdict in connection.execute(query):
        sent_at = changed_at or bounce.created_at
        is_this = delivery == sent.delivery_id
        recalled = (bounced, address, bounce_verdict) if bounced else (replied, address, verdict)
        last = _make_address_reply(bounce, sent_at) if is_this else recall_reply(sent_at, *recalled)
        counts = removed_at is None or sent_at > removed_at
        if last is not None and counts and normalise_address(address) == sent.address.key:
            replies[delivery] = last
    place = list(replies).index(sent.delivery_id) if sent.delivery_id in replies else len(replies)
    return list(replies.values()), place


def list_bounces(connection: sa.Connection, subscriber_id: int) -> tuple[tuple[str, Bounce], ...]:
    """Return the bounces of messages to a subscriber, oldest first, with their issue's slug."""
    query = (
        sa.select(
            bounces.c.digest,
            bounces.c.kind,
            bounces.c.created_at,
            bounces.c.proof,
            bounces.c.reply,
            bounces.c.verdict,
            *SENT,
        )
        .select_from(bounces.join(deliveries, deliveries.c.id == bounces.c.delivery_id))
        .join(mailings, mailings.c.id == deliveries.c.mailing_id)
        .outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
        .where(
            deliveries.c.mailing_id.in_(sa.select(mailings.c.id)), deliveries.c.subscriber_id == subscriber_id
        )
        .order_by(bounces.c.created_at, bounces.c.digest)
    )
    return tuple((row.issue_slug, _to_bounce(row)) for row in connection.execute(query))


def _to_bounce(row: Sequence[Any]) -> Bounce:
    digest, kind, at, proof, reply, verdict = row[:6]
    sent = _to_sent_message(row[6:])
    found = recall_reply(at, reply, str(sent.address), verdict) if kind in FAILURE_KINDS else None
    return Bounce(
        digest=digest,
        kind=kind,
        created_at=at,
        proof=proof,
        reply=Reply.from_text(reply),
        verdict=found.verdict if found else None,
        sent_message=sent,
    )
