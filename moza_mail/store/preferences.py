"""Preferences: what subscribers see and change on their own page.

Each function runs in a transaction.
"""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.sign_up import PreferenceChoice, Preferences
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.store import rows
from moza_mail.store.audit_writer import add_entry
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import subscribers
from moza_mail.store.subscriptions import confirm_subscription, find_state, list_subscriptions, unsubscribe
from moza_mail.store.suppressions import find_suppression


def load_preferences(connection: sa.Connection, subscriber_id: int) -> Preferences | None:
    """Return a subscriber's preferences; None if there is no such subscriber."""
    query = sa.select(*rows.SUBSCRIBER).where(subscribers.c.id == subscriber_id)
    found = connection.execute(query).first()
    if found is None:
        return None
    subscriber = rows.subscriber(found)
    return Preferences(
        subscriber=subscriber,
        subscriptions=list_subscriptions(connection, subscriber_id),
        is_suppressed=find_suppression(connection, subscriber.address) is not None,
    )


def save_preferences(
    connection: sa.Connection, subscriber_id: int, choice: PreferenceChoice, source: str, now: datetime
) -> bool:
    """Save the preferences that a subscriber chose.

    Return False if there is no such subscriber.
    """
    lock_people(connection)
    update = sa.update(subscribers).where(subscribers.c.id == subscriber_id)
    if connection.execute(update.values(name=choice.name, lang=choice.lang)).rowcount == 0:
        return False
    add_entry(
        connection, AuditEntry(occurred_at=now, action=AuditAction.PREFERENCES, subscriber_id=subscriber_id)
    )
    for list_slug in choice.leaves:
        unsubscribe(connection, subscriber_id, list_slug, now)
    for list_slug, consent in choice.joins.items():
        if find_state(connection, subscriber_id, list_slug) is not SubscriptionState.CONFIRMED:
            evidence = {"consent": consent.evidence, "source": source, "created_at": now}
            confirm_subscription(connection, subscriber_id, list_slug, now, **evidence)
            entry = AuditEntry(
                occurred_at=now, action=AuditAction.CONFIRM, list_slug=list_slug, subscriber_id=subscriber_id
            )
            add_entry(connection, replace(entry, detail="chosen on the subscriber's own page"))
    return True
