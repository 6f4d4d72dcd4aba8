"""One SQLite file: how it is made, opened, written, read and let go of.

Everything here runs on the store's one thread. Versions before 3.51.3 can damage a file in WAL mode when two
connections write or checkpoint at the same instant (the WAL-reset bug), and Python brings an older one; so every
writing transaction, of every process, is made under one lock beside the file.
"""

import os
from collections.abc import Generator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from moza_mail.store import migrate
from moza_mail.store.schema import HEAD, as_json
from moza_mail.store.sender import Right, Sender, taken
from moza_mail.store.sqlite.errors import locked, told
from moza_mail.store.sqlite.files import hold
from moza_mail.store.sqlite.lock import FairLock, FileLock

PATIENCE = 15.0
"""Seconds to wait for another process that writes; the longest write of our own is a prepare of a million."""

PRAGMAS = (
    f"busy_timeout = {int(PATIENCE * 1000)}",
    "foreign_keys = ON",
    "synchronous = FULL",  # NORMAL loses the last commits when the power fails: readers would be mailed twice
    "secure_delete = ON",  # what is deleted about a person is overwritten
    "temp_store = MEMORY",  # no people in temporary files
    "mmap_size = 0",
    "trusted_schema = OFF",
    "cache_size = -16384",
    "journal_size_limit = 67108864",
)


READ = (
    "another process is reading the store, and until it ends what was erased can be read from the file whose name ends in -wal."
    " Run the same command again when it has ended"
)


class Sqlite:
    """An open store file: the connection, and the locks beside it. Every method raises StoreError."""

    def __init__(self, path: Path, connection: sa.Connection, write_lock: FairLock) -> None:
        self.path = path
        self.name = str(path)
        self._connection = connection
        self._write_lock = write_lock
        self._rights: dict[Right, tuple[int, FileLock]] = {}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, creating it (0600) with its folder, and bring its tables to this version."""
        with told(path):
            # Two names of one file must mean one lock.
            path = path.resolve()
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _create(path)
            write_lock = FairLock(path.with_name(f"{path.name}.writing"), path.with_name(f"{path.name}.turn"))
        try:
            with told(path):
                store = cls(path, _connect(path), write_lock)
        except BaseException:
            write_lock.close()
            raise
        try:
            store._migrate()
        except BaseException:
            store.close()
            raise
        return store

    def _migrate(self) -> None:
        with self.reading() as connection:
            found = migrate.version(connection, self.name)
            wal = connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        if found == HEAD and wal:
            return
        with self._alone():
            self._connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            self._connection.rollback()
        with self.writing() as connection:
            # Another process may have done it while this one waited for the lock.
            if migrate.version(connection, self.name) != HEAD:
                migrate.upgrade(connection)

    @contextmanager
    def reading(self) -> Generator[sa.Connection]:
        """One transaction that only reads."""
        with told(self.path), self._connection.begin():
            self._connection.exec_driver_sql("BEGIN")
            yield self._connection

    @contextmanager
    def writing(self) -> Generator[sa.Connection]:
        """One transaction that writes: durable when the block ends, undone when it raises."""
        with self._alone(), self._connection.begin():
            self._connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield self._connection

    @contextmanager
    def _alone(self) -> Generator[None]:
        with told(self.path):
            if not self._write_lock.acquire(seconds=PATIENCE):
                raise locked(self.path)
            try:
                yield
            finally:
                self._write_lock.release()

    def awaited(self) -> bool:
        """Whether another process waits to write."""
        with told(self.path):
            return self._write_lock.wanted()

    def holds(self, right: Right) -> int | None:
        """The number under which a right is held now."""
        return self._rights[right][0] if right in self._rights else None

    def begin(self, right: Right, who: str) -> None:
        """Take a right, of which there is one for a file; raise StoreLocked saying who holds it."""
        me = Sender(who=who[:200])
        lock = self._only(right, me)
        try:
            with self.writing() as connection:
                number = me.enrol(connection, datetime.now(UTC))
        except BaseException:
            lock.close()
            raise
        self._rights[right] = (number, lock)

    def _only(self, right: Right, me: Sender) -> FileLock:
        """The lock of a right, signed; raise StoreLocked naming who signed it when it is another's."""
        with told(self.path):
            lock = FileLock(self.path.with_name(f"{self.path.name}.{right}"))
            if lock.acquire():
                lock.sign(me.note())
                return lock
            note, since = lock.signed()
            lock.close()
        raise taken(Sender.read(note), since, right)

    def end(self, right: Right) -> None:
        """Give a right back."""
        held = self._rights.pop(right, None)
        if held is not None:
            held[1].close()

    def dead(self, connection: sa.Connection, senders: AbstractSet[int]) -> AbstractSet[int]:  # noqa: ARG002  (PostgreSQL asks the server)
        """All but this one: each right is one, and whoever asks holds it."""
        return senders - {number for number, _ in self._rights.values()}

    def purge(self, text: str) -> tuple[str, bool]:
        """Write the log into the file and cut it off; build the file anew when a page still holds what was deleted from it."""
        with self._alone():
            if not self._cut_log():
                return READ, False
            names = [self.path.with_name(f"{self.path.name}{more}") for more in ("", "-wal", "-shm")]
            if text and hold(names, text):
                self._connection.exec_driver_sql("VACUUM")
                self._connection.rollback()
                return ("", True) if self._cut_log() else (READ, False)
        return "", True

    def _cut_log(self) -> bool:
        """Whether the log is empty now: not while another process reads what is older than its end."""
        busy = self._connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        self._connection.rollback()
        return not busy

    def close(self) -> None:
        """Let go of the file. The last to close it writes the log into it, so that too is done alone."""
        for right in Right:
            self.end(right)
        with told(self.path):
            mine = self._write_lock.acquire(seconds=PATIENCE)
            try:
                self._connection.close()
                self._connection.engine.dispose()
            finally:
                if mine:
                    self._write_lock.release()
                self._write_lock.close()


def _create(path: Path) -> None:
    """Make an empty file for SQLite to fill, so that it is private from birth; -wal and -shm take after it.

    An existing file is not opened: closing a descriptor of it would drop the locks that SQLite holds in this process.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _connect(path: Path) -> sa.Connection:
    """The store's only connection; SQLAlchemy is told to leave BEGIN to us, and to keep values out of its errors."""
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=sa.pool.NullPool,
        connect_args={"isolation_level": None},
        hide_parameters=True,
        json_serializer=as_json,
    )
    connection = engine.connect()
    try:
        for pragma in PRAGMAS:
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.rollback()
    except BaseException:
        connection.close()
        raise
    return connection
