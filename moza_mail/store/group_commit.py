"""Group commit without a timer.

Each commit includes everything that was queued during the previous commit.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import Generic, TypeVar

# Rounds of the event loop before the next commit. Callers that got a result add their next items after one or two rounds.
ROUNDS = 3
T = TypeVar("T")
R = TypeVar("R")
Answers = Sequence[R | Exception]
"""A result or an error for each item of a group."""


class GroupCommit(Generic[T, R]):
    """A queue whose items are committed in groups of up to `most`.

    The slower the disk, the larger the groups. After a commit, the event loop runs a few rounds before the
    next commit starts, so that callers can add their next items to that commit. Without this pause, commits of intents
    and of outcomes would alternate, and each item would wait for two commits more than necessary.
    """

    def __init__(
        self, thread: Executor, commit: Callable[[list[T]], Answers[R]], most: int | None = None
    ) -> None:
        self._thread = thread
        self._commit_group = commit
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._queue: list[tuple[T, asyncio.Future[R]]] = []
        self._is_busy = False
        self._is_finished = False
        # Held only while items are added or taken: the event loop adds items, and the store's thread takes them.
        self._guard = threading.Lock()

    def add(self, item: T) -> asyncio.Future[R]:
        """Queue an item and return a future that is done when the item is durable.

        The future raises StoreError if the item was not stored.
        """
        future = self._loop.create_future()
        with self._guard:
            self._queue.append((item, future))
        if not self._is_busy:
            self._flush()
        return future

    def finish(self) -> None:
        """Start the commits of everything that is queued; nothing may be added afterwards."""
        self._is_finished = True
        with self._guard:
            left = len(self._queue)
        for _ in range(0, left, self._most or max(left, 1)):
            self._thread.submit(self._commit)

    def _flush(self) -> None:
        """Start a commit of the queue on the store's thread."""
        if self._is_finished:
            return
        self._is_busy = bool(self._queue)
        if self._is_busy:
            self._thread.submit(self._commit)

    def _commit(self) -> None:
        """Commit one group; runs on the store's thread."""
        with self._guard:
            most = self._most or len(self._queue)
            group, self._queue = self._queue[:most], self._queue[most:]
        if not group:
            return
        try:
            answers = self._commit_group([item for item, _ in group])
        except Exception as error:  # noqa: BLE001  (whatever it is, every caller must get it and none wait for ever)
            answers = [error] * len(group)
        # After the loop is closed there are no callers left, but the rows are stored.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._resume, [future for _, future in group], answers)

    def _resume(self, futures: Sequence[asyncio.Future[R]], answers: Answers[R]) -> None:
        """Resume the callers of one group that were not cancelled, then start the next commit."""
        for future, answer in zip(futures, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._flush_after(ROUNDS)

    def _flush_after(self, rounds: int) -> None:
        """Flush after this number of rounds of the event loop."""
        if rounds:
            self._loop.call_soon(self._flush_after, rounds - 1)
        else:
            self._flush()
