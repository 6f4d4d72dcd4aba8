"""Find the rows of each part of an issue in its file, so that an edit keeps text as typed.

Rows are counted from 0, so the row is the line number minus 1. A range of rows excludes its `stop`, and
the blank rows at its end.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from moza_mail.model.issue import Block, Event, Heading, Issue, ItemList, Paragraph
from moza_mail.parse import AGENDA_HEADINGS, FrontMatter, normalize_line_endings, read_front_matter, sections
from moza_mail.parse.markdown import IssueBody, RowSpan, parse_blocks_with_rows

# `* `, `- `, `12. ` and `12) ` at the beginning of an item, with the indent before it.
MARKER = re.compile(r"([ \t]*)(?:([*+-])|(\d{1,9})([.)]))(?=[ \t]|$)")
HARD_BREAK = re.compile(r"(?: {2,}|\\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaEntry:
    """A line of the agenda as typed, with the lines below it that belong to it.

    event: None for a line that names a group.
    pieces: the rows of the entry. For a line that names a group, also the lists below that line.
    """

    pieces: tuple["str | EntryList", ...]
    event: Event | None = None

    @property
    def lists(self) -> tuple["EntryList", ...]:
        """The lists below a line that names a group."""
        return tuple(piece for piece in self.pieces if isinstance(piece, EntryList))

    @property
    def first_row(self) -> str:
        """The first row of the entry, with its bullet."""
        return next(piece for piece in self.pieces if isinstance(piece, str))

    def write(self, arrange: "Arrange") -> list[str]:
        """Return the rows of the entry.

        arrange: chooses and sorts the entries of each list in it.
        """
        out: list[str] = []
        for piece in self.pieces:
            out += piece.write(arrange) if isinstance(piece, EntryList) else [piece]
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryList:
    """Lines of the agenda that can change places: a list, or the lines of a paragraph.

    first, stop: the range of rows in the file that these lines occupy.
    has_bullets: the lines are items of a list.
    is_loose: blank rows separate the lines.
    """

    first: int
    stop: int
    entries: tuple[AgendaEntry, ...]
    has_bullets: bool
    is_loose: bool

    def write(self, arrange: "Arrange") -> list[str]:
        """Return the rows of the entries that `arrange` returns, in its order.

        The entries stay as typed, except for the numbers and indents of list items.
        """
        written = [entry.write(arrange) for entry in arrange(self)]
        if not self.has_bullets:
            return _join_lines([row for rows in written for row in rows], self.entries[0].first_row)
        out: list[str] = []
        for number, rows in enumerate(_indent_alike(written)):
            out += [""] if self.is_loose and number else []
            out += _renumber(rows, self.entries[number].first_row)
        return out


Arrange = Callable[[EntryList], Sequence[AgendaEntry]]
"""Choose the entries of a list to keep, and their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSource:
    """A heading and the blocks below it, each block with its rows.

    heading: None for the blocks above the first heading.
    lists: empty except in the agenda.
    """

    heading: Heading | None
    rows: range
    blocks: tuple[tuple[Block, range], ...]
    is_agenda: bool
    lists: tuple[EntryList, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMap:
    """The rows of an issue's file, and the parts of the issue with their rows.

    keys: the rows of each key in the front matter.
    body: the row on which the body begins.
    references: the rows of link references (`[report]: https://...`), by name in upper case.
    """

    rows: tuple[str, ...]
    keys: Mapping[str, range]
    body: int
    sections: tuple[SectionSource, ...]
    references: Mapping[str, range]

    def stop_of(self, section: SectionSource) -> int:
        """Return the row on which the next section begins, or the number of rows in the file."""
        later = [other.rows.start for other in self.sections if other.rows.start > section.rows.start]
        return min(later, default=len(self.rows))


def map_source(text: str, issue: Issue, agenda_headings: Sequence[str] = AGENDA_HEADINGS) -> SourceMap:
    """Return the rows of each part of `issue` in its file; raise IssueError as `parse_issue` does."""
    text = normalize_line_endings(text)
    front = read_front_matter(text, issue.source)
    offset = front.body_line - 1
    parsed, references = parse_blocks_with_rows(IssueBody.after(front))
    spans = {id(block): span for block, span in parsed}
    events = {event.line: event for event in issue.events}
    mapper = _SourceMapper(rows=tuple(text.split("\n")), offset=offset, spans=spans, events=events)
    agenda_names = sections.normalize_titles(agenda_headings)
    groups = sections.group_by_heading([block for block, _ in parsed], agenda_names)
    return SourceMap(
        rows=mapper.rows,
        keys=_map_keys(front, offset),
        body=offset + 1,
        sections=tuple(
            mapper.map_section(heading, blocks, is_agenda=sections.has_title(heading, agenda_names))
            for heading, blocks in groups
        ),
        references={name: mapper.file_rows(span) for name, span in references.items()},
    )


def _map_keys(front: FrontMatter, end: int) -> dict[str, range]:
    """Return the rows of each key. The rows of a key end at the next key and include comments."""
    begins = sorted((line - 1, key) for key, line in front.lines.items())
    stops = [*(first for first, _ in begins[1:]), end]
    return {key: range(first, stop) for (first, key), stop in zip(begins, stops, strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _SourceMapper:
    """Maps the sections of one file.

    offset: the row of the file on which the body begins.
    """

    rows: tuple[str, ...]
    offset: int
    spans: Mapping[int, RowSpan]
    events: Mapping[int, Event]

    def file_rows(self, span: RowSpan) -> range:
        """Return the rows of a span in the file, without blank rows at the end."""
        stop = span.stop + self.offset
        while stop > span.first + self.offset and not self.rows[stop - 1].strip():
            stop -= 1
        return range(span.first + self.offset, stop)

    def map_section(
        self, heading: Heading | None, blocks: Sequence[Block], *, is_agenda: bool
    ) -> SectionSource:
        placed = [(block, self.spans[id(block)]) for block in blocks]
        lists = self.join_lists(self.map_block(block, span) for block, span in placed) if is_agenda else ()
        return SectionSource(
            heading=heading,
            rows=self.file_rows(self.spans[id(heading)]) if heading else range(0),
            blocks=tuple((block, self.file_rows(span)) for block, span in placed),
            is_agenda=is_agenda,
            lists=lists,
        )

    def map_block(self, block: Block, span: RowSpan) -> EntryList | None:
        """Return the entries in a block of the agenda, None for a block of other text."""
        # A definition list is an ItemList too, but its lines cannot be carried over one by one.
        if isinstance(block, ItemList) and span.children:
            return self.map_list(span)
        rows = self.file_rows(span)
        events = [self.events.get(row + 1) for row in rows]
        if isinstance(block, Paragraph) and all(events):
            entries = tuple(
                AgendaEntry(pieces=(self.rows[row],), event=event)
                for row, event in zip(rows, events, strict=True)
            )
            return EntryList(
                first=rows.start, stop=rows.stop, entries=entries, has_bullets=False, is_loose=False
            )
        return None

    def map_list(self, span: RowSpan) -> EntryList:
        rows = self.file_rows(span)
        items = [self.file_rows(item) for item in span.children]
        is_loose = any(later.start > earlier.stop for earlier, later in pairwise(items))
        entries = tuple(map(self.map_entry, span.children))
        return EntryList(
            first=rows.start, stop=rows.stop, entries=entries, has_bullets=True, is_loose=is_loose
        )

    def map_entry(self, item: RowSpan) -> AgendaEntry:
        rows = self.file_rows(item)
        event = self.events.get(rows.start + 1)
        groups = [
            inner for inner in item.children if event is None and inner.children and self.has_events(inner)
        ]
        pieces: list[str | EntryList] = []
        at = rows.start
        for entries in self.join_lists(map(self.map_list, groups)):
            pieces += [*self.rows[at : entries.first], entries]
            at = entries.stop
        return AgendaEntry(pieces=(*pieces, *self.rows[at : rows.stop]), event=event)

    def has_events(self, span: RowSpan) -> bool:
        return any(row + 1 in self.events for row in self.file_rows(span))

    def join_lists(self, found: Iterable[EntryList | None]) -> tuple[EntryList, ...]:
        """Join lists of the same kind if only blank rows separate them.

        Markdown begins a new list where the bullet changes from `*` to `-`. For the author it is one list.
        """
        joined: list[EntryList | None] = []
        for entries in found:
            last = joined[-1] if joined else None
            if last and entries and _kind(last) == _kind(entries) and self.is_blank(last.stop, entries.first):
                joined[-1] = replace(
                    last,
                    stop=entries.stop,
                    entries=last.entries + entries.entries,
                    is_loose=last.is_loose or entries.is_loose,
                )
            else:
                joined.append(entries)
        return tuple(entries for entries in joined if entries)

    def is_blank(self, first: int, stop: int) -> bool:
        return not any(row.strip() for row in self.rows[first:stop])


def _kind(entries: EntryList) -> str:
    """Return the kind of list (`numbers` or `bullets`). Lists of the same kind can be joined."""
    # Each paragraph gets a kind of its own, because paragraphs cannot be joined.
    if not entries.has_bullets:
        return f"row {entries.first}"
    found = MARKER.match(entries.entries[0].first_row)
    return "numbers" if found and found[3] else "bullets"


def _join_lines(rows: Sequence[str], first: str) -> list[str]:
    """Join lines into a paragraph, with the hard break of `first` at the end of each line.

    first: the first line of the original paragraph, with or without a hard break.
    """
    found = HARD_BREAK.search(first)
    hard_break = found.group() if found else ""
    bare = [_escape_marker(HARD_BREAK.sub("", row)) for row in rows]
    return [row + hard_break for row in bare[:-1]] + bare[-1:]


def _escape_marker(row: str) -> str:
    """Change a line so that it can begin a paragraph: escape a bullet, remove a deep indent."""
    bare = row.lstrip(" \t") if _indent_of(row).expandtabs(4)[3:] else row
    found = MARKER.match(bare)
    if not found:
        return bare
    at = found.end() - 1
    return f"{bare[:at]}\\{bare[at:]}"


def _indent_alike(items: Sequence[Sequence[str]]) -> list[list[str]]:
    """Give all items the smallest indent, so that no item becomes a child of another."""
    least = min((_indent_of(rows[0]) for rows in items), key=len, default="")
    alike: list[list[str]] = []
    for rows in items:
        own = _indent_of(rows[0])
        alike.append([least + row.removeprefix(own) if row.startswith(own) else row for row in rows])
    return alike


def _indent_of(row: str) -> str:
    return row[: len(row) - len(row.lstrip(" \t"))]


def content_column(row: str, column: int = 0) -> int:
    """Return the column of the text after the bullet or number at `column`."""
    marker = MARKER.match(row, column)
    after = marker.end() if marker else column
    return after + len(_indent_of(row[after:]))


def _renumber(rows: Sequence[str], replaced: str) -> list[str]:
    """Give a numbered item the number of the item that it replaces."""
    own, place = MARKER.match(rows[0]), MARKER.match(replaced)
    if not own or not place or not own[3] or not place[3]:
        return list(rows)
    head = f"{own[1]}{place[3]}{own[4]}{rows[0][own.end() :]}"
    extra = " " * max(len(head) - len(rows[0]), 0)
    return [head, *(extra + row if row.strip() else row for row in rows[1:])]
