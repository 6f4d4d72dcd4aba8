"""What the store asks of a database. SQLite and PostgreSQL each answer in a module of their own."""

from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import Protocol

import sqlalchemy as sa


class Database(Protocol):
    """An open database. Everything but `name` and `sender` is used on the store's one thread; all raises StoreError."""

    @property
    def name(self) -> str:
        """What errors call it; no password is in it."""

    @property
    def sender(self) -> int | None:
        """The number of the right to send that is held now: what is claimed bears it."""

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """One transaction that only reads, all of one moment."""

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """One transaction that writes: durable when the block ends, undone when it raises."""

    def begin_sending(self, who: str) -> None:
        """Take the right to send, or raise StoreLocked saying who holds it."""

    def end_sending(self) -> None:
        """Give the right to send back; without it nothing happens."""

    def dead(self, connection: sa.Connection, senders: AbstractSet[int]) -> AbstractSet[int]:
        """Which of these senders are not alive, and stay so until the transaction ends. One's own lives."""

    def close(self) -> None:
        """Let go of the file or the server."""
