"""Copy a PostgreSQL store to a file and put it back, with the server's own programs."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from moza_mail.errors import StoreError
from moza_mail.i18n import gettext as _
from moza_mail.store.postgres.database import read_url


def back_up(url: str, file: Path) -> None:
    """Write a dump of the database to a new file that only its owner can read; raise StoreError."""
    if file.exists():
        raise StoreError(
            _("{file} exists, and a backup is never overwritten", file=str(file)),
            hint=_("Name another file."),
        )
    temporary = file.with_name(f".{file.name}.part")
    try:
        before = os.umask(0o077)
        try:
            _run("pg_dump", "--format=custom", f"--file={temporary}", _plain(url))
        finally:
            os.umask(before)
        temporary.rename(file)
    finally:
        with suppress(OSError):
            temporary.unlink()


def restore(url: str, file: Path) -> None:
    """Replace the tables of the database by those of a dump, in one transaction; raise StoreError."""
    if not file.is_file():
        raise StoreError(_("there is no backup {file}", file=str(file)))
    options = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
    _run("pg_restore", *options, f"--dbname={_plain(url)}", str(file))


def _plain(url: str) -> str:
    """Return the URL as libpq reads it."""
    return read_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(program: str, *arguments: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  (programs of PostgreSQL, found in PATH)
            [program, *arguments], capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
    except OSError:
        raise StoreError(
            _("{program} is not installed", program=program),
            hint=_("Install PostgreSQL's client programs (Debian: postgresql-client)."),
        ) from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        shown = "".join(char for char in words if char.isprintable())[:300]
        raise StoreError(_("{program} says: {reason}", program=program, reason=shown))
