"""The agenda: a section's lines to events, whichever of the many ways they are written in."""

import re
from dataclasses import dataclass
from datetime import date, time

from moza_mail.i18n import gettext as _
from moza_mail.model.issue import (
    Agenda,
    Block,
    Blocks,
    Divider,
    Event,
    Heading,
    Inlines,
    Item,
    ItemList,
    LineBreak,
    Paragraph,
    Strong,
    Text,
    collect_links,
    to_plain_text,
)
from moza_mail.parse import dates
from moza_mail.parse.inlines import cut, joined, stripped, unbolded
from moza_mail.parse.merge import refuse, refuse_undefaulted

MARKS = ":,;|-–—"
NEARBY = 40
SEPARATED = re.compile(r"(?:^|[:|]\s*|\s[-–—]\s*|[,;]\s*)$")
SEPARATOR = re.compile(r":\s+|\s+[-–—]\s+")
PREPOSITION = re.compile(r"(?:op|on)\s+", re.IGNORECASE)
NOTE = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)[\s.]*")


def read(title: Inlines, blocks: Blocks, *, line: int, issued: date) -> Agenda:
    """Gather the events of an agenda's blocks; what is no event stands above them in `intro` or below in `outro`."""
    gathered = _Gathered(issued)
    for block in blocks:
        gathered.take(block)
    return Agenda(
        title=title,
        intro=tuple(gathered.intro),
        events=tuple(gathered.events),
        outro=tuple(block for block in gathered.outro if not isinstance(block, Divider)),
        line=line,
    )


class _Gathered:
    """The agenda while it is read, block by block."""

    def __init__(self, issued: date) -> None:
        self.issued = issued
        self.group = ""
        self.intro: list[Block] = []
        self.events: list[Event] = []
        self.outro: list[Block] = []

    def take(self, block: Block) -> None:
        match block:
            case Heading():
                self.group = _heading(block.inlines)
            case Paragraph() if _is_bold(block.inlines):
                self.group = _heading(block.inlines)
            case ItemList():
                for item in block.items:
                    self.take_item(item, self.group)
            case Paragraph() if lines := _dated_lines(block, self.issued):
                self.events.extend(
                    event(row, issued=self.issued, group=self.group, line=at) for row, at in lines
                )
            case _:
                (self.outro if self.events or self.group else self.intro).append(block)

    def take_item(self, item: Item, group: str) -> None:
        row = whole(item)
        below = [inner for block in item.blocks if isinstance(block, ItemList) for inner in block.items]
        if below and not dates.find(to_plain_text(row), self.issued):
            for inner in below:
                self.take_item(inner, _heading(row) or group)
        elif to_plain_text(row).strip():
            notes = tuple(note for inner in below for note in (Text(text="; "), *whole(inner)))
            found = event(row, issued=self.issued, group=group, line=item.line, more=notes)
            self.events.append(found)
        self.outro.extend(block for block in item.blocks if not isinstance(block, ItemList))


def whole(item: Item) -> Inlines:
    """An item's first line as it was before its label was told apart."""
    if not item.label:
        return item.inlines
    return joined((Strong(children=item.label), Text(text=": "), *item.inlines))


