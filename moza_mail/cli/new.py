"""`moza-mail new`: write the next issue, and print what happened to the agenda."""

from collections.abc import Iterator
from datetime import date, timedelta

from moza_mail.app.new_issue import NewIssue, write_next_issue
from moza_mail.cli import output
from moza_mail.model.issue import Event, to_plain_text
from moza_mail.project import Project


def new(project: Project, name: str, day: date | None, *, as_json: bool) -> None:
    """Write the issue after the named one, by default after the newest."""
    written = write_next_issue(project, name, day)
    for error in written.unreadable:
        output.say(f"Skipped: {output.shown(error.message)}")
    if as_json:
        output.give_json(written.as_data())
        return
    output.give("\n".join(_lines(written)))
    if written.has_passed:
        output.say(f"{written.result.date} is in the past. Choose another day with --date.")
    if written.is_draft:
        output.say("It is a draft. Delete `draft: true` when it may be sent; then it is sent automatically.")
    output.say(f"Write it, then check it: moza-mail check {written.path}")


def _lines(written: NewIssue) -> Iterator[str]:
    result = written.result
    yield f"{written.path}: {result.title}"
    if result.passed:
        yield f"Events since the issue of {written.last.date}, perhaps worth reporting on:"
        for event in result.passed:
            yield f"  {_dates(event)}  {to_plain_text(event.title)}"
    yield f"Agenda: {len(result.kept)} of {written.last_event_count} events carried over."
    for event in result.undated:
        yield f"  When is the next {to_plain_text(event.title)}? Fill in its date."


def _dates(event: Event) -> str:
    """Return `2026-01-19`, `2026-01-19 to 2026-01-20`, or the dates one by one."""
    first, last = event.dates[0], event.dates[-1]
    if first == last:
        return first.isoformat()
    is_whole = last - first == timedelta(days=len(event.dates) - 1)
    return f"{first} to {last}" if is_whole else ", ".join(day.isoformat() for day in event.dates)
