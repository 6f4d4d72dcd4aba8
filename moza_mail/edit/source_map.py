"""Layout: which rows of an issue's file each of its parts takes, for who takes over what is typed as it is typed.

Rows are counted from 0 and a line of the file is its row + 1; a range of rows leaves out its stop and blank rows at its end.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from moza_mail import parse
from moza_mail.model.issue import Block, Event, Heading, Issue, ItemList, Paragraph
from moza_mail.parse import front_matter, markdown, sections

# `* `, `- `, `12. ` and `12) ` at the beginning of an item, with what stands before it.
MARKER = re.compile(r"([ \t]*)(?:([*+-])|(\d{1,9})([.)]))(?=[ \t]|$)")
HARD_BREAK = re.compile(r"(?: {2,}|\\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaEntry:
    """A line of the agenda as it is typed, with what hangs below it.

    `event` is None for a line that is the name of a group; the lines of that group are then runs among its `pieces`.
    """

    pieces: tuple["str | EntryList", ...]
    event: Event | None = None

    @property
    def runs(self) -> tuple["EntryList", ...]:
        """The lines of the group that this line is the name of."""
        return tuple(piece for piece in self.pieces if isinstance(piece, EntryList))

    @property
    def first(self) -> str:
        """The row that it begins with."""
        return next(piece for piece in self.pieces if isinstance(piece, str))

    def written(self, arrange: "Arrange") -> list[str]:
        """Its rows, those of its group arranged."""
        out: list[str] = []
        for piece in self.pieces:
            out += piece.written(arrange) if isinstance(piece, EntryList) else [piece]
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryList:
    """Lines of the agenda that stand together and may change places: a list, or the lines of a paragraph.

    `first` and `stop` are its rows in the file. `listed` says that its lines are items and not lines without a bullet,
    `apart` that a blank row stands between them.
    """

    first: int
    stop: int
    entries: tuple[AgendaEntry, ...]
    listed: bool
    apart: bool

    def written(self, arrange: "Arrange") -> list[str]:
        """Its rows, with the entries that `arrange` gives in their order: each as typed, but for its number and indent."""
        written = [entry.written(arrange) for entry in arrange(self)]
        if not self.listed:
            return _lines([row for rows in written for row in rows], self.entries[0].first)
        out: list[str] = []
        for number, rows in enumerate(_indented_alike(written)):
            out += [""] if self.apart and number else []
            out += _numbered(rows, self.entries[number].first)
        return out


Arrange = Callable[[EntryList], Sequence[AgendaEntry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSource:
    """A heading (None above the first) and the blocks under it, each with its rows; `runs` only in the agenda."""

    heading: Heading | None
    rows: range
    blocks: tuple[tuple[Block, range], ...]
    is_agenda: bool
    runs: tuple[EntryList, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMap:
    """The rows of a file; those of each key of its front matter; where its body begins; and its parts.

    `apart` are the rows of addresses that stand apart (`[verslag]: https://...`), by their name in capitals.
    """

    rows: tuple[str, ...]
    keys: Mapping[str, range]
    body: int
    parts: tuple[SectionSource, ...]
    apart: Mapping[str, range]


def map_source(text: str, issue: Issue, agenda_headings: Sequence[str] = parse.AGENDA_HEADINGS) -> SourceMap:
    """The layout of the file that `issue` was read from; raises IssueError as reading it does."""
    text = parse.normalize_line_endings(text)
    front = front_matter.read(text, issue.source)
    body_rows = front.body.split("\n")
    shift = front.body_line - 1
    place = markdown.Place(
        source=issue.source, first_line=front.body_line, rows=tuple(body_rows), site_url=""
    )
    read, apart = markdown.spanned(front.body, place)
    spans = {id(block): span for block, span in read}
    events = {event.line: event for event in issue.agenda.events} if issue.agenda else {}
    file = _File(rows=tuple(text.split("\n")), shift=shift, spans=spans, events=events)
    named = sections.names(agenda_headings)
    parts = sections.parted([block for block, _ in read], named)
    return SourceMap(
        rows=file.rows,
        keys=_keys(front, shift),
        body=shift + 1,
        parts=tuple(
            file.part(heading, blocks, is_agenda=sections.is_named(heading, named))
            for heading, blocks in parts
        ),
        apart={name: file.range(span) for name, span in apart.items()},
    )


def _keys(front: front_matter.FrontMatter, end: int) -> dict[str, range]:
    """The rows of each key: to the next one, with what stands between."""
    begins = sorted((line - 1, key) for key, line in front.lines.items())
    stops = [*(first for first, _ in begins[1:]), end]
    return {key: range(first, stop) for (first, key), stop in zip(begins, stops, strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file while its layout is made."""

    rows: tuple[str, ...]
    shift: int
    spans: Mapping[int, markdown.Span]
    events: Mapping[int, Event]

    def range(self, span: markdown.Span) -> range:
        """Its rows in the file, without blank ones at the end."""
        stop = span.stop + self.shift
        while stop > span.first + self.shift and not self.rows[stop - 1].strip():
            stop -= 1
        return range(span.first + self.shift, stop)

    def part(self, heading: Heading | None, blocks: Sequence[Block], *, is_agenda: bool) -> SectionSource:
        placed = [(block, self.spans[id(block)]) for block in blocks]
        first = self.range(self.spans[id(heading)]) if heading else range(0)
        runs = self.joined(self.run(block, span) for block, span in placed) if is_agenda else ()
        return SectionSource(
            heading=heading,
            rows=first,
            blocks=tuple((block, self.range(span)) for block, span in placed),
            is_agenda=is_agenda,
            runs=runs,
        )

    def run(self, block: Block, span: markdown.Span) -> EntryList | None:
        """The run that a block of the agenda is; None for a text between runs."""
        if isinstance(block, ItemList):
            return self.listed(span)
        rows = self.range(span)
        events = [self.events.get(row + 1) for row in rows]
        if isinstance(block, Paragraph) and all(events):
            entries = tuple(
                AgendaEntry(pieces=(self.rows[row],), event=event)
                for row, event in zip(rows, events, strict=True)
            )
            return EntryList(first=rows.start, stop=rows.stop, entries=entries, listed=False, apart=False)
        return None

    def listed(self, span: markdown.Span) -> EntryList:
        rows = self.range(span)
        items = [self.range(item) for item in span.below]
        apart = any(later.start > earlier.stop for earlier, later in pairwise(items))
        entries = tuple(map(self.entry, span.below))
        return EntryList(first=rows.start, stop=rows.stop, entries=entries, listed=True, apart=apart)

    def entry(self, item: markdown.Span) -> AgendaEntry:
        rows = self.range(item)
        event = self.events.get(rows.start + 1)
        groups = [inner for inner in item.below if event is None and self.holds_events(inner)]
        pieces: list[str | EntryList] = []
        at = rows.start
        for run in self.joined(map(self.listed, groups)):
            pieces += [*self.rows[at : run.first], run]
            at = run.stop
        return AgendaEntry(pieces=(*pieces, *self.rows[at : rows.stop]), event=event)

    def holds_events(self, span: markdown.Span) -> bool:
        return any(row + 1 in self.events for row in self.range(span))

    def joined(self, found: Iterable[EntryList | None]) -> tuple[EntryList, ...]:
        """Lists of one kind with nothing between them as one: where `*` and `-` take turns, Markdown sees several."""
        runs: list[EntryList | None] = []
        for run in found:
            last = runs[-1] if runs else None
            if last and run and _kind(last) == _kind(run) and not self.says(last.stop, run.first):
                entries = last.entries + run.entries
                runs[-1] = replace(last, stop=run.stop, entries=entries, apart=last.apart or run.apart)
            else:
                runs.append(run)
        return tuple(run for run in runs if run)

    def says(self, first: int, stop: int) -> bool:
        """Whether anything stands in these rows."""
        return any(row.strip() for row in self.rows[first:stop])