def event(row: Inlines, *, issued: date, group: str = "", line: int = 0, more: Inlines = ()) -> Event:
    """Read one agenda line; without a date that can be read it is an event without days."""
    text = to_plain_text(row)
    when = _chosen(text, issued)
    split = _undated(row, text) if when is None else _dated(row, text, when)
    note = stripped((*split.note, *more), "; ") if more else split.note
    title = unbolded(stripped(split.title, MARKS))
    refuse(split.when, _("the date of an event"))
    refuse_undefaulted((*title, *note))
    link = next(collect_links(title), None) or next(collect_links(row), None)
    return Event(
        title=title,
        when=to_plain_text(split.when).strip(),
        dates=when.days if when else (),
        start_time=split.starts,
        end_time=split.ends,
        note=note,
        group=group,
        url=link.url if link else "",
        line=line,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    """A line divided in its parts."""

    title: Inlines
    when: Inlines
    note: Inlines
    starts: time | None = None
    ends: time | None = None


def _chosen(text: str, issued: date) -> "dates.When | None":
    """The date that says when: not one in a note, and rather one behind a separator than one in a title."""
    found = dates.find(text, issued)
    outside = [when for when in found if _depth(text, when.start) == 0] or found
    apart = [when for when in outside if _is_apart(text, when.start)]
    chosen = apart or outside
    return chosen[-1] if chosen else None


def _is_apart(text: str, position: int) -> bool:
    """Whether a separator, or nothing, stands before it; looked for nearby, as a long line holds many dates."""
    return bool(SEPARATED.search(text, max(0, position - NEARBY), position))


def _depth(text: str, position: int) -> int:
    before = text[:position]
    return before.count("(") - before.count(")")


def _dated(row: Inlines, text: str, when: "dates.When") -> _Split:
    title, behind = cut(row, 0, when.start), cut(row, when.stop, len(text))
    said = PREPOSITION.match(text, when.start)
    written = cut(row, said.end() if said else when.start, when.stop)
    starts, ends = when.starts, when.ends
    if starts is None and (later := dates.find_times(to_plain_text(behind))):
        low, high, starts, ends = later
        written = (*written, Text(text=" "), *stripped(cut(behind, low, high), ","))
        behind = joined((*cut(behind, 0, low), *cut(behind, high, len(to_plain_text(behind)))))
    if not stripped(title, MARKS + "("):
        # `15 januari: MOZa Regieteam`: the date comes first, and what follows is the title.
        head, note = _without_note(stripped(behind, MARKS))
        return _Split(title=head, when=written, note=note, starts=starts, ends=ends)
    if _depth(text, when.start) > 0:
        # `MOZa Regieteam (5 februari, online)`: the date stands in the note's place.
        return _Split(
            title=stripped(title, MARKS + "("),
            when=written,
            note=stripped(behind, MARKS + ")"),
            starts=starts,
            ends=ends,
        )
    return _Split(title=stripped(title, MARKS), when=written, note=_note(behind), starts=starts, ends=ends)


def _undated(row: Inlines, text: str) -> _Split:
    """`MOZa Pulse: wordt binnenkort weer gepland`: behind the last separator stands what is known of the date."""
    head, note = _without_note(row)
    first = row[0]
    cuts = [(match.start(), match.end()) for match in SEPARATOR.finditer(to_plain_text(head))]
    if isinstance(first, Strong) and (bold := len(to_plain_text((first,)).rstrip(": "))) < len(text):
        cuts = [(low, high) for low, high in cuts if low >= bold] or [(bold, bold)]
        low, high = cuts[0]
    elif cuts:
        low, high = cuts[-1]
    else:
        return _Split(title=head, when=(), note=note)
    return _Split(title=cut(head, 0, low), when=stripped(cut(head, high, len(text)), MARKS), note=note)


def _without_note(row: Inlines) -> tuple[Inlines, Inlines]:
    """Divide a line that ends in a note between parentheses."""
    text = to_plain_text(row)
    last = None
    for match in NOTE.finditer(text):
        last = match
    if last is None or last.end() != len(text.rstrip()) or not text[: last.start()].strip():
        return row, ()
    return stripped(cut(row, 0, last.start())), stripped(cut(row, last.start(1), last.end(1)))


def _note(behind: Inlines) -> Inlines:
    """What follows the date, without the separator before it and the parentheses around it."""
    bare = stripped(behind, MARKS)
    text = to_plain_text(bare)
    match = NOTE.fullmatch(text)
    if match:
        return stripped(cut(bare, match.start(1), match.end(1)))
    return () if text in {".", ""} else bare


def _is_bold(inlines: Inlines) -> bool:
    return bool(inlines) and unbolded(stripped(inlines, ": ")) != stripped(inlines, ": ")


def _heading(inlines: Inlines) -> str:
    refuse(inlines, _("the name of a group in the agenda"))
    return to_plain_text(inlines).strip().removesuffix(":").strip()


def _dated_lines(block: Paragraph, issued: date) -> list[tuple[Inlines, int]]:
    """The lines of a paragraph when each is an agenda line without a bullet; none when it is prose."""
    rows: list[list[Inlines]] = [[]]
    for inline in block.inlines:
        if isinstance(inline, LineBreak):
            rows.append([])
        else:
            rows[-1].append((inline,))
    lines = [joined(tuple(piece for part in row for piece in part)) for row in rows]
    return (
        [(row, block.line + index) for index, row in enumerate(lines)]
        if all(_is_line(row, issued) for row in lines)
        else []
    )


def _is_line(row: Inlines, issued: date) -> bool:
    text = to_plain_text(row)
    when = _chosen(text, issued)
    if when is None or not _is_apart(text, when.start) or not stripped(cut(row, 0, when.start), MARKS):
        return False
    behind = text[when.stop :].strip()
    return not behind or behind.startswith(("(", "-", "–"))
