"""The interface between the store and a database; sqlite/ and postgres/ implement it."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import sqlalchemy as sa

from moza_mail.store.outage import OutageWait
from moza_mail.store.senders import SenderLock


class Purge(NamedTuple):
    """Result of overwriting deleted data.

    remains: where deleted data may still be read; "" if nowhere.
    is_complete: False if another run would overwrite more.
    """

    remains: str
    is_complete: bool


class Database(Protocol):
    """An open database.

    The properties and `sender_id` may be used on any thread. All other methods run on the store's thread. Every
    method may raise StoreError.
    """

    @property
    def name(self) -> str:
        """The database's name in error messages, without a password."""

    @property
    def outage(self) -> OutageWait:
        """The limits on waiting for a server that is unavailable. SQLite has no server."""

    @property
    def has_failed_over(self) -> bool:
        """True if a standby became the primary since this store was opened.

        The standby may lack the last commits of this store.
        """

    @property
    def has_many_senders(self) -> bool:
        """True if several senders can share a mailing, each with a sender lock of its own."""

    def sender_id(self, lock: SenderLock) -> int | None:
        """Return the id under which this store holds a lock; None if the lock is not held.

        Rows that this store claims contain the id.
        """

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """Run a read-only transaction on one snapshot."""

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """Run a writing transaction: durable when the block ends, rolled back when it raises."""

    def require_space(self) -> None:
        """Raise StoreError if the disk is so full that outcomes might not be recorded any more."""

    def take_lock(self, lock: SenderLock, purpose: str) -> None:
        """Take a lock, or raise StoreLocked naming its holder."""

    def release_lock(self, lock: SenderLock) -> None:
        """Release a lock if it is held."""

    def find_dead(self, connection: sa.Connection, senders: AbstractSet[int]) -> AbstractSet[int]:
        """Return those of `senders` that are dead and will stay dead until the transaction ends.

        This store's own sender is never among the dead. All senders must use the same kind of lock, and this store
        must hold a lock of that kind.
        """

    def purge(self, texts: Collection[str]) -> Purge:
        """Overwrite deleted data, so that the database's files contain none of `texts`.

        A text is also removed where it differs only in the case of ASCII letters.
        """

    def close(self) -> None:
        """Close the file or the connection."""
