"""Search the database's files for a text that was deleted."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# In a process of its own: opening and closing a database's file releases the locks that SQLite holds on it in this one (POSIX).
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


def contain_text(paths: Sequence[Path], text: str) -> bool:
    """Return True if one of the files contains a text, ignoring the case of ASCII letters.

    Raise OSError if a file cannot be read.
    """
    # The text goes by standard input, because others can read the arguments of a process.
    done = subprocess.run(  # noqa: S603  # our own program, with our own paths
        [sys.executable, "-I", "-c", PROGRAM, *map(str, paths)],
        input=text.encode().lower(),
        capture_output=True,
        check=False,
    )
    if done.returncode not in {0, FOUND}:
        raise OSError("the database's files could not be searched")
    return done.returncode == FOUND
