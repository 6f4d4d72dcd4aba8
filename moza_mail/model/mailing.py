"""Mailings and the deliveries in their ledger.

The states of a delivery, and their transitions:

    pending -> claimed -> intent -> accepted | deferred | refused | uncertain
    claimed -> pending (released)   claimed, pending, deferred -> skipped   deferred -> claimed
    uncertain -> claimed only if a person decides so

The state claimed is stored only if several senders can share a mailing (PostgreSQL). Otherwise, claims are kept in memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from moza_mail.errors import StoreError
from moza_mail.model.message import Recipient, Rendered
from moza_mail.model.reply import Phase
from moza_mail.model.segment import Segment
from moza_mail.model.timestamps import require_utc
from moza_mail.model.verdict import Verdict


class DeliveryState(StrEnum):
    """The state of a delivery, named as in the ledger and in `status --json`."""

    PENDING = "pending"
    CLAIMED = "claimed"
    INTENT = "intent"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    SKIPPED = "skipped"
    UNCERTAIN = "uncertain"


class SkipReason(StrEnum):
    """The reason to skip a recipient.

    `confirmed` is for a confirmation mail that is no longer needed.
    """

    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    ERASED = "erased"
    MISSING_VALUE = "missing_value"
    CONFIRMED = "confirmed"
    TOO_LATE = "too_late"


def describe_missing(names: Iterable[str]) -> str:
    """Return the detail to record for a recipient who is skipped as `missing_value`."""
    return f"no value for {', '.join(names)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """An issue as sent once to a list or a segment. Its content is frozen.

    digest: the digest of the content. The digest of the issue differs from it if the issue is edited later.
    news: the text without the agenda and the headings. A later issue is compared with this text.
    """

    id: int
    key: str
    issue_slug: str
    issue_title: str
    list_slug: str
    digest: str
    rendered: Rendered
    created_at: datetime
    issue_date: date | None = None
    segment: Segment | None = None
    news: str = ""

    def __post_init__(self) -> None:
        require_utc(self.created_at)

    @property
    def audience_name(self) -> str:
        """The list, with the segment if there is one, as shown in messages."""
        return f"{self.list_slug} (segment {self.segment.slug})" if self.segment else self.list_slug


@dataclass(frozen=True, slots=True, kw_only=True)
class SentIssue:
    """An issue with at least one accepted message.

    text: the frozen text part, with its placeholders.
    news: the text without the agenda and the headings.
    issue_date: the date in its front matter, as text; empty if it had none.
    created_at: when the mailing was created.
    is_whole_list: false if it was sent to a segment.
    """

    issue_slug: str
    issue_title: str
    text: str
    created_at: datetime
    is_whole_list: bool = True
    issue_date: str = ""
    news: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedMailing:
    """A mailing that has begun, with the state of its deliveries.

    has_unsent: True if there are recipients without an attempt.
    next_attempt: when the first deferred recipient is due.
    """

    mailing_id: int
    issue_slug: str
    list_slug: str
    created_at: datetime
    has_unsent: bool
    paused_until: datetime | None = None
    next_attempt: datetime | None = None

    def is_unfinished(self, now: datetime) -> bool:
        """Return True if a run can continue the mailing now without a person's decision."""
        return self.has_unsent or (self.next_attempt is not None and self.next_attempt <= now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Recipient):
    """The ledger's row for one recipient, with the values of the merge fields frozen."""

    id: int
    mailing_id: int
    state: DeliveryState
    attempts: int = 0
    next_attempt: datetime | None = None
    skip_reason: SkipReason | None = None
    reply: str = ""
    detail: str = ""
    phase: Phase | None = None
    queue_id: str = ""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCount:
    """The number of deliveries with one state and one verdict, with an example reply."""

    state: DeliveryState
    verdict: Verdict
    count: int
    example: str


RejectedUpdates = Mapping[int, StoreError]


"""Updates that the ledger rejected, by delivery id; empty if all were stored.

A rejected update does not fit the state of its delivery.
"""
