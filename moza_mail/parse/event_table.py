"""Recognise events in the rows of a table with a column of dates."""

from datetime import date

from moza_mail.model.issue import Event, Inlines, Table, Text, collect_links, to_plain_text
from moza_mail.parse import dates
from moza_mail.parse.dates import DateContext
from moza_mail.parse.times import refuse_backward_times

DATE_TITLES = frozenset(
    ["datum", "date", "dag", "day", "wanneer", "when", "quand", "jour", "tag", "wann", "data"]
)
TIME_TITLES = frozenset(["tijd", "tijdstip", "time", "uur", "uhrzeit", "zeit", "heure", "horaire"])
NAME_TITLES = frozenset(
    [
        "wat",
        "what",
        "titel",
        "title",
        "onderwerp",
        "activiteit",
        "activity",
        "evenement",
        "event",
        "naam",
        "name",
        "subject",
        "was",
        "thema",
        "quoi",
    ]
)


def find_table_events(table: Table, context: DateContext, *, group: str = "") -> list[Event]:
    """Return the events of a table: one for each row with a date.

    The result is empty if no column has dates.
    """
    titles = [to_plain_text(cell).strip(" :").casefold() for cell in table.header]
    days = [[_days_of(cell, context) for cell in row] for row in table.rows]
    column = _find_date_column(titles, days)
    if column is None:
        return []
    clock = next((index for index, title in enumerate(titles) if title in TIME_TITLES), None)
    events = []
    for (line, row), found in zip(list(table.numbered_rows())[1:], days, strict=True):
        if column < len(row) and found[column]:
            events.append(
                _make_event(
                    row,
                    context,
                    found[column],
                    (column, clock, _find_name(titles, column, clock)),
                    line,
                    group,
                )
            )
    return events


def has_date_title(table: Table) -> bool:
    """Return True if the title of a column says that it has dates."""
    return any(to_plain_text(cell).strip(" :").casefold() in DATE_TITLES for cell in table.header)


def _days_of(cell: Inlines, context: DateContext) -> tuple[date, ...]:
    found = dates.find_dates(to_plain_text(cell), context)
    return found[0].days if found else ()


def _find_date_column(titles: list[str], days: list[list[tuple[date, ...]]]) -> int | None:
    named = next((index for index, title in enumerate(titles) if title in DATE_TITLES), None)
    if named is not None:
        return named
    counts = [sum(bool(row[index]) for row in days if index < len(row)) for index in range(len(titles))]
    best = max(range(len(titles)), key=counts.__getitem__, default=None)
    return best if best is not None and counts[best] * 2 > len(days) else None


def _find_name(titles: list[str], column: int, clock: int | None) -> int | None:
    named = (index for index, title in enumerate(titles) if title in NAME_TITLES and index != column)
    others = (index for index in range(len(titles)) if index not in {column, clock})
    return next(named, next(others, None))


def _make_event(
    row: tuple[Inlines, ...],
    context: DateContext,
    days: tuple[date, ...],
    columns: tuple[int, int | None, int | None],
    line: int,
    group: str,
) -> Event:
    column, clock, name = columns
    when = to_plain_text(row[column]).strip()
    times = (
        dates.find_leading_times(to_plain_text(row[clock]), context)
        if clock is not None and clock < len(row)
        else None
    )
    times = times or dates.find_times(when, context)
    times = refuse_backward_times(times, len(days)) if times else None
    others = [to_plain_text(cell).strip() for index, cell in enumerate(row) if index not in columns]
    link = next((link for cell in row for link in collect_links(cell)), None)
    note = ", ".join(filter(None, others))
    return Event(
        title=(
            Text(text=to_plain_text(row[name]).strip() if name is not None and name < len(row) else when),
        ),
        when=when,
        dates=days,
        start_time=times.start_time if times else None,
        end_time=times.end_time if times else None,
        zone=times.zone if times else None,
        note=(Text(text=note),) if note else (),
        group=group,
        url=link.url if link else "",
        line=line,
    )
