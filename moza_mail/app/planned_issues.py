"""Find the issues that are sent automatically, and decide if there is work to do now.

Cron runs this code every minute, mostly with nothing to do. So this module does not import modules that only sending needs.
"""

from dataclasses import dataclass
from datetime import datetime

from moza_mail import parse
from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store
from moza_mail.errors import IssueError, ListError, MozaMailError, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.mailing import StartedMailing
from moza_mail.project import Project
from moza_mail.sending import schedule
from moza_mail.sending.schedule import DueState, PlannedIssue
from moza_mail.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedIssues:
    """The issues of a project that have a send time.

    slugs: the slugs of all readable issues, also of issues without a send time.
    errors: an error for each issue and each list that could not be read.
    """

    issues: tuple[PlannedIssue, ...]
    slugs: frozenset[str]
    errors: tuple[MozaMailError, ...]


def load_planned_issues(project: Project) -> PlannedIssues:
    """Read the front matter of every issue. Return the issues with a send time.

    Two issues with one slug are an error, because the ledger would take both for one mailing. If a list cannot be read,
    its issues are left out, because the list has an error of its own.
    """
    issues: list[PlannedIssue] = []
    slugs: dict[tuple[str, str], str] = {}
    errors: list[MozaMailError] = []
    try:
        errors += project.find_list_faults().values()
    except ProjectError as error:
        return PlannedIssues(issues=(), slugs=frozenset(), errors=(error,))
    for path in project.list_issues():
        try:
            front = parse.parse_issue_header(project.read_issue(path), str(path))
            other = slugs.setdefault((front.slug, front.list_slug), str(path))
            if other != str(path):
                errors.append(_make_duplicate_error(front, other))
            elif planned := plan_issue(project, front):
                issues.append(planned)
        except ListError:
            continue
        except ProjectError as error:
            errors.append(IssueError(error.message, source=str(path), line=0, hint=error.hint))
        except IssueError as error:
            errors.append(error)
    return PlannedIssues(
        issues=tuple(issues), slugs=frozenset(slug for slug, _list in slugs), errors=tuple(errors)
    )


def _make_duplicate_error(front: IssueHeader, other: str) -> IssueError:
    return IssueError(
        _("{other} has the same slug, `{slug}`", other=other, slug=front.slug),
        source=front.source,
        line=0,
        hint=_("Give one of the two another file name or `slug`, because a slug is mailed once."),
    )


def plan_issue(project: Project, front: IssueHeader) -> PlannedIssue | None:
    """Return an issue with its send time; None if it is not sent automatically.

    Raises ProjectError for an unknown list.
    """
    return schedule.plan_issue(front, project.read_list(front.list_slug), project.config.zone)


async def is_idle(project: Project, planned: PlannedIssues) -> bool:
    """Return True if there is nothing to send and nothing to report."""
    moment = now()
    async with open_store(project) as store:
        if await find_unreported_lost(store, planned, moment):
            return False
        return await schedule.is_idle(store, planned.issues, moment, project.config.max_lateness)


async def list_states(
    project: Project, store: Store, planned: PlannedIssues
) -> list[tuple[PlannedIssue, DueState]]:
    """Return the planned issues with their current states."""
    return await schedule.list_due_states(store, planned.issues, now(), project.config.max_lateness)


async def find_unreported_lost(
    store: Store, planned: PlannedIssues, moment: datetime
) -> list[StartedMailing]:
    """Return unfinished mailings whose issue file is gone, if no earlier run reported them.

    Returns an empty list while any file is unreadable, because that file may contain the missing issue.
    """
    if planned.errors:
        return []
    return [
        mailing
        for mailing in await schedule.find_lost_mailings(store, planned.slugs, moment)
        if not await store.notices.was_reported(schedule.make_lost_mailing_key(mailing))
    ]
