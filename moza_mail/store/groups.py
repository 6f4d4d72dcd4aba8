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

# An answer resumes its caller, whose outcomes make room for who announces, and those take a turn of the loop each, or two.
TURNS = 3
Waiting = tuple[Report, asyncio.Future[Misfits]]


class Groups:
    """Reports on their way into the ledger. A disk that is slow makes the groups larger, by itself.

    Between two commits those who waited for the first have their turn, so that what they report next is in the second:
    otherwise intents and outcomes would take turns, and each wait for two commits more than it must.
    """

    def __init__(self, database: Database, thread: Executor) -> None:
        self._database = database
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []
        self._busy = False
        # Held only to append or to take the list: the event loop appends, the store's thread takes.
        self._guard = threading.Lock()

    def add(self, report: Report) -> asyncio.Future[Misfits]:
        """Queue a report; the future is done when it is durable, and raises StoreError when it is not stored."""
        future = self._loop.create_future()
        with self._guard:
            self._waiting.append((report, future))
        if not self._busy:
            self.flush()
        return future

    def flush(self) -> None:
        """Begin a commit of what waits: the thread takes it in its turn."""
        self._busy = bool(self._waiting)
        if self._busy:
            self._thread.submit(self._commit)

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
            self._loop.call_soon_threadsafe(self._answer, [future for _, future in group], answers)

    def _record(self, reports: Sequence[Report]) -> Sequence[Misfits]:
        try:
            with self._database.writing() as connection:
                record.together(connection, reports, self._database.sender)
        except OutOfStep:
            with self._database.writing() as connection:
                return record.one_by_one(connection, reports, self._database.sender)
        return [{}] * len(reports)

    def _answer(
        self, futures: Sequence[asyncio.Future[Misfits]], answers: Sequence[Misfits | Exception]
    ) -> None:
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
