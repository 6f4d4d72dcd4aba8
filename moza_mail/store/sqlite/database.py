"""A SQLite file as the store's database.

Everything here runs on the store's thread. SQLite before 3.51.3 can damage a file in WAL mode when two connections write
or checkpoint at the same instant (the WAL-reset bug), and Python ships an older one. So every writing transaction of
every process holds one lock file.
"""

import os
from collections.abc import Collection, Generator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from moza_mail.store import migrate
from moza_mail.store.database import Purge
from moza_mail.store.outage import OutageWait
from moza_mail.store.schema import HEAD, to_json
from moza_mail.store.senders import Sender, SenderLock, make_locked_error
from moza_mail.store.sqlite.errors import make_busy_error, require_space, translate_errors
from moza_mail.store.sqlite.files import contain_text
from moza_mail.store.sqlite.lock import FairLock, FileLock

PATIENCE = 15.0
"""Seconds to wait for another process that writes. Our longest write creates a mailing to a million recipients."""
MAX_TEXTS = 50
"""The maximum number of texts to search for in the files. A search for more takes longer than rebuilding the file."""

PRAGMAS = (
    f"busy_timeout = {int(PATIENCE * 1000)}",
    "foreign_keys = ON",
    "synchronous = FULL",  # NORMAL loses the last commits when the power fails, and recipients would be mailed twice
    "secure_delete = ON",  # overwrite deleted personal data
    "temp_store = MEMORY",  # no personal data in temporary files
    "mmap_size = 0",
    "trusted_schema = OFF",
    "cache_size = -16384",
    "journal_size_limit = 67108864",
)
STILL_READABLE = (
    "another process is reading the store, and until it ends the erased data can be read from the file whose name ends in -wal."
    " Run the same command again when it has ended"
)


class SqliteDatabase:
    """An open SQLite file with its connection and lock files; see Database for the methods."""

    has_many_senders = False
    has_failed_over = False

    def __init__(self, path: Path, connection: sa.Connection, write_lock: FairLock) -> None:
        self.path = path
        self.name = str(path)
        self._connection = connection
        self._write_lock = write_lock
        self.outage = OutageWait()
        self._locks: dict[SenderLock, tuple[int, FileLock]] = {}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, created with mode 0600 if needed, and migrate it."""
        with translate_errors(path):
            # Two paths to the same file must lead to the same lock.
            path = path.resolve()
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _create(path)
            write_lock = FairLock(path.with_name(f"{path.name}.writing"), path.with_name(f"{path.name}.turn"))
        try:
            with translate_errors(path):
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
            found = migrate.find_version(connection, self.name)
            wal = connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        if found == HEAD and wal:
            return
        with self._write_locked():
            self._connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            self._connection.rollback()
        with self.writing() as connection:
            # Another process may have migrated it while this one waited for the lock.
            if (found := migrate.find_version(connection, self.name)) != HEAD:
                migrate.upgrade(connection, found)

    @contextmanager
    def reading(self) -> Generator[sa.Connection]:
        """Run a read-only transaction."""
        with translate_errors(self.path), self._connection.begin():
            self._connection.exec_driver_sql("BEGIN")
            yield self._connection

    @contextmanager
    def writing(self) -> Generator[sa.Connection]:
        """Run a writing transaction."""
        with self._write_locked(), self._connection.begin():
            self._connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield self._connection

    @contextmanager
    def _write_locked(self) -> Generator[None]:
        with translate_errors(self.path):
            if not self._write_lock.acquire(seconds=PATIENCE):
                raise make_busy_error(self.path)
            try:
                yield
            finally:
                self._write_lock.release()

    def require_space(self) -> None:
        """Raise StoreError if the disk is nearly full."""
        require_space(self.path)

    def sender_id(self, lock: SenderLock) -> int | None:
        """Return the id under which this store holds a lock."""
        return self._locks[lock][0] if lock in self._locks else None

    def take_lock(self, lock: SenderLock, purpose: str) -> None:
        """Take the file's lock of this kind; raise StoreLocked naming its holder."""
        sender = Sender(purpose=purpose[:200])
        file_lock = self._lock_file(lock, sender)
        try:
            with self.writing() as connection:
                number = sender.register(connection, datetime.now(UTC))
        except BaseException:
            file_lock.close()
            raise
        self._locks[lock] = (number, file_lock)

    def _lock_file(self, lock: SenderLock, sender: Sender) -> FileLock:
        """Lock the lock file and write the sender into it; raise StoreLocked naming its holder."""
        with translate_errors(self.path):
            file_lock = FileLock(self.path.with_name(f"{self.path.name}.{lock}"))
            if file_lock.acquire():
                file_lock.write(sender.to_json())
                return file_lock
            holder, since = file_lock.read()
            file_lock.close()
        raise make_locked_error(Sender.from_json(holder), since, lock)

    def release_lock(self, lock: SenderLock) -> None:
        """Release a lock if it is held."""
        held = self._locks.pop(lock, None)
        if held is not None:
            held[1].close()

    def find_dead(self, connection: sa.Connection, senders: AbstractSet[int]) -> AbstractSet[int]:  # noqa: ARG002  (PostgreSQL asks the server)
        """Return all senders but this one.

        The file has one lock of each kind and the caller holds it, so all other senders are dead.
        """
        return senders - {number for number, _ in self._locks.values()}

    def purge(self, texts: Collection[str]) -> Purge:
        """Move the write-ahead log into the file and truncate the log.

        Rebuild the file if it still contains one of the deleted `texts`, or if there are more than MAX_TEXTS of them.
        """
        with self._write_locked():
            if not self._truncate_log():
                return Purge(STILL_READABLE, is_complete=False)
            names = [self.path.with_name(f"{self.path.name}{more}") for more in ("", "-wal", "-shm")]
            if len(texts) > MAX_TEXTS or (texts and contain_text(names, texts)):
                self._connection.exec_driver_sql("VACUUM")
                self._connection.rollback()
                if not self._truncate_log():
                    return Purge(STILL_READABLE, is_complete=False)
        return Purge("", is_complete=True)

    def _truncate_log(self) -> bool:
        """Truncate the write-ahead log; return False while another process reads an older state."""
        busy = self._connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        self._connection.rollback()
        return not busy

    def close(self) -> None:
        """Close the file under the write lock.

        The last process to close the file also writes the write-ahead log into it.
        """
        for lock in SenderLock:
            self.release_lock(lock)
        with translate_errors(self.path):
            is_locked = self._write_lock.acquire(seconds=PATIENCE)
            try:
                self._connection.close()
                self._connection.engine.dispose()
            finally:
                if is_locked:
                    self._write_lock.release()
                self._write_lock.close()


def _create(path: Path) -> None:
    """Create an empty file with mode 0600. SQLite copies the mode to the -wal and -shm files.

    An existing file is not opened, because closing its descriptor would release the locks that SQLite holds
    in this process.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _connect(path: Path) -> sa.Connection:
    """Open the store's only connection.

    SQLAlchemy leaves BEGIN to this module and keeps values out of its errors.
    """
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=sa.pool.NullPool,
        connect_args={"isolation_level": None},
        hide_parameters=True,
        json_serializer=to_json,
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
