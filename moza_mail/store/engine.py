"""What the store asks of a database. SQLite and PostgreSQL each answer in a module of their own."""

from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import Protocol

import sqlalchemy as sa

from moza_mail.store.sender import Right


class Database(Protocol):
    """An open database. Everything but `name` and `holds` is used on the store's one thread; all raises StoreError."""

    @property
    def name(self) -> str:
        """What errors call it; no password is in it."""

    def holds(self, right: Right) -> int | None:
        """The number under which a right is held now: what is claimed by it bears that number. None when it is not held."""

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """One transaction that only reads, all of one moment."""

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """One transaction that writes: durable when the block ends, undone when it raises."""

    def awaited(self) -> bool:
        """Whether somebody else waits until the transaction that is open now has ended, as far as can be seen."""

    def begin(self, right: Right, who: str) -> None:
        """Take a right, or raise StoreLocked saying who holds it."""

    def end(self, right: Right) -> None:
        """Give a right back; without it nothing happens."""

    def dead(self, connection: sa.Connection, senders: AbstractSet[int]) -> AbstractSet[int]:
        """Which of these, all of one right that is held, are not alive, and stay so until the transaction ends. One's own lives."""

    def purge(self, text: str) -> tuple[str, bool]:
        """Overwrite what was deleted; `text`, in whatever case, shall not be in the files. Gives why it may be, and whether that is all that can be done."""

    def close(self) -> None:
        """Let go of the file or the server."""
