"""Group commit without a timer: each commit takes all the reports that came in while the one before it was made."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress

from moza_mail.store import record
from moza_mail.store.engine import Database
from moza_mail.store.protocol import Misfits
from moza_mail.store.record import OutOfStep, Report

Waiting = tuple[Report, asyncio.Future[Misfits]]


class Groups:
    """Reports on their way into the ledger. A disk that is slow makes the groups larger, by itself."""

    def __init__(self, database: Database, thread: Executor) -> None:
        self._database = database
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []
        # Held only to append or to take the list: the event loop appends, the store's thread takes.
        self._guard = threading.Lock()

    def add(self, report: Report) -> asyncio.Future[Misfits]:
        """Queue a report; the future is done when it is durable, and raises StoreError when it is not stored."""
        future = self._loop.create_future()
        with self._guard:
            self._waiting.append((report, future))
            first = len(self._waiting) == 1
        if first:
            self._thread.submit(self._commit)
        return future

    def _commit(self) -> None:
        """Commit one group; runs on the store's thread."""
        with self._guard:
            group, self._waiting = self._waiting, []
        try:
            answers: Sequence[Misfits | Exception] = self._record([report for report, _ in group])
        except Exception as error:  # noqa: BLE001  (whatever it is, each caller must hear it and none wait for ever)
            answers = [error] * len(group)
        # A loop that is closed has nobody left to tell; the rows are stored all the same.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_answer, [future for _, future in group], answers)

    def _record(self, reports: Sequence[Report]) -> Sequence[Misfits]:
        try:
            with self._database.writing() as connection:
                record.together(connection, reports, self._database.sender)
        except OutOfStep:
            with self._database.writing() as connection:
                return record.one_by_one(connection, reports, self._database.sender)
        return [{}] * len(reports)


def _answer(futures: Sequence[asyncio.Future[Misfits]], answers: Sequence[Misfits | Exception]) -> None:
    """Resume the callers of one group; one who was cancelled is past hearing."""
    for future, answer in zip(futures, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
