"""Approve an issue as it is now, and withdraw approvals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from moza_mail.app.check_issue import check_issue
from moza_mail.app.clock import now
from moza_mail.app.plan_send import SendPlan, plan_mailing
from moza_mail.app.prepare_issue import PreparedIssue
from moza_mail.model.approval import Approval, describe_audience
from moza_mail.model.mailing import Mailing
from moza_mail.sending import approval as approvals
from moza_mail.store import Store, current_account


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPlan:
    """The mailing that an approval would allow.

    is_blocked: True if a mailing of the issue has begun with another text.
    """

    mailing: Mailing
    send_plan: SendPlan
    is_blocked: bool


async def plan_approval(store: Store, prepared: PreparedIssue) -> ApprovalPlan:
    """Plan an approval; raise EmptyAudience if nobody would receive the issue."""
    mailing = prepared.draft_mailing()
    begun = await store.ledger.find_mailing(mailing.issue_slug, mailing.list_slug)
    if begun:
        # A mailing that has begun keeps its segment, even if the command names another one.
        mailing = replace(mailing, segment=begun.segment)
    continues = begun is not None and begun.digest == mailing.digest
    plan = await plan_mailing(
        store, prepared, begun if begun and continues else mailing, findings=check_issue(prepared)
    )
    return ApprovalPlan(mailing=mailing, send_plan=plan, is_blocked=begun is not None and not continues)


async def approve(store: Store, plan: ApprovalPlan, *, by: str) -> Approval:
    """Record that a person approves the planned mailing.

    by: the name of the approver; empty for the account that runs this process.
    """
    return await approvals.approve(store, plan.mailing, by=by or current_account(), now=now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """The number of approvals that were withdrawn, and the issue's status afterwards."""

    mailing: Mailing
    count: int
    status: approvals.ApprovalStatus


async def withdraw_approvals(store: Store, prepared: PreparedIssue, *, by: str) -> Withdrawal:
    """Withdraw every approval of an issue for its list.

    by: the name of the person who withdraws them; empty for the account that runs this process.
    """
    mailing = prepared.draft_mailing()
    count = await approvals.withdraw_approvals(store, mailing, by=by or current_account(), now=now())
    status = await approvals.find_approval_status(store, mailing)
    return Withdrawal(mailing=mailing, count=count, status=status)


def approval_as_data(mailing: Mailing, approval: Approval | None, state: str) -> dict[str, Any]:
    """Return an approval as JSON values.

    approval: None if there is no approval.
    state: the status of the approval, as text.
    """
    return {
        "issue": mailing.issue_slug,
        "list": mailing.list_slug,
        "subject": mailing.rendered.subject,
        "audience": describe_audience(mailing),
        "digest": mailing.digest,
        "approval": state,
        "approved_by": approval.approved_by if approval else None,
        "approved_at": approval.created_at.isoformat() if approval else None,
    }


def describe_content(mailing: Mailing) -> Sequence[str]:
    """Return the lines of a plan that show the size and the digest of a mailing's content."""
    rendered = mailing.rendered
    attached = sum(len(one.content) for one in rendered.attachments)
    attachments = f", {attached:,} bytes attached" if attached else ""
    return (
        f"  size     {len(rendered.html.encode()):,} bytes of HTML, {len(rendered.text.encode()):,} of text{attachments}",
        f"  digest   {mailing.digest}",
    )
