"""Reading ahead: a second process that reads issues while this one does something else."""

import os
import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Thread
from types import MappingProxyType
from typing import TYPE_CHECKING

from moza_mail.app import open_project
from moza_mail.model.issue import Issue

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Read = Callable[[str, str], Issue]
"""Reads a text, which its second argument says the source of; it can be pickled."""

# Of fewer, this process has read most by the time that a second one has begun.
FEWEST = 40


class Ahead:
    """What the second process has read, and this one reads what that has not: whoever asks cannot tell who did it.

    It begins with the last, so that the two meet. Whatever becomes of it costs time and nothing else: what it cannot read,
    or has not when it ends, is read here, so that errors are raised here and whole.
    """

    def __init__(self, texts: Mapping[str, str], read: Read, results: "Connection | None") -> None:
        self._texts = texts
        self._read = read
        self._results = results
        self._found: dict[str, Issue] = {}

    def issue(self, text: str, source: str) -> Issue:
        """The issue in a text; raise IssueError when there is none that can be read."""
        self._gather()
        found = self._found.pop(source, None)
        # The file may have become another one since.
        return found if found is not None and self._texts[source] == text else self._read(text, source)

    def _gather(self) -> None:
        try:
            while self._results and self._results.poll():
                self._found.update(self._results.recv())
        except (EOFError, OSError):
            self._results = None


@contextmanager
def reading(texts: Mapping[str, str], read: Read) -> Generator[Ahead]:
    """Have texts, by their sources, read ahead in a second process when they are many and there is a second core for it."""
    if len(texts) < FEWEST or _cores() < 2:
        yield Ahead(texts, read, None)
        return
    import multiprocessing

    results, gives = multiprocessing.Pipe(duplex=False)
    helper = multiprocessing.Process(
        target=_read_all, args=(gives, results, dict(texts), read), name="reading ahead", daemon=True
    )
    try:
        helper.start()
    except OSError:
        gives.close()
        results.close()
        yield Ahead(texts, read, None)
        return
    # Else this process would hold the pipe open after the other has ended, and wait for more.
    gives.close()
    try:
        yield Ahead(texts, read, results)
    finally:
        results.close()
        helper.kill()
        helper.join()


def _read_all(gives: "Connection", results: "Connection", texts: dict[str, str], read: Read) -> None:
    """The work of the second process; it ends with the first, whose end of the pipe nobody else holds."""
    from multiprocessing.reduction import ForkingPickler

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    results.close()
    ForkingPickler.register(MappingProxyType, _packed)
    # The pipe holds some ten issues, and the first process looks into it only between two things that take longer.
    waiting: SimpleQueue[memoryview | None] = SimpleQueue()
    sender = Thread(target=_send, args=(gives, waiting))
    sender.start()
    with open_project.unswept():
        for source in reversed(texts):
            if not sender.is_alive():
                return
            with suppress(Exception):  # whoever asks for it meets it again, and can say it
                waiting.put(ForkingPickler.dumps({source: read(texts[source], source)}))
    waiting.put(None)
    sender.join()


def _send(gives: "Connection", waiting: "SimpleQueue[memoryview | None]") -> None:
    with suppress(OSError):  # the first process has ended
        while packed := waiting.get():
            gives.send_bytes(packed)


def _packed(mapping: Mapping[str, object]) -> tuple[Callable[..., object], tuple[dict[str, object]]]:
    """What a read-only mapping, which pickle does not know, is made of in another process."""
    return _read_only, (dict(mapping),)


def _read_only(values: dict[str, object]) -> Mapping[str, object]:
    return MappingProxyType(values)


def _cores() -> int:
    """How many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
