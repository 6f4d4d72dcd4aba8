"""List the parts of an issue that can change places, and move a part.

The text of a part moves as typed. The text between two parts (blank lines, a divider, the bullet or number of
a line) does not move. So moving a part and then moving it back restores the same text.
"""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from moza_mail.edit.source_map import HARD_BREAK, content_column
from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import Block, Divider, Heading, Issue, Item, ItemList, Paragraph, to_plain_text
from moza_mail.parse import AGENDA_HEADINGS, parse_issue, read_front_matter, sections
from moza_mail.parse.markdown import IssueBody, RowSpan, parse_blocks_with_rows

MAX_TITLE_LENGTH = 90
BlockWithRows = tuple[Block, RowSpan]


class PartKind(StrEnum):
    """The kind of a part. An event is a line of the agenda."""

    SECTION = "section"
    AGENDA = "agenda"
    ITEM = "item"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinePart:
    """A part that can be moved.

    title: the text that a recipient sees, shortened.
    line: the line in the file on which the part begins.
    start, stop: the range of characters in the file that the part occupies.
    children: the parts inside this part, in groups. A part can change places with the other parts of its group.
    """

    kind: PartKind
    title: str
    line: int
    start: int
    stop: int
    children: "tuple[Siblings, ...]" = ()

    @property
    def length(self) -> int:
        """The number of characters of the part."""
        return self.stop - self.start


