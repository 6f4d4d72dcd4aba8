"""`moza-mail new`: write the next issue, and print the changes to its agenda."""

from collections.abc import Iterator
from datetime import date

from moza_mail.app.new_issue import NewIssue, format_dates, write_next_issue
from moza_mail.cli import output
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import to_plain_text
from moza_mail.project import Project


def new(project: Project, name: str, day: date | None, *, as_json: bool) -> None:
    """Write the next issue, made from the named issue or else from the newest."""
    written = write_next_issue(project, name, day)
    for error in written.unreadable:
        output.say(_("Skipped: {problem}", problem=error.message))
    if as_json:
        output.give_json(written.as_data())
        return
    output.give(output.shown_lines(_lines(written)))
    if written.has_passed:
        output.say(_("{date} is in the past. Choose another day with --date.", date=str(written.result.date)))
    if written.is_draft:
        output.say(
            _("It is a draft. Delete `draft: true` when it may be sent; then it is sent automatically.")
        )
    output.say(_("Write it, then check it: moza-mail check {path}", path=str(written.path)))


def _lines(written: NewIssue) -> Iterator[str]:
    result = written.result
    yield f"{written.path}: {result.title}"
    if result.passed:
        yield _("Events since the issue of {date}, perhaps worth reporting on:", date=str(written.last.date))
        for event in result.passed:
            yield f"  {format_dates(event)}  {to_plain_text(event.title)}"
    yield _(
        "Agenda: {kept} of {total} events carried over.",
        kept=len(result.kept),
        total=written.last_event_count,
    )
    for event in result.undated:
        yield _("  When is the next {title}? Fill in its date.", title=to_plain_text(event.title))
