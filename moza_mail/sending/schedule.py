"""The send times of planned issues, and which of them are due."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.mailing import StartedMailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.store import Store


class DueState(StrEnum):
    """State of a planned issue with respect to its send time.

    WAITING: the send time is in the future, or the mailing pauses.
    BEGUN: the mailing has begun and continues.
    STALE: the send time passed too long ago, and the mailing never began.
    DONE: the mailing is complete, or a person started it by hand.
    """

    WAITING = "waiting"
    DRAFT = "draft"
    DUE = "due"
    BEGUN = "begun"
    STALE = "stale"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedIssue:
    """An issue, its list, and the time at which it is sent automatically."""

    issue_slug: str
    list_slug: str
    source: str
    at: datetime
    draft: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Return the key by which the ledger finds the mailing of the issue."""
        return self.issue_slug, self.list_slug


def plan_issue(front: IssueHeader, mailing_list: MailingList, zone: tzinfo) -> PlannedIssue | None:
    """Return the issue with its send time, or None if it is never sent automatically.

    The time is the issue's own `send_at` in `zone`. Without `send_at`, it is the first time in the schedule of the list that is
    on the issue's date or later.
    """
    if front.send_at:
        at = front.send_at.to_utc(zone)
    elif mailing_list.schedule:
        at = mailing_list.schedule.send_time_for(front.date)
    else:
        return None
    return PlannedIssue(
        issue_slug=front.slug,
        list_slug=mailing_list.slug,
        source=front.source,
        at=at,
        draft=front.draft,
    )


def compute_due_state(
    plan: PlannedIssue, begun: StartedMailing | None, now: datetime, max_age: timedelta
) -> DueState:
    """Return the state of a planned issue.

    A mailing that began at most `max_age` after its send time is continued, even if `now` is much later. A mailing that began
    later was started by a person, and is never continued automatically.
    """
    if begun is not None:
        by_hand = begun.created_at > plan.at + max_age
        if by_hand or (plan.at <= now and not begun.is_unfinished(now)):
            return DueState.DONE
        is_paused = begun.paused_until is not None and begun.paused_until > now
        return DueState.WAITING if plan.at > now or is_paused else DueState.BEGUN
    if plan.draft:
        return DueState.DRAFT
    if plan.at > now:
        return DueState.WAITING
    return DueState.STALE if now - plan.at > max_age else DueState.DUE


async def list_due_states(
    store: Store, plans: Iterable[PlannedIssue], now: datetime, max_age: timedelta
) -> list[tuple[PlannedIssue, DueState]]:
    """Return each issue with its state, in the order of the send times."""
    begun = {(one.issue_slug, one.list_slug): one for one in await store.ledger.list_started()}
    in_order = sorted(plans, key=lambda plan: (plan.at, plan.source))
    return [(plan, compute_due_state(plan, begun.get(plan.key), now, max_age)) for plan in in_order]


def make_notice_key(kind: str, plan: PlannedIssue) -> str:
    """Return the deduplication key by which an error of an issue is reported once."""
    return f"{kind} {plan.list_slug}/{plan.issue_slug} {plan.at.isoformat()}"


def make_handover_key(plan: PlannedIssue) -> str:
    """Return the key of the notice that asks a person to decide about a mailing.

    Such a mailing is no longer continued automatically.
    """
    return f"held {plan.list_slug}/{plan.issue_slug}"


async def find_lost_mailings(store: Store, slugs: AbstractSet[str], now: datetime) -> list[StartedMailing]:
    """Return unfinished mailings whose issue no longer exists.

    No run would ever continue them.
    """
    return [
        one
        for one in await store.ledger.list_started()
        if one.issue_slug not in slugs and one.is_unfinished(now)
    ]


def make_lost_mailing_key(mailing: StartedMailing) -> str:
    """Return the deduplication key by which a mailing without an issue is reported once."""
    return f"lost {mailing.list_slug}/{mailing.issue_slug}"


async def is_idle(store: Store, plans: Iterable[PlannedIssue], now: datetime, max_age: timedelta) -> bool:
    """Return True if there is no issue to send and no missed send time to report.

    Makes as few queries as possible.
    """
    for plan, state in await list_due_states(store, plans, now, max_age):
        if state is DueState.STALE and not await store.notices.was_reported(
            make_notice_key("SendTimeMissed", plan)
        ):
            return False
        if state in {DueState.DUE, DueState.BEGUN} and not await store.notices.was_reported(
            make_handover_key(plan)
        ):
            return False
    return True
