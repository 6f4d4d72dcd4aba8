"""Search the database's files for a text that was deleted."""

import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

# The search runs in a process of its own, because closing the file would release this process's SQLite locks on it (POSIX).
PROGRAM = """
import sys
texts = sys.stdin.buffer.read().split(b"\\0")
longest = max(map(len, texts))
for name in sys.argv[1:]:
    try:
        file = open(name, "rb")
    except FileNotFoundError:
        continue
    with file:
        rest = b""
        while piece := file.read(1 << 20):
            whole = (rest + piece).lower()
            if any(text in whole for text in texts):
                sys.exit(3)
            rest = whole[-longest:]
"""
FOUND = 3


def contain_text(paths: Sequence[Path], texts: Collection[str]) -> bool:
    """Return True if one of the files contains one of the texts.

    The case of ASCII letters is ignored.
    Raise OSError if a file cannot be read.
    """
    # Pass the texts on standard input, because other users can read the arguments of a process.
    done = subprocess.run(  # noqa: S603  # our own program, with our own paths
        [sys.executable, "-I", "-c", PROGRAM, *map(str, paths)],
        input=b"\0".join(text.encode().lower() for text in texts),
        capture_output=True,
        check=False,
    )
    if done.returncode not in {0, FOUND}:
        raise OSError("the database's files could not be searched")
    return done.returncode == FOUND
