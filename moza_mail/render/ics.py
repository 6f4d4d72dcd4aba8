"""Render the agenda as an iCalendar file (RFC 5545)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from hashlib import sha256
from typing import TYPE_CHECKING

from moza_mail.model.issue import Event, Issue, to_plain_text
from moza_mail.model.theme import Colophon

if TYPE_CHECKING:
    from icalendar import Component

PRODUCT_ID = "-//moza-mail//issue//NL"
AMSTERDAM = "Europe/Amsterdam"
SEQUENCE_START = date(2000, 1, 1)
ONE_DAY = timedelta(days=1)


def render_calendar(issue: Issue, colophon: Colophon, *, zone: tzinfo) -> bytes | None:
    """Return the dated events in UTF-8 with CRLF line endings, None if there are none."""
    entries = _make_entries(issue, zone)
    return _make_calendar([(entry, issue) for entry in entries], colophon, zone) if entries else None


def render_upcoming_events(
    issues: Iterable[Issue], colophon: Colophon, *, zone: tzinfo, since: date, lang: str
) -> bytes:
    """Render one calendar to subscribe to, with the events that end on `since` or later.

    The newest issue comes first. If several issues contain an event with the same title, the newest of them
    decides its date. The event has the same identifier as in the mails.
    """
    upcoming: list[tuple[CalendarEntry, Issue]] = []
    seen_titles: set[str] = set()
    for issue in issues:
        found = _make_entries(issue, zone)
        upcoming += [
            (entry, issue)
            for entry in found
            if entry.title.casefold() not in seen_titles and entry.last_day >= since
        ]
        seen_titles |= {entry.title.casefold() for entry in found}
    upcoming.sort(key=lambda one: (one[0].day, one[0].title.casefold(), one[0].index_from_last))
    return _make_calendar(upcoming, colophon, zone, name=colophon.list_title, lang=lang)


def _make_calendar(
    entries: Sequence[tuple["CalendarEntry", Issue]],
    colophon: Colophon,
    zone: tzinfo,
    *,
    name: str = "",
    lang: str = "",
) -> bytes:
    from icalendar import Calendar, vText

    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT_ID)
    calendar.add("method", "PUBLISH")
    if name:
        # RFC 7986 5.1. Older programs read x-wr-calname.
        calendar.add("name", vText(name), {"language": lang})
        calendar.add("x-wr-calname", name)
    if not entries:
        # RFC 5545 3.6: a calendar has at least one component.
        calendar.add_component(_utc_timezone())
    if str(zone) == AMSTERDAM and any(entry.event.start_time for entry, _ in entries):
        calendar.add_component(_amsterdam_timezone())
    for entry, issue in entries:
        calendar.add_component(_make_component(entry, issue, colophon))
    return bytes(calendar.to_ical())


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """A calendar entry: a range of whole days, or one day of an event.

    end: exclusive (RFC 5545 3.6.1).
    index_from_last: the number of later entries with the same title.
    """

    event: Event
    title: str
    begin: date | datetime
    end: date | datetime | None
    index_from_last: int = 0

    @property
    def day(self) -> date:
        """The day on which the entry starts."""
        return self.begin.date() if isinstance(self.begin, datetime) else self.begin

    @property
    def last_day(self) -> date:
        """The last day of the entry, inclusive."""
        if self.end is None:
            return self.day
        return self.end.date() if isinstance(self.end, datetime) else self.end - ONE_DAY

    def uid(self, domain: str) -> str:
        """Return the identifier of the entry, which stays the same even if the date changes.

        Entries with the same title are counted from the last one back. So the identifier also stays the same when the next
        issue leaves out days that have passed.
        """
        known = f"{domain}\n{self.title.casefold()}\n{self.index_from_last}"
        return f"{sha256(known.encode()).hexdigest()[:32]}@{domain}"


def _make_entries(issue: Issue, zone: tzinfo) -> list[CalendarEntry]:
    """Return the entries of an issue in the order of its file."""
    found = [
        CalendarEntry(event=event, title=" ".join(to_plain_text(event.title).split()), begin=begin, end=end)
        for event in issue.events
        if event.dates
        for begin, end in _split_days(event, zone)
    ]
    indexes: dict[int, int] = {}
    count_by_title: Counter[str] = Counter()
    for position in sorted(
        range(len(found)), key=lambda position: (found[position].day, position), reverse=True
    ):
        title = found[position].title.casefold()
        indexes[position] = count_by_title[title]
        count_by_title[title] += 1
    return [replace(entry, index_from_last=indexes[position]) for position, entry in enumerate(found)]


def _make_component(entry: CalendarEntry, issue: Issue, colophon: Colophon) -> "Component":
    from icalendar import Event as VEvent
    from icalendar import vCalAddress

    component, event = VEvent(), entry.event
    # DTSTAMP is the date of the issue, so that the same issue gives the same bytes and a later issue has priority.
    component.add("dtstamp", datetime.combine(issue.date, time(), tzinfo=UTC))
    component.add("sequence", max(0, (issue.date - SEQUENCE_START).days))
    component.add("uid", entry.uid(colophon.domain))
    component.add("dtstart", entry.begin)
    if entry.end is not None:
        component.add("dtend", entry.end)
    component.add("summary", entry.title)
    # RFC 5546 3.2.1 requires the organizer.
    component.add("organizer", vCalAddress(f"mailto:{colophon.address}"), {"cn": colophon.sender_name})
    if event.start_time is None:
        # An event of whole days does not make the recipient busy (RFC 5545 3.8.2.7).
        component.add("transp", "TRANSPARENT")
    about = "\n".join(piece for piece in (to_plain_text(event.note), event.url) if piece)
    if about:
        component.add("description", about)
    if event.url.startswith(("https://", "http://")):
        component.add("url", event.url)
    if event.group:
        component.add("categories", [event.group])
    return component


def _split_days(event: Event, zone: tzinfo) -> Iterator[tuple[date | datetime, date | datetime | None]]:
    """Yield the start and end of each entry.

    A range of whole days is one entry. Otherwise each day is an entry.
    """
    first, last = event.dates[0], event.dates[-1]
    if event.start_time is None:
        days = [(day, day) for day in event.dates]
        unbroken = len(event.dates) == (last - first).days + 1
        yield from ((low, high + ONE_DAY) for low, high in ([(first, last)] if unbroken else days))
        return
    for day in event.dates:
        begin = event.moment(day, event.start_time, zone)
        end = _end_of(event, day, zone)
        yield _in_calendar_zone(begin, zone), None if end is None else _in_calendar_zone(end, zone)


def _end_of(event: Event, day: date, zone: tzinfo) -> datetime | None:
    if event.end_time is None or event.start_time is None:
        return None
    past_midnight = ONE_DAY if event.end_time <= event.start_time else timedelta()
    return event.moment(day + past_midnight, event.end_time, zone)


def _in_calendar_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Convert a time to Amsterdam time if `zone` is Amsterdam, otherwise to UTC.

    Amsterdam is the only time zone for which this module writes a VTIMEZONE.
    """
    return moment if str(zone) == AMSTERDAM else moment.astimezone(UTC)


