"""`moza-mail check`: what is wrong with an issue, before anyone gets it."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moza_mail import check as rules
from moza_mail.app import prepare_issue
from moza_mail.cli import findings, output
from moza_mail.errors import IssueError, RenderError
from moza_mail.model.finding import Finding, Severity
from moza_mail.project import Project

if TYPE_CHECKING:
    from moza_mail.link_check import Asker

# What stops us before any rule can look; docs/check.md explains it beside the rules.
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person asked for on the command line."""

    issue: str
    list_slug: str
    strict: bool
    links: bool
    as_json: bool
    statement: bool = False


def check(project: Project, wish: Wish, asker: "Asker | None" = None) -> int:
    """Tell what is found in an issue; give 3 when something must be mended, or anything is likely wrong under --strict.

    `asker` says how the web is asked under --links; without one, as docs/check.md tells.
    """
    try:
        dressed = prepare_issue.prepare_issue(project, wish.issue, wish.list_slug)
    except (IssueError, RenderError) as error:
        if wish.as_json:
            output.give_json(findings.as_data(wish.issue, [_unreadable(wish.issue, error)]))
        raise
    if wish.statement:
        return _state(dressed, wish)
    found = prepare_issue.check_issue(dressed)
    answered = {}
    if wish.links:
        # httpx is heavy, and only this asks the web.
        from moza_mail.cli import links
        from moza_mail.link_check import Asker

        asked = links.ask(project, dressed, asker or Asker(), quiet=wish.as_json)
        found = rules.sort_findings((*found, *asked.findings))
        answered = {"links": asked.as_data()}
    if wish.as_json:
        output.give_json(findings.as_data(dressed.issue.source, found) | answered)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        output.give(findings.as_text(dressed.issue.source, found, width=width))
    return output.NEEDS_A_HUMAN if _stops(found, strict=wish.strict) else 0


def _state(dressed: prepare_issue.PreparedIssue, wish: Wish) -> int:
    """Print the privacy statement; give 3 for what is found in it, as without it."""
    statement = rules.write_privacy_statement(
        dressed.issue, dressed.rendered, prepare_issue.load_rules(dressed.project), text=dressed.text
    )
    if wish.as_json:
        output.give_json(statement.as_data())
    else:
        output.give(statement.as_text())
    return output.NEEDS_A_HUMAN if _stops(statement.findings, strict=wish.strict) else 0


def _stops(found: Sequence[Finding], *, strict: bool) -> bool:
    grave = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return any(finding.severity in grave for finding in found)


def _unreadable(name: str, error: IssueError | RenderError) -> Finding:
    source, message = (
        (error.source, error.reason) if isinstance(error, IssueError) else (error.template, error.message)
    )
    return Finding(
        rule=UNREADABLE,
        severity=Severity.ERROR,
        source=source or name,
        line=error.line,
        message=message,
        fix=error.hint,
    )
