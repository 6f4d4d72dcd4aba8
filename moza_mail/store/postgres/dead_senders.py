"""Tell dead senders from senders that have lost their connection for a moment."""

import os
import socket
import time
from collections.abc import Set as AbstractSet

import sqlalchemy as sa

from moza_mail.store.postgres import advisory
from moza_mail.store.schema import senders

GRACE = 15.0
"""Seconds for which a lock must be free before its sender on another machine counts as dead.

After an outage of the server every lock is free. A living sender takes its lock again within a second of the server's return.
"""


class DeadSenders:
    """The senders whose lock is free, each with the time when the lock was first seen free."""

    def __init__(self) -> None:
        self._free_since: dict[int, float] = {}

    def forget(self) -> None:
        """Forget which locks were free, because this process has lost its own connection.

        The other senders may have lost their connections too, without being dead.
        """
        self._free_since.clear()

    def find(self, connection: sa.Connection, sender_ids: AbstractSet[int]) -> set[int]:
        """Return the senders in `sender_ids` that are dead.

        The transaction of `connection` holds the locks of the dead senders until it ends.
        """
        free = advisory.find_free(connection, sender_ids)
        now = time.monotonic()
        self._free_since = {number: self._free_since.get(number, now) for number in free}
        ended = _find_ended_here(connection, free)
        return {number for number in free if number in ended or now - self._free_since[number] >= GRACE}


def _find_ended_here(connection: sa.Connection, sender_ids: AbstractSet[int]) -> set[int]:
    """Return the senders that ran on this machine and whose process has ended."""
    if not sender_ids:
        return set()
    query = sa.select(senders.c.id, senders.c.process_id).where(
        senders.c.id.in_(sorted(sender_ids)), senders.c.host == socket.gethostname()
    )
    return {number for number, process_id in connection.execute(query) if not _is_running(process_id)}


def _is_running(process_id: int) -> bool:
    """Return True if a process other than this one has the id `process_id`.

    If a sender recorded the id of this process, that sender has ended, and its id was used again. For example, it
    ran in an earlier container.
    """
    if process_id == os.getpid():
        return False
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
