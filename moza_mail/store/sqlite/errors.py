"""Translate errors of SQLite, SQLAlchemy and the file system into StoreError with a hint."""

import errno
import os
import pwd
import sqlite3
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from moza_mail.errors import StoreError, StoreLocked

AGAIN = "Then run the same command again: nothing was lost, and nothing was stored by half."
WAIT = "Wait until it is done, then run the same command again."
DAMAGED = (
    "Put a backup back: moza-mail restore BACKUP. Or save what can be read with `sqlite3 FILE .recover`. Do not send before you"
    " have looked."
)

# By primary result code, which is the low byte of the extended one (https://sqlite.org/rescode.html).
MESSAGES = {
    sqlite3.SQLITE_FULL: ("{path} cannot grow: the disk is full", f"Free some space. {AGAIN}"),
    sqlite3.SQLITE_READONLY: ("{path} cannot be written", f"Make the file and its folder writable. {AGAIN}"),
    sqlite3.SQLITE_PERM: (
        "{path} may not be opened",
        f"Give the file and its folder to this account. {AGAIN}",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "{path} cannot be opened or created",
        f"Check that it is a file, and that this account may write it and its folder. {AGAIN}",
    ),
    sqlite3.SQLITE_NOTADB: (
        "{path} is not a SQLite database",
        "If it was the store, put a backup back: moza-mail restore BACKUP. Otherwise, set another file as `store` in moza-mail.toml.",
    ),
    sqlite3.SQLITE_CORRUPT: ("{path} is damaged", DAMAGED),
    sqlite3.SQLITE_IOERR: (
        "{path} could not be read or written: the disk failed",
        f"Check the disk. {AGAIN}",
    ),
}

# Up to 72 messages have an intent without an outcome. This space is enough to record their outcomes, and to write them to an outbox.
MIN_FREE_BYTES = 8 * 2**20
NOT_WRITABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN})


@contextmanager
def translate_errors(path: Path) -> Generator[None]:
    """Turn every error of a library or the file system into StoreError with the file's name."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate_sqlite_error(error, path) from error
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise translate_sqlite_error(error.orig, path) from error
        raise StoreError(f"{path}: {error.orig}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"{path}: {str(error).splitlines()[0]}") from error
    except UnicodeEncodeError:
        # This error is not chained to Python's error, which contains the whole text, because the text may be personal data.
        raise StoreError(
            f"{path}: a text holds half a character (a lone surrogate) and cannot be stored"
        ) from None
    except OSError as error:
        raise translate_os_error(error, path) from error


def translate_sqlite_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Return the StoreError for an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return make_busy_error(path)
    if code in NOT_WRITABLE and (problem := find_write_problem(path)):
        return problem
    # SQLite reports a failed input or output if the file with its shared memory cannot grow.
    if code == sqlite3.SQLITE_IOERR and count_free_bytes(path) < MIN_FREE_BYTES:
        code = sqlite3.SQLITE_FULL
    message, hint = MESSAGES.get(code, ("{path}: " + str(error).replace("{", "{{").replace("}", "}}"), ""))
    return StoreError(message.format(path=path), hint=hint)


def translate_os_error(error: OSError, path: Path) -> StoreError:
    """Return the StoreError for a file system error at the store or its lock files.

    path: the store.
    """
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        message, hint = MESSAGES[sqlite3.SQLITE_FULL]
        return StoreError(message.format(path=path), hint=hint)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS} and (problem := find_write_problem(path)):
        return problem
    if error.errno == errno.EIO:
        message, hint = MESSAGES[sqlite3.SQLITE_IOERR]
        return StoreError(message.format(path=path), hint=hint)
    return StoreError(
        f"{path}: {error.strerror or error}",
        hint=f"Check that this account may write the folder {path.parent}. {AGAIN}",
    )


def find_write_problem(path: Path) -> StoreError | None:
    """Return the reason why this account cannot write the store; None if it can.

    The reasons are a read-only disk, another owner, or missing permissions.
    """
    for place in (path, path.parent):
        if os.access(place, os.R_OK | os.W_OK) or not place.exists():
            continue
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            return StoreError(
                f"{place} is on a disk that is read-only",
                hint=f"Make the disk writable: mount -o remount,rw MOUNTPOINT. {AGAIN}",
            )
        owner, account = _account_name(place.stat().st_uid), _account_name(os.geteuid())
        if owner != account:
            return StoreError(
                f"{place} belongs to the account {owner}, and this command runs as {account}",
                hint=f"Run it as its owner: sudo -u {owner} moza-mail ... Or give the folder away: chown -R {account} {path.parent}",
            )
        return StoreError(
            f"{place} may not be written: its permissions are {stat.S_IMODE(place.stat().st_mode):04o}",
            hint=f"Give its owner the right to write: chmod u+rw {place}. {AGAIN}",
        )
    return None


def _account_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def require_space(path: Path) -> None:
    """Raise StoreError if the disk may be too full to record outcomes."""
    if count_free_bytes(path) < MIN_FREE_BYTES:
        message, hint = MESSAGES[sqlite3.SQLITE_FULL]
        raise StoreError(f"{message.format(path=path)} (less than 8 MB is free)", hint=hint)


def count_free_bytes(path: Path) -> int:
    """Return the free space on the disk of a file; a large number if it cannot be known."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return MIN_FREE_BYTES
    return disk.f_bavail * disk.f_frsize


def make_busy_error(path: Path) -> StoreLocked:
    """Return the error for a file that another process writes for too long."""
    return StoreLocked(f"{path} is being written by another process, which does not finish", hint=WAIT)
