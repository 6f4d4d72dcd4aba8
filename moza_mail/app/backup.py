"""Back up the store, and replace the store by a backup."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from moza_mail import store as stores
from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store
from moza_mail.errors import StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.store_mark import RestoreGap
from moza_mail.project import Project
from moza_mail.subscribe import SubscriberAdmin


async def back_up(project: Project, file: Path) -> None:
    """Write the store to a new file. Other processes may send meanwhile.

    The file does not contain the secret.

    Raises StoreError if the file exists or cannot be written.
    """
    async with open_store(project) as store:
        # Raise the generation, so that a copy of the store from before this backup is recognised as older.
        await store.identity.advance()
    await stores.back_up_store(project.store_url(), file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """Result of restoring a backup.

    gap: the period between the backup and the restore. The store has no record of this period.
    uncertain: the number of deliveries that may have been accepted since the backup.
    old_store: the file to which the earlier store was moved; None if there was no store.
    repeated: the numbers of people who were erased again, and of subscriptions that ended again, because the earlier store
        recorded it. None if the earlier store could not be read.
    """

    gap: RestoreGap
    uncertain: int
    old_store: Path | None
    repeated: tuple[int, int] | None


async def restore(project: Project, file: Path) -> Restored:
    """Replace the store by a backup, or by any copy of a SQLite store.

    Deliveries that were not finished in the backup become uncertain. Erasures and unsubscriptions that the replaced SQLite
    store recorded are repeated. Nothing new is sent until `settle` has recorded what was
    sent between the last change in the backup and the restore.

    Raises StoreError if the backup cannot be used or belongs to another store, and StoreLocked if another process sends.
    """
    url, moment = project.store_url(), now()
    hasher = AddressHasher(secret=project.read_secret())
    await require_own_backup(project, file)
    generation = await _find_newest_generation(project)
    old_store = await stores.restore_store(url, file, now=moment)
    last_change = (await stores.inspect_store(url)).last_change or moment
    store = await stores.open_store(url, hasher=hasher)
    try:
        earlier = await store.identity.read_gap()
        gap = RestoreGap(
            start=min(last_change, earlier.start) if earlier and earlier.is_open else last_change, end=moment
        )
        await store.identity.write_gap(gap)
        uncertain = await store.identity.doubt_deliveries(now=moment)
        repeated = await _repeat_departures(store, old_store, hasher, moment) if old_store else None
        mark = await store.identity.advance(generation + 1)
        detail = f"restored from a backup; unknown since {gap.start:%Y-%m-%d %H:%M} UTC"
        await store.audit_log.add(AuditEntry(occurred_at=moment, action=AuditAction.RESTORE, detail=detail))
        project.write_store_mark(mark)
    finally:
        await store.close()
    return Restored(gap=gap, uncertain=uncertain, old_store=old_store, repeated=repeated)


async def _repeat_departures(
    store: stores.Store, old_store: Path, hasher: AddressHasher, moment: datetime
) -> tuple[int, int] | None:
    """Erase and unsubscribe again whoever was erased or left in the earlier store; return both numbers."""
    found = await stores.repeat_departures(store, old_store, hasher, now=moment)
    if found is None:
        return None
    addresses, departures = found
    if addresses:
        await SubscriberAdmin(store).erase_all(addresses, clock=now)
    return len(addresses), departures


def describe_restore(done: Restored) -> Iterator[str]:
    """Yield sentences about a restore: the period without data, and what to do next."""
    if done.old_store:
        yield _(
            "The earlier store was moved to {file}. It contains personal data: delete it, with any -wal and -shm beside it, when you no longer need it.",
            file=str(done.old_store),
        )
    yield _(
        "Restored. The store has no record of what happened between {start} UTC and {end} UTC:",
        start=f"{done.gap.start:%Y-%m-%d %H:%M}",
        end=f"{done.gap.end:%Y-%m-%d %H:%M}",
    )
    yield _("  {count} messages may have been sent since; they are uncertain now", count=done.uncertain)
    if done.repeated:
        erased, departures = done.repeated
        yield _(
            "  from the earlier store: people erased again: {erased}; subscriptions ended again: {departures}",
            erased=erased,
            departures=departures,
        )
        yield _("  sign-ups, suppressions and bounces of that time are lost; enter again those that you know")
    else:
        yield _(
            "  sign-ups, unsubscriptions, bounces and erasures of that time are lost; enter again those that you know"
        )
    yield _(
        "Nothing is sent until you record what was sent in that time: moza-mail settle --log FILE, or moza-mail settle --assume-sent-until TIME"
    )


async def _find_newest_generation(project: Project) -> int:
    """Return the highest known generation number of the store that the backup replaces.

    The generation number of a store rises while the store is used. Returns 0 if the store is gone or cannot be read.
    """
    known = project.read_store_mark()
    current = 0
    with suppress(StoreError):
        current = (await stores.inspect_store(project.store_url())).generation
    return max(current, known.generation if known else 0)


async def require_own_backup(project: Project, file: Path) -> None:
    """Raise StoreError if a file is missing, is no backup, or is a copy of another store or with another secret."""
    known, fingerprint = project.read_store_mark(), AddressHasher(secret=project.read_secret()).fingerprint
    status = await stores.inspect_backup(project.store_url(), file)
    if status.fingerprint not in {"", fingerprint}:
        raise StoreError(
            _("{file} was written with another secret than the configured secret", file=str(file)),
            hint=_(
                "First restore the secret with which the backup was made: subscribers/secret, or MOZA_MAIL_SECRET."
            ),
        )
    if known and status.store_id and status.store_id != known.store_id:
        raise StoreError(
            _("{file} is a backup of another store", file=str(file)),
            hint=_(
                "Name a backup of this project. To use this backup anyway, type: moza-mail --new-store restore FILE"
            ),
        )
