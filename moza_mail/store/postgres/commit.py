"""Find out whether a commit succeeded when the connection was lost before the server's answer."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from moza_mail.store.postgres.errors import translate_postgres_error

# One statement on the wire: the transaction gets its number without a round trip of its own.
BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_current_xact_id()::text"
# A sender that hangs within a transaction holds rows that every sender writes, such as the generation of the store. The
# server then ends its connection, before the others stop waiting for these rows.
LIMIT_IDLE = "; SET LOCAL idle_in_transaction_session_timeout = '8s'"
TIMELINE = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
STATUS = sa.text("SELECT pg_xact_status(CAST(:number AS xid8))")
IN_PROGRESS = "in progress"
INVALID_NUMBER = "22023"


class Commit(NamedTuple):
    """A transaction of the server. A timeline begins when a standby becomes the primary; it may use a number again."""

    number: str
    timeline: str


def begin(connection: sa.Connection, name: str, *, is_sender: bool) -> str:
    """Begin a writing transaction, and return its number; raise StoreError with the name of the database.

    is_sender: the server ends the transaction if it hears nothing from this process for 8 seconds.
    """
    raw: Any = connection.connection.driver_connection
    try:
        cursor = raw.execute(BEGIN + (LIMIT_IDLE if is_sender else ""))
        cursor.nextset()
        return str(cursor.fetchone()[0])
    except connection.dialect.loaded_dbapi.Error as error:
        # SQLAlchemy, which hides the second result of a statement, does not see this error.
        if raw.closed:
            connection.invalidate()
        raise translate_postgres_error(error, name, lost=raw.closed) from None


def read_timeline(connection: sa.Connection) -> str:
    """Return the timeline of the server; "" if the server does not tell it."""
    try:
        return str(connection.exec_driver_sql(TIMELINE).scalar_one())
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return ""


def find_status(connection: sa.Connection, number: str) -> str:
    """Return `committed`, `aborted` or `in progress`; "" if the server does not know the transaction.

    A server that crashed may have lost the number with the transaction. It then says that the number is in the future.
    """
    try:
        return connection.scalar(STATUS, {"number": number}) or ""
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == INVALID_NUMBER:
            return ""
        raise
