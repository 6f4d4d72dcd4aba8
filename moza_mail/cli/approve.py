"""`moza-mail approve`: show what an issue sends to whom, and record or withdraw an approval."""

import sys
from dataclasses import dataclass

from moza_mail.app import approve as app
from moza_mail.app.check_issue import findings_as_data
from moza_mail.app.open_project import open_store
from moza_mail.app.prepare_issue import prepare_issue
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.cli.send import own_addresses, plan_as_text
from moza_mail.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveCommand:
    """The arguments of `moza-mail approve`. `by` is the person who approves."""

    issue: str
    list_slug: str
    by: str
    yes: bool
    as_json: bool
    segment: str = ""


def approve(project: Project, command: ApproveCommand) -> int:
    """Show the plan, ask on a terminal, and record the approval; return 3 if check finds errors."""
    return run_async(lambda: _approve(project, command))


async def _approve(project: Project, command: ApproveCommand) -> int:
    prepared = prepare_issue(project, command.issue, command.list_slug, command.segment)
    source = prepared.issue.source
    async with open_store(project) as store:
        plan = await app.plan_approval(store, prepared)
        mailing = plan.mailing
        lines = [plan_as_text(plan.send_plan), *app.describe_content(mailing)]
        output.say("\n".join(lines), own_addresses(prepared))
        if plan.send_plan.has_errors:
            output.say(f"Nothing was approved. Fix the errors first: moza-mail check {source}")
            if command.as_json:
                output.give_json(findings_as_data(source, plan.send_plan.findings))
            return output.NEEDS_ATTENTION
        if plan.is_blocked:
            output.say(
                "Its mailing has begun with another text, so this text cannot be sent to the same list."
            )
        if not command.yes and sys.stdin.isatty():
            output.confirm(
                f"Approve {mailing.issue_slug} to {mailing.audience_name}?", "nothing was approved"
            )
        approval = await app.approve(store, plan, by=command.by)
    if command.as_json:
        output.give_json(app.approval_as_data(mailing, approval, "approved"))
    else:
        at = f"{approval.created_at:%Y-%m-%d %H:%M} UTC"
        output.give(
            f"{mailing.issue_slug} to {mailing.audience_name}: approved by {approval.approved_by} on {at}"
        )
        output.say("A change of its text, theme or audience withdraws the approval automatically.")
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
        output.give(f"{mailing.issue_slug} to {mailing.list_slug}: {status}")
    return 0
