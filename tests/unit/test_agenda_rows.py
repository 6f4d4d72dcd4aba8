"""The rows of an agenda: short dates, one order, and no word lost."""

from dataclasses import replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from moza_mail.model.issue import Strong, Text, to_plain_text
from moza_mail.render.agenda_rows import arrange_events
from moza_mail.render.locale import ThemeLocale
from tests.support import builders as build

ISSUED = date(2026, 1, 14)


def days(first, count=1, step=1):
    return tuple(first + timedelta(days=step * number) for number in range(count))


def rows(*events, lang="nl"):
    return arrange_events(events, ISSUED, ThemeLocale.load(build.theme(), lang))


def row(*when_days, lang="nl", **fields):
    (made,) = rows(build.event("Pulse", *when_days, **{"when": "x", **fields}), lang=lang)
    return made


@pytest.mark.parametrize(
    ("dates", "weekday", "day"),
    [
        (days(date(2026, 1, 15)), "donderdag", "15 jan"),
        (days(date(2026, 1, 19), 2), "ma en di", "19–20 jan"),
        (days(date(2026, 11, 23), 3), "ma t/m wo", "23–25 nov"),
        (days(date(2026, 1, 30), 4), "vr t/m ma", "30 jan – 2 feb"),
        (days(date(2026, 1, 8), 2, step=7), "donderdag", "8 en 15 jan"),
        (days(date(2026, 1, 8), 3, step=7), "donderdag", "8, 15 en 22 jan"),
        (days(date(2026, 1, 29), 2, step=7), "donderdag", "29 jan en 5 feb"),
        (days(date(2026, 3, 2), 20), "", "2–21 mrt"),
        (days(date(2027, 2, 3)), "woensdag", "3 feb 2027"),
        ((), "", ""),
    ],
)
def test_dates_are_short_with_their_weekday(dates, weekday, day):
    made = row(*dates)
    assert (made.weekday, made.day) == (weekday, day)


def test_dates_are_in_the_language_of_the_issue():
    made = row(*days(date(2026, 1, 19), 2), lang="en")
    assert (made.weekday, made.day) == ("Mon and Tue", "Jan 19 – 20")


@pytest.mark.parametrize(
    ("when", "details"),
    [
        ("3 februari om 14:00", "14:00–15:30"),
        ("dinsdag 3 feb. 2026, 14:00 - 15:30 uur", "14:00–15:30"),
        ("2026-02-03 14:00-15:30", "14:00–15:30"),
        ("3 februari, half drie", "3 februari, half drie"),
        ("maandag 3 februari om 14:00", "maandag 3 februari om 14:00"),
        ("3 februari om 14:05", "3 februari om 14:05"),
    ],
)
def test_a_date_with_words_that_the_row_would_lose_is_shown_as_written(when, details):
    made = row(date(2026, 2, 3), when=when, start_time=time(14), end_time=time(15, 30))
    assert to_plain_text(made.details) == details


def test_a_time_in_another_time_zone_is_shown_as_written():
    made = row(
        date(2026, 2, 3), when="3 februari 14:00 GMT", start_time=time(14), zone=ZoneInfo("Europe/London")
    )
    assert to_plain_text(made.details) == "3 februari 14:00 GMT"


def test_the_details_of_a_row_are_time_and_note():
    made = row(date(2026, 2, 3), when="3 februari 14:00", start_time=time(14), note=build.text("online"))
    assert to_plain_text(made.details) == "14:00, online"


def test_events_are_in_order_of_date_and_those_without_a_date_come_last():
    undated = replace(
        build.event("x"), title=(Strong(children=build.text("Pulse")), Text(text=": volgt later"))
    )
    made = rows(
        undated,
        build.event("Laat", date(2026, 3, 1)),
        build.event("Middag", date(2026, 2, 1), start_time=time(14)),
        build.event("Ochtend", date(2026, 2, 1), start_time=time(9)),
    )
    assert [to_plain_text(each.title) for each in made] == ["Ochtend", "Middag", "Laat", "Pulse"]
    assert to_plain_text(made[-1].details) == "volgt later"
    assert made[-1].is_event


def test_a_line_of_text_keeps_its_place_among_the_events():
    made = rows(
        build.event("B", date(2026, 3, 2)),
        build.event("A", date(2026, 3, 1)),
        build.event("Daarna is het zomer"),
        build.event("D", date(2026, 9, 2)),
        build.event("C", date(2026, 9, 1)),
    )
    assert [to_plain_text(each.title) for each in made] == ["A", "B", "Daarna is het zomer", "C", "D"]
    assert [each.is_event for each in made] == [True, True, False, True, True]
