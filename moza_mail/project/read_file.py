"""Read a file of the project safely: only a regular file of limited size."""

import os
import stat
from pathlib import Path

from moza_mail.i18n import Translatable, describe_os_error
from moza_mail.i18n import gettext as _


class UnreadableFile(Exception):
    """A file that cannot be read.

    reason: a clause that can follow the name of the file.
    """

    def __init__(self, reason: Translatable) -> None:
        super().__init__(reason)
        self.reason = reason


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """Return the bytes of a regular file; raise UnreadableFile for anything else.

    Reading a named pipe would wait forever. So the file is opened without blocking, and its type is checked
    before it is read.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise UnreadableFile(_("is not an ordinary file"))
            if before.st_size > max_bytes:
                raise UnreadableFile(_("is larger than {size} MB", size=max_bytes // 1_000_000))
            content = file.read(max_bytes + 1)
            after = os.fstat(file.fileno())
    except IsADirectoryError:
        raise UnreadableFile(_("is a folder")) from None
    except OSError as error:
        raise UnreadableFile(_("cannot be read: {reason}", reason=describe_os_error(error))) from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(
        content
    ) != after.st_size:
        raise UnreadableFile(_("was changed while it was read; run the command again"))
    return content


def is_hidden(path: Path) -> bool:
    """Return True for hidden files of systems and editors: `.#issue.md`, `._issue.md`."""
    return path.name.startswith(".")


def printable_path(path: Path) -> str:
    """Return a path as text that is safe to print on a terminal.

    Control characters and bytes that are not UTF-8 are escaped.
    """
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in path.as_posix()
    )
