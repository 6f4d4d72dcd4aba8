"""A deadline that is restarted at every reply, and therefore must be cheap to restart."""

import asyncio
from collections.abc import Callable

NEVER = float("inf")


class Deadline:
    """Calls `on_expiry` if it is not restarted in time.

    A restart only stores the new time of expiry. One timer compares this time with the clock at intervals of
    `min_timeout`, the shortest timeout in use.
    """

    def __init__(self, on_expiry: Callable[[], None], *, min_timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_expiry = on_expiry
        self._min_timeout = min_timeout
        self._expires_at = NEVER
        self._timer: asyncio.TimerHandle | None = None

    def restart(self, timeout: float) -> None:
        """Expire in `timeout` seconds, counted from now."""
        self._expires_at = self._loop.time() + timeout
        if self._timer is None:
            self._timer = self._loop.call_later(min(timeout, self._min_timeout), self._check)

    def clear(self) -> None:
        """Do not expire until the next restart."""
        self._expires_at = NEVER

    def cancel(self) -> None:
        """Stop the timer for good."""
        # The owner of `on_expiry` refers to this object. The garbage collector, which runs rarely during a send, would have to
        # find that cycle before it frees the owner.
        self._on_expiry = _do_nothing
        self._expires_at = NEVER
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        self._timer = None
        now = self._loop.time()
        if now >= self._expires_at:
            self._on_expiry()
        elif self._expires_at != NEVER:
            self._timer = self._loop.call_at(min(self._expires_at, now + self._min_timeout), self._check)


def _do_nothing() -> None:
    """Do nothing. A cancelled deadline has this function in place of `on_expiry`."""
