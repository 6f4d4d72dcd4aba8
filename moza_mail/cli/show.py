"""`moza-mail show`: the model of an issue, for a person or a program."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import Any

from moza_mail.app import prepare_issue
from moza_mail.cli import output
from moza_mail.errors import ProjectError
from moza_mail.model.issue import (
    Agenda,
    Block,
    Blocks,
    CodeBlock,
    Divider,
    Event,
    Heading,
    Inlines,
    Issue,
    Item,
    ItemList,
    Paragraph,
    Quote,
    Section,
    Table,
    collect_links,
    to_plain_text,
)
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.merge_field import MergeField
from moza_mail.project import Project


def show(project: Project, name: str, *, as_json: bool) -> None:
    """Print what moza-mail reads in an issue."""
    issue = prepare_issue.load_issue(project, name)
    mailing_list = _list(project, issue)
    if mailing_list:
        text = project.read_issue(project.find_issue(name))
        prepare_issue.refuse_unknown_fields(issue, mailing_list, text)
    issue = replace(issue, lang=issue.lang or (mailing_list.lang if mailing_list else "nl"))
    if as_json:
        output.give_json(as_data(issue, project.config.zone))
    else:
        output.give("\n".join(_outline(issue)))


def _list(project: Project, issue: Issue) -> MailingList | None:
    """The list an issue goes to, when that is clear."""
    try:
        return project.read_list(issue.list_slug)
    except ProjectError:
        return None


def as_data(issue: Issue, zone: tzinfo) -> dict[str, Any]:
    """The model as JSON values; clock times of events hold in `zone`."""
    return {
        "title": issue.title,
        "date": issue.date.isoformat(),
        "slug": issue.slug,
        "lang": issue.lang,
        "summary": issue.summary,
        "subject": issue.subject,
        "list": issue.list_slug,
        "theme": issue.theme,
        "draft": issue.draft,
        "extra": dict(issue.extra),
        "fields": [
            {"name": field.name, "default": field.default, "line": field.line} for field in issue.merge_fields
        ],
        "sections": [_section(section) for section in issue.sections],
        "agenda": _agenda(issue.agenda, zone) if issue.agenda else None,
    }  # fmt: skip


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": to_plain_text(section.title),
        "line": section.line,
        "items": [
            _item(item) for block in section.blocks if isinstance(block, ItemList) for item in block.items
        ],
        "text": text(section.blocks),
        "links": [
            _link_data(link)
            for link in _links(block for block in section.blocks if not isinstance(block, ItemList))
        ],
    }


def _item(item: Item) -> dict[str, Any]:
    more = text(item.blocks)
    shown = to_plain_text(item.inlines).strip()
    inner = (block for block in item.blocks if not isinstance(block, ItemList))
    return {
        "label": to_plain_text(item.label),
        "text": f"{shown}\n\n{more}" if more else shown,
        "line": item.line,
        "links": [
            *map(_link_data, collect_links((*item.label, *item.inlines))),
            *map(_link_data, _links(inner)),
        ],
        "items": [
            _item(below) for block in item.blocks if isinstance(block, ItemList) for below in block.items
        ],
    }


def _agenda(agenda: Agenda, zone: tzinfo) -> dict[str, Any]:
    return {
        "title": to_plain_text(agenda.title),
        "line": agenda.line,
        "intro": text(agenda.intro),
        "events": [_event(event, zone) for event in agenda.events],
        "outro": text(agenda.outro),
    }


def _event(event: Event, zone: tzinfo) -> dict[str, Any]:
    return {
        "title": to_plain_text(event.title),
        "start": _moment(event.start_in(zone)),
        "end": _moment(event.end_in(zone)),
        "all_day": event.start_time is None,
        "dates": [day.isoformat() for day in event.dates],
        "text": event.when,
        "note": to_plain_text(event.note),
        "url": event.url,
        "group": event.group,
        "line": event.line,
    }


def _moment(moment: date | datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _link_data(link: Any) -> dict[str, str]:
    return {"text": to_plain_text(link.children), "url": link.url}


def text(blocks: Blocks) -> str:
    """What stands in blocks outside their lists, as plain text with an empty line between."""
    return "\n\n".join(part for block in blocks if (part := _text(block)))


def _text(block: Block) -> str:
    match block:
        case Paragraph() | Heading():
            return to_plain_text(block.inlines).strip()
        case Quote():
            return text(block.blocks)
        case CodeBlock():
            return block.text
        case Table():
            return "\n".join(
                " | ".join(to_plain_text(cell) for cell in row) for row in (block.header, *block.rows)
            )
        case ItemList() | Divider():
            return ""


def _links(blocks: Iterator[Block]) -> Iterator[Any]:
    for block in blocks:
        match block:
            case Paragraph() | Heading():
                yield from collect_links(block.inlines)
            case Quote():
                yield from _links(iter(block.blocks))
            case Table():
                for row in (block.header, *block.rows):
                    for cell in row:
                        yield from collect_links(cell)
            case ItemList():
                for item in block.items:
                    yield from collect_links((*item.label, *item.inlines))
                    yield from _links(iter(item.blocks))
            case _:
                pass


def _outline(issue: Issue) -> Iterator[str]:
    yield f"{issue.title} ({issue.date.isoformat()}, {issue.slug}, {issue.lang})"
    if issue.merge_fields:
        yield f"fields: {', '.join(dict.fromkeys(map(_field, issue.merge_fields)))}"
    for section in issue.sections:
        yield f"\n{to_plain_text(section.title) or '(no heading)'}"
        yield from _blocks_outline(section.blocks, "  ")
    if issue.agenda:
        yield f"\n{to_plain_text(issue.agenda.title)}"
        yield from _blocks_outline(issue.agenda.intro, "  ")
        for event in issue.agenda.events:
            days = ", ".join(day.isoformat() for day in event.dates) or "no date"
            clock = f" {event.start_time:%H:%M}" if event.start_time else ""
            group = f"{event.group}: " if event.group else ""
            note = f" ({to_plain_text(event.note)})" if event.note else ""
            yield f"  - {days}{clock}: {group}{_short(event.title)}{note}"
        yield from _blocks_outline(issue.agenda.outro, "  ")


def _field(field: MergeField) -> str:
    if field.default is None:
        return f"{field.name} (who has none is not mailed)"
    return f"{field.name} (else {field.default!r})"


def _blocks_outline(blocks: Blocks, indent: str) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, ItemList):
            for item in block.items:
                yield f"{indent}- {_short(item.label or item.inlines)}"
                yield from _blocks_outline(item.blocks, indent + "  ")
        elif shown := _text(block):
            first = shown.partition("\n")[0]
            yield f"{indent}{first[:77] + '...' if len(first) > 80 else first}"


def _short(inlines: Inlines) -> str:
    shown = to_plain_text(inlines).strip()
    return shown[:77] + "..." if len(shown) > 80 else shown
