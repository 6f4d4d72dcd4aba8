"""Replace a file in one step, so that it always has either the old or the new content."""

import os
import secrets
import stat
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, new_mode: int = 0o644, is_private: bool = False) -> None:
    """Replace the content of a file, keep its permissions, and sync it to disk.

    Symbolic links are followed. Raises OSError if the file cannot be written; then the old file is unchanged.

    new_mode: the permissions of a file that does not exist yet.
    is_private: let only the owner read the file from now on.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else new_mode
    mode = 0o600 if is_private else mode
    try:
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
        ) as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
