"""`moza-mail approve`: what goes to whom, and a colleague's word that it may."""

import sys
from dataclasses import dataclass, replace
from typing import Any

from moza_mail import sending
from moza_mail.app import open_project
from moza_mail.app.prepare_issue import check_issue as findings_of
from moza_mail.app.prepare_issue import now, prepare_issue, select_segment
from moza_mail.cli import findings, output, send
from moza_mail.model.approval import Approval, audience_rule
from moza_mail.model.finding import Severity
from moza_mail.model.mailing import Mailing
from moza_mail.project import Project
from moza_mail.store import account


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person asked for on the command line; `by` is who they say they are, empty for their account."""

    issue: str
    list_slug: str
    by: str
    yes: bool
    as_json: bool
    segment: str = ""

    @property
    def name(self) -> str:
        """Who it is that approves."""
        return self.by.strip() or account()


def approve(project: Project, wish: Wish) -> int:
    """Show what would go out, ask on a terminal, and record the approval; give 3 when check finds what must be mended."""
    return open_project.run_async(lambda: _approve(project, wish))


async def _approve(project: Project, wish: Wish) -> int:
    dressed = select_segment(prepare_issue(project, wish.issue, wish.list_slug), wish.segment)
    found = findings_of(dressed)
    async with open_project.open_store(project) as store:
        drafted = dressed.draft_mailing()
        known = await store.mailing(drafted.issue_slug, drafted.list_slug)
        if known:
            # Its audience is frozen, whatever is named now.
            drafted = replace(drafted, segment=known.segment)
        going_on = known if known and known.digest == drafted.digest else None
        told = "\n".join([await send.plan(store, dressed, going_on, found), *_sizes(drafted)])
        output.say(told, send.own(dressed))
        if any(finding.severity is Severity.ERROR for finding in found):
            output.say(
                f"Nothing was approved: mend the errors first, see moza-mail check {dressed.issue.source}"
            )
            if wish.as_json:
                output.give_json(findings.as_data(dressed.issue.source, found))
            return output.NEEDS_A_HUMAN
        if known and not going_on:
            output.say("Its mailing has begun with another text, and this one cannot take its place.")
        if not wish.yes and sys.stdin.isatty():
            output.confirm(
                f"May {drafted.issue_slug} go to {drafted.whom} like this?", "nothing was approved"
            )
        given = await sending.approve(store, drafted, by=wish.name, now=now())
    if wish.as_json:
        output.give_json(_as_data(drafted, given, "approved"))
    else:
        output.give(
            f"{drafted.issue_slug} to {drafted.whom}: approved by {given.by} on {given.at:%Y-%m-%d %H:%M} UTC"
        )
        output.say("A change of its text, look or audience withdraws that by itself.")
    return 0


def _sizes(drafted: Mailing) -> list[str]:
    rendered = drafted.rendered
    attached = sum(len(one.content) for one in rendered.attachments)
    more = f", {attached:,} bytes beside them" if attached else ""
    return [
        f"  holds    {len(rendered.html.encode()):,} bytes of HTML and {len(rendered.text.encode()):,} of text{more}",
        f"  digest   {drafted.digest}",
    ]


def withdraw(project: Project, wish: Wish) -> int:
    """Take back every approval of an issue; give the exit code."""
    return open_project.run_async(lambda: _withdraw(project, wish))


async def _withdraw(project: Project, wish: Wish) -> int:
    dressed = prepare_issue(project, wish.issue, wish.list_slug)
    drafted = dressed.draft_mailing()
    async with open_project.open_store(project) as store:
        count = await sending.withdraw_approvals(store, drafted, by=wish.name, now=now())
        found = await sending.find_approval_status(store, drafted)
    if wish.as_json:
        output.give_json({**_as_data(drafted, found.approval, found.state.value), "withdrawn": count})
    else:
        output.give(f"{drafted.issue_slug} to {drafted.list_slug}: {found}")
    return 0


def _as_data(drafted: Mailing, given: Approval | None, standing: str) -> dict[str, Any]:
    return {
        "issue": drafted.issue_slug,
        "list": drafted.list_slug,
        "subject": drafted.rendered.subject,
        "audience": audience_rule(drafted),
        "digest": drafted.digest,
        "approval": standing,
        "approved_by": given.by if given else None,
        "approved_at": given.at.isoformat() if given else None,
    }
