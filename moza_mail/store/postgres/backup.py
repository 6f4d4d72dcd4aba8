"""Back up a PostgreSQL store to a file and restore it, with PostgreSQL's own programs."""

import os
import subprocess
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.health import StoreStatus
from moza_mail.store.identity import GENERATION, STORE_ID
from moza_mail.store.postgres import advisory
from moza_mail.store.postgres.database import PostgresDatabase
from moza_mail.store.postgres.url import format_for_libpq, read_url
from moza_mail.store.schema import HEAD
from moza_mail.store.senders import Sender, SenderLock, make_locked_error

LIVING_SENDER = sa.text("""
SELECT purpose, account, host, process_id, started_at FROM senders JOIN pg_locks ON objid = CAST(senders.id AS oid)
WHERE locktype = 'advisory' AND classid = :namespace AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
LIMIT 1
""")


def back_up(url: str, file: Path) -> None:
    """Write a dump of the database to a new file that only its owner can read.

    Raise StoreError if that fails.
    """
    if file.exists():
        raise StoreError(
            _("{file} exists, and a backup is never overwritten", file=str(file)),
            hint=_("Name another file."),
        )
    temporary = file.with_name(f".{file.name}.part")
    try:
        before = os.umask(0o077)
        try:
            _run("pg_dump", "--format=custom", f"--file={temporary}", format_for_libpq(read_url(url)))
        finally:
            os.umask(before)
        temporary.rename(file)
    finally:
        with suppress(OSError):
            temporary.unlink()


def inspect(file: Path) -> StoreStatus:
    """Return the identity of the store in a dump; raise StoreError if the dump holds no store."""
    if not file.is_file():
        raise StoreError(_("there is no backup {file}", file=str(file)))
    text = _run("pg_restore", "--data-only", "--table=properties", "--file=-", str(file))
    rows = [row.split("\t") for row in text.splitlines() if row.count("\t") == 1]
    found: dict[str, str] = dict(rows)
    if "fingerprint" not in found and STORE_ID not in found:
        raise StoreError(
            _("{file} is a dump of another program, not of moza-mail", file=str(file)),
            hint=_("Nothing was changed. Name a file that `moza-mail backup` wrote."),
        )
    return StoreStatus(
        path=file,
        known_schema=HEAD,
        exists=True,
        store_id=found.get(STORE_ID, ""),
        generation=int(found.get(GENERATION, 0)),
        fingerprint=found.get("fingerprint", ""),
    )


def restore(url: str, file: Path) -> None:
    """Replace the tables of the database by those of a dump, in one transaction.

    Raise StoreError if the dump cannot be used, and StoreLocked if another process sends.
    """
    _require_no_sender(url)
    options = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
    _run("pg_restore", *options, f"--dbname={format_for_libpq(read_url(url))}", str(file))


def _require_no_sender(url: str) -> None:
    """Raise StoreLocked if another process is sending.

    That process would otherwise continue with the restored deliveries.
    """
    with closing(PostgresDatabase.without_migrating(url)) as database, database.reading() as connection:
        if not sa.inspect(connection).has_table("senders"):
            return
        found = connection.execute(LIVING_SENDER, {"namespace": advisory.NAMESPACE}).first()
    if found:
        *fields, since = found
        sender = Sender(**dict(zip(("purpose", "account", "host", "process_id"), fields, strict=True)))
        raise make_locked_error(sender, datetime.fromisoformat(since), SenderLock.MAILINGS)


def _run(program: str, *arguments: str) -> str:
    """Run a program and return its output.

    Raise StoreError with the program's message if it fails.
    """
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
    return done.stdout.decode("utf-8", "replace")
