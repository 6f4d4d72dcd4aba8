"""`moza-mail bounces`: process the bounce mailbox, and print the results."""

import sys
from pathlib import Path

from moza_mail.app.held_suppressions import decide_held, plan_decision
from moza_mail.app.process_bounces import BounceRun, process_mailbox, process_piped_message
from moza_mail.app.report_text import bounce_remarks, bounces_as_lines
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import MozaMailError
from moza_mail.i18n import gettext as _
from moza_mail.project import Project

TRY_AGAIN = 75


def bounces(project: Project, source: str, *, as_json: bool, dry_run: bool) -> int:
    """Process a mailbox, by default the project's own; return 3 if a person must decide."""
    if source == "-":
        return _process_piped(project, as_json=as_json, dry_run=dry_run)
    is_by_hand = sys.stdin.isatty()
    report = run_async(
        lambda: process_mailbox(project, source, Path.cwd(), is_dry_run=dry_run, is_by_hand=is_by_hand)
    )
    if report is None:
        return 0
    _print(report, as_json=as_json)
    if report.error:
        raise report.error
    return output.NEEDS_ATTENTION if report.unrecognised or report.held else 0


def _process_piped(project: Project, *, as_json: bool, dry_run: bool) -> int:
    """Process a piped message. Return 75 if it is not stored, so the mail server tries again."""
    try:
        report = run_async(lambda: process_piped_message(project, sys.stdin.buffer, is_dry_run=dry_run))
    except MozaMailError as error:
        output.say(f"moza-mail: {output.shown(error.message)}")
        hint = error.hint or _("The mail server keeps the message and tries again.")
        output.say(f"  {output.shown(hint)}")
        return TRY_AGAIN
    _print(report, as_json=as_json)
    return 0


def _print(report: BounceRun, *, as_json: bool) -> None:
    if as_json:
        output.give_json(report.as_data())
        return
    output.give(output.shown_lines(bounces_as_lines(report)))
    for remark in bounce_remarks(report):
        output.say(remark)


def decide(
    project: Project, decision: str, issue: str, domain: str, *, needs_answer: bool, as_json: bool
) -> int:
    """Ask for confirmation, then accept or reject the suppressions held for a mailing."""
    is_accepted = decision == "accept"
    plan = run_async(lambda: plan_decision(project, issue, domain))
    output.say(output.shown_lines(plan.describe()))
    if plan.total and needs_answer:
        question = _("Suppress them on every list?") if is_accepted else _("Keep them in the audience?")
        output.confirm(question, _("nothing was changed"))
    count = run_async(lambda: decide_held(project, plan, accept=is_accepted)) if plan.total else 0
    if as_json:
        output.give_json({"decision": decision, "count": count, **plan.as_data()})
    elif is_accepted:
        output.give(_("{count} suppressed", count=count))
    else:
        output.give(_("{count} stay in the audience", count=count))
    return 0
