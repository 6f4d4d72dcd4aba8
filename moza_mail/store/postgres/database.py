"""One PostgreSQL database: how it is reached, written, read, shared by senders and lost.

Several machines may send through it at once. Each claims deliveries of its own under a number of its own, and holds an
advisory lock on that number for as long as its connection lives: the server lets go of it when the sender dies, and not
before the sender's last transaction has ended. The lock only tells the dead from the living. What keeps a reader from
being mailed twice is that every step of a delivery names the sender who claimed it, in the same statement.
"""

from collections.abc import Generator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Self

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.store import migrate
from moza_mail.store.postgres import advisory
from moza_mail.store.postgres.errors import bad_url, missing_driver, told
from moza_mail.store.schema import HEAD, as_json
from moza_mail.store.sender import Right, Sender, taken

PATIENCE = 15
"""Seconds to wait for another transaction that holds what is wanted."""

SETTINGS = {
    "synchronous_commit": "on",  # whatever the role's default: a lost commit would mail readers twice
    "lock_timeout": f"{PATIENCE}s",
    # A machine that vanishes without a word is noticed in a minute, and its locks are free.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    # Our statements are alike whatever their values; a plan for a few claimed rows is slow when there turn out to be many.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",  # compiling takes longer than any of these statements saves by it
}
# The other way round: a server that vanishes. What the URL says comes first.
SERVER = (
    "no statement finds it any more. The server's data files may hold it until they are written over, its log, the archive of"
    " that, replicas and backups until they are removed: that is with the keeper of the server"
)
CONNECTING = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "application_name": "moza-mail",
    "client_encoding": "UTF8",
}


def read_url(text: str) -> sa.URL:
    """The URL of a database, without a password; raise StoreError, which does not repeat it."""
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise bad_url("The store's URL cannot be read.") from None
    if url.password is not None or {"password", "sslpassword"} & url.query.keys():
        raise bad_url("The store's URL holds a password.")
    return url.set(drivername="postgresql+psycopg").update_query_dict(
        {name: value for name, value in CONNECTING.items() if name not in url.query}
    )


class Postgres:
    """An open database: its one connection, made anew when it was lost. Every method raises StoreError."""

    def __init__(self, url: sa.URL, name: str) -> None:
        self.name = name
        self._rights: dict[Right, tuple[int, Sender, datetime]] = {}
        self._engine = _engine(url)
        self._connection: sa.Connection | None = None

    @classmethod
    def open(cls, text: str) -> Self:
        """Reach the database and bring its tables to this version."""
        url = read_url(text)
        store = cls(url, _shown(url))
        try:
            store._migrate()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def reach(cls, text: str) -> Self:
        """The database as it stands, whatever its tables; nothing is asked of it yet."""
        url = read_url(text)
        return cls(url, _shown(url))

    def _migrate(self) -> None:
        with self.reading() as connection:
            found = migrate.version(connection, self.name)
        if found == HEAD:
            return
        with self.writing() as connection:
            advisory.alone_with_tables(connection)
            # Another process may have done it while this one waited for the lock.
            if migrate.version(connection, self.name) != HEAD:
                migrate.upgrade(connection)

    @contextmanager
    def reading(self) -> Generator[sa.Connection]:
        """One transaction that only reads, all of one moment."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[sa.Connection]:
        """One transaction that writes; each of its statements sees what others have committed before it."""
        with self._transaction("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Generator[sa.Connection]:
        with told(self.name):
            connection = self._connected()
            try:
                with connection.begin():
                    connection.exec_driver_sql(begin)
                    yield connection
            finally:
                if connection.invalidated:
                    self._let_go()

    def _connected(self) -> sa.Connection:
        if self._connection is None:
            connection = self._engine.connect()
            try:
                _prepare(connection, self.name)
                for number, _, _ in self._rights.values():
                    # What it has claimed is still its own, unless another took it for dead meanwhile.
                    advisory.live(connection, number)
                connection.rollback()
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def awaited(self) -> bool:
        """Nobody waits for who claims: the server locks rows, not the database."""
        return False

    def holds(self, right: Right) -> int | None:
        """The number under which a right is held now."""
        return self._rights[right][0] if right in self._rights else None

    def begin(self, right: Right, who: str) -> None:
        """Come to hold a right, beside those who do; raise StoreLocked when this store holds it already."""
        if right in self._rights:
            _, holder, since = self._rights[right]
            raise taken(holder, since, right)
        me, now = Sender(who=who[:200]), datetime.now(UTC)
        with self.writing() as connection:
            number = me.enrol(connection, now)
            # Held before the number can be seen by anybody who might take it for a dead one's.
            advisory.live(connection, number)
        self._rights[right] = (number, me, now)

    def end(self, right: Right) -> None:
        """Give a right back."""
        held = self._rights.pop(right, None)
        if held is None or self._connection is None:
            return
        try:
            with self.reading() as connection:
                advisory.end(connection, held[0])
        except StoreError:
            # The lock goes with the connection.
            self._let_go()

    def dead(self, connection: sa.Connection, senders: AbstractSet[int]) -> AbstractSet[int]:
        """Those whose lock nobody holds; until the transaction ends it is held here."""
        return advisory.dead(connection, senders - {number for number, _, _ in self._rights.values()})

    def purge(self, text: str) -> tuple[str, bool]:  # noqa: ARG002  (the server's files are its own)
        """Let the server reuse the room of what was deleted; what it overwrites when, it alone knows."""
        with told(self.name):
            connection = self._connected()
            connection.rollback()
            connection.exec_driver_sql("VACUUM")
            connection.rollback()
        return SERVER, True

    def close(self) -> None:
        """Let go of the connection, and so of all that it holds on the server."""
        self._let_go()
        self._engine.dispose()

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # A connection that is already broken has nothing left to say.
            with suppress(sa.exc.SQLAlchemyError):
                connection.close()


def _engine(url: sa.URL) -> sa.Engine:
    """The engine; SQLAlchemy is told to leave BEGIN to us, and to keep values out of its errors."""
    try:
        return sa.create_engine(
            url,
            poolclass=sa.pool.NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            use_native_hstore=False,
            json_serializer=as_json,
        )
    except ImportError:
        raise missing_driver() from None


def _prepare(connection: sa.Connection, name: str) -> None:
    """Settle how this connection behaves."""
    raw: Any = connection.connection.driver_connection
    encoding = raw.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreError(
            f"{name} is in {encoding}, which cannot hold every name.",
            hint="Make a database with `createdb --encoding=UTF8 --template=template0 NAME` and name that in `store`.",
        )
    for setting, value in SETTINGS.items():
        connection.exec_driver_sql(f"SET {setting} = '{value}'")


def _shown(url: sa.URL) -> str:
    """The URL as errors show it."""
    return url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
