"""Read and verify the audit log, and adopt a new secret."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time

from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store
from moza_mail.model.address import Address
from moza_mail.model.audit import AuditCheck, AuditEntry
from moza_mail.project import Project


async def read_audit_log(project: Project, address: str, since: date | None) -> AsyncIterator[AuditEntry]:
    """Yield the audit entries, oldest first.

    address: yield only the entries about this address; it may belong to an erased person.
    since: yield only the entries since this day.
    """
    about = Address.parse(address, international=True) if address else None
    start = datetime.combine(since, time(tzinfo=UTC)) if since else None
    async with open_store(project) as store:
        async for entry in store.audit_log.iter_entries(about, start):
            yield entry


async def verify_audit_log(project: Project) -> AuditCheck:
    """Check that no entry was changed or deleted."""
    async with open_store(project) as store:
        return await store.audit_log.verify()


async def adopt_secret(project: Project) -> bool:
    """Make the store use the configured secret. Return False if the store uses it already."""
    async with open_store(project, any_secret=True) as store:
        return await store.audit_log.adopt_secret(now=now())
