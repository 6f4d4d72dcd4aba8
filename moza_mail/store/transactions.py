"""Run the store's transactions one after another on a thread of their own."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa

from moza_mail.errors import StoreError, StoreLocked, StoreUnavailable
from moza_mail.store.audit_writer import AuditWriter
from moza_mail.store.database import Database
from moza_mail.store.group_commit import Answers, GroupCommit
from moza_mail.store.senders import SenderLock

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Statements = Callable[Concatenate[sa.Connection, P], T]
"""A function that runs SQL statements on the connection of an open transaction."""
Change = Callable[[sa.Connection], Any]

MAX_CHANGES = 64
"""The maximum number of changes in one grouped transaction. Others wait for it, so it may take only tens of milliseconds."""


class Transactions:
    """Run functions that take a connection, each in one transaction with its audit entries."""

    def __init__(self, database: Database, thread: ThreadPoolExecutor, audit: AuditWriter) -> None:
        self.database = database
        self.audit = audit
        self._thread = thread
        self._groups: list[GroupCommit[Any, Any]] = []
        self._changes: GroupCommit[Change, Any] = self.make_group(self._commit_changes, MAX_CHANGES)
        self._is_closed = False

    @classmethod
    async def open(cls, open_database: Callable[[], Database], audit: AuditWriter) -> Self:
        """Open the database on a new thread and check the project's secret. Raise StoreError."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="moza-mail-store")

        def open_and_check() -> Database:
            database = open_database()
            try:
                audit.check_secret(database)
            except BaseException:
                database.close()
                raise
            return database

        try:
            database = await asyncio.get_running_loop().run_in_executor(thread, open_and_check)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(database, thread, audit)

    async def close(self) -> None:
        """Commit the queued changes, then close the database."""
        if self._is_closed:
            return
        self._is_closed = True
        self.database.outage.give_up()
        for group in self._groups:
            group.finish()
        # The thread works in order, so queued transactions are committed before the database is closed.
        closing = self._thread.submit(self.database.close)
        self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(closing))

    async def read(self, statements: Statements[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run statements in a read-only transaction."""

        def transaction() -> T:
            with self.audit.reading(self.database) as connection:
                return statements(connection, *args, **kwargs)

        return await self.run(lambda: self.database.outage.run(transaction))

    async def write(self, statements: Statements[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run statements in a transaction of their own."""

        def transaction() -> T:
            with self.writing() as connection:
                return statements(connection, *args, **kwargs)

        return await self.run(lambda: self.database.outage.run(transaction))

    async def write_grouped(self, statements: Statements[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run statements in one transaction with the statements of other waiting callers.

        If one caller's statements fail, only the changes of that caller are undone.
        """
        self.check_open()
        result: T = await self._changes.add(lambda connection: statements(connection, *args, **kwargs))
        return result

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function on the store's thread."""
        self.check_open()
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """Begin a writing transaction. Call this only on the store's thread."""
        return self.audit.writing(self.database)

    def make_group(
        self, commit: Callable[[list[T]], Answers[R]], most: int | None = None
    ) -> GroupCommit[T, R]:
        """Return a queue that passes its items in groups to `commit`, on the store's thread."""
        group = GroupCommit(self._thread, commit, most)
        self._groups.append(group)
        return group

    def check_open(self) -> None:
        """Raise StoreError if the store was closed."""
        if self._is_closed:
            raise StoreError(f"{self.database.name} is closed.")

    @asynccontextmanager
    async def hold(self, lock: SenderLock, purpose: str) -> AsyncGenerator[None]:
        """Hold a sender lock; raise StoreLocked, naming the holder, if it is taken.

        purpose: the command that holds the lock, for the error message of other senders.
        """
        self.check_open()
        taking = self._thread.submit(self.database.take_lock, lock, purpose)

        def release() -> None:
            if not taking.cancelled() and taking.exception() is None:
                self.database.release_lock(lock)

        try:
            await asyncio.wrap_future(taking)
            yield
        finally:
            # The thread works in order, so `release` runs after the attempt to take the lock, even if the caller was cancelled
            # while it waited. If the store is closed, closing it has released the lock already.
            if not self._is_closed:
                await asyncio.shield(asyncio.wrap_future(self._thread.submit(release)))

    def _commit_changes(self, group: list[Change]) -> Answers[Any]:
        """Commit all changes together; if one fails, commit each alone.

        If another process holds the database or its server is away, no change is tried again, because each would fail.
        """

        def transaction() -> Answers[Any]:
            with self.writing() as connection:
                return [change(connection) for change in group]

        try:
            return self.database.outage.run(transaction)
        except (StoreLocked, StoreUnavailable) as error:
            return [error] * len(group)
        except Exception as error:  # noqa: BLE001  (its callers get it)
            return [error] if len(group) == 1 else [self._commit_alone(change) for change in group]

    def _commit_alone(self, change: Change) -> Any:
        try:
            with self.writing() as connection:
                return change(connection)
        except Exception as error:  # noqa: BLE001  (its caller gets it)
            return error
