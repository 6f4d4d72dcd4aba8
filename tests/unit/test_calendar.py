"""The calendar as other programs read it: icalendar, and a strict parser of RFC 5545 and 5546 in this file."""

import re
import time
from datetime import date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from moza_mail import parse, render
from tests.support import builders as build
from tests.support.rendered_mails import SOURCES, WEEKLIES

# RFC 5545 3.1: a name, parameters (a value with special characters is quoted), and a value without control characters.
PARAMETER = (
    r';[A-Za-z0-9-]+=(?:"[^"\x00-\x1f]*"|[^";:,\x00-\x1f]*)(?:,(?:"[^"\x00-\x1f]*"|[^";:,\x00-\x1f]*))*'
)
LINE = re.compile(rf"([A-Za-z0-9-]+)((?:{PARAMETER})*):([^\x00-\x08\x0a-\x1f\x7f]*)")
TEXT = re.compile(r"(?:[^\\;,\r\n]|\\[\\;,nN])*")
ONCE = {"UID", "DTSTAMP", "DTSTART", "SUMMARY", "SEQUENCE", "ORGANIZER"}
AT_MOST_ONCE = {"DTEND", "DESCRIPTION", "URL", "TRANSP", "CATEGORIES"}


def made(path):
    issue = parse.parse_issue(path.read_text(encoding="utf-8"), path.name, site_url="https://example.org")
    return issue, render.render_calendar(issue, build.COLOPHON, zone=build.AMSTERDAM)


def strictly(content):
    """Return the components of a calendar with their lines; fail on anything that the RFC does not allow."""
    assert content.endswith(b"\r\n")
    rows = content.removesuffix(b"\r\n").split(b"\r\n")
    assert [row for row in rows if len(row) > 75 or b"\r" in row or b"\n" in row] == []
    unfolded = re.sub(r"\r\n[ \t]", "", content.decode()).removesuffix("\r\n").split("\r\n")
    above, components = [], []
    for row in unfolded:
        read = LINE.fullmatch(row)
        assert read, row
        name, parameters, value = read.groups()
        if name == "BEGIN":
            above.append((value, []))
            components.append(above[-1])
        elif name == "END":
            assert above.pop()[0] == value
        else:
            above[-1][1].append((name, parameters, value))
    assert above == []
    return components


@pytest.mark.parametrize("path", [*SOURCES, *WEEKLIES], ids=lambda path: path.stem)
def test_every_line_of_a_calendar_follows_rfc_5545(path):
    _, content = made(path)
    if content is None:
        return
    (calendar, *components) = strictly(content)
    assert calendar[0] == "VCALENDAR"
    assert {(name, value) for name, _, value in calendar[1]} >= {("VERSION", "2.0"), ("METHOD", "PUBLISH")}
    zones = {
        value for kind, rows in components if kind == "VTIMEZONE" for name, _, value in rows if name == "TZID"
    }
    events = [rows for kind, rows in components if kind == "VEVENT"]
    assert len({value for rows in events for name, _, value in rows if name == "UID"}) == len(events) > 0
    for rows in events:
        names = [name for name, _, _ in rows]
        assert {name for name in names if names.count(name) == 1} >= ONCE
        assert set(names) <= ONCE | AT_MOST_ONCE
        assert len(names) == len(set(names))
        for name, parameters, value in rows:
            if name in {"SUMMARY", "DESCRIPTION"}:
                assert TEXT.fullmatch(value)
            if name in {"DTSTART", "DTEND"}:
                pattern = "%Y%m%d" if parameters == ";VALUE=DATE" else "%Y%m%dT%H%M%S"
                assert time.strptime(value, pattern)
                if "TZID" in parameters:
                    assert parameters.removeprefix(";TZID=") in zones


@pytest.mark.parametrize("path", [*SOURCES, *WEEKLIES], ids=lambda path: path.stem)
def test_the_icalendar_library_reads_back_every_date(path):
    issue, content = made(path)
    wanted = {day for event in issue.events for day in event.dates}
    found = set()
    for event in Calendar.from_ical(content).walk("VEVENT") if content else ():
        assert event.errors == []
        begin = event.decoded("dtstart")
        last = (
            event.decoded("dtend") - timedelta(days=1) if "dtend" in event and type(begin) is date else begin
        )
        day = begin.date() if isinstance(begin, datetime) else begin
        while day <= (last.date() if isinstance(last, datetime) else last):
            found.add(day)
            day += timedelta(days=1)
    assert found == wanted


def test_the_fixed_time_zone_equals_that_of_amsterdam_for_years():
    events = [
        build.event(f"Uur {month}", date(year, month, day), start_time=clock(9))
        for year in (2026, 2031)
        for month, day in ((1, 5), (3, 28), (3, 31), (7, 1), (10, 24), (10, 28))
    ]
    content = render.render_calendar(
        build.issue(agenda=build.agenda(*events)), build.COLOPHON, zone=build.AMSTERDAM
    )
    calendar = Calendar.from_ical(content)
    (zone,) = (component.to_tz() for component in calendar.walk("VTIMEZONE"))
    for event in calendar.walk("VEVENT"):
        moment = event["dtstart"].dt.replace(tzinfo=None)
        expected = moment.replace(tzinfo=ZoneInfo("Europe/Amsterdam")).utcoffset()
        assert zone.utcoffset(moment) == expected