def _kind(run: EntryList) -> str:
    """How its lines begin: none can go among lines of another kind."""
    if not run.listed:
        return f"row {run.first}"
    found = MARKER.match(run.entries[0].first)
    return "numbers" if found and found[3] else "bullets"


def _lines(rows: Sequence[str], first: str) -> list[str]:
    """Lines of a paragraph: each but the last ends as the first one did, so that no break is lost or left over."""
    found = HARD_BREAK.search(first)
    ends = found.group() if found else ""
    bare = [_prose(HARD_BREAK.sub("", row)) for row in rows]
    return [row + ends for row in bare[:-1]] + bare[-1:]


def _prose(row: str) -> str:
    """A line of a paragraph as one that can begin it: what looks like an item's mark or an indent would then be one."""
    bare = row.lstrip(" \t") if _indent(row).expandtabs(4)[3:] else row
    found = MARKER.match(bare)
    if not found:
        return bare
    at = found.end() - 1
    return f"{bare[:at]}\\{bare[at:]}"


def _indented_alike(items: Sequence[Sequence[str]]) -> list[list[str]]:
    """Items that stand equally far from the margin, or one could come to hang below another."""
    least = min((_indent(rows[0]) for rows in items), key=len, default="")
    alike: list[list[str]] = []
    for rows in items:
        own = _indent(rows[0])
        alike.append([least + row.removeprefix(own) if row.startswith(own) else row for row in rows])
    return alike


def _indent(row: str) -> str:
    return row[: len(row) - len(row.lstrip(" \t"))]


def _numbered(rows: Sequence[str], there: str) -> list[str]:
    """A numbered item with the number that stood in its place; its other rows keep their distance to it."""
    own, place = MARKER.match(rows[0]), MARKER.match(there)
    if not own or not place or not own[3] or not place[3]:
        return list(rows)
    head = f"{own[1]}{place[3]}{own[4]}{rows[0][own.end() :]}"
    wider = " " * max(len(head) - len(rows[0]), 0)
    return [head, *(wider + row if row.strip() else row for row in rows[1:])]
