"""PostgreSQL's advisory locks: a lock on a number, kept by the server for a session or a transaction.

SQLite has one writer at a time and needs none of them.
"""

from collections.abc import Iterable

import sqlalchemy as sa

# The first number of all our locks; the second is a sender's own, or one of these, which no sender has.
OURS = 0x6D6F7A61
PEOPLE, TABLES, TRAIL = 0, -1, -2


def alone_with_people(connection: sa.Connection) -> None:
    """Until the transaction ends nobody else changes people: what one reads to decide is still so when it writes."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(OURS, PEOPLE)))


def alone_with_tables(connection: sa.Connection) -> None:
    """Until the transaction ends nobody else brings the tables to a version."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(OURS, TABLES)))


def alone_with_trail(connection: sa.Connection) -> None:
    """Until the transaction ends nobody else writes an audit entry. It is the last lock a transaction takes."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(OURS, TRAIL)))


def live(connection: sa.Connection, sender: int) -> None:
    """Hold a sender's lock for as long as the connection lives, or until `end`."""
    connection.execute(sa.select(sa.func.pg_advisory_lock(OURS, sender)))


def end(connection: sa.Connection, sender: int) -> None:
    """Let go of a sender's lock."""
    connection.execute(sa.select(sa.func.pg_advisory_unlock(OURS, sender)))


def dead(connection: sa.Connection, senders: Iterable[int]) -> set[int]:
    """The senders whose lock nobody else holds. It is held here until the transaction ends, so that they stay dead."""
    lock = sa.func.pg_try_advisory_xact_lock
    return {number for number in senders if connection.scalar(sa.select(lock(OURS, number)))}
