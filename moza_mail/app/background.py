"""Background tasks that must not end silently."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from moza_mail.i18n import gettext as _

RESTART_SECONDS = 5.0


async def keep_running(
    work: Callable[[], Awaitable[None]], stop: asyncio.Event, on_error: Callable[[Exception], None]
) -> None:
    """Run `work` until `stop` is set.

    If `work` ends earlier, `on_error` receives the error, and `work` runs again after a pause.
    """
    while not stop.is_set():
        error: Exception | None = None
        try:
            await work()
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
        except Exception as raised:  # noqa: BLE001 -- reported below, and the work starts again
            error = raised
        if stop.is_set():
            return
        # The work goes on even if `on_error` fails, for example because the terminal is closed.
        with suppress(Exception):
            on_error(error or RuntimeError(_("a background task ended too early")))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RESTART_SECONDS)
