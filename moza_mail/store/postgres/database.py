"""A PostgreSQL database as the store's database.

Several machines may send through it at once. Each sender claims deliveries under its own sender id, and holds
an advisory lock on that id while its connection lives. The server releases the lock when the sender dies,
after the end of its last transaction. The lock only tells dead senders from living ones. A second message is
prevented differently: every update of a delivery names the sender that claimed it, in the same statement.
"""

from collections.abc import Collection, Generator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Self

import sqlalchemy as sa

from moza_mail.errors import StoreError, StoreLocked, StoreUnavailable
from moza_mail.store import migrate
from moza_mail.store.database import Purge
from moza_mail.store.outage import OutageWait
from moza_mail.store.postgres import advisory, commit, replication
from moza_mail.store.postgres.dead_senders import DeadSenders
from moza_mail.store.postgres.errors import make_driver_error, translate_errors
from moza_mail.store.postgres.url import name_database, read_url
from moza_mail.store.schema import HEAD, to_json
from moza_mail.store.senders import Sender, SenderLock, make_locked_error
from moza_mail.store.sqlite.errors import AGAIN

PATIENCE = 15
"""Seconds to wait for another transaction's locks."""

SETTINGS = {
    "lock_timeout": f"{PATIENCE}s",
    # A machine that disappears is noticed within a minute, and its locks are released.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    # The best plan does not depend on the values; a plan made for few claimed rows is slow for many.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",  # compiling takes longer than it saves for any of these statements
}
REMAINS_ON_SERVER = (
    "no statement finds it any more. The server's data files may hold it until they are overwritten; its log, the archive of"
    " that, replicas and backups until they are deleted. Ask the server's administrator"
)


