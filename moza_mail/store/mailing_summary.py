"""Counts of a mailing's deliveries, bounces and unsubscriptions.

Each function runs in a transaction.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.bounce import BounceKind
from moza_mail.model.mailing import DeliveryState, SkipReason, VerdictCount
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.model.summary import REPORTED_KINDS, DomainSummary, MailingSummary
from moza_mail.store.schema import bounces, deliveries, domain, is_in, mailings, subscriptions
from moza_mail.store.suppressions import count_from_mailing


def summarize(connection: sa.Connection, mailing_id: int, *, domains: bool) -> MailingSummary:
    """Count everything about a mailing; raise StoreError if the counts contradict each other."""
    try:
        return MailingSummary(
            audience=connection.execute(
                sa.select(sa.func.count()).where(deliveries.c.mailing_id == mailing_id)
            ).scalar_one(),
            states=count_by_state(connection, mailing_id),
            skipped=count_skipped(connection, mailing_id),
            reports=dict(iter(connection.execute(_select_reports(mailing_id)))),
            unsubscribed=connection.execute(_count_left(mailing_id)).scalar_one(),
            suppressed=count_from_mailing(connection, mailing_id),
            next_attempt=find_next_attempt(connection, mailing_id),
            domains=_count_by_domain(connection, mailing_id) if domains else (),
        )
    except ValueError as error:
        raise StoreError(
            f"the ledger of mailing {mailing_id} contradicts itself: {error}",
            hint="The database may be damaged. See docs/operate.md about backups.",
        ) from None


def count_by_state(connection: sa.Connection, mailing_id: int) -> dict[DeliveryState, int]:
    """Count the deliveries in each state, zeros included."""
    query = sa.select(deliveries.c.state, sa.func.count()).where(deliveries.c.mailing_id == mailing_id)
    return dict.fromkeys(DeliveryState, 0) | dict(
        iter(connection.execute(query.group_by(deliveries.c.state)))
    )


def count_verdicts(connection: sa.Connection, mailing_id: int) -> list[VerdictCount]:
    """Count the unaccepted deliveries by state and verdict, each with an example reply."""
    columns = (deliveries.c.state, deliveries.c.verdict)
    unaccepted = (DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.REFUSED)
    query = (
        sa.select(*columns, sa.func.count(), sa.func.min(deliveries.c.reply))
        .where(
            deliveries.c.mailing_id == mailing_id,
            sa.or_(*map(is_in, unaccepted)),
            deliveries.c.verdict.is_not(None),
        )
        .group_by(*columns)
        .order_by(*columns)
    )
    return [
        VerdictCount(state=state, verdict=verdict, count=count, example=example)
        for state, verdict, count, example in connection.execute(query)
    ]


def count_skipped(connection: sa.Connection, mailing_id: int) -> dict[tuple[SkipReason, str], int]:
    """Count the skipped deliveries by reason and, for missing values, also by detail."""
    reason = deliveries.c.skip_reason
    # For other reasons the detail comes from an earlier attempt.
    detail = sa.case((reason == SkipReason.MISSING_VALUE, deliveries.c.detail), else_="").label("shown")
    query = (
        sa.select(reason, detail, sa.func.count())
        .where(deliveries.c.mailing_id == mailing_id, is_in(DeliveryState.SKIPPED))
        .group_by(reason, sa.text("shown"))
        .order_by(reason, sa.text("shown"))
    )
    return {(reason, detail): count for reason, detail, count in connection.execute(query)}


def find_next_attempt(connection: sa.Connection, mailing_id: int) -> datetime | None:
    """Return when the earliest deferred delivery is due."""
    query = sa.select(deliveries.c.next_attempt).where(
        deliveries.c.mailing_id == mailing_id, is_in(DeliveryState.DEFERRED)
    )
    return connection.execute(query.order_by(deliveries.c.next_attempt).limit(1)).scalar()


def _select_reports(mailing_id: int, *by: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Return the query that counts the deliveries with a report, by kind of report.

    Several reports of one kind about one delivery count once.
    """
    return (
        sa.select(*by, bounces.c.kind, sa.func.count(sa.distinct(bounces.c.delivery_id)))
        .join(deliveries, deliveries.c.id == bounces.c.delivery_id)
        .where(deliveries.c.mailing_id == mailing_id, bounces.c.kind.in_(REPORTED_KINDS))
        .group_by(*by, bounces.c.kind)
    )


def _count_left(mailing_id: int) -> sa.Select[Any]:
    return (
        sa.select(sa.func.count())
        .select_from(mailings)
        .join(subscriptions, subscriptions.c.list_slug == mailings.c.list_slug)
        .where(
            mailings.c.id == mailing_id,
            subscriptions.c.state == SubscriptionState.UNSUBSCRIBED,
            subscriptions.c.unsubscribed_at >= mailings.c.created_at,
            sa.exists().where(
                deliveries.c.mailing_id == mailing_id,
                deliveries.c.subscriber_id == subscriptions.c.subscriber_id,
            ),
        )
    )


def _count_by_domain(connection: sa.Connection, mailing_id: int) -> tuple[DomainSummary, ...]:
    of = domain(deliveries.c.address, connection).label("domain")
    states: dict[str, dict[DeliveryState, int]] = {}
    query = sa.select(of, deliveries.c.state, sa.func.count()).where(deliveries.c.mailing_id == mailing_id)
    for name, state, count in connection.execute(query.group_by(of, deliveries.c.state)):
        states.setdefault(name, {})[state] = count
    reports: dict[str, dict[BounceKind, int]] = {}
    for name, kind, count in connection.execute(_select_reports(mailing_id, of)):
        reports.setdefault(name, {})[kind] = count
    return tuple(
        DomainSummary(domain=name, states=counted, reports=reports.get(name, {}))
        for name, counted in states.items()
    )
