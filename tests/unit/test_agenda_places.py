"""Every block of an agenda keeps its place, and the events in it are recognised in many forms."""

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from moza_mail import parse, render
from moza_mail.model.date_problem import DateProblemKind
from moza_mail.model.issue import EventTable, Paragraph, to_plain_text
from tests.support import builders as build

BERLIN = ZoneInfo("Europe/Berlin")


def read(body, lang="nl", day="2026-01-14"):
    return parse.parse_issue(f"---\ntitle: Weekbericht\ndate: {day}\nlang: {lang}\n---\n\n{body}\n", "x.md")


def events(body, **more):
    found = read(f"## Agenda\n\n{body}", **more).events
    return [
        (
            to_plain_text(event.title),
            " ".join(f"{day:%m%d}" for day in event.dates),
            event.start_time,
            event.end_time,
        )
        for event in found
    ]


def text(body, **more):
    mail = render.render_issue(read(body, **more), build.theme(), build.COLOPHON, zone=build.AMSTERDAM)
    return mail.text


def problems(body, **more):
    return [(problem.kind, problem.written) for problem in read(body, **more).date_problems]


class TestOrder:
    def test_a_bold_title_and_its_paragraph_are_an_event_and_stay_in_place(self):
        body = "**Schildercursus**\n\n3 februari, 14:00 uur, in Delft. Bel [Sam](mailto:sam@example.org).\n\nTot dan!"
        assert events(body) == [("Schildercursus", "0203", time(14), None)]
        mail = text(f"## Agenda\n\n{body}")
        assert mail.index("Schildercursus") < mail.index("14:00 uur, in Delft") < mail.index("Tot dan!")

    def test_a_heading_with_a_date_below_it_is_an_event(self):
        body = "### Open day\n\nThursday 15 January 2026, 18:00, online.\n\n### Walk\n\n22 January, from the gate."
        assert events(body, lang="en") == [("Open day", "0115", time(18), None), ("Walk", "0122", None, None)]

    def test_paragraphs_and_lists_stay_below_their_event(self):
        body = "* **Koor**: 3 februari\n\n  Neem je map mee.\n\n* **Band**: 10 februari\n  * Van 10:00 inloop\n    * met koffie"
        mail = text(f"## Agenda\n\n{body}")
        assert [
            line.strip() for line in mail.split("------\n")[-1].split("* * *")[0].split("\n") if line.strip()
        ] == [
            "- dinsdag 3 feb: Koor",
            "Neem je map mee.",
            "- dinsdag 10 feb: Band",
            "- Van 10:00 inloop",
            "- met koffie",
        ]

    def test_two_agendas_stay_in_place_among_the_other_sections(self):
        issue = read("## Agenda\n\n* A: 3 maart\n\n## Nieuws\n\nHallo\n\n## Evenementen\n\n* B: 4 maart")
        assert [to_plain_text(section.title) for section in issue.sections] == [
            "Agenda",
            "Nieuws",
            "Evenementen",
        ]
        assert [to_plain_text(event.title) for event in issue.events] == ["A", "B"]
        mail = text("## Agenda\n\n* A: 3 maart\n\n## Nieuws\n\nHallo\n\n## Evenementen\n\n* B: 4 maart")
        assert mail.index("3 mrt: A") < mail.index("Hallo") < mail.index("4 mrt: B")

    def test_text_between_lists_stays_between_them(self):
        (section,) = read("## Agenda\n\n* A: 3 maart\n\nEn ook:\n\n* B: 4 maart").sections
        assert [type(block) for block in section.blocks] == [EventTable, Paragraph, EventTable]

    def test_a_line_without_a_date_stays_as_typed_with_its_link(self):
        mail = text(
            "## Agenda\n\n* Dag van de buurt: samen [eten: en drinken](https://example.org/eten)\n* A: 3 maart"
        )
        assert "- Dag van de buurt: samen eten: en drinken [1]" in mail

    def test_a_list_without_any_date_stays_a_list(self):
        (section,) = read("## Agenda\n\n1. Opening\n2. Rondvraag").sections
        assert section.blocks[0].ordered
        assert [event.dates for event in section.events] == [(), ()]

    def test_a_line_that_cannot_be_split_without_loss_is_shown_as_typed(self):
        mail = text("## Agenda\n\n* [A](https://example.org/a) [3 maart](https://example.org/b): c")
        assert "https://example.org/a" in mail
        assert "https://example.org/b" in mail

    def test_a_struck_through_date_is_ignored(self):
        assert events("* Koor: ~~3 februari~~ 10 februari") == [("Koor: 3 februari", "0210", None, None)]


class TestDatesAbove:
    def test_a_date_as_heading_is_the_date_of_the_lines_below_it(self):
        body = "### dinsdag 3 februari\n\n* 14:00 Opening\n* 16:00 - 17:00 Borrel\n* Opruimen"
        assert events(body) == [
            ("Opening", "0203", time(14), None),
            ("Borrel", "0203", time(16), time(17)),
            ("Opruimen", "0203", None, None),
        ]

    def test_a_date_as_item_is_the_date_of_the_items_below_it(self):
        assert events("* 20 januari\n    * 14:00 Opening\n* 21 januari\n    * Slot") == [
            ("Opening", "0120", time(14), None),
            ("Slot", "0121", None, None),
        ]

    def test_a_paragraph_below_a_date_is_an_event(self):
        assert events("**20 januari**\n\nSpeurtocht in het park. Neem laarzen mee.") == [
            ("Speurtocht in het park", "0120", None, None)
        ]


