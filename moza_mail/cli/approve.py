"""`moza-mail approve`: show the plan of a mailing, and record or withdraw its approval."""

import sys
from dataclasses import dataclass

from moza_mail.app import approve as app
from moza_mail.app.check_issue import findings_as_data
from moza_mail.app.open_project import open_store
from moza_mail.app.prepare_issue import prepare_issue
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.cli.send import own_addresses, plan_as_text
from moza_mail.i18n import gettext as _
from moza_mail.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveCommand:
    """The arguments of `moza-mail approve`. `by` is empty if the current account approves."""

    issue: str
    list_slug: str
    by: str
    yes: bool
    as_json: bool
    segment: str = ""


def approve(project: Project, command: ApproveCommand) -> int:
    """Show the plan, ask, and record the approval; return 3 if the issue has errors."""
    return run_async(lambda: _approve(project, command))


async def _approve(project: Project, command: ApproveCommand) -> int:
    prepared = prepare_issue(project, command.issue, command.list_slug, command.segment)
    source = prepared.issue.source
    async with open_store(project) as store:
        plan = await app.plan_approval(store, prepared)
        mailing = plan.mailing
        lines = [plan_as_text(plan.send_plan), *app.describe_content(mailing)]
        output.say(output.shown_lines(lines), own_addresses(prepared))
        if plan.send_plan.has_errors:
            output.say(
                _("Nothing was approved. Fix the errors first: moza-mail check {source}", source=source)
            )
            if command.as_json:
                output.give_json(findings_as_data(source, plan.send_plan.findings))
            return output.NEEDS_ATTENTION
        if plan.is_blocked:
            output.say(
                _("Its mailing has begun with another text, so this text cannot be sent to the same list.")
            )
        if not command.yes and sys.stdin.isatty():
            output.confirm(
                _(
                    "Approve {issue_slug} to {audience_name}?",
                    issue_slug=mailing.issue_slug,
                    audience_name=mailing.audience_name,
                ),
                _("nothing was approved"),
            )
        approval = await app.approve(store, plan, by=command.by)
    if command.as_json:
        output.give_json(app.approval_as_data(mailing, approval, "approved"))
    else:
        at = f"{approval.created_at:%Y-%m-%d %H:%M} UTC"
        output.give(
            _(
                "{issue_slug} to {audience_name}: approved by {approved_by} on {at}",
                issue_slug=mailing.issue_slug,
                audience_name=mailing.audience_name,
                approved_by=approval.approved_by,
                at=at,
            )
        )
        output.say(_("A change of its text, theme or audience withdraws the approval automatically."))
    return 0


def withdraw(project: Project, command: ApproveCommand) -> int:
    """Withdraw every approval of an issue; return the exit code."""
    prepared = prepare_issue(project, command.issue, command.list_slug)

    async def work() -> app.Withdrawal:
        async with open_store(project) as store:
            return await app.withdraw_approvals(store, prepared, by=command.by)

    done = run_async(work)
    mailing, status = done.mailing, done.status
    if command.as_json:
        data = app.approval_as_data(mailing, status.approval, status.state.value)
        output.give_json({**data, "withdrawn": done.count})
    else:
        output.give(
            _(
                "{issue_slug} to {list_slug}: {status}",
                issue_slug=mailing.issue_slug,
                list_slug=mailing.list_slug,
                status=status.describe(),
            )
        )
    return 0
