"""Arrange the events of an agenda as rows with a short date, sorted by date (pure)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from moza_mail.model.issue import (
    Blocks,
    Event,
    Inlines,
    Strong,
    Text,
    collect_links,
    to_plain_text,
)
from moza_mail.render.locale import ThemeLocale
from moza_mail.render.short_dates import format_days, format_weekdays, is_day_name

TOKEN = re.compile(r"\d+|[^\W\d_]+")
# Words between the parts of a date or a time in an agenda.
DATE_WORDS = frozenset(
    [
        "aan",
        "am",
        "an",
        "and",
        "at",
        "au",
        "bis",
        "dal",
        "de",
        "del",
        "den",
        "der",
        "des",
        "du",
        "e",
        "en",
        "et",
        "from",
        "h",
        "het",
        "hrs",
        "in",
        "klokslag",
        "le",
        "m",
        "o",
        "of",
        "om",
        "on",
        "op",
        "st",
        "nd",
        "rd",
        "th",
        "t",
        "tm",
        "the",
        "til",
        "till",
        "to",
        "tot",
        "u",
        "uhr",
        "um",
        "und",
        "until",
        "uur",
        "van",
        "vanaf",
        "von",
        "vom",
        "vrs",
        "zum",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaRow:
    """One row of an agenda.

    weekday, day: the date in short, such as `donderdag` and `15 jan`. Both are empty without a date.
    is_event: False for a line of text among the events, which has no date and no title.
    url: the address to which the title links; empty if the title contains a link already, or there is no address.
    details: the time and the note.
    """

    weekday: str
    day: str
    is_event: bool
    title: Inlines
    url: str
    details: Inlines
    blocks: Blocks


def arrange_events(events: Iterable[Event], issue_date: date, locale: ThemeLocale) -> tuple[AgendaRow, ...]:
    """Return the rows of one group of events.

    A line of text keeps its place. The events between two lines of text are sorted by date, and events
    without a date come last.
    """
    rows: list[AgendaRow] = []
    run: list[Event] = []
    for event in events:
        if _is_note(event):
            rows += _sort_run(run, issue_date, locale)
            rows.append(_make_row(event, issue_date, locale))
            run = []
        else:
            run.append(event)
    return (*rows, *_sort_run(run, issue_date, locale))


def _sort_run(run: Sequence[Event], issue_date: date, locale: ThemeLocale) -> list[AgendaRow]:
    in_order = sorted(run, key=lambda event: (not event.dates, event.dates[:1], _clock(event)))
    return [_make_row(event, issue_date, locale) for event in in_order]


def _clock(event: Event) -> str:
    return f"{event.start_time:%H:%M}" if event.start_time else ""


def _is_note(event: Event) -> bool:
    """Return True for a line of text among the events, with neither a date nor a bold title."""
    return not event.dates and not _split_title(event)[1]


def _split_title(event: Event) -> tuple[Inlines, Inlines]:
    """Split `**MOZa Pulse**: to be announced` into a title and a note.

    The note is empty if the title is not in that form.
    """
    first, rest = event.title[:1], event.title[1:]
    if not first or not isinstance(first[0], Strong) or not rest or not isinstance(rest[0], Text):
        return event.title, ()
    after = rest[0].text.lstrip()
    if not after.startswith(":") or not to_plain_text(rest).strip(" :"):
        return event.title, ()
    return first[0].children, (Text(text=after[1:].lstrip()), *rest[1:])


def _make_row(event: Event, issue_date: date, locale: ThemeLocale) -> AgendaRow:
    title, note = (event.title, ()) if event.dates else _split_title(event)
    has_link = next(collect_links(title), None) is not None
    is_event = bool(event.dates or note)
    return AgendaRow(
        weekday=format_weekdays(event.dates, locale),
        day=format_days(event.dates, issue_date, locale),
        is_event=is_event,
        title=title,
        url="" if has_link or not is_event or next(collect_links(note), None) else event.url,
        details=_join(_format_time(event, locale.lang), note, event.note),
        blocks=event.blocks,
    )


def _format_time(event: Event, lang: str) -> Inlines:
    """Return the time of an event as its row shows it.

    If the date as written has a word or time zone that the row would not show, return the whole date as written.
    """
    numbers = {number for day in event.dates for number in (day.day, day.month, day.year, day.year % 100)}
    for clock in (event.start_time, event.end_time):
        numbers |= {clock.hour, clock.minute} if clock else set()
    tokens = [token.casefold() for token in TOKEN.findall(event.when)]
    is_known = all(
        int(token) in numbers
        if token.isdecimal()
        else token in DATE_WORDS or is_day_name(token, event.dates, lang)
        for token in tokens
    )
    if not is_known or (event.zone and event.start_time):
        return (Text(text=event.when),)
    clocks = [f"{clock:%H:%M}" for clock in (event.start_time, event.end_time) if clock]
    return (Text(text="–".join(clocks)),) if clocks and event.when else ()


def _join(*parts: Inlines) -> Inlines:
    """Join parts with commas, and leave out empty parts."""
    joined: Inlines = ()
    for part in parts:
        if part:
            joined = (*joined, Text(text=", "), *part) if joined else part
    return joined