Siblings = tuple[OutlinePart, ...]
"""Parts that can change places with each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPosition:
    """The place of a part among its siblings, counted from 0."""

    siblings: Siblings
    index: int

    @property
    def part(self) -> OutlinePart:
        """The part at this position."""
        return self.siblings[self.index]


def read_outline(
    text: str, issue: Issue, agenda_headings: Sequence[str] = AGENDA_HEADINGS
) -> tuple[Siblings, ...]:
    """Return the parts of the text from which `issue` was parsed.

    The items above the first section come first, then the sections.
    """
    body = IssueBody.after(read_front_matter(text, issue.source))
    blocks, _references = parse_blocks_with_rows(body)
    event_lines = {event.line for event in issue.events}
    reader = _OutlineReader(text, body.first_line - 1, event_lines)
    return reader.read_sections(blocks, sections.normalize_titles(agenda_headings))


def move_part(
    text: str, source: str, start: int, by: int, agenda_headings: Sequence[str] = AGENDA_HEADINGS
) -> tuple[str, PartPosition]:
    """Move the part at character `start` past `by` siblings; return text and new position.

    Raises IssueError if no part begins at `start`, or if Markdown would read the parts differently after
    the move.
    """

    def parse(text: str) -> Issue:
        return parse_issue(text, source, agenda_headings=agenda_headings)

    issue = parse(text)
    before = read_outline(text, issue, agenda_headings)
    old = find_part(before, start)
    order = move_index(len(old.siblings), old.index, by)
    new_text = reorder(text, old.siblings, order)
    try:
        after = read_outline(new_text, parse(new_text), agenda_headings)
    except IssueError:
        after = ()
    if describe_structure(after) != describe_structure(before, old.siblings, order):
        raise IssueError(
            _("in that place it would become part of other text"),
            source=issue.source,
            line=old.part.line,
            hint=_("Put a blank line above and below it, or move it in the text."),
        )
    index = order.index(old.index)
    # The siblings before the part may be longer or shorter than the siblings that were there.
    length_before = sum(old.siblings[number].length for number in order[:index])
    shift = length_before - sum(part.length for part in old.siblings[:index])
    return new_text, find_part(after, old.siblings[index].start + shift)


def find_part(groups: Sequence[Siblings], start: int) -> PartPosition:
    """Return the part that begins at a character; raise IssueError if no part does."""
    for siblings in _walk(groups):
        for index, part in enumerate(siblings):
            if part.start == start:
                return PartPosition(siblings=siblings, index=index)
    raise IssueError(
        _("this part is no longer in the text"), source="", line=0, hint=_("Look at the outline again.")
    )


def move_index(count: int, index: int, by: int) -> list[int]:
    """Return the numbers from 0 to `count` - 1, with `index` moved by at most `by` places."""
    numbers = list(range(count))
    numbers.insert(min(max(index + by, 0), count - 1), numbers.pop(index))
    return numbers


def reorder(text: str, siblings: Siblings, order: Sequence[int]) -> str:
    """Return the text with the siblings in the order of `order`.

    The text between the siblings stays in place.
    """
    out, end = [], 0
    for place, number in zip(siblings, order, strict=True):
        part = siblings[number]
        out += [text[end : place.start], text[part.start : part.stop]]
        end = place.stop
    return "".join([*out, text[end:]])


def describe_structure(
    groups: Sequence[Siblings], reordered: Siblings = (), order: Sequence[int] = ()
) -> list[object]:
    """Return the kinds and titles of parts without their positions, to compare two outlines.

    reordered: a group of siblings, described in the order of `order`.
    """
    structure: list[object] = []
    for siblings in groups:
        parts = [siblings[number] for number in order] if siblings is reordered else siblings
        structure.append(
            [(part.kind, part.title, describe_structure(part.children, reordered, order)) for part in parts]
        )
    return structure


def _walk(groups: Sequence[Siblings]) -> Iterator[Siblings]:
    for siblings in groups:
        yield siblings
        for part in siblings:
            yield from _walk(part.children)


class _OutlineReader:
    """Reads the outline of one text.

    offset: the row of the file on which the body begins.
    """

    def __init__(self, text: str, offset: int, event_lines: Collection[int]) -> None:
        self.rows = text.split("\n")
        self.row_starts = [0, *accumulate(len(row) + 1 for row in self.rows)]
        self.offset = offset
        self.event_lines = event_lines

    def read_sections(
        self, blocks: Sequence[BlockWithRows], agenda_names: AbstractSet[str]
    ) -> tuple[Siblings, ...]:
        spans = {id(block): span for block, span in blocks}
        groups = sections.group_by_heading([block for block, _ in blocks], agenda_names)
        heads = [spans[id(heading)].first for heading, _ in groups if heading]
        stops = iter([*heads[1:], len(self.rows) - self.offset])
        above: tuple[Siblings, ...] = ()
        found: list[OutlinePart] = []
        for heading, inside in groups:
            is_agenda = sections.has_title(heading, agenda_names)
            children = self.read_children(
                [(block, spans[id(block)]) for block in inside], is_agenda=is_agenda
            )
            if heading is None:
                above = children
            else:
                dividers = {
                    self.offset + spans[id(block)].first for block in inside if isinstance(block, Divider)
                }
                rows = range(self.offset + spans[id(heading)].first, self.offset + next(stops))
                found.append(
                    self.read_section(heading, self.trim(rows, dividers), children, is_agenda=is_agenda)
                )
        return (*above, *([tuple(found)] if found else []))

    def read_section(
        self, heading: Heading, rows: range, children: tuple[Siblings, ...], *, is_agenda: bool
    ) -> OutlinePart:
        return OutlinePart(
            kind=PartKind.AGENDA if is_agenda else PartKind.SECTION,
            title=_shorten(to_plain_text(heading.inlines)),
            line=rows.start + 1,
            start=self.row_starts[rows.start],
            stop=self.end_of(rows),
            children=children,
        )

    def trim(self, rows: range, dividers: Collection[int] = ()) -> range:
        """Return the range of rows without the blank rows and dividers at its end."""
        stop = rows.stop
        while stop > rows.start + 1 and (not self.rows[stop - 1].strip() or stop - 1 in dividers):
            stop -= 1
        return range(rows.start, stop)

    def end_of(self, rows: range) -> int:
        return self.row_starts[rows.stop] - 1

    def read_children(self, blocks: Sequence[BlockWithRows], *, is_agenda: bool) -> tuple[Siblings, ...]:
        groups: list[Siblings] = []
        for block, span in blocks:
            match block:
                case ItemList():
                    groups.append(self.read_items(block, span, 0, is_agenda=is_agenda))
                case Paragraph() if is_agenda:
                    groups.append(self.read_event_lines(span))
                case _:
                    pass
        return tuple(siblings for siblings in groups if siblings)

    def read_items(self, block: ItemList, span: RowSpan, column: int, *, is_agenda: bool) -> Siblings:
        found = [
            self.read_item(item, inner, column if not number else 0, is_agenda=is_agenda)
            for number, (item, inner) in enumerate(zip(block.items, span.children, strict=True))
        ]
        return tuple(part for part in found if part.stop > part.start)

    def read_item(self, item: Item, span: RowSpan, column: int, *, is_agenda: bool) -> OutlinePart:
        """Read the text of an item.

        column: the column of its bullet. It is greater than 0 if the list begins on the row of another item.
        """
        rows = self.trim(range(self.offset + span.first, self.offset + span.stop))
        row = self.rows[rows.start]
        column = content_column(row, column)
        nested = [inner for inner in item.blocks if isinstance(inner, ItemList)]
        children = [
            self.read_items(inner, below, column if below.first == span.first else 0, is_agenda=is_agenda)
            for inner, below in zip(nested, span.children, strict=True)
            if is_agenda
        ]
        return OutlinePart(
            kind=PartKind.EVENT if is_agenda else PartKind.ITEM,
            title=_shorten(to_plain_text(item.label) or to_plain_text(item.inlines) or row[column:]),
            line=rows.start + 1,
            start=self.row_starts[rows.start] + column,
            stop=max(self.end_of(rows), self.row_starts[rows.start] + column),
            children=tuple(siblings for siblings in children if siblings),
        )

    def read_event_lines(self, span: RowSpan) -> Siblings:
        """Read the lines of a paragraph as events, without their hard breaks.

        Return nothing unless every line is an event.
        """
        rows = self.trim(range(self.offset + span.first, self.offset + span.stop))
        if not all(row + 1 in self.event_lines for row in rows):
            return ()
        parts = []
        for row in rows:
            hard_break = HARD_BREAK.search(self.rows[row])
            written = self.rows[row][: hard_break.start() if hard_break else None]
            start = self.row_starts[row] + len(written) - len(written.lstrip())
            stop = self.row_starts[row] + len(written)
            parts.append(
                OutlinePart(
                    kind=PartKind.EVENT, title=_shorten(written), line=row + 1, start=start, stop=stop
                )
            )
        return tuple(parts)


def _shorten(title: str) -> str:
    text = " ".join(title.split())
    return text if len(text) <= MAX_TITLE_LENGTH else f"{text[: MAX_TITLE_LENGTH - 1]}…"
