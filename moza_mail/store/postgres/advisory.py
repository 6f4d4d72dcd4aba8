"""PostgreSQL's advisory locks: locks on a number, held by a session or a transaction.

SQLite has one writer at a time and needs none of them.
"""

from collections.abc import Iterable

import sqlalchemy as sa

# NAMESPACE is the first number of all our locks. The second is a sender's id or a constant below. Sender ids are above 0.
NAMESPACE = 0x6D6F7A61
PEOPLE, SCHEMA, AUDIT_LOG = 0, -1, -2


def lock_people(connection: sa.Connection) -> None:
    """Wait for the lock on people, and hold it until the transaction of `connection` ends.

    Only the transaction with this lock may change people. So the people that it reads do not change until it ends.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(NAMESPACE, PEOPLE)))


def lock_schema(connection: sa.Connection) -> None:
    """Keep other processes from migrating until the transaction of `connection` ends."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(NAMESPACE, SCHEMA)))


def lock_audit_log(connection: sa.Connection) -> None:
    """Wait for the lock of the audit log, and hold it until the transaction ends.

    Only the transaction with this lock may add audit entries. It must take this lock after all other locks.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(NAMESPACE, AUDIT_LOG)))


def lock_sender(connection: sa.Connection, sender_id: int) -> None:
    """Hold a sender's lock until the connection ends, or until `unlock_sender`."""
    connection.execute(sa.select(sa.func.pg_advisory_lock(NAMESPACE, sender_id)))


def unlock_sender(connection: sa.Connection, sender_id: int) -> None:
    """Release a sender's lock."""
    connection.execute(sa.select(sa.func.pg_advisory_unlock(NAMESPACE, sender_id)))


def find_free(connection: sa.Connection, sender_ids: Iterable[int]) -> set[int]:
    """Take the lock of each sender whose lock is free, and return these senders.

    The transaction of `connection` holds the locks that it took until it ends.
    """
    try_lock = sa.func.pg_try_advisory_xact_lock
    return {number for number in sender_ids if connection.scalar(sa.select(try_lock(NAMESPACE, number)))}