def _utc_timezone() -> "Component":
    from icalendar import Timezone

    lines = (
        "BEGIN:VTIMEZONE", "TZID:Etc/UTC", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZNAME:UTC",
        "TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "END:STANDARD", "END:VTIMEZONE", "",
    )  # fmt: skip
    return Timezone.from_ical("\r\n".join(lines))


def _amsterdam_timezone() -> "Component":
    """Return the VTIMEZONE of Amsterdam by the rules since 1996.

    The time changes on the last Sundays of March and October at 01:00 UTC.
    """
    from icalendar import Timezone

    return Timezone.from_ical(
        "\r\n".join(
            (
                "BEGIN:VTIMEZONE",
                f"TZID:{AMSTERDAM}",
                "BEGIN:STANDARD",
                "DTSTART:19961027T030000",
                "TZNAME:CET",
                "TZOFFSETFROM:+0200",
                "TZOFFSETTO:+0100",
                "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
                "END:STANDARD",
                "BEGIN:DAYLIGHT",
                "DTSTART:19960331T020000",
                "TZNAME:CEST",
                "TZOFFSETFROM:+0100",
                "TZOFFSETTO:+0200",
                "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
                "END:DAYLIGHT",
                "END:VTIMEZONE",
                "",
            )
        )
    )
