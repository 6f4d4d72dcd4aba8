"""`moza-mail send --due`: what cron and systemd call every minute. It never asks, and says nothing when nothing is due.

Most minutes nothing is: then nothing is loaded that only sending needs.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from moza_mail import parse, sending
from moza_mail.app import open_project
from moza_mail.errors import IssueError, MozaMailError, ProjectError
from moza_mail.model.issue import IssueHeader
from moza_mail.model.mailing import Begun
from moza_mail.project import Project
from moza_mail.store import Store


@dataclass(slots=True)
class Plans:
    """The issues of a project that are sent by themselves, the slugs of all it has, and what kept others from being looked at."""

    found: list[sending.PlannedIssue] = field(default_factory=list)
    slugs: set[str] = field(default_factory=set)
    troubles: list[MozaMailError] = field(default_factory=list)


def plans(project: Project) -> Plans:
    """Every issue of `issues/` that has a time, by its front matter alone."""
    out = Plans()
    for path in project.list_issues():
        try:
            front = parse.parse_issue_header(project.read_issue(path), str(path))
            out.slugs.add(front.slug)
            if plan := planned(project, front):
                out.found.append(plan)
        except (IssueError, ProjectError) as error:
            out.troubles.append(error)
    return out


def planned(project: Project, front: IssueHeader) -> sending.PlannedIssue | None:
    """When an issue is sent by itself, None when never; raises ProjectError for a list that there is not."""
    return sending.plan_issue(front, project.read_list(front.list_slug), project.config.zone)


def send_due(project: Project, *, as_json: bool, verbose: bool) -> int:
    """Send what is due; give the exit code."""
    known = plans(project)
    if not (known.troubles or as_json or verbose) and open_project.run_async(
        lambda: _is_quiet(project, known)
    ):
        return 0
    from moza_mail.cli import send_due as due

    return due.send_due(project, known, as_json=as_json, verbose=verbose)


async def _is_quiet(project: Project, known: Plans) -> bool:
    now = datetime.now(UTC)
    async with open_project.open_store(project) as store:
        if await untold(store, known, now):
            return False
        return await sending.is_idle(store, known.found, now, project.config.stale_after)


async def untold(store: Store, known: Plans, now: datetime) -> list[Begun]:
    """The mailings that nothing continues and of which nobody was told; none while a file that may be theirs cannot be read."""
    if known.troubles:
        return []
    return [
        one
        for one in await sending.find_lost_mailings(store, known.slugs, now)
        if not await store.told(sending.lost_mailing_key(one))
    ]
