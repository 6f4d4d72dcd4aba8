"""Saving a file that is there already: whole or not at all, and seen on the disk."""

import os
import secrets
import stat
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Put new bytes in the place of a file's, under its own permissions; raise OSError, and change nothing, when that fails.

    A link is followed: what it leads to is replaced. A file that is gone is made anew.
    """
    there = path.resolve()
    aside = there.with_name(f".{there.name}.{secrets.token_hex(4)}.tmp")
    mode = stat.S_IMODE(there.stat().st_mode) if there.exists() else 0o644
    try:
        with os.fdopen(
            os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
        ) as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        aside.replace(there)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    folder = os.open(there.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
