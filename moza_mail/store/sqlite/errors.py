"""What SQLite, SQLAlchemy or the file system complain of, as a sentence with a way out."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from moza_mail.errors import StoreError, StoreLocked

AGAIN = "Then run the same command again: what was stored is still there, and nothing was stored by half."
WAIT = "Wait until it is done, then run the same command again."
DAMAGED = "Put back a copy, or save what can be read with `sqlite3 FILE .recover`; do not send before you have looked."

# The primary result code (the low byte of the extended one) and what it means to the person who meets it.
SENTENCES = {
    sqlite3.SQLITE_FULL: ("{path} cannot grow: the disk is full.", f"Make room. {AGAIN}"),
    sqlite3.SQLITE_READONLY: ("{path} cannot be written.", f"Make the file and its folder writable. {AGAIN}"),
    sqlite3.SQLITE_PERM: ("{path} may not be opened.", f"Make the file and its folder yours. {AGAIN}"),
    sqlite3.SQLITE_CANTOPEN: (
        "{path} cannot be opened or created.",
        f"See that it is a file and that you may write it and its folder. {AGAIN}",
    ),
    sqlite3.SQLITE_NOTADB: (
        "{path} is not a moza-mail store: it is no SQLite database.",
        "Name another file in `store` of moza-mail.toml.",
    ),
    sqlite3.SQLITE_CORRUPT: ("{path} is damaged.", DAMAGED),
    sqlite3.SQLITE_IOERR: (
        "{path} could not be read or written: the disk failed.",
        f"Look at the disk. {AGAIN}",
    ),
}


@contextmanager
def told(path: Path) -> Generator[None]:
    """Turn every error of a library or of the file system into a StoreError that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise of_sqlite(error, path) from error
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise of_sqlite(error.orig, path) from error
        raise StoreError(f"{path}: {error.orig}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"{path}: {str(error).splitlines()[0]}") from error
    except UnicodeEncodeError:
        # Not chained: Python's error holds the whole text, which may be a person's.
        raise StoreError(
            f"{path}: a text holds half a character (a lone surrogate) and cannot be stored."
        ) from None
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror or error}.",
            hint=f"See that you may write the folder {path.parent}. {AGAIN}",
        ) from error


def of_sqlite(error: sqlite3.Error, path: Path) -> StoreError:
    """The sentence for one complaint of SQLite."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return locked(path)
    sentence, hint = SENTENCES.get(code, ("{path}: " + str(error).replace("{", "{{").replace("}", "}}"), ""))
    return StoreError(sentence.format(path=path), hint=hint)


def locked(path: Path) -> StoreLocked:
    """Somebody else writes and does not finish."""
    return StoreLocked(f"{path} is being written by another process, which does not finish.", hint=WAIT)
