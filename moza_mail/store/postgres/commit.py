"""Find out whether a commit succeeded although its connection was lost."""

from typing import NamedTuple

import sqlalchemy as sa

from moza_mail.store.schema import senders

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
# A sender that hangs within a transaction holds rows that every sender writes, such as the generation of the store. The
# server then ends its connection, before the others stop waiting for these rows.
LIMIT_IDLE = "; SET LOCAL idle_in_transaction_session_timeout = '8s'"
# One message to the server together with BEGIN. Both values are numbers of our own.
MARK = "; UPDATE senders SET last_commit = {mark.number} WHERE id = {mark.sender_id}"


class CommitMark(NamedTuple):
    """A number that one transaction of a sender writes into the sender's row.

    The server's own transaction number is not enough: after a crash, it may give the same number to another sender.
    """

    sender_id: int
    number: int


def begin(connection: sa.Connection, mark: CommitMark | None) -> None:
    """Begin a writing transaction.

    mark: the mark that the transaction writes; None outside a sender. The server ends the transaction of a sender if no
        statement arrives for 8 seconds.
    """
    statements = BEGIN + (LIMIT_IDLE + MARK.format(mark=mark) if mark else "")
    # psycopg sends several statements in one message only if there are no parameters.
    connection.exec_driver_sql(statements, execution_options={"no_parameters": True})


def has_mark(connection: sa.Connection, mark: CommitMark) -> bool:
    """Return True if the last commit of a sender wrote this mark.

    Call this function only after the transaction has ended. A sender knows that it has ended when it holds its sender lock
    again, because the lost connection kept that lock until the end of the transaction.
    """
    found = connection.scalar(sa.select(senders.c.last_commit).where(senders.c.id == mark.sender_id))
    return found == mark.number
