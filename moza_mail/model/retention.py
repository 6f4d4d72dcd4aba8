"""Retention and erasure: how long personal data is kept, and what was deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPeriods:
    """The number of days for which each kind of data is kept.

    deliveries: the recipient of a message and the text of the reply.
    bounces: the text of a report, and its message in the mailbox.
    sign_ups: a sign-up that was never confirmed.
    audit: an entry of the audit log.
    """

    deliveries: int = 90
    bounces: int = 30
    sign_ups: int = 14
    audit: int = 1826

    def before(self, kind: str, now: datetime) -> datetime:
        """Return the time before which data of one kind has expired."""
        return now - timedelta(days=getattr(self, kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionResult:
    """Rows that were deleted or shortened, by kind.

    still_open: old deliveries that keep their data, because they are not sent yet or a person must decide about them.
    remains: where deleted data may still be read in the database's files, empty if nowhere.
    is_complete: another run would change nothing.
    """

    changed: Mapping[str, int]
    still_open: int = 0
    remains: str = ""
    is_complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureResult:
    """Rows that an erasure changed, by table.

    erased_at: when the person was erased, by this erasure or an earlier one. None if no data about the person was ever stored.
    issues: published issues with the address in their own text; they stay unchanged.
    remains: where the address may still be read in the database's files, empty if nowhere.
    is_complete: another erasure would change nothing.
    """

    rows: Mapping[str, int]
    erased_at: datetime | None
    issues: tuple[str, ...] = ()
    remains: str = ""
    is_complete: bool = True
