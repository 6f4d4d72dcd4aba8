"""Describe the content of an issue as moza-mail parses it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import Any

from moza_mail.app.prepare_issue import load_issue, refuse_unknown_fields
from moza_mail.errors import ProjectError
from moza_mail.model.issue import (
    Block,
    Blocks,
    CodeBlock,
    Divider,
    Event,
    EventTable,
    Heading,
    Issue,
    Item,
    ItemList,
    Link,
    Notes,
    Paragraph,
    Quote,
    Section,
    Table,
    collect_links,
    to_plain_text,
)
from moza_mail.model.mailing_list import MailingList
from moza_mail.project import Project


def read_issue(project: Project, name: str) -> Issue:
    """Read an issue in the language of its list.

    Raises IssueError for a merge field that the list does not have.
    """
    issue = load_issue(project, name)
    mailing_list = _find_list(project, issue)
    if mailing_list:
        refuse_unknown_fields(issue, mailing_list, project.read_issue(project.find_issue(name)))
    return replace(issue, lang=issue.lang or (mailing_list.lang if mailing_list else "nl"))


def _find_list(project: Project, issue: Issue) -> MailingList | None:
    """Return the list of an issue; None if the list is unknown or ambiguous."""
    try:
        return project.read_list(issue.list_slug)
    except ProjectError:
        return None


def issue_as_data(issue: Issue, zone: tzinfo) -> dict[str, Any]:
    """Return an issue as JSON values, with the times of events in `zone`."""
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
        "sections": [_section_as_data(section, zone) for section in issue.sections],
    }  # fmt: skip


def _section_as_data(section: Section, zone: tzinfo) -> dict[str, Any]:
    return {
        "title": to_plain_text(section.title),
        "line": section.line,
        "is_agenda": section.is_agenda,
        "events": [_event_as_data(event, zone) for event in section.events],
        "items": [
            _item_as_data(item)
            for block in section.blocks
            if isinstance(block, ItemList)
            for item in block.items
        ],
        "text": blocks_as_text(section.blocks),
        "links": [
            _link_as_data(link)
            for link in _iter_links(block for block in section.blocks if not isinstance(block, ItemList))
        ],
    }


def _item_as_data(item: Item) -> dict[str, Any]:
    below = blocks_as_text(item.blocks)
    text = to_plain_text(item.inlines).strip()
    inner = (block for block in item.blocks if not isinstance(block, ItemList))
    return {
        "label": to_plain_text(item.label),
        "text": f"{text}\n\n{below}" if below else text,
        "line": item.line,
        "links": [
            *map(_link_as_data, collect_links((*item.label, *item.inlines))),
            *map(_link_as_data, _iter_links(inner)),
        ],
        "items": [
            _item_as_data(child)
            for block in item.blocks
            if isinstance(block, ItemList)
            for child in block.items
        ],
    }


def _event_as_data(event: Event, zone: tzinfo) -> dict[str, Any]:
    return {
        "title": to_plain_text(event.title),
        "start": _format_moment(event.start_in(zone)),
        "end": _format_moment(event.end_in(zone)),
        "all_day": event.start_time is None,
        "dates": [day.isoformat() for day in event.dates],
        "text": event.when,
        "note": to_plain_text(event.note),
        "url": event.url,
        "group": event.group,
        "line": event.line,
    }


def _format_moment(moment: date | datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _link_as_data(link: Any) -> dict[str, str]:
    return {"text": to_plain_text(link.children), "url": link.url}


def blocks_as_text(blocks: Blocks) -> str:
    """Return blocks as plain text, separated by empty lines. Lists are left out."""
    return "\n\n".join(part for block in blocks if (part := block_as_text(block)))


def block_as_text(block: Block) -> str:
    """Return one block as plain text; empty for a list."""
    match block:
        case Paragraph() | Heading():
            return to_plain_text(block.inlines).strip()
        case Quote():
            return blocks_as_text(block.blocks)
        case CodeBlock():
            return block.text
        case Table():
            return "\n".join(
                " | ".join(to_plain_text(cell) for cell in row) for row in (block.header, *block.rows)
            )
        case Notes():
            return "\n".join(f"[{note.number}] {blocks_as_text(note.blocks)}" for note in block.notes)
        case ItemList() | EventTable() | Divider():
            return ""


def _iter_links(blocks: Iterator[Block]) -> Iterator[Link]:
    for block in blocks:
        yield from collect_links(block)
