"""Approvals of issues. A withdrawn approval stays in the table."""

from datetime import datetime

import sqlalchemy as sa

from moza_mail.model.approval import Approval
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.store.audit_writer import add_entry
from moza_mail.store.schema import approvals
from moza_mail.store.transactions import Transactions

APPROVAL = tuple(column for column in approvals.c if column.name != "id")


class Approvals:
    """The approvals of issues: who approved which content for which audience."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def list_for_issue(self, issue_slug: str, list_slug: str) -> list[Approval]:
        """Return all approvals of an issue for a list, withdrawn ones too, newest first."""
        return await self._transactions.read(_select, issue_slug, list_slug)

    async def add(self, approval: Approval) -> None:
        """Add an approval."""
        await self._transactions.write(_insert, approval)

    async def withdraw(self, issue_slug: str, list_slug: str, *, by: str, now: datetime) -> int:
        """Withdraw the current approvals of an issue for a list; return their number."""
        return await self._transactions.write(_withdraw, issue_slug, list_slug, by, now)


def _select(connection: sa.Connection, issue_slug: str, list_slug: str) -> list[Approval]:
    query = sa.select(*APPROVAL).where(
        approvals.c.issue_slug == issue_slug, approvals.c.list_slug == list_slug
    )
    return [Approval(**row) for row in connection.execute(query.order_by(approvals.c.id.desc())).mappings()]


def _insert(connection: sa.Connection, approval: Approval) -> None:
    detail = f"{approval.issue_slug} by {approval.approved_by}: {approval.digest[:16]} to {approval.audience}"
    add_entry(
        connection,
        AuditEntry(
            occurred_at=approval.created_at,
            action=AuditAction.APPROVE,
            list_slug=approval.list_slug,
            detail=detail,
        ),
    )
    values = {column.name: getattr(approval, column.name) for column in APPROVAL}
    connection.execute(sa.insert(approvals).values(**values))


def _withdraw(connection: sa.Connection, issue_slug: str, list_slug: str, by: str, now: datetime) -> int:
    withdrawn = connection.execute(
        sa.update(approvals)
        .where(
            approvals.c.issue_slug == issue_slug,
            approvals.c.list_slug == list_slug,
            approvals.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_by=by, withdrawn_at=now)
    ).rowcount
    if withdrawn:
        detail = f"{issue_slug}: withdrawn by {by}"
        add_entry(
            connection,
            AuditEntry(occurred_at=now, action=AuditAction.APPROVE, list_slug=list_slug, detail=detail),
        )
    return withdrawn
