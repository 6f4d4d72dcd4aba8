"""`moza-mail show`: print how moza-mail reads an issue."""

from collections.abc import Iterator

from moza_mail.app.show_issue import block_as_text, issue_as_data, read_issue
from moza_mail.cli import output
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import Blocks, Event, EventTable, Inlines, Issue, ItemList, to_plain_text
from moza_mail.model.merge_field import MergeField
from moza_mail.project import Project

MAX_WIDTH = 80


def show(project: Project, name: str, *, as_json: bool) -> None:
    """Print an issue as an outline, or as JSON."""
    issue = read_issue(project, name)
    if as_json:
        output.give_json(issue_as_data(issue, project.config.zone))
    else:
        output.give(output.shown_lines(_outline(issue)))


def _outline(issue: Issue) -> Iterator[str]:
    yield f"{issue.title} ({issue.date.isoformat()}, {issue.slug}, {issue.lang})"
    if issue.merge_fields:
        fields = output.shown_lines(dict.fromkeys(map(_describe_field, issue.merge_fields)), ", ")
        yield _("fields: {fields}", fields=fields)
    for section in issue.sections:
        title = to_plain_text(section.title) or output.shown(_("(no heading)"))
        yield f"\n{title}"
        yield from _blocks_outline(section.blocks, "  ")
        for event in section.events_in_text:
            yield _("  event: {event}", event=_describe_event(event))


def _describe_field(field: MergeField) -> str:
    if field.default is None:
        return _("{name} (subscribers without it are skipped)", name=field.name)
    return _("{name} (default {default!r})", name=field.name, default=field.default)


def _blocks_outline(blocks: Blocks, indent: str) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, ItemList):
            for item in block.items:
                yield f"{indent}- {_shorten(item.label or item.inlines)}"
                yield from _blocks_outline(item.blocks, indent + "  ")
        elif isinstance(block, EventTable):
            yield from (f"{indent}- {_describe_event(event)}" for event in block.events)
        elif text := block_as_text(block):
            yield indent + _cut(text.partition("\n")[0])


def _describe_event(event: Event) -> str:
    days = ", ".join(day.isoformat() for day in event.dates) or output.shown(_("no date"))
    time = f" {event.start_time:%H:%M}" if event.start_time else ""
    group = f"{event.group}: " if event.group else ""
    note = f" ({to_plain_text(event.note)})" if event.note else ""
    return f"{days}{time}: {group}{_shorten(event.title)}{note}"


def _shorten(inlines: Inlines) -> str:
    return _cut(to_plain_text(inlines).strip())


def _cut(text: str) -> str:
    return f"{text[: MAX_WIDTH - 3]}..." if len(text) > MAX_WIDTH else text
