"""Keep the threads of a send on one processor.

Python runs only one thread at a time.
"""

import os
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

THREADS = Path("/proc/self/task")
THREAD_STATUS = Path("/proc/self/stat")
PROCESSOR_FIELD = 36
"""The index of the field `processor`, counted from the first field after the process name (proc(5))."""


@contextmanager
def use_one_processor() -> Generator[None]:
    """Run all threads of this process on its current processor during a `with` block.

    If two threads take turns on two processors, each turn begins with a wait until the other processor wakes up. After the
    block, the threads can use the earlier processors again. Nothing changes on systems other than Linux, which have no such
    setting.
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
