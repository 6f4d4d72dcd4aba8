"""Carry the agenda over to the next issue, without past events and sorted by date."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from moza_mail import check
from moza_mail.edit.redate import replace_date
from moza_mail.edit.source_map import AgendaEntry, EntryList, SectionSource, SourceMap
from moza_mail.model.issue import Event, Issue
from moza_mail.parse.dates import DateContext


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedAgenda:
    """The new rows of each agenda section, and the events that were kept or dropped.

    rows: the new rows of each section; the key is Python's `id()` of its SectionSource.
    kept: events that have not passed.
    dropped: all events that have passed, including those in `undated`.
    undated: past events that still stay in the agenda, with a mark instead of their date.
    """

    rows: Mapping[int, list[str]]
    kept: tuple[Event, ...]
    dropped: tuple[Event, ...]
    undated: tuple[Event, ...]


def carry_over_agenda(
    last: Issue, source: SourceMap, day: date, required: Sequence[str], mark: str
) -> CarriedAgenda:
    """Carry the agenda of `last` over to an issue of `day`.

    Events that end on `day` or before are dropped. The other events of a group are sorted by their first
    day; events without a date come last.

    required: names of events that must stay in the agenda. If all events with such a name have passed, the
    last of these events stays, with `mark` as its date.
    """
    events = last.events
    past = [event for event in events if has_passed(event, day)]
    undated = _find_undated(events, past, required)
    arrange = _Arrange(
        day=day,
        context=DateContext(issued=last.date, lang=last.lang),
        marked={event.line for event in undated},
        mark=mark,
    )
    return CarriedAgenda(
        rows={
            id(section): _write_agenda(source, section, arrange)
            for section in source.sections
            if section.is_agenda
        },
        kept=tuple(event for event in events if event not in past),
        dropped=tuple(past),
        undated=tuple(undated),
    )


def has_passed(event: Event, day: date) -> bool:
    """Return True if an event ends on `day` or before."""
    return bool(event.dates) and event.dates[-1] <= day


def _find_undated(events: Iterable[Event], past: Sequence[Event], required: Sequence[str]) -> list[Event]:
    """Return the last event of each required name, if all events with that name have passed."""
    found: list[Event] = []
    for name in required:
        named = check.find_named_events(name, events)
        if named and all(event in past for event in named):
            last = max(named, key=lambda event: event.dates[-1])
            found += [last] if last not in found else []
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrange:
    """Chooses and sorts the entries of an agenda's list for the next issue.

    marked: the line numbers of past events that stay, with `mark` as their date.
    """

    day: date
    context: DateContext
    marked: set[int]
    mark: str

    def __call__(self, entries: EntryList) -> list[AgendaEntry]:
        kept = [carried for entry in entries.entries if (carried := self.carry_over(entry))]
        return sorted(kept, key=lambda entry: _sort_key(entry, self.day))

    def carry_over(self, entry: AgendaEntry) -> AgendaEntry | None:
        """Return the entry for the next issue, None if the entry is dropped."""
        event = entry.event
        if event is None:
            is_empty = entry.lists and not any(self(entries) for entries in entry.lists)
            return None if is_empty else entry
        if not has_passed(event, self.day):
            return entry
        if event.line not in self.marked:
            return None
        row = replace_date(entry.first_row, event, self.context, self.mark)
        return AgendaEntry(pieces=(row,), event=replace(event, dates=()))


def _sort_key(entry: AgendaEntry, day: date) -> tuple[bool, date]:
    dates = entry.event.dates if entry.event else ()
    return not dates, dates[0] if dates else day


def _write_agenda(source: SourceMap, section: SectionSource, arrange: _Arrange) -> list[str]:
    """Return the rows of an agenda: its lists carried over, and all other text unchanged."""
    stops = [section.rows.stop, *(rows.stop for _, rows in section.blocks)]
    stops += [rows.stop for rows in source.references.values() if section.rows.start < rows.start]
    stop = min(max(stops), source.stop_of(section))
    out: list[str] = []
    at = section.rows.start
    bare = False
    for entries in section.lists:
        written = entries.write(arrange)
        between = source.rows[at : entries.first]
        # Without the list before it, an indented list would become part of the text above.
        bare = bare and not any(row.strip() for row in between)
        out += [*between, *(_remove_indent(written) if bare else written)]
        at = entries.stop
        bare = not written
        if bare:
            at = _skip_blank_rows(source, at, stop, out)
    out += source.rows[at:stop]
    while out and not out[-1].strip():
        out.pop()
    return out


def _remove_indent(rows: Sequence[str]) -> list[str]:
    """Remove the indent of the first row from every row."""
    indent = rows[0][: len(rows[0]) - len(rows[0].lstrip(" "))] if rows else ""
    return [row.removeprefix(indent) for row in rows]


def _skip_blank_rows(source: SourceMap, at: int, stop: int, out: list[str]) -> int:
    """Return the row at which to continue below a list that lost all its entries.

    The blank rows below that list are skipped if there are blank rows above it. If there are none on either side, a
    blank row is added to `out`, so that the text above the list is not joined to the text below it.
    """
    if out and out[-1].strip():
        out += [""] if at < stop and source.rows[at].strip() else []
        return at
    while at < stop and not source.rows[at].strip():
        at += 1
    return at
