"""`moza-mail subscribers unsubscribe|suppress|erase --file`: print a plan, ask, act."""

from dataclasses import dataclass
from pathlib import Path

from moza_mail.app import bulk_actions as app
from moza_mail.app.bulk_actions import BulkAction, BulkPlan
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.project import Project

MAX_SHOWN = 20
QUESTIONS = {
    BulkAction.UNSUBSCRIBE: _("Unsubscribe them?"),
    BulkAction.SUPPRESS: _("Suppress them on every list?"),
    BulkAction.ERASE: _(
        "Erase them and everything about them, also in the files of this project? This cannot be undone."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkCommand:
    """The arguments of an action with `--file`."""

    action: BulkAction
    file: Path
    list_slug: str = ""
    evidence: str = ""
    needs_answer: bool
    as_json: bool


def run_bulk(project: Project, command: BulkCommand) -> int:
    """Run an action on everybody in a file; return 3 if a row was rejected or data remains."""
    plan = run_async(
        lambda: app.plan_bulk_action(
            project, command.action, command.file, list_slug=command.list_slug, evidence=command.evidence
        )
    )
    _print_plan(command, plan)
    if plan.todo and command.needs_answer:
        output.confirm(QUESTIONS[plan.action], _("nothing was changed"))
    label = output.shown(_("Changing"))
    with output.progress_bar(label, len(plan.todo), quiet=command.as_json) as advance:
        result = run_async(lambda: app.run_bulk_action(project, plan, advance))
    if command.as_json:
        output.give_json({**plan.as_data(), "remains": result.remains, "remarks": result.remarks})
    else:
        output.give(f"{command.file.name}: {plan.action} {len(plan.todo)} done")
    for text in (*result.remains, *result.remarks):
        output.say(text)
    return output.NEEDS_ATTENTION if plan.rejected or result.remains else 0


def _print_plan(command: BulkCommand, plan: BulkPlan) -> None:
    output.say(
        _(
            "{file}: {count} to change, {before} were changed before, {unknown} are not known here",
            file=command.file.name,
            count=len(plan.todo),
            before=plan.done_before,
            unknown=plan.unknown,
        )
    )
    for row in plan.rejected[:MAX_SHOWN]:
        output.say(f"  line {row.line}: {output.shown(row.reason)}")
