"""Parse one line of an agenda into an event, in the many forms that authors use."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, time, tzinfo

from moza_mail.i18n import gettext as _
from moza_mail.model.issue import (
    Emphasis,
    Event,
    Inline,
    Inlines,
    Item,
    LineBreak,
    Link,
    Strike,
    Strong,
    Text,
    collect_links,
    to_plain_text,
)
from moza_mail.parse import dates
from moza_mail.parse.dates import DateContext, FoundDate
from moza_mail.parse.inlines import cut, merge_adjacent, strip, unwrap_bold
from moza_mail.parse.merge_fields import refuse_merge_fields, require_defaults
from moza_mail.parse.times import refuse_backward_times

SEPARATORS = ":,;|-–—"
MAX_SEPARATOR_LENGTH = 40
ENDS_IN_SEPARATOR = re.compile(r"(?:^|[:|]\s*|\s[-–—]\s*|[,;]\s*)$")
NOTE = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)[\s.]*")
WORD = re.compile(r"\w+")
# Markup that adds no text of its own, so it disappears when a date becomes plain text.
PLAIN_MARKUP = (Text, LineBreak, Strong, Emphasis, Link)


def restore_label(item: Item) -> Inlines:
    """Return the first line of an item, with its label put back before the text."""
    if not item.label:
        return item.inlines
    return merge_adjacent((Strong(children=item.label), Text(text=": "), *item.inlines))


def parse_event(row: Inlines, context: DateContext, *, group: str = "", line: int = 0) -> Event:
    """Parse one line of the agenda.

    Without a readable date, the event has no days.
    """
    text = _text_for_dates(row)
    chosen = _choose_date(text, context)
    if chosen is None or not chosen.days:
        return replace(parse_undated_event(row, line=line), group=group)
    split = _split_dated(row, text, chosen, context)
    refuse_merge_fields(split.when, _("the date of an event"))
    if not _is_complete(row, split):
        split = replace(split, title=row, when=(), note=())
    return _make_event(row, split, chosen.days, group=group, line=line)


def parse_undated_event(row: Inlines, *, line: int) -> Event:
    """Return an event without a date: its title is the line as typed."""
    return _make_event(row, _EventLine(title=row, when=(), note=()), (), line=line)


def parse_timed_event(row: Inlines, days: tuple[date, ...], context: DateContext, *, line: int) -> Event:
    """Return the event of a line below a date, such as `14:00 Opening` below `3 februari`."""
    text = to_plain_text(row)
    found = dates.find_leading_times(text, context)
    split = _EventLine(title=row, when=(), note=())
    if found:
        title = strip(cut(row, found.stop, len(text)), SEPARATORS)
        split = _EventLine(title=title, when=cut(row, 0, found.stop), note=())
        if not title or not _is_complete(row, split):
            split = _EventLine(title=row, when=(), note=())
    else:
        found = dates.find_times(text, context)
    if found:
        split = replace(split, start_time=found.start_time, end_time=found.end_time, zone=found.zone)
    return _make_event(row, split, days, line=line)


def parse_event_below(heading: Inlines, row: Inlines, context: DateContext, *, line: int) -> Event | None:
    """Return the event that a heading and the text below it describe; None if there is none.

    The heading is the title of the event. The text must begin with the date of the event.
    """
    text = _text_for_dates(row)
    found = next(iter(dates.find_dates(text, context)), None)
    if found is None or not found.days or text[: found.start].strip(" *_"):
        return None
    split = _split_dated(row, text, found, context)
    note = merge_adjacent(
        (*split.title, *((Text(text=" "),) if split.title and split.note else ()), *split.note)
    )
    return _make_event(row, replace(split, title=heading, note=note), found.days, line=line)


def find_day(row: Inlines, context: DateContext) -> tuple[date, ...]:
    """Return the day or days that a text names, such as `dinsdag 3 februari`.

    If the text contains anything else than a date, return no day.
    """
    text = to_plain_text(row).strip(" :.\u00a0")
    found = dates.find_dates(text, context)
    is_whole = len(found) == 1 and found[0].times is None and found[0].stop - found[0].start == len(text)
    return found[0].days if is_whole else ()


def is_event_line(row: Inlines, context: DateContext) -> bool:
    """Return True if a line has a title, a separator and a date, unlike prose."""
    text = _text_for_dates(row)
    found = _choose_date(text, context)
    if (
        found is None
        or not _follows_separator(text, found.start)
        or not strip(cut(row, 0, found.start), SEPARATORS)
    ):
        return False
    after = text[found.stop :].strip()
    return not after or after.startswith(("(", "-", "–"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _EventLine:
    """The parts of a line of the agenda.

    when: the date as written.
    """

    title: Inlines
    when: Inlines
    note: Inlines
    start_time: time | None = None
    end_time: time | None = None
    zone: tzinfo | None = None


def _make_event(
    row: Inlines, split: _EventLine, days: tuple[date, ...], *, line: int, group: str = ""
) -> Event:
    title = unwrap_bold(strip(split.title, SEPARATORS)) if split.when else strip(split.title)
    require_defaults((*title, *split.note))
    link = next(collect_links(title), None) or next(collect_links(row), None)
    return Event(
        title=title,
        when=to_plain_text(split.when).strip(),
        dates=days,
        start_time=split.start_time,
        end_time=split.end_time,
        zone=split.zone,
        note=split.note,
        group=group,
        url=link.url if link else "",
        line=line,
    )


def _text_for_dates(row: Inlines) -> str:
    """Return the text of a line without struck-through text, which is no longer valid.

    Spaces replace that text, so positions do not change.
    """
    return "".join(map(_visible_text, row))


def _visible_text(inline: Inline) -> str:
    match inline:
        case Strike():
            return " " * len(to_plain_text((inline,)))
        case Strong() | Emphasis() | Link():
            return _text_for_dates(inline.children)
        case _:
            return to_plain_text((inline,))


def _is_complete(row: Inlines, split: _EventLine) -> bool:
    """Return True if each word and link of the line is in one of its parts."""
    if not all(isinstance(inline, PLAIN_MARKUP) for inline in split.when):
        return False
    parts = (split.title, split.when, split.note)
    words = Counter(word for part in parts for word in WORD.findall(to_plain_text(part)))
    if Counter(WORD.findall(to_plain_text(row))) - words:
        return False
    links = {link.url for link in collect_links((*split.title, *split.note))}
    first = next(collect_links(split.title), None) or next(collect_links(row), None)
    return {link.url for link in collect_links(row)} <= links | ({first.url} if first else set())


def _choose_date(text: str, context: DateContext) -> FoundDate | None:
    """Choose the date of an event: one outside parentheses, preferably after a separator."""
    found = dates.find_dates(text, context)
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


def _split_dated(row: Inlines, text: str, found: FoundDate, context: DateContext) -> _EventLine:
    title, after = cut(row, 0, found.start), cut(row, found.stop, len(text))
    when = cut(row, found.start, found.stop)
    times: dates.FoundTimes | None = found.times
    if times is None and (times := dates.find_times(to_plain_text(after), context)):
        times = refuse_backward_times(times, len(found.days))
        when = (*when, Text(text=" "), *strip(cut(after, times.start, times.stop), ","))
        after = merge_adjacent(
            (*cut(after, 0, times.start), *cut(after, times.stop, len(to_plain_text(after))))
        )
    if not strip(title, SEPARATORS + "("):
        # `15 januari: MOZa Regieteam`: the date is first and the title follows.
        title, note = _split_note(strip(after, SEPARATORS))
    elif _parenthesis_depth(text, found.start) > 0:
        # `MOZa Regieteam (5 februari, online)`: the date is inside the note.
        title, note = strip(title, SEPARATORS + "("), strip(after, SEPARATORS + ")")
    else:
        title, note = strip(title, SEPARATORS), _read_note(after)
    return _EventLine(
        title=title,
        when=when,
        note=note,
        start_time=times.start_time if times else None,
        end_time=times.end_time if times else None,
        zone=times.zone if times else None,
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
    """Return the text after a date, without separators or parentheses around it."""
    bare = strip(after, SEPARATORS)
    text = to_plain_text(bare)
    match = NOTE.fullmatch(text)
    if match:
        return strip(cut(bare, match.start(1), match.end(1)))
    return () if text in {".", ""} else bare
