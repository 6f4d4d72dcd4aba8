"""Write the next issue from the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from moza_mail import edit, parse
from moza_mail.app.clock import now
from moza_mail.app.prepare_issue import parse_text
from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.issue import Event, Issue, to_plain_text
from moza_mail.model.issue_name import issue_name
from moza_mail.model.mailing_list import MailingList
from moza_mail.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIssue:
    """The new issue, and the last issue, from which the new issue was made.

    has_passed: True if the date of the new issue is in the past.
    unreadable: errors of issues that were skipped in the search for the newest one.
    """

    path: Path
    result: edit.NextIssue
    last: Issue
    last_path: Path
    is_draft: bool
    has_passed: bool
    unreadable: Sequence[IssueError] = ()

    @property
    def last_event_count(self) -> int:
        """The number of events in the last issue's agenda."""
        return len(self.last.events)

    def as_data(self) -> dict[str, Any]:
        """Return the issue and what happened to each event, as JSON values."""
        result = self.result
        return {
            "issue": str(self.path),
            "from": str(self.last_path),
            "since": self.last.date.isoformat(),
            "date": result.date.isoformat(),
            "title": result.title,
            "passed": _events_as_data(result.passed),
            "kept": _events_as_data(result.kept),
            "without_date": _events_as_data(result.undated),
        }


def _events_as_data(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [
        {
            "title": to_plain_text(event.title),
            "when": event.when,
            "dates": [day.isoformat() for day in event.dates],
            "group": event.group,
        }
        for event in events
    ]


def write_next_issue(project: Project, name: str, day: date | None) -> NewIssue:
    """Write the next issue, based on the named issue or else on the newest.

    Raises IssueError if there is no issue to start from.
    """
    unreadable: list[IssueError] = []
    last_path = project.find_issue(name) if name else _find_newest(project, unreadable)
    text = project.read_issue(last_path)
    last = parse_text(project, last_path, text)
    settings = _make_settings(project, last, project.read_list(last.list_slug), day)
    result = edit.make_next_issue(last, text, settings)
    path = _choose_path(last_path, last.date, settings)
    project.create_issue(path, result.text)
    return NewIssue(
        path=_shorten_path(path),
        result=result,
        last=last,
        last_path=last_path,
        is_draft=settings.draft,
        has_passed=settings.date < now().astimezone(project.config.zone).date(),
        unreadable=unreadable,
    )


def _choose_path(last_path: Path, last: date, settings: edit.NextIssueSettings) -> Path:
    """Return the path for the next issue, near the file of the last issue.

    If the last issue is a page bundle, the next one is too. If the last issue is in the folder of its year, or of its
    month in the year, the next issue is in the folder of the new date.
    """
    name = issue_name(str(last_path))
    stem = edit.next_file_stem(name, last, settings.date, settings.lang)
    is_bundle = name != last_path.stem
    folder = last_path.parent.parent if is_bundle else last_path.parent
    if folder.name == f"{last.month:02}" and folder.parent.name == str(last.year):
        folder = folder.parent.parent / str(settings.date.year) / f"{settings.date.month:02}"
    elif folder.name == str(last.year):
        folder = folder.parent / str(settings.date.year)
    return folder / stem / last_path.name if is_bundle else folder / f"{stem}{last_path.suffix}"


def _make_settings(
    project: Project, last: Issue, mailing_list: MailingList, day: date | None
) -> edit.NextIssueSettings:
    schedule = mailing_list.schedule
    is_automatic = schedule is not None or last.send_at is not None
    return edit.NextIssueSettings(
        date=day or edit.next_issue_date(last.date, schedule.weekday if schedule else None),
        lang=last.lang or mailing_list.lang,
        required_events=project.check_rules().required_events,
        title=mailing_list.issue_title,
        # `draft: true` prevents a send by accident. An issue that must be approved, or is sent by hand, does not need it.
        draft=is_automatic and project.approval_policy(mailing_list) is ApprovalPolicy.OFF,
        agenda_headings=project.config.agenda_headings,
    )


def _find_newest(project: Project, unreadable: list[IssueError]) -> Path:
    """Return the issue with the latest date. Add errors of unreadable issues to `unreadable`."""
    found: list[tuple[date, Path]] = []
    for path in project.list_issues():
        try:
            found.append((parse.parse_issue_header(project.read_issue(path), str(path)).date, path))
        except IssueError as error:
            unreadable.append(error)
    if not found:
        raise IssueError(
            _("there is no issue to start from"),
            source=str(project.issues_folder),
            line=0,
            hint=_("Write the first one by hand (docs/write.md), or name one: --from FILE"),
        )
    return max(found)[1]


def _shorten_path(path: Path) -> Path:
    """Return a path relative to the current folder, if it is inside that folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def format_dates(event: Event) -> str:
    """Format dates as `2026-01-19`, as `2026-01-19 to 2026-01-20`, or as a list of days."""
    first, last = event.dates[0], event.dates[-1]
    if first == last:
        return first.isoformat()
    is_whole = last - first == timedelta(days=len(event.dates) - 1)
    return f"{first} to {last}" if is_whole else ", ".join(day.isoformat() for day in event.dates)
