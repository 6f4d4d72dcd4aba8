"""Mark deliveries as uncertain if a failover may have lost their outcomes."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from moza_mail.errors import StoreFailedOver
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import DeliveryState
from moza_mail.store.bulk import among
from moza_mail.store.identity import NOT_PROVEN
from moza_mail.store.paging import split_into_pages
from moza_mail.store.schema import deliveries

FAILED_OVER = "a standby became the primary database, and may lack what was recorded before"


def doubt_tried(connection: sa.Connection, delivery_ids: Iterable[int], now: datetime) -> int:
    """Mark tried deliveries without a final outcome as uncertain; return how many.

    A deferred delivery becomes uncertain too. It may have been tried again and accepted, although the database has lost that
    outcome.

    delivery_ids: the deliveries that the sender tried before the failover.
    """
    values = {"state": DeliveryState.UNCERTAIN, "detail": FAILED_OVER, "changed_at": now}
    count = 0
    for part in split_into_pages(list(delivery_ids)):
        is_lost = among(connection, deliveries.c.id, part) & deliveries.c.state.in_(NOT_PROVEN)
        count += connection.execute(sa.update(deliveries).where(is_lost).values(values)).rowcount
    return count


def make_failover_error(name: str) -> StoreFailedOver:
    """Return the error that stops a sender after a failover."""
    return StoreFailedOver(
        _(
            "a standby has become the primary database of {name}, and may lack the latest records; recipients without a recorded outcome are now uncertain",
            name=name,
        ),
        hint=_(
            "Settle these recipients with the relay's log: moza-mail settle --log FILE. Then send again. Set synchronous_standby_names on the server, so that the next failover loses no commit."
        ),
    )
