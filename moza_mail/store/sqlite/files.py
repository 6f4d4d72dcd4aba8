"""Looking into the database's own files for a text that was deleted."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# In a process of its own: to open and close a database's file drops the locks that SQLite holds on it in this one (POSIX).
PROGRAM = """
import sys
text = sys.stdin.buffer.read()
for name in sys.argv[1:]:
    try:
        file = open(name, "rb")
    except FileNotFoundError:
        continue
    with file:
        rest = b""
        while piece := file.read(1 << 20):
            if text in (rest + piece).lower():
                sys.exit(3)
            rest = piece[-len(text):]
"""
FOUND = 3


def hold(paths: Sequence[Path], text: str) -> bool:
    """Whether a text stands in one of these files, in whatever case of its ASCII letters; raise OSError when they cannot be read."""
    # The text goes by standard input, for the arguments of a process can be read by others.
    done = subprocess.run(  # noqa: S603  # our own program, with our own paths
        [sys.executable, "-I", "-c", PROGRAM, *map(str, paths)],
        input=text.encode().lower(),
        capture_output=True,
        check=False,
    )
    if done.returncode not in {0, FOUND}:
        raise OSError("the database's files could not be looked into")
    return done.returncode == FOUND