class TestTables:
    BODY = "| Datum | Tijd | Wat | Waar |\n|---|---|---|---|\n| 15 januari | 14:00-15:00 | Koor | Delft |\n| 19 en 20 maart | | Band | Gouda |"

    def test_the_rows_of_a_table_with_dates_are_events(self):
        assert events(self.BODY) == [
            ("Koor", "0115", time(14), time(15)),
            ("Band", "0319 0320", None, None),
        ]

    def test_a_table_with_a_column_of_dates_is_an_agenda_in_any_section(self):
        assert len(read(f"## Nieuws\n\n{self.BODY}").events) == 2

    def test_a_table_with_only_past_dates_is_not_an_agenda(self):
        assert read(f"## Nieuws\n\n{self.BODY}", day="2026-06-01").events == ()


@pytest.mark.parametrize(
    "heading",
    ["📅 Agenda", "Agenda januari", "Upcoming events", "Evenementen", "Kalender", "Termine", "Agenda & evenementen",
     "AGENDA:", "Upcoming Events in March 2026", "Manifestations à venir", ":calendar: Events"],
)  # fmt: skip
def test_a_heading_is_recognised_with_emoji_months_and_words_around_it(heading):
    (section,) = read(f"## {heading}\n\n* A: 3 maart").sections
    assert section.is_agenda


@pytest.mark.parametrize("heading", ["Agenda van de raad", "Terugblik op events", "Januari", "Nieuws"])
def test_another_heading_is_not_an_agenda(heading):
    (section,) = read(f"## {heading}\n\n* A: 3 maart").sections
    assert not section.is_agenda


@pytest.mark.parametrize(
    ("line", "lang", "days", "starts", "ends"),
    [
        ("Pub: Feb 3, 6 p.m.", "en", "0203", time(18), None),
        ("Call: Feb 3, 11 am - 1 pm", "en", "0203", time(11), time(13)),
        ("Call: Feb 3, 9-10 am", "en", "0203", time(9), time(10)),
        ("Talk: Feb 3, 5 speakers", "en", "0203", None, None),
        ("Walk: March 3, 2nd floor", "en", "0303", None, None),
        ("Call: Feb 3, 2:00-3:00 PM", "en", "0203", time(14), time(15)),
        ("Call: Feb 4 from 2 to 3:30 pm", "en", "0204", time(14), time(15, 30)),
        ("Call: noon, Feb 4", "en", "0204", time(12), None),
        ("Trip: September 14 and 16, 2026", "en", "0914 0916", None, None),
        ("Trip: September 6th - 9th", "en", "0906 0907 0908 0909", None, None),
        ("Koor: 3 februari om 2 uur 's middags", "nl", "0203", time(14), None),
        ("Koor: 3 februari om half drie 's middags", "nl", "0203", time(14, 30), None),
        ("Koor: 3 februari om half drie 's nachts", "nl", "0203", time(2, 30), None),
        ("Koor: 20:00-22:00, 3 februari", "nl", "0203", time(20), time(22)),
        ("14:00 uur op 3 februari: Koor", "nl", "0203", time(14), None),
        ("Koor: 3/2/2026", "nl", "0203", None, None),
        ("Koor: 25/06/2026", "en", "0625", None, None),
        ("Chor: Samstag, den 18. Juli von 10-18 Uhr", "de", "0718", time(10), time(18)),
        ("Chor: vom 4. bis 6. Juni", "de", "0604 0605 0606", None, None),
        ("Chœur : du 1er au 3 mai", "fr", "0501 0502 0503", None, None),
        ("Chœur : jeudi 30 avril de 13h30 à 14h30", "fr", "0430", time(13, 30), time(14, 30)),
    ],
)
def test_dates_and_times_have_the_expected_meaning(line, lang, days, starts, ends):
    ((_, *found),) = events(f"* {line}", lang=lang)
    assert found == [days, starts, ends]


@pytest.mark.parametrize(
    ("line", "title", "starts"),
    [
        ("2026-02-03 18:00 UTC - Workshop", "Workshop", "2026-02-03T19:00:00+01:00"),
        ("Wed 21 Jan 2026 14:00-15:30 CET: Call", "Call", "2026-01-21T14:00:00+01:00"),
        ("Call: 3 July 2026, 14:00 CEST", "Call", "2026-07-03T14:00:00+02:00"),
        ("Call: 3 February, 14:00 Europe/London", "Call", "2026-02-03T15:00:00+01:00"),
        ("Call: 3 February, 9 am ET (New York)", "Call", "2026-02-03T15:00:00+01:00"),
        ("Call: 3 February, 9:00 (UTC+2)", "Call", "2026-02-03T08:00:00+01:00"),
    ],
)
def test_a_time_zone_with_one_meaning_is_converted(line, title, starts):
    (event,) = read(f"## Events\n\n* {line}", lang="en").events
    assert to_plain_text(event.title) == title
    assert event.start_in(BERLIN).isoformat() == starts


