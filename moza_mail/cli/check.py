"""`moza-mail check`: print the findings in an issue, before anyone receives it."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moza_mail.app.check_issue import findings_as_data, unreadable_finding, write_statement
from moza_mail.app.earlier_issue import check_with_history
from moza_mail.app.fix_issue import fix_issue
from moza_mail.app.prepare_issue import PreparedIssue, prepare_issue
from moza_mail.cli import findings as shown
from moza_mail.cli import output
from moza_mail.errors import IssueError, RenderError, ThemeError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import find_addresses
from moza_mail.model.finding import Finding, Severity
from moza_mail.project import Project

if TYPE_CHECKING:
    from moza_mail.app.check_links import LinkReport
    from moza_mail.link_check import LinkClient


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCommand:
    """The arguments of `moza-mail check`."""

    issue: str
    list_slug: str
    strict: bool
    links: bool
    as_json: bool
    statement: bool = False
    fix: bool = False


def check(project: Project, command: CheckCommand, client: "LinkClient | None" = None) -> int:
    """Print the findings; return 3 if there is an error, or a warning with --strict.

    client: requests the links for --links; None for a default client.
    """
    if command.fix:
        diff = fix_issue(project, command.issue) or _("nothing to repair")
        output.say(diff, find_addresses(diff))
    try:
        prepared = prepare_issue(project, command.issue, command.list_slug)
    except (IssueError, RenderError, ThemeError) as error:
        if command.as_json:
            errors = error.together if isinstance(error, IssueError) else (error,)
            findings = [unreadable_finding(command.issue, one) for one in errors]
            output.give_json(findings_as_data(command.issue, findings))
        raise
    if command.statement:
        return _print_statement(prepared, command)
    found = check_with_history(prepared)
    links = {}
    if command.links:
        report = _check_links(prepared, client, quiet=command.as_json)
        found = report.add_findings(found)
        links = {"links": report.as_data()}
    if command.as_json:
        output.give_json(findings_as_data(prepared.issue.source, found) | links)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        output.give(shown.as_text(prepared.issue.source, found, width=width))
    return _exit_code(found, strict=command.strict)


def _print_statement(prepared: PreparedIssue, command: CheckCommand) -> int:
    """Print the privacy statement of a mail; return 3 if a finding is an error."""
    statement = write_statement(prepared)
    if command.as_json:
        output.give_json(statement.to_json())
    else:
        output.give(statement.to_text())
    return _exit_code(statement.findings, strict=command.strict)


def _exit_code(found: Sequence[Finding], *, strict: bool) -> int:
    grave = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return output.NEEDS_ATTENTION if any(finding.severity in grave for finding in found) else 0


def _check_links(prepared: PreparedIssue, client: "LinkClient | None", *, quiet: bool) -> "LinkReport":
    """Request the links and print a summary. Show a progress bar unless `quiet`."""
    # httpx is slow to import, and only --links needs it.
    from moza_mail.app.check_links import LinkChecker
    from moza_mail.app.clock import now
    from moza_mail.cli.run import run_async

    checker = LinkChecker(prepared, now=now())
    quiet = quiet or not checker.urls
    with output.progress_bar(_("Checking links"), len(checker.urls), quiet=quiet) as advance:
        report = run_async(lambda: checker.check(lambda _: advance(1), client))
    output.say(report.describe())
    if report.unsaved:
        output.say(
            _(
                "  The answers cannot be saved in {unsaved}, so the next check requests the links again.",
                unsaved=str(report.unsaved),
            )
        )
    return report
