"""Find the senders that have claimed deliveries of a mailing."""

import sqlalchemy as sa

from moza_mail.model.mailing import DeliveryState
from moza_mail.model.sender_claims import SenderClaims
from moza_mail.store.schema import deliveries, is_in, senders
from moza_mail.store.senders import Sender


def find_claims(connection: sa.Connection, mailing_id: int, own_id: int | None) -> list[SenderClaims]:
    """Return the claims of all senders except `own_id`, oldest sender first.

    The result is empty on SQLite, where there is only one sender.
    """
    if connection.dialect.name != "postgresql":
        return []
    is_claimed = is_in(DeliveryState.CLAIMED) | is_in(DeliveryState.INTENT)
    changed = deliveries.c.changed_at
    counts = (
        sa.select(
            deliveries.c.sender_id,
            sa.func.count().label("count"),
            sa.func.min(changed, type_=changed.type).label("since"),
            sa.func.max(changed, type_=changed.type).label("last_change"),
        )
        .where(deliveries.c.mailing_id == mailing_id, is_claimed, deliveries.c.sender_id != (own_id or 0))
        .group_by(deliveries.c.sender_id)
        .subquery()
    )
    query = sa.select(
        counts, senders.c.purpose, senders.c.account, senders.c.host, senders.c.process_id
    ).join_from(counts, senders, senders.c.id == counts.c.sender_id)
    return [
        SenderClaims(
            sender_id=sender_id,
            sender=str(Sender(purpose=purpose, account=account, host=host, process_id=process_id)),
            count=count,
            since=since,
            last_change=last_change,
        )
        for sender_id, count, since, last_change, purpose, account, host, process_id in connection.execute(
            query.order_by(counts.c.sender_id)
        )
    ]
