"""Parse the lines of an agenda into events, in the many ways that authors write them."""

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
from moza_mail.parse.inlines import cut, merge_adjacent, strip, unwrap_bold
from moza_mail.parse.merge_fields import refuse_merge_fields, require_defaults

SEPARATORS = ":,;|-–—"
MAX_SEPARATOR_LENGTH = 40
ENDS_IN_SEPARATOR = re.compile(r"(?:^|[:|]\s*|\s[-–—]\s*|[,;]\s*)$")
TITLE_SEPARATOR = re.compile(r":\s+|\s+[-–—]\s+")
PREPOSITION = re.compile(r"(?:op|on)\s+", re.IGNORECASE)
NOTE = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)[\s.]*")


def parse_agenda(title: Inlines, blocks: Blocks, *, line: int, issued: date) -> Agenda:
    """Parse the events in the blocks of an agenda; the other blocks go to `intro` or `outro`."""
    reader = _AgendaReader(issued)
    for block in blocks:
        reader.read_block(block)
    return Agenda(
        title=title,
        intro=tuple(reader.intro),
        events=tuple(reader.events),
        outro=tuple(block for block in reader.outro if not isinstance(block, Divider)),
        line=line,
    )


class _AgendaReader:
    """Collect the events and the other blocks of an agenda."""

    def __init__(self, issued: date) -> None:
        self.issued = issued
        self.group = ""
        self.intro: list[Block] = []
        self.events: list[Event] = []
        self.outro: list[Block] = []

    def read_block(self, block: Block) -> None:
        match block:
            case Heading():
                self.group = _read_group_name(block.inlines)
            case Paragraph() if _is_bold(block.inlines):
                self.group = _read_group_name(block.inlines)
            case ItemList():
                for item in block.items:
                    self.read_item(item, self.group)
            case Paragraph() if lines := _split_event_lines(block, self.issued):
                self.events.extend(
                    parse_event(row, issued=self.issued, group=self.group, line=at) for row, at in lines
                )
            case _:
                (self.outro if self.events or self.group else self.intro).append(block)

    def read_item(self, item: Item, group: str) -> None:
        row = restore_label(item)
        nested = [inner for block in item.blocks if isinstance(block, ItemList) for inner in block.items]
        if nested and not dates.find_dates(to_plain_text(row), self.issued):
            for inner in nested:
                self.read_item(inner, _read_group_name(row) or group)
        elif to_plain_text(row).strip():
            notes = tuple(note for inner in nested for note in (Text(text="; "), *restore_label(inner)))
            event = parse_event(row, issued=self.issued, group=group, line=item.line, more=notes)
            self.events.append(event)
        self.outro.extend(block for block in item.blocks if not isinstance(block, ItemList))


def restore_label(item: Item) -> Inlines:
    """Return the first line of an item with its label in place again."""
    if not item.label:
        return item.inlines
    return merge_adjacent((Strong(children=item.label), Text(text=": "), *item.inlines))


