"""Keep the threads of a send on one processor, because Python runs only one of them at a time."""

import os
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

THREADS = Path("/proc/self/task")
THREAD_STATUS = Path("/proc/self/stat")
PROCESSOR_FIELD = 36
"""The index of the processor among the fields after the name (proc(5), `processor`)."""


@contextmanager
def use_one_processor() -> Generator[None]:
    """Run all threads of this process on the processor that runs it now; afterwards on all that it had before.

    Two threads that take turns on two processors wait for each other's wake-up at every turn. Systems other than Linux have no
    such setting, and nothing is changed there.
    """
    try:
        before = os.sched_getaffinity(0)
        current = int(THREAD_STATUS.read_bytes().rpartition(b")")[2].split()[PROCESSOR_FIELD])
    except (AttributeError, OSError, ValueError, IndexError):
        yield
        return
    _set_processors({current})
    try:
        yield
    finally:
        _set_processors(before)


def _set_processors(processors: Collection[int]) -> None:
    for thread in THREADS.iterdir():
        # A thread may end at any moment, and a container may forbid the change.
        with suppress(OSError):
            os.sched_setaffinity(int(thread.name), processors)
