"""Wait for a database server that is away, and then repeat the failed transaction."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from moza_mail.errors import StoreUnavailable

T = TypeVar("T")
PAUSE = 0.5
"""Seconds between two attempts to reach the server."""


class OutageWait:
    """The limits on waiting for a database server. The waiting blocks the store's thread.

    patience: the most seconds that one outage may last; 0 to fail at once. A longer outage ends all waiting.
    on_outage: called on the store's thread with the first error of an outage, once for each outage.
    is_stopped: called on the store's thread; returns True to end all waiting, because a person has asked to stop.
    """

    def __init__(self) -> None:
        self.patience = 0.0
        self.on_outage: Callable[[StoreUnavailable], None] = lambda _error: None
        self.is_stopped: Callable[[], bool] = lambda: False
        self._since: float | None = None
        self._is_running = False
        self._given_up = threading.Event()

    def run(self, transaction: Callable[[], T]) -> T:
        """Run a transaction, and repeat it while the server is away.

        Raise StoreUnavailable if the outage lasts longer than `patience`. A transaction that raises StoreUnavailable must be
        stored completely or not at all. If a transaction itself calls this method, both calls share one limit.
        """
        is_inside, self._is_running = self._is_running, True
        try:
            while True:
                try:
                    return transaction()
                except StoreUnavailable as error:
                    self._wait(error)
        finally:
            self._is_running = is_inside
            if not is_inside:
                self._since = None

    def give_up(self) -> None:
        """Stop waiting, now and later."""
        self._given_up.set()

    def _wait(self, error: StoreUnavailable) -> None:
        """Wait until the next attempt; raise the error if the patience is used up."""
        if not self.patience or self.is_stopped() or self._given_up.is_set():
            raise error
        now = time.monotonic()
        if self._since is None:
            self._since = now
            self.on_outage(error)
        if now - self._since >= self.patience:
            self.give_up()
            raise error
        self._given_up.wait(PAUSE)
