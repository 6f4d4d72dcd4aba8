"""Outline: the parts of an issue that may change places, and the text in which they have.

A part is moved as it is typed. What stands between two parts (blank lines, a rule, the bullet or number of a line) keeps its
place, so moving there and back gives the same text.
"""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from moza_mail import parse
from moza_mail.edit.source_map import HARD_BREAK, MARKER
from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import Block, Divider, Heading, Issue, Item, ItemList, Paragraph, to_plain_text
from moza_mail.parse import front_matter, markdown, sections
from moza_mail.parse.markdown import Span

LONGEST_TITLE = 90
Placed = tuple[Block, Span]


class PartKind(StrEnum):
    """What a part is; an event is a line of the agenda."""

    SECTION = "section"
    AGENDA = "agenda"
    ITEM = "item"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinePart:
    """A part: its title as a reader sees it, its line in the file, and the characters it takes from `start` to `stop`.

    `families` are the parts below it, those that may change places with each other together.
    """

    kind: PartKind
    title: str
    line: int
    start: int
    stop: int
    children: "tuple[Siblings, ...]" = ()

    @property
    def length(self) -> int:
        """How many characters it takes."""
        return self.stop - self.start


Siblings = tuple[OutlinePart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPosition:
    """Where a part stands: the number of its place, from 0, in its family."""

    siblings: Siblings
    index: int

    @property
    def part(self) -> OutlinePart:
        """The part."""
        return self.siblings[self.index]


def read_outline(
    text: str, issue: Issue, agenda_headings: Sequence[str] = parse.AGENDA_HEADINGS
) -> tuple[Siblings, ...]:
    """The parts of the text that `issue` was read from: its sections, and before them the items above the first."""
    front = front_matter.read(text, issue.source)
    place = markdown.Place(
        source=issue.source, first_line=front.body_line, rows=tuple(front.body.split("\n")), site_url=""
    )
    blocks, _ = markdown.spanned(front.body, place)
    events = {event.line for event in issue.agenda.events} if issue.agenda else set()
    return _Reader(text, front.body_line - 1, events).parts(blocks, sections.names(agenda_headings))


def move_part(
    text: str, source: str, start: int, by: int, agenda_headings: Sequence[str] = parse.AGENDA_HEADINGS
) -> tuple[str, PartPosition]:
    """The text with the part that begins at `start` moved over `by` others of its kind, and where it stands then.

    Every other character stays in its place, and the part as it was typed: moving it back gives the text again. Raises
    IssueError when there is no such part, or Markdown would read the parts otherwise there.
    """

    def read(text: str) -> Issue:
        return parse.parse_issue(text, source, agenda_headings=agenda_headings)

    issue = read(text)
    before = read_outline(text, issue, agenda_headings)
    there = find(before, start)
    order = ordered(len(there.siblings), there.index, by)
    new = permuted(text, there.siblings, order)
    try:
        after = read_outline(new, read(new), agenda_headings)
    except IssueError:
        after = ()
    if shapes(after) != shapes(before, there.siblings, order):
        raise IssueError(
            _("it would be read as part of something else there"),
            source=issue.source,
            line=there.part.line,
            hint=_("Put a blank line above and below it, or move it in the text."),
        )
    place = order.index(there.index)
    # What has come before it in its family may be longer or shorter than what stood there.
    longer = sum(there.siblings[number].length for number in order[:place])
    shift = longer - sum(piece.length for piece in there.siblings[:place])
    return new, find(after, there.siblings[place].start + shift)


def find(families: Sequence[Siblings], start: int) -> PartPosition:
    """The part that begins at a character; raise IssueError when none does."""
    for family in _all(families):
        for place, piece in enumerate(family):
            if piece.start == start:
                return PartPosition(siblings=family, index=place)
    raise IssueError(
        _("there is no such part any more"), source="", line=0, hint=_("Look at the outline again.")
    )


def ordered(count: int, place: int, by: int) -> list[int]:
    """The numbers from 0 to `count`, with the one at `place` as many further on as there is room for."""
    numbers = list(range(count))
    numbers.insert(min(max(place + by, 0), count - 1), numbers.pop(place))
    return numbers


def permuted(text: str, family: Siblings, numbers: Sequence[int]) -> str:
    """The text in which the parts of a family stand in that order, each in the place of another."""
    out, end = [], 0
    for there, number in zip(family, numbers, strict=True):
        piece = family[number]
        out += [text[end : there.start], text[piece.start : piece.stop]]
        end = there.stop
    return "".join([*out, text[end:]])


def shapes(families: Sequence[Siblings], moved: Siblings = (), numbers: Sequence[int] = ()) -> list[object]:
    """What the parts are, wherever they stand; with `moved` as they are when that family has another order."""
    told: list[object] = []
    for family in families:
        pieces = [family[number] for number in numbers] if family is moved else family
        told.append([(piece.kind, piece.title, shapes(piece.children, moved, numbers)) for piece in pieces])
    return told


def _all(families: Sequence[Siblings]) -> Iterator[Siblings]:
    for family in families:
        yield family
        for piece in family:
            yield from _all(piece.children)


class _Reader:
    """A text while its outline is made; rows are counted from 0."""

    def __init__(self, text: str, shift: int, events: Collection[int]) -> None:
        self.rows = text.split("\n")
        self.begins = [0, *accumulate(len(row) + 1 for row in self.rows)]
        self.shift = shift
        self.events = events

    def parts(self, blocks: Sequence[Placed], names: AbstractSet[str]) -> tuple[Siblings, ...]:
        spans = {id(block): span for block, span in blocks}
        parts = sections.parted([block for block, _ in blocks], names)
        heads = [spans[id(heading)].first for heading, _ in parts if heading]
        stops = iter([*heads[1:], len(self.rows) - self.shift])
        families: list[Siblings] = []
        found: list[OutlinePart] = []
        for heading, inside in parts:
            is_agenda = sections.is_named(heading, names)
            below = self.below([(block, spans[id(block)]) for block in inside], is_agenda=is_agenda)
            if heading is None:
                families += below
            else:
                rules = {
                    self.shift + spans[id(block)].first for block in inside if isinstance(block, Divider)
                }
                rows = range(self.shift + spans[id(heading)].first, self.shift + next(stops))
                found.append(self.section(heading, self.trimmed(rows, rules), below, is_agenda=is_agenda))
        return (*families, *([tuple(found)] if found else []))

    def section(
        self, heading: Heading, rows: range, below: tuple[Siblings, ...], *, is_agenda: bool
    ) -> OutlinePart:
        return OutlinePart(
            kind=PartKind.AGENDA if is_agenda else PartKind.SECTION,
            title=_short(to_plain_text(heading.inlines)),
            line=rows.start + 1,
            start=self.begins[rows.start],
            stop=self.end(rows),
            children=below,
        )

    def trimmed(self, rows: range, rules: Collection[int] = ()) -> range:
        """The rows without blank ones and rules at their end."""
        stop = rows.stop
        while stop > rows.start + 1 and (not self.rows[stop - 1].strip() or stop - 1 in rules):
            stop -= 1
        return range(rows.start, stop)

    def end(self, rows: range) -> int:
        return self.begins[rows.stop] - 1

    def below(self, blocks: Sequence[Placed], *, is_agenda: bool) -> tuple[Siblings, ...]:
        families: list[Siblings] = []
        for block, span in blocks:
            match block:
                case ItemList():
                    families.append(self.items(block, span, 0, is_agenda=is_agenda))
                case Paragraph() if is_agenda:
                    families.append(self.lines(span))
                case _:
                    pass
        return tuple(family for family in families if family)

    def items(self, block: ItemList, span: Span, column: int, *, is_agenda: bool) -> Siblings:
        found = [
            self.item(item, inner, column if not number else 0, is_agenda=is_agenda)
            for number, (item, inner) in enumerate(zip(block.items, span.below, strict=True))
        ]
        return tuple(piece for piece in found if piece.stop > piece.start)

    def item(self, item: Item, span: Span, column: int, *, is_agenda: bool) -> OutlinePart:
        """An item behind its bullet or number; `column` is where that stands when an item around it has the same row."""
        rows = self.trimmed(range(self.shift + span.first, self.shift + span.stop))
        row = self.rows[rows.start]
        marker = MARKER.match(row, column)
        column = marker.end() if marker else column
        column += len(row[column:]) - len(row[column:].lstrip(" \t"))
        nested = [inner for inner in item.blocks if isinstance(inner, ItemList)]
        families = [
            self.items(inner, below, column if below.first == span.first else 0, is_agenda=is_agenda)
            for inner, below in zip(nested, span.below, strict=True)
            if is_agenda
        ]
        return OutlinePart(
            kind=PartKind.EVENT if is_agenda else PartKind.ITEM,
            title=_short(to_plain_text(item.label) or to_plain_text(item.inlines) or row[column:]),
            line=rows.start + 1,
            start=self.begins[rows.start] + column,
            stop=max(self.end(rows), self.begins[rows.start] + column),
            children=tuple(family for family in families if family),
        )

    def lines(self, span: Span) -> Siblings:
        """The lines of a paragraph, when each is an event; a break at a line's end belongs to its place."""
        rows = self.trimmed(range(self.shift + span.first, self.shift + span.stop))
        if not all(row + 1 in self.events for row in rows):
            return ()
        pieces = []
        for row in rows:
            ended = HARD_BREAK.search(self.rows[row])
            written = self.rows[row][: ended.start() if ended else None]
            start = self.begins[row] + len(written) - len(written.lstrip())
            stop = self.begins[row] + len(written)
            pieces.append(
                OutlinePart(kind=PartKind.EVENT, title=_short(written), line=row + 1, start=start, stop=stop)
            )
        return tuple(pieces)


def _short(title: str) -> str:
    words = " ".join(title.split())
    return words if len(words) <= LONGEST_TITLE else f"{words[: LONGEST_TITLE - 1]}…"
