"""The turns of a rate: how far each bucket is used up, which outlives the process and is shared by all who send."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from moza_mail.model.rate import Bucket, Rate
from moza_mail.store.schema import insert, rates


def take(connection: sa.Connection, name: str, rate: Rate, count: int, now: datetime) -> timedelta:
    """Take turns of a bucket, and give how long to wait for them. One of another rate than it was begins full."""
    query = sa.select(rates.c.rate, rates.c.full_at).where(rates.c.name == name).with_for_update()
    found = connection.execute(query).first()
    if found is None:
        made = insert(connection, rates).values(name=name, rate=str(rate), full_at=now)
        connection.execute(made.on_conflict_do_nothing())
        found = connection.execute(query).one()
    bucket = Bucket(rate=rate, full_at=found.full_at if found.rate == str(rate) else now)
    after, wait = bucket.take(now, count)
    connection.execute(
        sa.update(rates).where(rates.c.name == name).values(rate=str(rate), full_at=after.full_at)
    )
    return wait
