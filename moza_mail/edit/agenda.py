"""What of an agenda goes along to the next issue: what is over goes, the rest stays as typed and comes to stand in order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from moza_mail import check
from moza_mail.edit.redate import replace_date
from moza_mail.edit.source_map import AgendaEntry, EntryList, SectionSource, SourceMap
from moza_mail.model.issue import Event, Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """The rows of each agenda, by the identity of its part, and what became of each event."""

    rows: Mapping[int, list[str]]
    kept: tuple[Event, ...]
    dropped: tuple[Event, ...]
    unset: tuple[Event, ...]


def carried(last: Issue, layout: SourceMap, day: date, standing: Sequence[str], mark: str) -> Carried:
    """Carry the agenda of `last` over to an issue of `day`.

    An event goes whose last day is before `day` or on it. What is kept comes in the order of its first day within its
    group, and what has no date stays, behind it. Of the `standing` names that would be left without any entry the last one
    stays, with `mark` for its date.
    """
    events = last.agenda.events if last.agenda else ()
    over = [event for event in events if is_over(event, day)]
    unset = _unset(events, over, standing)
    marked = {event.line for event in unset}
    arrange = _Arrange(day=day, issued=last.date, marked=marked, mark=mark)
    return Carried(
        rows={id(part): _rows(layout, part, arrange) for part in layout.parts if part.is_agenda},
        kept=tuple(event for event in events if event not in over),
        dropped=tuple(over),
        unset=tuple(unset),
    )


def is_over(event: Event, day: date) -> bool:
    """Whether an event is no news in an issue of that day: it ended before, or ends then."""
    return bool(event.dates) and event.dates[-1] <= day


def _unset(events: Iterable[Event], over: Sequence[Event], standing: Sequence[str]) -> list[Event]:
    """The last of each standing name of which all entries are over."""
    found: list[Event] = []
    for name in standing:
        named = check.find_named_events(name, events)
        if named and all(event in over for event in named):
            last = max(named, key=lambda event: event.dates[-1])
            found += [last] if last not in found else []
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrange:
    """What goes along of a run, in its order."""

    day: date
    issued: date
    marked: set[int]
    mark: str

    def __call__(self, run: EntryList) -> list[AgendaEntry]:
        kept = [again for entry in run.entries if (again := self.entry(entry))]
        return sorted(kept, key=lambda entry: _first_day(entry, self.day))

    def entry(self, entry: AgendaEntry) -> AgendaEntry | None:
        """The entry as it goes along, None when it does not."""
        event = entry.event
        if event is None:
            gone = entry.runs and not any(self(run) for run in entry.runs)
            return None if gone else entry
        if not is_over(event, self.day):
            return entry
        if event.line not in self.marked:
            return None
        row = replace_date(entry.first, event, self.issued, self.mark)
        return AgendaEntry(pieces=(row,), event=replace(event, dates=()))


def _first_day(entry: AgendaEntry, day: date) -> tuple[bool, date]:
    dates = entry.event.dates if entry.event else ()
    return not dates, dates[0] if dates else day


def _rows(layout: SourceMap, part: SectionSource, arrange: _Arrange) -> list[str]:
    """All rows of an agenda, each run written anew; what stands between them stays."""
    stops = [part.rows.stop, *(span.stop for _, span in part.blocks)]
    stops += [span.stop for span in layout.apart.values() if part.rows.start < span.start]
    later = [other.rows.start for other in layout.parts if other.rows.start > part.rows.start]
    stop = min(max(stops), min(later, default=len(layout.rows)))
    out: list[str] = []
    at = part.rows.start
    bare = False
    for run in part.runs:
        written = run.written(arrange)
        between = layout.rows[at : run.first]
        # With the run before it gone, its indent would make it a part of what stands above that.
        bare = bare and not any(row.strip() for row in between)
        out += [*between, *(_outdented(written) if bare else written)]
        at = run.stop
        bare = not written
        if bare:
            at = _joint(layout, at, stop, out)
    out += layout.rows[at:stop]
    while out and not out[-1].strip():
        out.pop()
    return out


def _outdented(rows: Sequence[str]) -> list[str]:
    """The rows with the first one at the margin, and those below it as deep below it as they were."""
    indent = rows[0][: len(rows[0]) - len(rows[0].lstrip(" "))] if rows else ""
    return [row.removeprefix(indent) for row in rows]


def _joint(layout: SourceMap, at: int, stop: int, out: list[str]) -> int:
    """Where to go on behind a run of which nothing is left: what stood around it must not grow into one block."""
    if out and out[-1].strip():
        out += [""] if at < stop and layout.rows[at].strip() else []
        return at
    while at < stop and not layout.rows[at].strip():
        at += 1
    return at
