"""Translate errors of SQLite, SQLAlchemy and the file system into StoreError with a hint."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from moza_mail.errors import StoreError, StoreLocked

AGAIN = "Then run the same command again: nothing was lost, and nothing was stored by half."
WAIT = "Wait until it is done, then run the same command again."
DAMAGED = "Restore a backup, or save what can be read with `sqlite3 FILE .recover`. Do not send before you have looked."

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
        "Set another file as `store` in moza-mail.toml.",
    ),
    sqlite3.SQLITE_CORRUPT: ("{path} is damaged", DAMAGED),
    sqlite3.SQLITE_IOERR: (
        "{path} could not be read or written: the disk failed",
        f"Check the disk. {AGAIN}",
    ),
}


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
        # Not chained: Python's error holds the whole text, which may be personal data.
        raise StoreError(
            f"{path}: a text holds half a character (a lone surrogate) and cannot be stored"
        ) from None
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror or error}",
            hint=f"Check that this account may write the folder {path.parent}. {AGAIN}",
        ) from error


def translate_sqlite_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Return the StoreError for an error of SQLite."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return database_is_locked(path)
    message, hint = MESSAGES.get(code, ("{path}: " + str(error).replace("{", "{{").replace("}", "}}"), ""))
    return StoreError(message.format(path=path), hint=hint)


def database_is_locked(path: Path) -> StoreLocked:
    """Return the error for a file that another process writes for too long."""
    return StoreLocked(f"{path} is being written by another process, which does not finish", hint=WAIT)