class PostgresDatabase:
    """An open database; see Database for the methods.

    It has one connection, which is replaced if it is lost.
    """

    has_many_senders = True

    def __init__(self, url: sa.URL, name: str) -> None:
        self.name = name
        self._locks: dict[SenderLock, tuple[int, Sender, datetime]] = {}
        self._commits = 0
        self.outage = OutageWait()
        self._timeline = ""
        self.has_failed_over = False
        self._was_synchronous = False
        self._dead = DeadSenders()
        self._engine = _make_engine(url)
        self._connection: sa.Connection | None = None

    @classmethod
    def open(cls, text: str) -> Self:
        """Connect to the database and migrate it."""
        url = read_url(text)
        store = cls(url, name_database(url))
        try:
            store._migrate()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def without_migrating(cls, text: str) -> Self:
        """Return the database without migrating it. The first transaction connects to it."""
        url = read_url(text)
        return cls(url, name_database(url))

    def _migrate(self) -> None:
        with self.reading() as connection:
            found = migrate.find_version(connection, self.name)
        if found == HEAD:
            return
        with self.writing() as connection:
            advisory.lock_schema(connection)
            # Another process may have migrated it while this one waited for the lock.
            if (found := migrate.find_version(connection, self.name)) != HEAD:
                migrate.upgrade(connection, found)

    @contextmanager
    def reading(self) -> Generator[sa.Connection]:
        """Run a read-only transaction on one snapshot."""
        with translate_errors(self.name), self._closing_if_lost() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    @contextmanager
    def writing(self) -> Generator[sa.Connection]:
        """Run a writing transaction; each statement sees what others committed before it.

        If a sender loses the connection during the commit, this method then asks the server whether the commit
        succeeded.
        """
        mark, is_committing = self._make_mark(), False
        try:
            with translate_errors(self.name), self._closing_if_lost() as connection, connection.begin():
                commit.begin(connection, mark)
                yield connection
                is_committing = True
        except StoreUnavailable:
            if mark is None or not is_committing or not self._has(mark):
                raise

    def _make_mark(self) -> commit.CommitMark | None:
        """Return the value that the next transaction writes into the row of its sender.

        Return None if this process holds no sender lock. It then has no such row.
        """
        self._commits += 1
        return next((commit.CommitMark(number, self._commits) for number, _, _ in self._locks.values()), None)

    @contextmanager
    def _closing_if_lost(self) -> Generator[sa.Connection]:
        connection = self._connected()
        try:
            yield connection
        finally:
            if connection.invalidated:
                self._disconnect()

    def _has(self, mark: commit.CommitMark) -> bool:
        """Return True if the server has committed the transaction that wrote a mark.

        If the server is unavailable, wait for it.
        """

        def find() -> bool:
            with self.reading() as connection:
                return commit.has_mark(connection, mark)

        return self.outage.run(find)

    def _connected(self) -> sa.Connection:
        if self._connection is None:
            self._dead.forget()
            connection = self._engine.connect()
            try:
                _prepare(connection, self.name)
                self._note_timeline(connection)
                for number, _, _ in self._locks.values():
                    # This sender keeps the deliveries that it claimed, unless another sender took it for dead meanwhile.
                    _lock_again(connection, number, self.name)
                connection.rollback()
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _note_timeline(self, connection: sa.Connection) -> None:
        """Compare the timeline of the server with that of the last connection."""
        before, self._timeline = self._timeline, replication.read_timeline(connection)
        if before and self._timeline != before and not self._was_synchronous:
            self.has_failed_over = True
        self._was_synchronous = replication.is_synchronous(connection)

    def require_space(self) -> None:
        """Do nothing: only the server knows its disk."""

    def sender_id(self, lock: SenderLock) -> int | None:
        """Return the id under which this store holds a lock."""
        return self._locks[lock][0] if lock in self._locks else None

    def take_lock(self, lock: SenderLock, purpose: str) -> None:
        """Take a sender lock. Other open stores can hold the same kind of lock at the same time.

        Raise StoreLocked if this open store holds it already.
        """
        if lock in self._locks:
            _, holder, since = self._locks[lock]
            raise make_locked_error(holder, since, lock)
        sender, now = Sender(purpose=purpose[:200]), datetime.now(UTC)
        with self.writing() as connection:
            number = sender.register(connection, now)
            # Lock the id before other senders see it. Otherwise they could take this sender for dead.
            advisory.lock_sender(connection, number)
        self._locks[lock] = (number, sender, now)

    def release_lock(self, lock: SenderLock) -> None:
        """Release a lock if it is held."""
        held = self._locks.pop(lock, None)
        if held is None or self._connection is None:
            return
        try:
            with self.reading() as connection:
                advisory.unlock_sender(connection, held[0])
        except StoreError:
            # The lock ends with the connection.
            self._disconnect()

    def find_dead(self, connection: sa.Connection, senders: AbstractSet[int]) -> AbstractSet[int]:
        """Return those of `senders` that are dead, as `DeadSenders` finds them.

        The transaction of `connection` holds the locks of the dead senders until it ends.
        """
        return self._dead.find(connection, senders - {number for number, _, _ in self._locks.values()})

    def purge(self, texts: Collection[str]) -> Purge:  # noqa: ARG002  (the server's files are out of reach)
        """Let the server reuse the space of deleted rows.

        Only the server knows when it overwrites that space.
        """
        with translate_errors(self.name):
            connection = self._connected()
            connection.rollback()
            connection.exec_driver_sql("VACUUM")
            connection.rollback()
        return Purge(REMAINS_ON_SERVER, is_complete=True)

    def close(self) -> None:
        """Close the connection, which releases its locks on the server."""
        self._disconnect()
        self._engine.dispose()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Closing a broken connection may fail; nothing is lost by it.
            with suppress(sa.exc.SQLAlchemyError):
                connection.close()


def _make_engine(url: sa.URL) -> sa.Engine:
    """Return the engine. SQLAlchemy leaves BEGIN to us and keeps values out of its errors."""
    try:
        return sa.create_engine(
            url,
            poolclass=sa.pool.NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            use_native_hstore=False,
            json_serializer=to_json,
        )
    except ImportError:
        raise make_driver_error() from None


def _lock_again(connection: sa.Connection, sender_id: int, name: str) -> None:
    """Take a sender's lock on a new connection. Raise StoreUnavailable while the server still has the old connection.

    After a break of the network the server may notice the loss only a minute later. The sender waits for that as for a
    server that is away: if it ended, the outcomes of messages that it has sent would be lost.
    """
    try:
        with translate_errors(name):
            advisory.lock_sender(connection, sender_id)
    except StoreLocked:
        raise StoreUnavailable(
            f"{name} has not yet noticed that the earlier connection of this process was lost", hint=AGAIN
        ) from None


def _prepare(connection: sa.Connection, name: str) -> None:
    """Check the encoding of the database, and apply our settings to a new connection."""
    raw: Any = connection.connection.driver_connection
    encoding = raw.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(
            f"{name} has the encoding {encoding}, which cannot hold every name",
            hint="Create a database with `createdb --encoding=UTF8 --template=template0 NAME` and set it as `store`.",
        )
    replication.commit_durably(connection)
    for setting, value in SETTINGS.items():
        connection.exec_driver_sql(f"SET {setting} = '{value}'")
