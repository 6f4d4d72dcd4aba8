"""Run the asynchronous work of a command, and stop it on a signal."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from moza_mail.cli import output
from moza_mail.errors import StoreUnavailable
from moza_mail.i18n import gettext as _

T = TypeVar("T")


def run_async(work: Callable[[], Awaitable[T]]) -> T:
    """Run asynchronous work in an event loop of its own and return its result."""

    async def main() -> T:
        return await work()

    return asyncio.run(main())


@dataclass(slots=True)
class StopSignal:
    """A request to stop. `number` is the number of the signal received, or 0 if none was."""

    event: asyncio.Event
    number: int = 0


@contextmanager
def stop_on_signal() -> Generator[StopSignal]:
    """Yield a StopSignal, which Ctrl-C, SIGTERM or SIGHUP sets. Abort on a second signal."""
    stop = StopSignal(event=asyncio.Event())
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def handle(number: int) -> None:
        if number == signal.SIGHUP:
            output.leave_terminal()
        if stop.number and task is not None:
            task.cancel()
            return
        stop.number = number
        stop.event.set()
        output.say(_("\nFinishing the messages in progress ..."))

    before = {number: signal.getsignal(number) for number in output.stop_signals()}
    for number in before:
        loop.add_signal_handler(number, handle, number)
    try:
        yield stop
    except asyncio.CancelledError:
        raise output.Interrupted(stop.number) from None
    except StoreUnavailable as error:
        if not stop.number:
            raise
        output.say_error(error)
        raise output.Interrupted(stop.number) from None
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
