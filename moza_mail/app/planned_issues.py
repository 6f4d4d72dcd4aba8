"""Find the issues that are sent automatically, and whether any of them needs work now.

Cron asks this every minute, and most minutes there is nothing to do. So this module imports nothing that only sending needs.
"""

from dataclasses import dataclass
from datetime import datetime

from moza_mail import parse
from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store
from moza_mail.errors import IssueError, MozaMailError, ProjectError
from moza_mail.model.issue import IssueHeader
from moza_mail.model.mailing import StartedMailing
from moza_mail.project import Project
from moza_mail.sending import schedule
from moza_mail.sending.schedule import DueState, PlannedIssue
from moza_mail.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedIssues:
    """The issues of a project that have a send time.

    slugs: of all issues, also those without a send time.
    errors: why other issues could not be read.
    """

    issues: tuple[PlannedIssue, ...]
    slugs: frozenset[str]
    errors: tuple[MozaMailError, ...]


def load_planned_issues(project: Project) -> PlannedIssues:
    """Load the front matter of every issue in `issues/`."""
    issues: list[PlannedIssue] = []
    slugs: set[str] = set()
    errors: list[MozaMailError] = []
    for path in project.list_issues():
        try:
            front = parse.parse_issue_header(project.read_issue(path), str(path))
            slugs.add(front.slug)
            if planned := plan_issue(project, front):
                issues.append(planned)
        except ProjectError as error:
            errors.append(IssueError(error.message, source=str(path), line=0, hint=error.hint))
        except IssueError as error:
            errors.append(error)
    return PlannedIssues(issues=tuple(issues), slugs=frozenset(slugs), errors=tuple(errors))


def plan_issue(project: Project, front: IssueHeader) -> PlannedIssue | None:
    """Return when an issue is sent automatically; None if it is not. Raises ProjectError for an unknown list."""
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
    """Return the planned issues with their states now."""
    return await schedule.list_due_states(store, planned.issues, now(), project.config.max_lateness)


async def find_unreported_lost(
    store: Store, planned: PlannedIssues, moment: datetime
) -> list[StartedMailing]:
    """Return the unfinished mailings whose issue file is gone, and that no earlier run reported.

    Empty while a file cannot be read, because it may be the missing one.
    """
    if planned.errors:
        return []
    return [
        mailing
        for mailing in await schedule.find_lost_mailings(store, planned.slugs, moment)
        if not await store.notices.was_reported(schedule.make_lost_mailing_key(mailing))
    ]
