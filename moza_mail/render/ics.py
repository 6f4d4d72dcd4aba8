"""The agenda as an iCalendar file (RFC 5545)."""

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
    """The dated events, CRLF line ends, UTF-8; None when there is none."""
    occasions = _make_entries(issue, zone)
    return (
        _make_calendar([(occasion, issue) for occasion in occasions], colophon, zone) if occasions else None
    )


def render_upcoming_events(
    issues: Iterable[Issue], colophon: Colophon, *, zone: tzinfo, since: date, lang: str
) -> bytes:
    """One calendar of all that issues announce and that ends on `since` or later, to subscribe to.

    `issues` come newest first: the newest that names an event by its title says when it is, and each event is in it once,
    under the identifier that it has in the mails.
    """
    ahead: list[tuple[CalendarEntry, Issue]] = []
    told: set[str] = set()
    for issue in issues:
        found = _make_entries(issue, zone)
        ahead += [
            (occasion, issue)
            for occasion in found
            if occasion.title.casefold() not in told and occasion.last_day >= since
        ]
        told |= {occasion.title.casefold() for occasion in found}
    ahead.sort(key=lambda one: (one[0].day, one[0].title.casefold(), one[0].index_from_last))
    return _make_calendar(ahead, colophon, zone, name=colophon.list_title, lang=lang)


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
        # RFC 7986 5.1; the other is what programs of before it read.
        calendar.add("name", vText(name), {"language": lang})
        calendar.add("x-wr-calname", name)
    if not entries:
        # RFC 5545 3.6: a calendar holds one component at least.
        calendar.add_component(_utc_timezone())
    if str(zone) == AMSTERDAM and any(occasion.event.start_time for occasion, _ in entries):
        calendar.add_component(_amsterdam_timezone())
    for occasion, issue in entries:
        calendar.add_component(_make_component(occasion, issue, colophon))
    return bytes(calendar.to_ical())


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """One entry in a calendar: a run of whole days, or one day of an event. `end` is exclusive (RFC 5545 3.6.1).

    `place` counts those of one title from the last to the first.
    """

    event: Event
    title: str
    begin: date | datetime
    end: date | datetime | None
    index_from_last: int = 0

    @property
    def day(self) -> date:
        """The day it begins."""
        return self.begin.date() if isinstance(self.begin, datetime) else self.begin

    @property
    def last_day(self) -> date:
        """The last day of it."""
        if self.end is None:
            return self.day
        return self.end.date() if isinstance(self.end, datetime) else self.end - ONE_DAY

    def uid(self, domain: str) -> str:
        """What it is known by in every issue, whatever day it is moved to.

        Days that have passed are left out of the next issue; counting from the last keeps the others what they were.
        """
        known = f"{domain}\n{self.title.casefold()}\n{self.index_from_last}"
        return f"{sha256(known.encode()).hexdigest()[:32]}@{domain}"


def _make_entries(issue: Issue, zone: tzinfo) -> list[CalendarEntry]:
    """All of an issue, in the order of its file."""
    found = [
        CalendarEntry(event=event, title=" ".join(to_plain_text(event.title).split()), begin=begin, end=end)
        for event in (issue.agenda.events if issue.agenda else ())
        if event.dates
        for begin, end in _split_days(event, zone)
    ]
    places: dict[int, int] = {}
    later: Counter[str] = Counter()
    for at in sorted(range(len(found)), key=lambda at: (found[at].day, at), reverse=True):
        title = found[at].title.casefold()
        places[at] = later[title]
        later[title] += 1
    return [replace(occasion, index_from_last=places[at]) for at, occasion in enumerate(found)]


def _make_component(entry: CalendarEntry, issue: Issue, colophon: Colophon) -> "Component":
    from icalendar import Event as VEvent
    from icalendar import vCalAddress

    component, event = VEvent(), entry.event
    # The issue's date stands for the moment of writing, so that the same issue gives the same bytes and a later one wins.
    component.add("dtstamp", datetime.combine(issue.date, time(), tzinfo=UTC))
    component.add("sequence", max(0, (issue.date - SEQUENCE_START).days))
    component.add("uid", entry.uid(colophon.domain))
    component.add("dtstart", entry.begin)
    if entry.end is not None:
        component.add("dtend", entry.end)
    component.add("summary", entry.title)
    # RFC 5546 3.2.1 wants to know who publishes.
    component.add("organizer", vCalAddress(f"mailto:{colophon.address}"), {"cn": colophon.sender_name})
    if event.start_time is None:
        # A whole day is for knowing, and does not say that the reader is busy (RFC 5545 3.8.2.7).
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
    """Begin and end: one for a run of whole days, else one for each day."""
    first, last = event.dates[0], event.dates[-1]
    if event.start_time is None:
        days = [(day, day) for day in event.dates]
        unbroken = len(event.dates) == (last - first).days + 1
        yield from ((low, high + ONE_DAY) for low, high in ([(first, last)] if unbroken else days))
        return
    for day in event.dates:
        begin = datetime.combine(day, event.start_time, tzinfo=zone)
        end = _end_of(event, begin)
        yield _in_calendar_zone(begin, zone), None if end is None else _in_calendar_zone(end, zone)


def _end_of(event: Event, begin: datetime) -> datetime | None:
    if event.end_time is None or event.start_time is None:
        return None
    past_midnight = ONE_DAY if event.end_time <= event.start_time else timedelta()
    return datetime.combine(begin.date() + past_midnight, event.end_time, tzinfo=begin.tzinfo)


def _in_calendar_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Amsterdam time has its own VTIMEZONE; a moment in any other zone is given in UTC."""
    return moment if str(zone) == AMSTERDAM else moment.astimezone(UTC)


def _utc_timezone() -> "Component":
    from icalendar import Timezone

    lines = (
        "BEGIN:VTIMEZONE", "TZID:Etc/UTC", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZNAME:UTC",
        "TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "END:STANDARD", "END:VTIMEZONE", "",
    )  # fmt: skip
    return Timezone.from_ical("\r\n".join(lines))


def _amsterdam_timezone() -> "Component":
    """Central European time, by the rule in force since 1996: the last Sundays of March and October at 01:00 UTC."""
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
