"""Audit entries for a send run, and for access to the data of many subscribers."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from moza_mail.errors import StoreUnavailable
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.mailing import Mailing
from moza_mail.store import Store


@asynccontextmanager
async def log_send_run(store: Store, mailing: Mailing, clock: Callable[[], datetime]) -> AsyncGenerator[None]:
    """Log the start and the end of a run.

    A run that is killed or loses its database has no entry for its end.
    """
    await _log(store, mailing, AuditAction.SEND, mailing.issue_slug, clock())
    try:
        yield
    finally:
        with suppress(StoreUnavailable):
            counts = await store.ledger.count_by_state(mailing.id)
            summary = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
            await _log(store, mailing, AuditAction.SENT, f"{mailing.issue_slug}: {summary}", clock())


async def _log(store: Store, mailing: Mailing, act: AuditAction, detail: str, now: datetime) -> None:
    entry = AuditEntry(
        occurred_at=now, action=act, list_slug=mailing.list_slug, mailing_id=mailing.id, detail=detail
    )
    await store.audit_log.add(entry)


async def log_access(
    store: Store, description: str, *, now: datetime, list_slug: str = "", mailing: int | None = None
) -> None:
    """Log that subscribers will be shown or exported with their addresses.

    Call this function before showing or exporting them.

    description: which subscribers, without any of their data.
    """
    await store.audit_log.add(
        AuditEntry(
            occurred_at=now,
            action=AuditAction.EXPORT,
            list_slug=list_slug,
            mailing_id=mailing,
            detail=description,
        )
    )
