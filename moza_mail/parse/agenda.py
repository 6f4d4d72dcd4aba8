"""Recognise the events in the blocks of an agenda.

Every block keeps its place.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from moza_mail.i18n import gettext as _
from moza_mail.model.issue import (
    Block,
    Blocks,
    Event,
    EventGroup,
    EventTable,
    Heading,
    Inlines,
    Item,
    ItemList,
    LineBreak,
    Paragraph,
    Table,
    Text,
    to_plain_text,
)
from moza_mail.parse.dates import DateContext
from moza_mail.parse.event_line import (
    find_day,
    is_event_line,
    parse_event,
    parse_event_below,
    parse_timed_event,
    parse_undated_event,
    restore_label,
)
from moza_mail.parse.event_table import find_table_events, has_date_title
from moza_mail.parse.inlines import merge_adjacent, strip, unwrap_bold
from moza_mail.parse.merge_fields import refuse_merge_fields

MAX_TITLE = 120


def annotate_agenda(blocks: Blocks, context: DateContext) -> tuple[Blocks, tuple[Event, ...]]:
    """Turn lists of events into tables, and find the events in all other blocks.

    Returns the blocks, and the events that are not in a table.
    """
    reader = _AgendaReader(context)
    for block in blocks:
        reader.read_block(block)
    reader.flush()
    return tuple(reader.blocks), tuple(reader.in_text)


def find_events_in_tables(blocks: Blocks, context: DateContext) -> tuple[Event, ...]:
    """Return the events in tables that are outside an agenda.

    Such a table has a column with a title such as `Datum` and a date in every row. At least one date is not before the issue's
    date.
    """
    found: list[Event] = []
    for block in blocks:
        if isinstance(block, Table) and has_date_title(block):
            events = find_table_events(block, context)
            is_upcoming = any(event.dates[-1] >= context.issued for event in events)
            found += events if is_upcoming and len(events) == len(block.rows) else []
    return tuple(map(_without_markup, found))


def count_dated_lines(blocks: Blocks, context: DateContext) -> int:
    """Return how many list items look like lines of an agenda.

    Such a line has a title, a separator and a date that is not before the date of the issue.
    """
    return sum(
        any(day >= context.issued for day in parse_event(row, context).dates)
        for block in blocks
        if isinstance(block, ItemList)
        for item in block.items
        if is_event_line(row := restore_label(item), context)
    )


class _AgendaReader:
    """Collects the blocks of an agenda and the events in them.

    heading: the last heading or bold line, until it is added to the blocks or becomes the title of a group. Then None.
    group: the text of the last heading or bold line.
    days: the days in that text, for the events below it. Empty if the text is not a date.
    is_below_event: True if the heading is the title of an event. Then a list below it describes the event.
    """

    def __init__(self, context: DateContext) -> None:
        self.context = context
        self.blocks: list[Block] = []
        self.in_text: list[Event] = []
        self.heading: Heading | Paragraph | None = None
        self.group = ""
        self.days: tuple[date, ...] = ()
        self.is_below_event = False

    def read_block(self, block: Block) -> None:
        match block:
            case Heading():
                self.read_heading(block)
            case Paragraph() if _is_bold(block.inlines):
                self.read_heading(block)
            case ItemList():
                self.read_list(block)
            case Paragraph() if lines := _split_event_lines(block, self.context):
                events = [parse_event(row, self.context, group=self.group, line=at) for row, at in lines]
                self.add_table([EventGroup(events=tuple(events))], block.line)
            case _:
                self.read_other(block)

    def read_heading(self, block: Heading | Paragraph) -> None:
        self.flush()
        refuse_merge_fields(block.inlines, _("the name of a group in the agenda"))
        self.heading = block
        self.group = _group_name(block.inlines)
        self.days = find_day(block.inlines, self.context)
        self.is_below_event = False

    def flush(self) -> None:
        """Add the last heading to the blocks, above the blocks that follow."""
        if self.heading:
            self.blocks.append(self.heading)
            self.heading = None

    def read_list(self, block: ItemList) -> None:
        groups = list(self.read_items(block.items, self.group, (), self.days))
        # Markdown begins a new list where the bullet changes from `*` to `-`; to the author it is one list.
        follows_table = not self.heading and self.blocks and isinstance(self.blocks[-1], EventTable)
        if self.days or follows_table or any(event.dates for group in groups for event in group.events):
            self.add_table(groups, block.line)
        else:
            self.flush()
            self.blocks.append(block)
            self.in_text += [] if self.is_below_event else _undated_events(block, self.group)

    def read_items(
        self, items: tuple[Item, ...], group: str, title: Inlines, days: tuple[date, ...]
    ) -> Iterator[EventGroup]:
        """Yield the events of a list in groups.

        An item that has a list with dates below it begins a group of its own.
        """
        events: list[Event] = []
        for item in items:
            row = restore_label(item)
            own_days = find_day(row, self.context)
            inner = [nested for block in item.blocks if isinstance(block, ItemList) for nested in block.items]
            if self.is_group(row, item, own_days):
                if events or title:
                    yield EventGroup(title=title, events=tuple(events))
                events, title = [], ()
                refuse_merge_fields(row, _("the name of a group in the agenda"))
                name = _group_name(row) or group
                yield from self.read_items(tuple(inner), name, _group_title(row), own_days or days)
            elif to_plain_text(row).strip() or item.blocks:
                event = self.read_item(item, row, days)
                events.append(replace(event, group=group, blocks=item.blocks, line=item.line))
                self.in_text += [] if event.dates else self.find_nested(item, _group_name(row) or group)
        if events or title:
            yield EventGroup(title=title, events=tuple(events))

    def is_group(self, row: Inlines, item: Item, own_days: tuple[date, ...]) -> bool:
        if not item.blocks or not all(isinstance(block, ItemList) for block in item.blocks):
            return False
        if own_days:
            return True
        has_date = parse_event(row, self.context).dates
        return not has_date and any(self.has_date_below(block) for block in item.blocks)

    def has_date_below(self, block: Block) -> bool:
        return isinstance(block, ItemList) and any(
            parse_event(restore_label(item), self.context).dates or any(map(self.has_date_below, item.blocks))
            for item in block.items
        )

    def read_item(self, item: Item, row: Inlines, days: tuple[date, ...]) -> Event:
        event = parse_event(row, self.context, line=item.line)
        return (
            parse_timed_event(row, days, self.context, line=item.line) if days and not event.dates else event
        )

    def find_nested(self, item: Item, group: str) -> list[Event]:
        """Return the events below an item that is not an event itself."""
        found: list[Event] = []
        for block in item.blocks:
            for inner in block.items if isinstance(block, ItemList) else ():
                event = parse_event(restore_label(inner), self.context, group=group, line=inner.line)
                found += [_without_markup(event)] if event.dates else self.find_nested(inner, group)
        return found

    def add_table(self, groups: list[EventGroup], line: int) -> None:
        if self.heading and not groups[0].title:
            groups[0] = replace(groups[0], title=_group_title(self.heading.inlines))
            self.heading = None
        elif self.heading:
            groups.insert(0, EventGroup(title=_group_title(self.heading.inlines), events=()))
            self.heading = None
        last = self.blocks[-1] if self.blocks else None
        if isinstance(last, EventTable):
            self.blocks[-1] = replace(last, groups=(*last.groups, *groups))
        else:
            self.blocks.append(EventTable(groups=tuple(groups), line=line))

    def read_other(self, block: Block) -> None:
        heading = self.heading
        self.flush()
        self.blocks.append(block)
        match block:
            case Paragraph():
                found = self.read_paragraph(heading, block)
            case Table():
                found = find_table_events(block, self.context, group=self.group)
            case _:
                found = []
        self.is_below_event = self.is_below_event or bool(found)
        self.in_text += [_without_markup(event) for event in found]

    def read_paragraph(self, heading: Heading | Paragraph | None, block: Paragraph) -> list[Event]:
        """Return the event that a paragraph completes, in a list; empty if there is none.

        Above the paragraph is a heading with the date or the title of the event.
        """
        if self.days:
            event = parse_timed_event(block.inlines, self.days, self.context, line=block.line)
            return [replace(event, title=(Text(text=_first_words(block.inlines)),), group=self.group)]
        if heading is None:
            return []
        found = parse_event_below(heading.inlines, block.inlines, self.context, line=block.line)
        return [found] if found else []


def _undated_events(block: ItemList, group: str) -> Iterator[Event]:
    for item in block.items:
        row = restore_label(item)
        if to_plain_text(row).strip():
            yield replace(_without_markup(parse_undated_event(row, line=item.line)), group=group)


def _without_markup(event: Event) -> Event:
    """Return a copy of an event without markup and blocks.

    The mail also shows the event as typed. With markup, its links and merge fields would be counted twice.
    """
    title = " ".join(to_plain_text(event.title).split())
    note = " ".join(to_plain_text(event.note).split())
    return replace(event, title=(Text(text=title),), note=(Text(text=note),) if note else (), blocks=())


def _is_bold(inlines: Inlines) -> bool:
    return bool(inlines) and unwrap_bold(strip(inlines, ": ")) != strip(inlines, ": ")


def _group_title(inlines: Inlines) -> Inlines:
    return strip(unwrap_bold(strip(inlines, ": ")), ": ")


def _group_name(inlines: Inlines) -> str:
    return to_plain_text(inlines).strip().removesuffix(":").strip()


def _first_words(inlines: Inlines) -> str:
    """Return the first sentence of a text, shortened."""
    text = " ".join(to_plain_text(inlines).split())
    first = text.partition(". ")[0]
    return first if len(first) <= MAX_TITLE else f"{first[:MAX_TITLE].rpartition(' ')[0]}..."


def _split_event_lines(block: Paragraph, context: DateContext) -> list[tuple[Inlines, int]]:
    """Return the lines of a paragraph if every line is an event.

    The result is empty for prose.
    """
    rows: list[list[Inlines]] = [[]]
    for inline in block.inlines:
        if isinstance(inline, LineBreak):
            rows.append([])
        else:
            rows[-1].append((inline,))
    lines = [merge_adjacent(tuple(piece for part in row for piece in part)) for row in rows]
    is_agenda = all(is_event_line(row, context) for row in lines)
    return [(row, block.line + index) for index, row in enumerate(lines)] if is_agenda else []