def parse_event(row: Inlines, *, issued: date, group: str = "", line: int = 0, more: Inlines = ()) -> Event:
    """Parse one line of the agenda; without a readable date the event has no days.

    more: text to add to the note.
    """
    text = to_plain_text(row)
    chosen = _choose_date(text, issued)
    split = _split_undated(row, text) if chosen is None else _split_dated(row, text, chosen)
    note = strip((*split.note, *more), "; ") if more else split.note
    title = unwrap_bold(strip(split.title, SEPARATORS))
    refuse_merge_fields(split.when, _("the date of an event"))
    require_defaults((*title, *note))
    link = next(collect_links(title), None) or next(collect_links(row), None)
    return Event(
        title=title,
        when=to_plain_text(split.when).strip(),
        dates=chosen.days if chosen else (),
        start_time=split.start_time,
        end_time=split.end_time,
        note=note,
        group=group,
        url=link.url if link else "",
        line=line,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _EventLine:
    """The parts of a line of the agenda; `when` is the date as written."""

    title: Inlines
    when: Inlines
    note: Inlines
    start_time: time | None = None
    end_time: time | None = None


def _choose_date(text: str, issued: date) -> "dates.FoundDate | None":
    """Choose the date of an event: one outside parentheses, preferably after a separator."""
    found = dates.find_dates(text, issued)
    outside = [one for one in found if _parenthesis_depth(text, one.start) == 0] or found
    separated = [one for one in outside if _follows_separator(text, one.start)]
    candidates = separated or outside
    return candidates[-1] if candidates else None


def _follows_separator(text: str, position: int) -> bool:
    # A long line can contain many dates, so each search is short.
    return bool(ENDS_IN_SEPARATOR.search(text, max(0, position - MAX_SEPARATOR_LENGTH), position))


def _parenthesis_depth(text: str, position: int) -> int:
    before = text[:position]
    return before.count("(") - before.count(")")


def _split_dated(row: Inlines, text: str, found: "dates.FoundDate") -> _EventLine:
    title, after = cut(row, 0, found.start), cut(row, found.stop, len(text))
    preposition = PREPOSITION.match(text, found.start)
    when = cut(row, preposition.end() if preposition else found.start, found.stop)
    start_time, end_time = found.start_time, found.end_time
    if start_time is None and (later := dates.find_times(to_plain_text(after))):
        low, high, start_time, end_time = later
        when = (*when, Text(text=" "), *strip(cut(after, low, high), ","))
        after = merge_adjacent((*cut(after, 0, low), *cut(after, high, len(to_plain_text(after)))))
    if not strip(title, SEPARATORS + "("):
        # `15 januari: MOZa Regieteam`: the date is first and the title follows.
        title, note = _split_note(strip(after, SEPARATORS))
    elif _parenthesis_depth(text, found.start) > 0:
        # `MOZa Regieteam (5 februari, online)`: the date is inside the note.
        title, note = strip(title, SEPARATORS + "("), strip(after, SEPARATORS + ")")
    else:
        title, note = strip(title, SEPARATORS), _read_note(after)
    return _EventLine(title=title, when=when, note=note, start_time=start_time, end_time=end_time)


def _split_undated(row: Inlines, text: str) -> _EventLine:
    """Split a line without a date into title and text, such as `MOZa Pulse: nog niet bekend`."""
    title, note = _split_note(row)
    first = row[0]
    cuts = [(match.start(), match.end()) for match in TITLE_SEPARATOR.finditer(to_plain_text(title))]
    if isinstance(first, Strong) and (bold := len(to_plain_text((first,)).rstrip(": "))) < len(text):
        cuts = [(low, high) for low, high in cuts if low >= bold] or [(bold, bold)]
        low, high = cuts[0]
    elif cuts:
        low, high = cuts[-1]
    else:
        return _EventLine(title=title, when=(), note=note)
    return _EventLine(
        title=cut(title, 0, low), when=strip(cut(title, high, len(text)), SEPARATORS), note=note
    )


def _split_note(row: Inlines) -> tuple[Inlines, Inlines]:
    """Split off a note in parentheses at the end of a line."""
    text = to_plain_text(row)
    last = None
    for match in NOTE.finditer(text):
        last = match
    if last is None or last.end() != len(text.rstrip()) or not text[: last.start()].strip():
        return row, ()
    return strip(cut(row, 0, last.start())), strip(cut(row, last.start(1), last.end(1)))


def _read_note(after: Inlines) -> Inlines:
    """Return the text after a date without a separator or parentheses around it."""
    bare = strip(after, SEPARATORS)
    text = to_plain_text(bare)
    match = NOTE.fullmatch(text)
    if match:
        return strip(cut(bare, match.start(1), match.end(1)))
    return () if text in {".", ""} else bare


def _is_bold(inlines: Inlines) -> bool:
    return bool(inlines) and unwrap_bold(strip(inlines, ": ")) != strip(inlines, ": ")


def _read_group_name(inlines: Inlines) -> str:
    refuse_merge_fields(inlines, _("the name of a group in the agenda"))
    return to_plain_text(inlines).strip().removesuffix(":").strip()


def _split_event_lines(block: Paragraph, issued: date) -> list[tuple[Inlines, int]]:
    """Split a paragraph into lines if each line is an event; return none if it is prose."""
    rows: list[list[Inlines]] = [[]]
    for inline in block.inlines:
        if isinstance(inline, LineBreak):
            rows.append([])
        else:
            rows[-1].append((inline,))
    lines = [merge_adjacent(tuple(piece for part in row for piece in part)) for row in rows]
    return (
        [(row, block.line + index) for index, row in enumerate(lines)]
        if all(_is_event_line(row, issued) for row in lines)
        else []
    )


def _is_event_line(row: Inlines, issued: date) -> bool:
    text = to_plain_text(row)
    found = _choose_date(text, issued)
    if (
        found is None
        or not _follows_separator(text, found.start)
        or not strip(cut(row, 0, found.start), SEPARATORS)
    ):
        return False
    after = text[found.stop :].strip()
    return not after or after.startswith(("(", "-", "–"))
