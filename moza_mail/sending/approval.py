"""Approvals: record and withdraw them, and refuse to send an issue without one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moza_mail.errors import MailingError, NotApproved
from moza_mail.i18n import Translatable, describe_error
from moza_mail.i18n import gettext as _
from moza_mail.model.approval import Approval, ApprovalPolicy, check_person_name, describe_audience
from moza_mail.model.mailing import Mailing
from moza_mail.store import Store


class ApprovalState(StrEnum):
    """Approval state of an issue for its current text."""

    NONE = "none"
    APPROVED = "approved"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalStatus:
    """Approval state of an issue.

    approval: the approval that covers the current text. If there is none, the most recent approval.
    """

    state: ApprovalState
    approval: Approval | None = None

    def describe(self) -> Translatable:
        """Return a clause that says who approved the issue, when, and what happened since."""
        last = self.approval
        if last is None:
            return _("not approved")
        given = _("approved by {by} on {at} UTC", by=last.approved_by, at=f"{last.created_at:%Y-%m-%d %H:%M}")
        match self.state:
            case ApprovalState.CHANGED:
                return _("{approved}, and changed since", approved=given)
            case ApprovalState.WITHDRAWN:
                return _(
                    "{approved}, withdrawn by {by} on {at} UTC",
                    approved=given,
                    by=last.withdrawn_by or "",
                    at=f"{last.withdrawn_at:%Y-%m-%d %H:%M}",
                )
            case _:
                return given

    def __str__(self) -> str:
        return self.describe()


async def approve(store: Store, drafted: Mailing, *, by: str, now: datetime) -> Approval:
    """Record that `by` approves this mailing as it is now, and return the approval.

    A second approval of the same mailing by the same person is not recorded. Raises MailingError if the name cannot be
    recorded.
    """
    name = _check_name(by)
    known = await store.approvals.list_for_issue(drafted.issue_slug, drafted.list_slug)
    if same := next((one for one in known if one.covers(drafted) and one.approved_by == name), None):
        return same
    given = Approval(
        issue_slug=drafted.issue_slug,
        list_slug=drafted.list_slug,
        digest=drafted.digest,
        audience=describe_audience(drafted),
        approved_by=name,
        created_at=now,
    )
    await store.approvals.add(given)
    return given


def _check_name(by: str) -> str:
    try:
        return check_person_name(by)
    except ValueError as error:
        raise MailingError(
            _("{name!r} cannot be recorded: {reason}", name=by[:40], reason=describe_error(error)),
            hint=_("Name yourself with --as NAME."),
        ) from None


async def withdraw_approvals(store: Store, drafted: Mailing, *, by: str, now: datetime) -> int:
    """Withdraw all approvals of this issue for this list and return their number.

    Raises MailingError if the name `by` cannot be recorded.
    """
    return await store.approvals.withdraw(drafted.issue_slug, drafted.list_slug, by=_check_name(by), now=now)


async def find_approval_status(store: Store, drafted: Mailing) -> ApprovalStatus:
    """Return the approval state of a mailing as it would be sent now."""
    known = await store.approvals.list_for_issue(drafted.issue_slug, drafted.list_slug)
    if valid := next((one for one in known if one.covers(drafted)), None):
        return ApprovalStatus(state=ApprovalState.APPROVED, approval=valid)
    if not known:
        return ApprovalStatus(state=ApprovalState.NONE)
    last = known[0]
    return ApprovalStatus(
        state=ApprovalState.CHANGED if last.is_active else ApprovalState.WITHDRAWN, approval=last
    )


async def require_approval(store: Store, drafted: Mailing, policy: ApprovalPolicy, *, account: str) -> None:
    """Raise NotApproved if the policy requires an approval that this mailing does not have.

    account: the account that sends. Under FOUR_EYES its own approval does not count.
    """
    if policy is ApprovalPolicy.OFF:
        return
    known = await store.approvals.list_for_issue(drafted.issue_slug, drafted.list_slug)
    valid = [one for one in known if one.covers(drafted)]
    if policy is ApprovalPolicy.FOUR_EYES and valid and all(one.approved_by == account for one in valid):
        raise NotApproved(
            _(
                "`{issue_slug}` is approved by {account} alone, who also sends it; a second person must approve",
                issue_slug=drafted.issue_slug,
                account=account,
            ),
            hint=_(
                "Ask a colleague to look at it and type: moza-mail approve {issue_slug}",
                issue_slug=drafted.issue_slug,
            ),
        )
    if not valid:
        found = await find_approval_status(store, drafted)
        raise NotApproved(
            _(
                "`{issue_slug}` may not be sent to the list `{list_slug}`: it is {status}",
                issue_slug=drafted.issue_slug,
                list_slug=drafted.list_slug,
                status=found.describe(),
            ),
            hint=_(
                "Ask a colleague to look at it and type: moza-mail approve {issue_slug}",
                issue_slug=drafted.issue_slug,
            ),
        )
