"""Verify the audit log: its seals, its sealed head, and its triggers.

Also compare the log with anchors: seals of entries that were kept outside the database.
"""

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.audit_seal import (
    AuditAnchor,
    AuditCheck,
    AuditHead,
    AuditProblem,
    ChainVerifier,
    ProblemKind,
    compare_anchor,
)
from moza_mail.store.audit_head import find_seal, iter_rows, read_head
from moza_mail.store.audit_triggers import has_triggers
from moza_mail.store.schema import audit_log, erasures, mailings, subscribers, suppressions

NEWEST = 1000
"""The number of entries that the quick check reads, in about 20 ms."""


def verify_rows(
    connection: sa.Connection,
    hasher: AddressHasher,
    anchors: Sequence[AuditAnchor] = (),
    *,
    is_quick: bool = False,
) -> AuditCheck:
    """Verify the audit log in the open transaction.

    is_quick: verify the seals of the newest entries only. Deleted entries are still detected.
    """
    head = read_head(connection, hasher)
    verifier = ChainVerifier(hasher=hasher, head=head)
    after = None
    if is_quick and head is not None:
        after = _skip_old_entries(connection, verifier, head)
    for page in iter_rows(connection, after):
        verifier.read(page)
    check = verifier.finish()
    problems = [*check.problems]
    if not has_triggers(connection):
        problems.append(AuditProblem(kind=ProblemKind.PROTECTION))
    if head is not None and head.last == 0 and _has_data(connection):
        problems.append(AuditProblem(kind=ProblemKind.EMPTIED))
    if head is not None:
        found = (compare_anchor(one, head, hasher, _find_seal(connection, head, one)) for one in anchors)
        problems += filter(None, found)
    return replace(
        check,
        problems=tuple(problems),
        unverified_anchors=sum(one.number < check.head.deleted for one in anchors),
    )


def _skip_old_entries(connection: sa.Connection, verifier: ChainVerifier, head: AuditHead) -> int | None:
    """Let the verifier begin with the newest entries; return the id of the last older entry.

    Return None if all entries must be verified, for example because an entry is missing or was added.
    """
    first, count = connection.execute(sa.select(sa.func.min(audit_log.c.id), sa.func.count())).one()
    start = head.last - NEWEST
    seal = find_seal(connection, start)
    if count != head.rows or (first or 0) <= head.deleted or seal is None or start <= head.deleted:
        return None
    verifier.begin_after(start, seal)
    return start


def _has_data(connection: sa.Connection) -> bool:
    """Return True if the store has rows that always come with an audit entry."""
    tables = (subscribers, suppressions, erasures, mailings)
    return any(
        connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() for table in tables
    )


def _find_seal(connection: sa.Connection, head: AuditHead, anchor: AuditAnchor) -> str | None:
    return head.deleted_seal if anchor.number == head.deleted else find_seal(connection, anchor.number)
