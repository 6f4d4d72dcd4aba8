"""What the audit trail is told of a run of `send`, its beginning and how the mailing stood at its end, and of who looks at many people."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from moza_mail.model.audit import Act, Entry
from moza_mail.model.mailing import Mailing
from moza_mail.store import Store


@asynccontextmanager
async def log_send_run(store: Store, mailing: Mailing, clock: Callable[[], datetime]) -> AsyncGenerator[None]:
    """Note that a run begins, and that it has ended, however it ends; one that is killed has no such entry."""
    await _note(store, mailing, Act.SEND, mailing.issue_slug, clock())
    try:
        yield
    finally:
        counts = await store.ledger.count_by_state(mailing.id)
        told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        await _note(store, mailing, Act.SENT, f"{mailing.issue_slug}: {told}", clock())


async def _note(store: Store, mailing: Mailing, act: Act, detail: str, now: datetime) -> None:
    entry = Entry(at=now, act=act, list_slug=mailing.list_slug, mailing=mailing.id, detail=detail)
    await store.audit_log.add(entry)


async def log_access(
    store: Store, what: str, *, now: datetime, list_slug: str = "", mailing: int | None = None
) -> None:
    """Note that people are shown or handed out with their addresses, before they are; `what` says which, and names nobody."""
    await store.audit_log.add(
        Entry(at=now, act=Act.EXPORT, list_slug=list_slug, mailing=mailing, detail=what)
    )
