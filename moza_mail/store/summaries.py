"""What happened to a mailing, counted by the database in one transaction."""

from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.bounce import BounceKind
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.model.summary import TOLD, DomainSummary, Summary
from moza_mail.store import ledger, subscribers
from moza_mail.store.schema import bounces, deliveries, domain, mailings, subscriptions


def summary(connection: sa.Connection, mailing: int, *, domains: bool) -> Summary:
    """Count it; raise StoreError when the counts contradict each other."""
    try:
        return Summary(
            audience=connection.execute(
                sa.select(sa.func.count()).where(deliveries.c.mailing == mailing)
            ).scalar_one(),
            states=ledger.counts(connection, mailing),
            skipped=ledger.skipped(connection, mailing),
            reports=dict(iter(connection.execute(_reports(mailing)))),
            left=connection.execute(_left(mailing)).scalar_one(),
            suppressed=subscribers.suppressed_by(connection, mailing),
            next_attempt=ledger.next_attempt(connection, mailing),
            domains=_domains(connection, mailing) if domains else (),
        )
    except ValueError as error:
        raise StoreError(
            f"The ledger of mailing {mailing} contradicts itself: {error}.",
            hint="The database may be damaged: see docs/operate.md about backups.",
        ) from None


def _reports(mailing: int, *by: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Readers by the kind of report about their message; two of a kind about one message are one."""
    return (
        sa.select(*by, bounces.c.kind, sa.func.count(sa.distinct(bounces.c.delivery)))
        .join(deliveries, deliveries.c.id == bounces.c.delivery)
        .where(deliveries.c.mailing == mailing, bounces.c.kind.in_(TOLD))
        .group_by(*by, bounces.c.kind)
    )


def _left(mailing: int) -> sa.Select[Any]:
    return (
        sa.select(sa.func.count())
        .select_from(mailings)
        .join(subscriptions, subscriptions.c.list_slug == mailings.c.list_slug)
        .where(
            mailings.c.id == mailing,
            subscriptions.c.state == SubscriptionState.UNSUBSCRIBED,
            subscriptions.c.unsubscribed_at >= mailings.c.created_at,
            sa.exists().where(
                deliveries.c.mailing == mailing, deliveries.c.subscriber == subscriptions.c.subscriber
            ),
        )
    )


def _domains(connection: sa.Connection, mailing: int) -> tuple[DomainSummary, ...]:
    of = domain(deliveries.c.address, connection).label("domain")
    states: dict[str, dict[DeliveryState, int]] = {}
    query = sa.select(of, deliveries.c.state, sa.func.count()).where(deliveries.c.mailing == mailing)
    for name, state, count in connection.execute(query.group_by(of, deliveries.c.state)):
        states.setdefault(name, {})[state] = count
    reports: dict[str, dict[BounceKind, int]] = {}
    for name, kind, count in connection.execute(_reports(mailing, of)):
        reports.setdefault(name, {})[kind] = count
    return tuple(
        DomainSummary(domain=name, states=counted, reports=reports.get(name, {}))
        for name, counted in states.items()
    )
