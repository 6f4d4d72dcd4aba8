"""Rate limits. The store keeps token buckets, which all its senders share."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from moza_mail.model.rate import Rate, TokenBucket
from moza_mail.store.schema import insert, rate_limits
from moza_mail.store.transactions import Transactions


class RateLimits:
    """The token buckets, by name. All senders share them, so the senders' clocks should agree."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def reserve(self, name: str, rate: Rate, count: int, *, now: datetime) -> timedelta:
        """Take tokens from a bucket and return how long to wait before using them.

        name: the name of the bucket.
        count: the number of tokens, one for each message, and at most one burst.
        """
        return await self._transactions.write(_reserve, name, rate, count, now)


def _reserve(connection: sa.Connection, name: str, rate: Rate, count: int, now: datetime) -> timedelta:
    query = (
        sa.select(rate_limits.c.rate, rate_limits.c.full_at)
        .where(rate_limits.c.name == name)
        .with_for_update()
    )
    found = connection.execute(query).first()
    if found is None:
        inserted = insert(connection, rate_limits).values(name=name, rate=str(rate), full_at=now)
        connection.execute(inserted.on_conflict_do_nothing())
        found = connection.execute(query).one()
    # A bucket whose rate was changed starts full.
    bucket = TokenBucket(rate=rate, full_at=found.full_at if found.rate == str(rate) else now)
    after, wait = bucket.reserve(now, count)
    connection.execute(
        sa.update(rate_limits).where(rate_limits.c.name == name).values(rate=str(rate), full_at=after.full_at)
    )
    return wait