@pytest.mark.parametrize(
    ("line", "lang", "kind", "written"),
    [
        ("12 febrari: Koor", "nl", DateProblemKind.MONTH, "12 febrari"),
        ("**31 febrari**: Koor", "nl", DateProblemKind.MONTH, "31 febrari"),
        ("14/02: Koor", "nl", DateProblemKind.SHORT, "14/02"),
        ("Koor: 32 januari", "nl", DateProblemKind.NO_SUCH_DAY, "32 januari"),
        ("Koor: 3 februari om 25:00", "nl", DateProblemKind.NO_SUCH_TIME, "25:00"),
        ("Koor: 3 februari om 2 uur", "nl", DateProblemKind.HOUR, "om 2 uur"),
        ("Koor: 3 februari om half drie", "nl", DateProblemKind.HOUR, "om half drie"),
        ("Koor: 3 februari om half 3", "nl", DateProblemKind.HOUR, "om half 3"),
        ("Koor: 3 februari van 9 tot 10", "nl", DateProblemKind.BARE_HOUR, "van 9 tot 10"),
        ("Koor: 3 februari, tussen 9 en 10 (zaal 2)", "nl", DateProblemKind.BARE_HOUR, "tussen 9 en 10"),
        (
            "Kerst: 3 februari van 16.00 tot 14.00 uur",
            "nl",
            DateProblemKind.BACKWARD_TIMES,
            "van 16.00 tot 14.00 uur",
        ),
        (
            "Kerst: 3 februari in Ede, van 16.00 tot 14.00 uur",
            "nl",
            DateProblemKind.BACKWARD_TIMES,
            "van 16.00 tot 14.00 uur",
        ),
        ("Koor: 5 maart t/m 3 maart", "nl", DateProblemKind.BACKWARD_DAYS, "5 maart t/m 3 maart"),
        ("Koor: 5 t/m 3 maart", "nl", DateProblemKind.BACKWARD_DAYS, "5 t/m 3 maart"),
        ("Choir: Jan 15: at 6:00 PM PT/9:00 PM ET", "en", DateProblemKind.ZONE, "at 6:00 PM PT/9:00 PM ET"),
        ("Choir: 3 July, 14:00 CET", "en", DateProblemKind.ZONE, "14:00 CET"),
        ("Choir: 3/2/2026", "en", DateProblemKind.ORDER, "3/2/2026"),
    ],
)
def test_a_wrong_or_uncertain_date_is_reported_and_never_guessed(line, lang, kind, written):
    assert problems(f"## Agenda\n\n* {line}", lang=lang) == [(kind, written)]
    (event,) = read(f"## Agenda\n\n* {line}", lang=lang).events
    assert event.start_time is None


@pytest.mark.parametrize(
    "when",
    [
        "3 februari van 20:00 tot 2:00", "3 februari van 22:00 tot 8:00", "3 februari, 9:00-24:00", "3 februari, 10:00-0:30",
        "3 t/m 5 februari van 16:00 tot 14:00",
    ],
)  # fmt: skip
def test_an_event_may_end_on_a_later_day(when):
    assert problems(f"## Agenda\n\n* Feest: {when}") == []
    (event,) = read(f"## Agenda\n\n* Feest: {when}").events
    assert event.start_time
    assert event.end_time is not None


def test_times_in_a_table_that_run_backwards_are_not_in_the_calendar():
    body = "## Agenda\n\n| Wat | Datum | Tijd |\n| --- | --- | --- |\n| Kerst | 3 februari | 16:00 - 14:00 |"
    (event,) = read(body).events
    assert (event.start_time, event.end_time) == (None, None)
    assert problems(body) == [(DateProblemKind.BACKWARD_TIMES, "16:00 - 14:00")]


def test_a_misspelt_month_is_reported_in_any_section_except_in_code_and_addresses():
    body = "## Nieuws\n\nOp 12 febrari is er taart.\n\n```\n12 febrari\n```\n\n[hier](https://example.org/12%20febrari) `3 mrat`"
    assert problems(body) == [(DateProblemKind.MONTH, "12 febrari")]


@pytest.mark.parametrize(
    "text", ["half oktober", "elke maandag", "open 24/7", "1/2 liter", "3 maar dan beter", "in 15 may come"]
)
def test_vague_words_are_neither_dates_nor_problems(text):
    (event,) = read(f"## Agenda\n\n* Koor: {text}", lang="en" if "come" in text else "nl").events
    assert event.dates == ()
    assert problems(f"## Agenda\n\n* Koor: {text}") == []


def test_a_missing_year_is_derived_from_the_date_of_the_issue():
    (event,) = read("## Agenda\n\n* Koor: 15 januari", day="2026-12-16").events
    assert event.dates == (date(2027, 1, 15),)
