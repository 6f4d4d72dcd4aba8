"""Copy a SQLite store to a file while others write to it, and put such a file back."""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from moza_mail.errors import StoreError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.file_erasure import BEFORE_RESTORE
from moza_mail.store.identity import IS_BACKUP
from moza_mail.store.senders import Sender, SenderLock, make_locked_error
from moza_mail.store.sqlite.lock import FileLock

SIDE_FILES = ("-wal", "-shm")


def back_up(store: Path, file: Path) -> None:
    """Write a consistent copy to a new file that only its owner can read; raise StoreError.

    Nothing is written if the file exists.
    """
    temporary = file.with_name(f".{file.name}.part")
    try:
        if file.exists():
            raise StoreError(
                _("{file} exists, and a backup is never overwritten", file=str(file)),
                hint=_("Name another file."),
            )
        with suppress(FileNotFoundError):
            temporary.unlink()
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True, timeout=15)) as source:
            source.execute("VACUUM INTO ?", (str(temporary),))
        with closing(sqlite3.connect(temporary)) as copy, copy:
            copy.execute("INSERT INTO properties (name, value) VALUES (?, '')", (IS_BACKUP,))
        descriptor = os.open(temporary, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        temporary.rename(file)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            temporary.unlink()
        reason = describe_os_error(error) if isinstance(error, OSError) else str(error)
        raise StoreError(
            _("the backup {file} cannot be written: {reason}", file=str(file), reason=reason)
        ) from None


def restore(store: Path, file: Path, *, now: datetime) -> Path | None:
    """Replace the store by a backup.

    Return the file to which the old store was moved, or None if there was no store. Raise StoreError if the backup is
    damaged, and StoreLocked if another process sends or serves.
    """
    _check(file)
    locks = [_lock(store, lock) for lock in SenderLock]
    try:
        store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = store.with_name(f".{store.name}.restored")
        shutil.copyfile(file, temporary)
        temporary.chmod(0o600)
        with closing(sqlite3.connect(temporary)) as copy, copy:
            copy.execute("DELETE FROM properties WHERE name = ?", (IS_BACKUP,))
        kept = store.with_name(f"{store.name}{BEFORE_RESTORE}{now:%Y%m%d%H%M%S}") if store.exists() else None
        if kept:
            for suffix in ("", *SIDE_FILES):
                with suppress(FileNotFoundError):
                    store.with_name(f"{store.name}{suffix}").rename(kept.with_name(f"{kept.name}{suffix}"))
        temporary.rename(store)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            _(
                "{file} cannot be restored: {reason}",
                file=str(file),
                reason=describe_os_error(error) if isinstance(error, OSError) else str(error),
            )
        ) from None
    finally:
        for lock in locks:
            lock.close()
    return kept


def _check(file: Path) -> None:
    """Raise StoreError if a file is not a whole SQLite database."""
    reason = ""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as backup:
            (found,) = backup.execute("PRAGMA integrity_check(1)").fetchone()
            reason = "" if found == "ok" else str(found)
    except sqlite3.Error as error:
        reason = str(error)
    if reason or not file.is_file():
        raise StoreError(
            _("{file} is not a backup that can be restored: {reason}", file=str(file), reason=reason),
            hint=_("Nothing was changed. Name a file that `moza-mail backup` wrote."),
        )


def _lock(store: Path, kind: SenderLock) -> FileLock:
    lock = FileLock(store.with_name(f"{store.name}.{kind}"))
    if not lock.acquire():
        holder, since = lock.read()
        lock.close()
        raise make_locked_error(Sender.from_json(holder), since, kind)
    return lock
