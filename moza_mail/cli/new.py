"""`moza-mail new`: the next issue from the last one."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from moza_mail import edit, parse
from moza_mail.app import clock, prepare_issue
from moza_mail.cli import output
from moza_mail.errors import IssueError
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.issue import Event, Issue, to_plain_text
from moza_mail.model.mailing_list import MailingList
from moza_mail.project import Project


def new(project: Project, name: str, day: date | None, *, as_json: bool) -> None:
    """Write the issue that follows the one named, or the newest, and tell what became of its agenda."""
    path = project.find_issue(name) if name else _newest(project)
    text = project.read_issue(path)
    last = prepare_issue.parse_text(project, path, text)
    mailing_list = project.read_list(last.list_slug)
    terms = _terms(project, last, mailing_list, day)
    made = edit.make_next_issue(last, text, terms)
    stem = edit.next_file_stem(path.stem, last.date, terms.date, terms.lang)
    target = path.with_name(f"{stem}{path.suffix}")
    project.create_issue(target, made.text)
    shown = _shown(target)
    if as_json:
        output.give_json(_as_data(shown, path, made, last))
        return
    output.give("\n".join(_as_text(shown, made, last)))
    if terms.date < clock.now().astimezone(project.config.zone).date():
        output.say(f"{terms.date} has passed; --date gives the issue another day.")
    if terms.draft:
        output.say("It is a draft. Take out `draft: true` when it may be mailed: then it goes by itself.")
    output.say(f"Write it, and look with: moza-mail check {shown}")


def _terms(
    project: Project, last: Issue, mailing_list: MailingList, day: date | None
) -> edit.NextIssueSettings:
    slot = mailing_list.schedule
    # What an approval or a human at the keyboard lets go needs no second bar.
    by_itself = slot is not None or last.send_at is not None
    return edit.NextIssueSettings(
        date=day or edit.next_issue_date(last.date, slot.weekday if slot else None),
        lang=last.lang or mailing_list.lang,
        required_events=project.check_rules().required_events,
        title=mailing_list.issue_title,
        draft=by_itself and project.approval_policy(mailing_list) is ApprovalPolicy.OFF,
        agenda_headings=project.config.agenda_headings,
    )


def _newest(project: Project) -> Path:
    """The issue of the latest date in `issues/`; what cannot be read is named and passed over."""
    found: list[tuple[date, Path]] = []
    for path in project.list_issues():
        try:
            found.append((parse.parse_issue_header(project.read_issue(path), str(path)).date, path))
        except IssueError as error:
            output.say(f"Passed over: {error.message}")
    if not found:
        raise IssueError(
            "there is no issue to follow",
            source=str(project.root / "issues"),
            line=0,
            hint="Write the first one by hand (docs/write.md), or name one: --from FILE",
        )
    return max(found)[1]


def _shown(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _as_text(shown: str, made: edit.NextIssue, last: Issue) -> list[str]:
    lines = [f"{shown}: {made.title}"]
    if made.passed:
        lines += [f"Since the issue of {last.date}, so perhaps there is something to tell:"]
        lines += [f"  {_days(event)}  {to_plain_text(event.title)}" for event in made.passed]
    lines.append(
        f"In the agenda: {len(made.kept)} of {len(last.agenda.events) if last.agenda else 0} go along."
    )
    lines += [
        f"  When is the next {to_plain_text(event.title)}? Its line waits for a date."
        for event in made.undated
    ]
    return lines


def _days(event: Event) -> str:
    """`2026-01-19 to 2026-01-20`."""
    first, last = event.dates[0], event.dates[-1]
    if first == last:
        return first.isoformat()
    whole = last - first == timedelta(days=len(event.dates) - 1)
    return f"{first} to {last}" if whole else ", ".join(day.isoformat() for day in event.dates)


def _as_data(shown: str, path: Path, made: edit.NextIssue, last: Issue) -> dict[str, Any]:
    return {
        "issue": shown,
        "from": str(path),
        "since": last.date.isoformat(),
        "date": made.date.isoformat(),
        "title": made.title,
        "passed": _events(made.passed),
        "kept": _events(made.kept),
        "without_date": _events(made.undated),
    }


def _events(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [
        {
            "title": to_plain_text(event.title),
            "when": event.when,
            "dates": [day.isoformat() for day in event.dates],
            "group": event.group,
        }
        for event in events
    ]
