"""How far long work is, on a terminal and nowhere else."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def bar(doing: str, total: int, *, quiet: bool = False) -> Generator[Callable[[int], None]]:
    """A bar on standard error; what it gives is told how much more is done. Without a terminal nothing is shown."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(doing, total=total)
        yield lambda more: shown.advance(task, more)
