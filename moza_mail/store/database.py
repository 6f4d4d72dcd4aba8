"""The interface between the store and a database; sqlite/ and postgres/ implement it."""

from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import sqlalchemy as sa

from moza_mail.store.senders import SenderLock


class Purge(NamedTuple):
    """Result of overwriting deleted data.

    `remains` says where it may still be read, "" if nowhere. `is_complete` is false if another run would do more.
    """

    remains: str
    is_complete: bool


class Database(Protocol):
    """An open database. All but `name` and `sender_id` run on the store's thread; every method raises StoreError."""

    @property
    def name(self) -> str:
        """The database's name in error messages, without a password."""

    def sender_id(self, lock: SenderLock) -> int | None:
        """Return the id under which this store holds a lock; rows that it claims bear it. None without the lock."""

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """Run a read-only transaction on one snapshot."""

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """Run a writing transaction: durable when the block ends, rolled back when it raises."""

    def has_waiting_writer(self) -> bool:
        """True if another process waits for the open transaction to end, as far as that can be seen."""

    def take_lock(self, lock: SenderLock, purpose: str) -> None:
        """Take a lock, or raise StoreLocked naming its holder."""

    def release_lock(self, lock: SenderLock) -> None:
        """Release a lock if it is held."""

    def find_dead(self, connection: sa.Connection, senders: AbstractSet[int]) -> AbstractSet[int]:
        """Return the senders that are dead and stay so until the transaction ends; never this one.

        All senders must be of one lock, which this store holds.
        """

    def purge(self, text: str) -> Purge:
        """Overwrite deleted data. `text`, in any case, must no longer be found in the files."""

    def close(self) -> None:
        """Close the file or the connection."""
