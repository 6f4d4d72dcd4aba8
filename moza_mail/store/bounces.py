"""Reports after acceptance: whose they are, the fact that is added of each, and what follows from it in the same commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address
from moza_mail.model.audit import REPORT
from moza_mail.model.bounce import Bounce, BounceEffect, BounceKind, SentMessage
from moza_mail.model.mailing import Reply
from moza_mail.model.sign_up import Confirmation
from moza_mail.model.subscriber import SubscriptionState, Suppression, SuppressionReason
from moza_mail.model.threshold import Thresholds, suppresses
from moza_mail.store import auto_suppress, rows
from moza_mail.store import subscribers as people
from moza_mail.store.postgres.advisory import alone_with_people
from moza_mail.store.schema import bounces, deliveries, mailings, subscribers, subscriptions

# What a report says instead of the relay's "accepted"; a failure elsewhere says nothing of this address.
WORDS = (BounceKind.HARD, BounceKind.SOFT, BounceKind.POLICY)
SENT = (
    deliveries.c.id.label("delivery"),
    deliveries.c.mailing,
    mailings.c.key.label("mailing_key"),
    mailings.c.issue_slug,
    mailings.c.list_slug,
    deliveries.c.subscriber,
    # Of an old mailing the address is not kept: then it went to whom its subscriber is.
    sa.func.coalesce(sa.func.nullif(deliveries.c.address, ""), subscribers.c.address, "").label("address"),
)


def sent(connection: sa.Connection, mailing: int, subscriber: int) -> SentMessage | None:
    """The delivery of a mailing to a subscriber."""
    query = _sent().where(deliveries.c.mailing == mailing, deliveries.c.subscriber == subscriber)
    row = connection.execute(query).first()
    return _as_sent(row) if row else None


def sent_to(connection: sa.Connection, address: Address) -> list[SentMessage]:
    """Every delivery to the subscriber of an address that went to that address, newest first."""
    of = sa.select(subscribers.c.id).where(subscribers.c.address_key == address.key)
    # Naming every mailing lets the index on (mailing, subscriber) find one row of each, instead of reading all.
    query = _sent().where(deliveries.c.mailing.in_(sa.select(mailings.c.id)), deliveries.c.subscriber.in_(of))
    found = [_as_sent(row) for row in connection.execute(query.order_by(deliveries.c.id.desc()))]
    return [one for one in found if one.address.key == address.key]


def _sent() -> sa.Select[Any]:
    joined = deliveries.join(mailings, mailings.c.id == deliveries.c.mailing)
    return sa.select(*SENT).select_from(
        joined.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber)
    )


def _as_sent(row: Sequence[Any]) -> SentMessage:
    """A row of SENT."""
    fields: dict[str, Any] = dict(zip((column.name for column in SENT), row, strict=True))
    return SentMessage(**{**fields, "address": rows.address(fields["address"])})


def record(connection: sa.Connection, bounce: Bounce, thresholds: Thresholds) -> BounceEffect:
    """Add the fact and do what follows from it; a report that was counted before changes nothing."""
    alone_with_people(connection)
    follows = foresee(connection, bounce, thresholds)
    if follows.already_counted:
        return follows
    connection.execute(
        sa.insert(bounces).values(
            digest=bounce.digest,
            kind=bounce.kind,
            delivery=bounce.sent_message.delivery if bounce.sent_message else None,
            proof=bounce.proof,
            reply=str(bounce.reply or ""),
            at=bounce.at,
        )
    )
    if follows.suppression:
        mailing = bounce.sent_message.mailing if bounce.sent_message else None
        people.suppress(connection, follows.suppression, actor=REPORT, mailing=mailing)
    if follows.unsubscribed and bounce.sent_message:
        sent = bounce.sent_message
        people.unsubscribe(connection, sent.subscriber, sent.list_slug, bounce.at, actor=REPORT)
    return follows


def foresee(connection: sa.Connection, bounce: Bounce, thresholds: Thresholds) -> BounceEffect:
    """What would follow from a report, by what is known now; nothing is changed."""
    if connection.execute(sa.select(bounces.c.kind).where(bounces.c.digest == bounce.digest)).first():
        return BounceEffect(already_counted=True)
    if bounce.confirmation is not None:
        return BounceEffect(suppression=_of_confirmation(connection, bounce, bounce.confirmation))
    if bounce.sent_message is None:
        return BounceEffect()
    if not bounce.sent_message.address.domain:
        # Its person was erased: there is nobody to take off a list, and no address to suppress.
        return BounceEffect()
    if bounce.kind is BounceKind.UNSUBSCRIBE:
        return BounceEffect(unsubscribed=_is_on(connection, bounce.sent_message))
    if people.suppression(connection, bounce.sent_message.address):
        return BounceEffect()
    return BounceEffect(suppression=_suppression(connection, bounce, bounce.sent_message, thresholds))


def _of_confirmation(
    connection: sa.Connection, bounce: Bounce, confirmation: Confirmation
) -> Suppression | None:
    """The suppression that a report about a confirmation brings about: nothing else was mailed to that address for it."""
    if people.suppression(connection, confirmation.address):
        return None
    where, reply = f"[confirmation for {confirmation.list_slug}]", bounce.reply
    if bounce.kind is BounceKind.COMPLAINT:
        reason, told = SuppressionReason.COMPLAINT, f"complaint: {reply.text if reply else 'abuse'} {where}"
    elif bounce.kind in WORDS and reply is not None and (found := suppresses([(bounce.at, reply)])):
        reason, told = found, f"bounce: {reply} {where}"
    else:
        return None
    return Suppression(address=confirmation.address, reason=reason, at=bounce.at, evidence=told)


def _is_on(connection: sa.Connection, sent: SentMessage) -> bool:
    query = sa.select(subscriptions.c.state).where(
        subscriptions.c.list_slug == sent.list_slug, subscriptions.c.subscriber == sent.subscriber
    )
    return connection.execute(query).scalar() not in {None, SubscriptionState.UNSUBSCRIBED}


def _suppression(
    connection: sa.Connection, bounce: Bounce, sent: SentMessage, thresholds: Thresholds
) -> Suppression | None:
    """The suppression that a proven report brings about, with what showed it."""
    where = f"{sent.issue_slug} to {sent.list_slug}"
    if bounce.kind is BounceKind.COMPLAINT:
        told = f"complaint: {bounce.reply.text if bounce.reply else 'abuse'} [{where}]"
        return Suppression(
            address=sent.address, reason=SuppressionReason.COMPLAINT, at=bounce.at, evidence=told
        )
    if bounce.kind not in WORDS or bounce.reply is None:
        return None
    said, now = _said(connection, bounce.reply, sent, bounce.at)
    # Reports come out of order: one of an earlier mailing may complete what a later one began.
    for last in range(now, len(said)):
        if reason := suppresses(said[: last + 1], thresholds):
            showed = auto_suppress.showing(said[: last + 1], where)
            return Suppression(
                address=sent.address, reason=reason, at=bounce.at, evidence=f"bounce: {showed}"
            )
    return None


def _said(
    connection: sa.Connection, reply: Reply, sent: SentMessage, now: datetime
) -> tuple[Sequence[tuple[datetime, Reply]], int]:
    """The last word of each mailing to this address, oldest first, and the place of this one.

    Each counts at the moment its message left, which we know, and not when a report of it was read or says it was written.
    What left before a human last lifted a suppression counts no more: then there may be no place, behind the last.
    """
    query = (
        sa.select(
            deliveries.c.id,
            deliveries.c.address,
            deliveries.c.changed_at,
            deliveries.c.reply,
            bounces.c.reply,
        )
        .outerjoin(bounces, (bounces.c.delivery == deliveries.c.id) & bounces.c.kind.in_(WORDS))
        .where(
            deliveries.c.mailing.in_(sa.select(mailings.c.id)),
            deliveries.c.subscriber == sent.subscriber,
            deliveries.c.state.in_(auto_suppress.ANSWERED) | (deliveries.c.id == sent.delivery),
        )
        .order_by(deliveries.c.changed_at, deliveries.c.id, bounces.c.at)
    )
    since = auto_suppress.lifted_at(connection, [sent.address.key]).get(sent.address.key)
    words: dict[int, tuple[datetime, Reply]] = {}
    for delivery, address, moment, answered, bounced in connection.execute(query):
        word = reply if delivery == sent.delivery else Reply.recall(bounced or answered)
        counts = since is None or (moment or now) > since
        if word is not None and counts and address.lower() == sent.address.key:
            words[delivery] = (moment or now, word)
    place = list(words).index(sent.delivery) if sent.delivery in words else len(words)
    return list(words.values()), place


def of_subscriber(connection: sa.Connection, subscriber: int) -> tuple[tuple[str, Bounce], ...]:
    """What reports said of the messages to a subscriber, oldest first, each with the issue's slug."""
    query = (
        sa.select(bounces.c.digest, bounces.c.kind, bounces.c.at, bounces.c.proof, bounces.c.reply, *SENT)
        .select_from(bounces.join(deliveries, deliveries.c.id == bounces.c.delivery))
        .join(mailings, mailings.c.id == deliveries.c.mailing)
        .outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber)
        .where(deliveries.c.mailing.in_(sa.select(mailings.c.id)), deliveries.c.subscriber == subscriber)
        .order_by(bounces.c.at, bounces.c.digest)
    )
    return tuple((row.issue_slug, _bounce(row)) for row in connection.execute(query))


def _bounce(row: Sequence[Any]) -> Bounce:
    digest, kind, at, proof, reply = row[:5]
    sent = _as_sent(row[5:])
    return Bounce(digest=digest, kind=kind, at=at, proof=proof, reply=Reply.recall(reply), sent_message=sent)
