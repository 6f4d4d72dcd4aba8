"""The statements of approvals, and of what has been told once. Each is given a transaction."""

from datetime import datetime

import sqlalchemy as sa

from moza_mail.model.approval import Approval
from moza_mail.model.audit import Act, Entry
from moza_mail.store.audit_log import note
from moza_mail.store.schema import approvals, insert, notices

NOUN = tuple(column for column in approvals.c if column.name != "id")


def of_issue(connection: sa.Connection, issue_slug: str, list_slug: str) -> list[Approval]:
    """Every approval of an issue for a list, newest first."""
    query = sa.select(*NOUN).where(approvals.c.issue_slug == issue_slug, approvals.c.list_slug == list_slug)
    return [Approval(**row) for row in connection.execute(query.order_by(approvals.c.id.desc())).mappings()]


def record(connection: sa.Connection, approval: Approval) -> None:
    """Add one."""
    told = f"{approval.issue_slug} by {approval.by}: {approval.digest[:16]} to {approval.audience}"
    entry = Entry(at=approval.at, act=Act.APPROVE, list_slug=approval.list_slug, detail=told)
    note(connection, entry)
    values = {column.name: getattr(approval, column.name) for column in NOUN}
    connection.execute(sa.insert(approvals).values(**values))


def withdraw(connection: sa.Connection, issue_slug: str, list_slug: str, by: str, now: datetime) -> int:
    """Withdraw those that stand."""
    done = connection.execute(
        sa.update(approvals)
        .where(
            approvals.c.issue_slug == issue_slug,
            approvals.c.list_slug == list_slug,
            approvals.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_by=by, withdrawn_at=now)
    )
    if done.rowcount:
        told = f"{issue_slug}: withdrawn by {by}"
        note(connection, Entry(at=now, act=Act.APPROVE, list_slug=list_slug, detail=told))
    return done.rowcount


def told(connection: sa.Connection, what: str) -> bool:
    """Whether something of this name has been told."""
    return connection.scalar(sa.select(notices.c.what).where(notices.c.what == what)) is not None


def tell_once(connection: sa.Connection, what: str, now: datetime) -> bool:
    """Whether nothing of this name has been told before."""
    made = insert(connection, notices).values(what=what, at=now).on_conflict_do_nothing()
    return connection.execute(made.returning(notices.c.what)).scalar() is not None
