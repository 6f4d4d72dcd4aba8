"""The agenda as an iCalendar file (RFC 5545)."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from hashlib import sha256
from typing import TYPE_CHECKING

from moza_mail.model.issue import Event, Issue, plain

if TYPE_CHECKING:
    from icalendar import Calendar, Component

PRODUCT = "-//moza-mail//issue//NL"
AMSTERDAM = "Europe/Amsterdam"
ERA = date(2000, 1, 1)
DAY = timedelta(days=1)


def render(issue: Issue, *, zone: tzinfo, domain: str) -> bytes | None:
    """The dated events, CRLF line ends, UTF-8; None when there is none."""
    from icalendar import Calendar

    events = [event for event in (issue.agenda.events if issue.agenda else ()) if event.dates]
    if not events:
        return None
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    calendar.add("method", "PUBLISH")
    if str(zone) == AMSTERDAM and any(event.starts for event in events):
        calendar.add_component(_amsterdam())
    _add_events(calendar, events, issue, zone=zone, domain=domain)
    return bytes(calendar.to_ical())


def _add_events(
    calendar: "Calendar", events: list[Event], issue: Issue, *, zone: tzinfo, domain: str
) -> None:
    told: Counter[str] = Counter()
    for event in events:
        title = " ".join(plain(event.title).split())
        name = f"{title.casefold()}\n{told[title.casefold()]}"
        told[title.casefold()] += 1
        for which, (begin, end) in enumerate(_spans(event, zone)):
            digest = sha256(f"{domain}\n{name}\n{which}".encode()).hexdigest()[:32]
            component = _component(event, title, issue)
            component.add("uid", f"{digest}@{domain}")
            component.add("dtstart", begin)
            if end is not None:
                component.add("dtend", end)
            calendar.add_component(component)


def _component(event: Event, title: str, issue: Issue) -> "Component":
    from icalendar import Event as VEvent

    component = VEvent()
    # The issue's date stands for the moment of writing, so that the same issue gives the same bytes and a later one wins.
    component.add("dtstamp", datetime.combine(issue.date, time(), tzinfo=UTC))
    component.add("sequence", max(0, (issue.date - ERA).days))
    component.add("summary", title)
    about = "\n".join(piece for piece in (plain(event.note), event.url) if piece)
    if about:
        component.add("description", about)
    if event.url.startswith(("https://", "http://")):
        component.add("url", event.url)
    if event.group:
        component.add("categories", [event.group])
    return component


def _spans(event: Event, zone: tzinfo) -> Iterator[tuple[date | datetime, date | datetime | None]]:
    """Begin and end (exclusive, RFC 5545 3.6.1): one for a run of whole days, else one for each day."""
    first, last = event.dates[0], event.dates[-1]
    if event.starts is None:
        days = [(day, day) for day in event.dates]
        unbroken = len(event.dates) == (last - first).days + 1
        yield from ((low, high + DAY) for low, high in ([(first, last)] if unbroken else days))
        return
    for day in event.dates:
        begin = datetime.combine(day, event.starts, tzinfo=zone)
        end = _ends(event, begin)
        yield _written(begin, zone), None if end is None else _written(end, zone)


def _ends(event: Event, begin: datetime) -> datetime | None:
    if event.ends is None or event.starts is None:
        return None
    past_midnight = DAY if event.ends <= event.starts else timedelta()
    return datetime.combine(begin.date() + past_midnight, event.ends, tzinfo=begin.tzinfo)


def _written(moment: datetime, zone: tzinfo) -> datetime:
    """Amsterdam time has its own VTIMEZONE; a moment in any other zone is given in UTC."""
    return moment if str(zone) == AMSTERDAM else moment.astimezone(UTC)


def _amsterdam() -> "Component":
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
