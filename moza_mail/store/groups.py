"""Group commit without a timer: each commit takes all the reports that came in while the one before it was made."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress

from moza_mail.errors import StoreError
from moza_mail.store import record
from moza_mail.store.engine import Database
from moza_mail.store.record import OutOfStep, Step

Waiting = tuple[Step, asyncio.Future[None]]


class Groups:
    """Reports on their way into the ledger. A disk that is slow makes the groups larger, by itself."""

    def __init__(self, database: Database, thread: Executor) -> None:
        self._database = database
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []
        # Held only to append or to take the list: the event loop appends, the store's thread takes.
        self._guard = threading.Lock()

    def add(self, step: Step) -> asyncio.Future[None]:
        """Queue a report; the future is done when it is durable, and raises StoreError when it is not stored."""
        future = self._loop.create_future()
        with self._guard:
            self._waiting.append((step, future))
            first = len(self._waiting) == 1
        if first:
            self._thread.submit(self._commit)
        return future

    def _commit(self) -> None:
        """Commit one group; runs on the store's thread."""
        with self._guard:
            group, self._waiting = self._waiting, []
        try:
            answers: Sequence[Exception | None] = self._record([step for step, _ in group])
        except Exception as error:  # noqa: BLE001  (whatever it is, each caller must hear it and none wait for ever)
            answers = [error] * len(group)
        # A loop that is closed has nobody left to tell; the rows are stored all the same.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_answer, [future for _, future in group], answers)

    def _record(self, steps: Sequence[Step]) -> Sequence[StoreError | None]:
        try:
            with self._database.writing() as connection:
                record.together(connection, steps, self._database.sender)
        except OutOfStep:
            with self._database.writing() as connection:
                return record.one_by_one(connection, steps, self._database.sender)
        return [None] * len(steps)


def _answer(futures: Sequence[asyncio.Future[None]], answers: Sequence[Exception | None]) -> None:
    """Resume the callers of one group; one who was cancelled is past hearing."""
    for future, error in zip(futures, answers, strict=True):
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
