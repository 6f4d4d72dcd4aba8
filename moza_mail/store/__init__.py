"""Store: the subscribers and the ledger, in a SQLite file or a PostgreSQL database."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from moza_mail.errors import StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.bounce import DEFAULT_THRESHOLDS, BounceThresholds
from moza_mail.model.health import StoreStatus
from moza_mail.store.store import Store

__all__ = [
    "Store",
    "back_up_store",
    "copy_store",
    "current_account",
    "inspect_backup",
    "inspect_store",
    "open_store",
    "repeat_departures",
    "restore_store",
]


async def inspect_store(url: str, hasher: AddressHasher | None = None) -> StoreStatus:
    """Inspect the store of a URL without changing it, and verify its audit log.

    hasher: the keyed hash of addresses, made with the project's secret. If None, the audit log is not verified.

    Raise StoreError if the store cannot be reached or read.
    """
    from moza_mail.store import health

    return await health.inspect_store(url, hasher)


async def inspect_backup(url: str, file: Path) -> StoreStatus:
    """Inspect a backup of the store of a URL, without restoring it.

    Raise StoreError if the file is missing or is not such a backup.
    """
    if url.startswith("sqlite:///"):
        status = await inspect_store(f"sqlite:///{file}")
        if not status.exists:
            raise StoreError(_("there is no backup {file}", file=str(file)))
        return status
    from moza_mail.store.postgres import backup as dump

    return await asyncio.to_thread(dump.inspect, file)


async def copy_store(source: Store, target: Store, target_url: str, *, now: datetime) -> Mapping[str, int]:
    """Copy everything to an empty store and seal the source; return the row counts by table.

    Raise StoreError if a mailing is being sent, if the target is not empty, or if the copy differs from the source.
    """
    from moza_mail.store.copy import copy_rows

    return await copy_rows(source.transactions, target.transactions, target_url, now=now)


async def back_up_store(url: str, file: Path) -> None:
    """Write a consistent copy of a store to a new file, while others use the store.

    Raise StoreError if the file exists or cannot be written.
    """
    if url.startswith("sqlite:///"):
        from moza_mail.store.sqlite import backup

        await asyncio.to_thread(backup.back_up, Path(url.removeprefix("sqlite:///")), file)
        return
    from moza_mail.store.postgres import backup as dump

    await asyncio.to_thread(dump.back_up, url, file)


async def repeat_departures(
    store: Store, old_store: Path, hasher: AddressHasher, *, now: datetime
) -> tuple[tuple[Address, ...], int] | None:
    """Repeat the unsubscriptions that a restored store lacks, as recorded in the SQLite file it replaced.

    Return the addresses that were erased from that file and must be erased again, and the number of subscriptions that
    ended. Return None if the file cannot be read, or is not a later state of the store.
    """
    from moza_mail.store import earlier_store

    earlier = await asyncio.to_thread(earlier_store.read_earlier_store, old_store)
    mark = await store.identity.read_mark()
    if earlier is None or earlier.mark.store_id != mark.store_id or earlier.mark.generation < mark.generation:
        return None
    count = await store.transactions.write(earlier_store.repeat_departures, earlier, now)
    return await store.transactions.read(earlier_store.find_erased, earlier, hasher), count


async def restore_store(url: str, file: Path, *, now: datetime) -> Path | None:
    """Replace a store by a backup; return the file to which a SQLite store was moved.

    Raise StoreError if the backup cannot be used, and StoreLocked if another process sends.
    """
    if url.startswith("sqlite:///"):
        from moza_mail.store.sqlite import backup

        return await asyncio.to_thread(backup.restore, Path(url.removeprefix("sqlite:///")), file, now=now)
    from moza_mail.store.postgres import backup as dump

    await asyncio.to_thread(dump.restore, url, file)
    return None


def current_account() -> str:
    """Return the name of the account that runs this process."""
    from moza_mail.store import senders

    return senders.current_account()


async def open_store(
    url: str,
    *,
    actor: str = "",
    hasher: AddressHasher | None = None,
    any_secret: bool = False,
    thresholds: BounceThresholds = DEFAULT_THRESHOLDS,
) -> Store:
    """Open the store of a URL and migrate it. The caller must close it.

    The store belongs to the running event loop.

    url: `sqlite:////absolute/path.db`, a file that is created with mode 0600 if needed, or
        `postgresql://user@host:port/database?sslmode=verify-full`, an existing database in UTF-8. Options are libpq's,
        and several hosts may be named: `one:5432,two:5432`.
        The password comes from PGPASSWORD, ~/.pgpass or a service file, never from the URL. Connect to the server itself or
        to a pooler in session mode, because a sender's lock ends with its session.
    actor: the account that audit entries name; by default the account of this process.
    hasher: the keyed hash of addresses, made with the project's secret. Without it audit entries have no hash and no
        seal, and nobody can be erased.
    any_secret: accept a secret that is not the store's own, so that `adopt_secret` can make it the store's own.
    thresholds: how often an address must fail before it is suppressed.

    Raise StoreError if the store cannot be opened, SchemaTooNew if a newer moza-mail wrote it.
    """
    from moza_mail.store.audit_writer import AuditWriter
    from moza_mail.store.transactions import Transactions

    audit = AuditWriter(actor=actor or current_account(), hasher=hasher, any_secret=any_secret)
    scheme, _colon, rest = url.partition("://")
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        from moza_mail.store.postgres.database import PostgresDatabase

        return Store(await Transactions.open(partial(PostgresDatabase.open, url), audit), thresholds)
    # The URL is not repeated, because it may hold a password.
    if scheme != "sqlite" or not rest.startswith("//") or "\0" in rest or rest.endswith("/"):
        raise StoreError(
            "the store's URL names neither a SQLite file nor a PostgreSQL database",
            hint='Set store = "sqlite:///subscribers/moza-mail.db" in moza-mail.toml.',
        )
    from moza_mail.store.sqlite.database import SqliteDatabase

    return Store(await Transactions.open(partial(SqliteDatabase.open, Path(rest[1:])), audit), thresholds)
