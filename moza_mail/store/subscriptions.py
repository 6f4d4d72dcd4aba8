"""Subscribe and unsubscribe: a subscriber's state on each list.

Each function runs in a transaction.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.subscriber import Subscription, SubscriptionState
from moza_mail.store import rows
from moza_mail.store.audit_writer import add_entry
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import confirmations, insert, shared, subscriptions
from moza_mail.store.suppressions import forget_erasure

# Built once: building a statement costs more than running it, and many people unsubscribe at the same time.
VOID_SIGN_UPS = (
    sa.update(confirmations)
    .where(
        confirmations.c.subscriber_id == shared("number", confirmations.c.subscriber_id),
        confirmations.c.list_slug == shared("on_list", confirmations.c.list_slug),
        confirmations.c.voided_at.is_(None),
    )
    .values(voided_at=shared("now", confirmations.c.voided_at))
)
UNSUBSCRIBE = (
    sa.update(subscriptions)
    .where(
        subscriptions.c.list_slug == shared("on_list", subscriptions.c.list_slug),
        subscriptions.c.subscriber_id == shared("number", subscriptions.c.subscriber_id),
        subscriptions.c.state != SubscriptionState.UNSUBSCRIBED,
    )
    .values(
        state=SubscriptionState.UNSUBSCRIBED, unsubscribed_at=shared("now", subscriptions.c.unsubscribed_at)
    )
)


def unsubscribe(
    connection: sa.Connection,
    subscriber_id: int,
    list_slug: str,
    now: datetime,
    *,
    actor: str = "",
    detail: str = "",
) -> None:
    """Unsubscribe a person from a list and void their unconfirmed sign-ups for it.

    If they unsubscribed before, the time of the first unsubscription is kept.

    actor, detail: for the audit entry; an empty actor is the account of this process.
    """
    lock_people(connection)
    values = {"number": subscriber_id, "on_list": list_slug, "now": now}
    connection.execute(VOID_SIGN_UPS, values)
    if connection.execute(UNSUBSCRIBE, values).rowcount:
        entry = AuditEntry(
            occurred_at=now,
            action=AuditAction.UNSUBSCRIBE,
            actor=actor,
            list_slug=list_slug,
            subscriber_id=subscriber_id,
            detail=detail,
        )
        add_entry(connection, entry)


def confirm_subscription(
    connection: sa.Connection, subscriber_id: int, list_slug: str, now: datetime, **evidence: Any
) -> None:
    """Confirm a subscription, whatever its state, because the person confirmed it.

    evidence: more columns of the row, such as the consent and the source.
    """
    values = {
        "state": SubscriptionState.CONFIRMED,
        "confirmed_at": now,
        "unsubscribed_at": None,
        **evidence,
    }
    inserted = insert(connection, subscriptions).values(
        list_slug=list_slug, subscriber_id=subscriber_id, **values
    )
    connection.execute(
        inserted.on_conflict_do_update(index_elements=["list_slug", "subscriber_id"], set_=values)
    )
    forget_erasure(connection, subscriber_id)


def find_state(connection: sa.Connection, subscriber_id: int, list_slug: str) -> SubscriptionState | None:
    """Return a subscriber's state on a list; None if they never were on it."""
    query = sa.select(subscriptions.c.state).where(
        subscriptions.c.list_slug == list_slug, subscriptions.c.subscriber_id == subscriber_id
    )
    return connection.execute(query).scalar()


def list_subscriptions(connection: sa.Connection, subscriber_id: int) -> tuple[Subscription, ...]:
    """Return a subscriber's subscriptions, past ones too, ordered by list slug."""
    found = connection.execute(
        sa.select(*rows.SUBSCRIPTION)
        .where(subscriptions.c.subscriber_id == subscriber_id)
        .order_by(subscriptions.c.list_slug)
    )
    return tuple(rows.subscription(row) for row in found)
