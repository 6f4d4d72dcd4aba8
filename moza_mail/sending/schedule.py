"""The timetable: when each issue is to be sent by itself, and where it stands with its time."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from moza_mail.model.issue import IssueHeader
from moza_mail.model.mailing import Begun
from moza_mail.model.mailing_list import MailingList
from moza_mail.store import Store


class DueState(StrEnum):
    """Where an issue stands with its time."""

    WAITING = "waiting"
    """Its time is still to come."""
    DRAFT = "draft"
    DUE = "due"
    BEGUN = "begun"
    """Its mailing has begun and is to be continued."""
    STALE = "stale"
    """Its time passed too long ago, and nobody was mailed."""
    DONE = "done"
    """It was sent, or a human has taken it in hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedIssue:
    """An issue, its list, and the moment at which it is to be sent by itself."""

    issue_slug: str
    list_slug: str
    source: str
    at: datetime
    draft: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """By what the ledger knows its mailing."""
        return self.issue_slug, self.list_slug


def plan_issue(front: IssueHeader, mailing_list: MailingList, zone: tzinfo) -> PlannedIssue | None:
    """When an issue is to be sent: at its own `send_at`, read in `zone`, else in its list's slot; None when never by itself."""
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


def due_state(plan: PlannedIssue, begun: Begun | None, now: datetime, max_age: timedelta) -> DueState:
    """Where an issue stands.

    A mailing that began within its time is finished, however late; one that a human began after that is theirs.
    """
    if begun is not None:
        by_hand = begun.created_at > plan.at + max_age
        if by_hand or (plan.at <= now and not begun.left(now)):
            return DueState.DONE
        return DueState.BEGUN if plan.at <= now else DueState.WAITING
    if plan.draft:
        return DueState.DRAFT
    if plan.at > now:
        return DueState.WAITING
    return DueState.STALE if now - plan.at > max_age else DueState.DUE


async def list_due_states(
    store: Store, plans: Iterable[PlannedIssue], now: datetime, max_age: timedelta
) -> list[tuple[PlannedIssue, DueState]]:
    """Where each issue stands, in the order of their times."""
    known = {(one.issue_slug, one.list_slug): one for one in await store.ledger.list_started()}
    in_order = sorted(plans, key=lambda plan: (plan.at, plan.source))
    return [(plan, due_state(plan, known.get(plan.key), now, max_age)) for plan in in_order]


def notice_key(kind: str, plan: PlannedIssue) -> str:
    """What it is known by that a trouble of an issue was told."""
    return f"{kind} {plan.list_slug}/{plan.issue_slug} {plan.at.isoformat()}"


def handover_key(plan: PlannedIssue) -> str:
    """The notice that a mailing is a human's from now on."""
    return f"held {plan.list_slug}/{plan.issue_slug}"


async def find_lost_mailings(store: Store, slugs: AbstractSet[str], now: datetime) -> list[Begun]:
    """The mailings of which somebody is left to be mailed while no issue has their slug: nothing would continue those."""
    return [one for one in await store.ledger.list_started() if one.issue_slug not in slugs and one.left(now)]


def lost_mailing_key(one: Begun) -> str:
    """What it is known by that such a mailing was told."""
    return f"lost {one.list_slug}/{one.issue_slug}"


async def is_idle(store: Store, plans: Iterable[PlannedIssue], now: datetime, max_age: timedelta) -> bool:
    """Whether there is nothing to do and nothing to tell of these issues now; it asks for no more than that takes."""
    for plan, where in await list_due_states(store, plans, now, max_age):
        if where is DueState.STALE and not await store.notices.was_reported(
            notice_key("SendTimeMissed", plan)
        ):
            return False
        if where in {DueState.DUE, DueState.BEGUN} and not await store.notices.was_reported(
            handover_key(plan)
        ):
            return False
    return True
