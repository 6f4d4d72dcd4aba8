"""Group commit without a timer: each commit takes all that came in while the one before it was made."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from moza_mail.errors import StoreLocked
from moza_mail.model.threshold import Thresholds
from moza_mail.store import settle
from moza_mail.store.audit_log import Trail
from moza_mail.store.engine import Database
from moza_mail.store.protocol import Misfits
from moza_mail.store.sender import Right
from moza_mail.store.settle import OutOfStep, Report

# An answer resumes its caller, whose outcomes make room for who announces, and those take a turn of the loop each, or two.
TURNS = 3
# So many people's deeds in one transaction: a few tens of milliseconds, for others wait meanwhile.
MOST_DEEDS = 64
T = TypeVar("T")
R = TypeVar("R")
Deed = Callable[[sa.Connection], Any]
Answers = Sequence[R | Exception]


class Groups(Generic[T, R]):
    """What is on its way into the store, committed in groups by `commit`. A disk that is slow makes the groups larger, by itself.

    Between two commits those who waited for the first have their turn, so that what they report next is in the second:
    otherwise intents and outcomes would take turns, and each wait for two commits more than it must.
    """

    def __init__(
        self, thread: Executor, commit: Callable[[Sequence[T]], Answers[R]], most: int | None = None
    ) -> None:
        self._thread = thread
        self._commit_all = commit
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._busy = False
        self._finished = False
        # Held only to append or to take the list: the event loop appends, the store's thread takes.
        self._guard = threading.Lock()

    def add(self, one: T) -> asyncio.Future[R]:
        """Queue one; the future is done when it is durable, and raises StoreError when it is not stored."""
        future = self._loop.create_future()
        with self._guard:
            self._waiting.append((one, future))
        if not self._busy:
            self.flush()
        return future

    def flush(self) -> None:
        """Begin a commit of what waits: the thread takes it in its turn."""
        if self._finished:
            return
        self._busy = bool(self._waiting)
        if self._busy:
            self._thread.submit(self._commit)

    def finish(self) -> None:
        """Begin the commits of all that waits; nothing is added after that."""
        self._finished = True
        with self._guard:
            left = len(self._waiting)
        for _ in range(0, left, self._most or max(left, 1)):
            self._thread.submit(self._commit)

    def _commit(self) -> None:
        """Commit one group; runs on the store's thread."""
        with self._guard:
            most = self._most or len(self._waiting)
            group, self._waiting = self._waiting[:most], self._waiting[most:]
        if not group:
            return
        try:
            answers = self._commit_all([one for one, _ in group])
        except Exception as error:  # noqa: BLE001  (whatever it is, each caller must hear it and none wait for ever)
            answers = [error] * len(group)
        # A loop that is closed has nobody left to tell; the rows are stored all the same.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._answer, [future for _, future in group], answers)

    def _answer(self, futures: Sequence[asyncio.Future[R]], answers: Answers[R]) -> None:
        """Resume the callers of one group, then go on; one who was cancelled is past hearing."""
        for future, answer in zip(futures, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._after(TURNS)

    def _after(self, turns: int) -> None:
        """Go on when the loop has come round so often."""
        if turns:
            self._loop.call_soon(self._after, turns - 1)
        else:
            self.flush()


def reports(
    database: Database, thread: Executor, trail: Trail, thresholds: Thresholds
) -> Groups[Report, Misfits]:
    """What senders report of their deliveries."""

    def commit(group: Sequence[Report]) -> Answers[Misfits]:
        try:
            with trail.writing(database) as connection:
                settle.together(connection, group, database.holds(Right.SENDING), thresholds)
        except OutOfStep:
            with trail.writing(database) as connection:
                return settle.one_by_one(connection, group, database.holds(Right.SENDING), thresholds)
        return [{}] * len(group)

    return Groups(thread, commit)


def deeds(database: Database, thread: Executor, trail: Trail) -> Groups[Deed, Any]:
    """What people do for themselves, each a few statements of its own: they come and go many at a time.

    One that raises is undone alone: then each is done once more, in a transaction of its own. When another process holds
    the store that would be in vain for each of them.
    """

    def commit(group: Sequence[Deed]) -> Answers[Any]:
        try:
            with trail.writing(database) as connection:
                return [deed(connection) for deed in group]
        except StoreLocked as error:
            return [error] * len(group)
        except Exception as error:  # noqa: BLE001  (its callers hear it)
            return [error] if len(group) == 1 else [alone(deed) for deed in group]

    def alone(deed: Deed) -> Any:
        try:
            with trail.writing(database) as connection:
                return deed(connection)
        except Exception as error:  # noqa: BLE001  (its caller hears it)
            return error

    return Groups(thread, commit, MOST_DEEDS)
