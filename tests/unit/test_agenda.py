"""Lines of an agenda as authors write them, and the events they must become."""

from datetime import date, time

import pytest

from moza_mail import parse
from moza_mail.model.issue import to_plain_text
from moza_mail.parse import dates
from tests.support.examples import scale

JANUARY = "title: Weekbericht\ndate: 2026-01-14"


def agenda(lines: str, front: str = JANUARY):
    (section,) = parse.parse_issue(f"---\n{front}\n---\n\n## Agenda\n\n{lines}\n", "issues/x.md").sections
    return section


def event(line: str, front: str = JANUARY):
    (only,) = agenda(f"* {line}", front).events
    return only


def days(line: str, front: str = JANUARY) -> str:
    return " ".join(day.isoformat() for day in event(line, front).dates)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("**Inloop**: 15 januari", "2026-01-15"),
        ("Inloop - 15 januari", "2026-01-15"),
        ("**Inloop**: 2026/01/20", "2026-01-20"),
        ("Inloop, 2026/3/2", "2026-03-02"),
        ("Inloop: 2026/13/40", ""),
        ("Inloop – 15 januari", "2026-01-15"),
        ("**Inloop** 15 januari", "2026-01-15"),
        ("**Inloop**: 19 en 20 januari", "2026-01-19 2026-01-20"),
        ("Inloop: 29 & 30 oktober", "2026-10-29 2026-10-30"),
        ("Inloop: 24, 25 & 26 november", "2026-11-24 2026-11-25 2026-11-26"),
        ("Inloop: 23 t/m 25 november", "2026-11-23 2026-11-24 2026-11-25"),
        ("Inloop: 23-25 november", "2026-11-23 2026-11-24 2026-11-25"),
        ("Inloop: 23 - 25 november", "2026-11-23 2026-11-24 2026-11-25"),
        ("Inloop: van 3 t/m 5 februari", "2026-02-03 2026-02-04 2026-02-05"),
        ("Inloop: 8 & 15 januari", "2026-01-08 2026-01-15"),
        ("Inloop: donderdag 20 november", "2026-11-20"),
        ("Inloop: woensdag 11 en donderdag 12 maart", "2026-03-11 2026-03-12"),
        ("Inloop: 30 november t/m 2 december", "2026-11-30 2026-12-01 2026-12-02"),
        ("Inloop: 5 maart, 12 maart en 2 april", "2026-03-05 2026-03-12 2026-04-02"),
        ("Inloop - 3 februari 2027", "2027-02-03"),
        ("Inloop: 31 december 2026 t/m 2 januari 2027", "2026-12-31 2027-01-01 2027-01-02"),
        ("Inloop: 31 december t/m 2 januari 2027", "2026-12-31 2027-01-01 2027-01-02"),
        ("Inloop: 30 december t/m 1 januari", "2026-12-30 2026-12-31 2027-01-01"),
        ("Inloop: 2026-02-03", "2026-02-03"),
        ("Inloop: 03-02-2026", "2026-02-03"),
        ("Inloop: di 3 feb.", "2026-02-03"),
        ("Drop-in: 15 January", "2026-01-15"),
        ("Drop-in: Thursday, 20 November", "2026-11-20"),
        ("Drop-in: 15 and 16 January", "2026-01-15 2026-01-16"),
        ("Drop-in: November 23-25, 2026", "2026-11-23 2026-11-24 2026-11-25"),
        ("Drop-in: 23 to 25 November", "2026-11-23 2026-11-24 2026-11-25"),
        ("Inloop: 29\u00a0&\u00a030\u00a0oktober", "2026-10-29 2026-10-30"),
        ("Inloop: 29 &amp; 30 oktober", "2026-10-29 2026-10-30"),
        ("Inloop: 5 maart '27", "2027-03-05"),
        ("Inloop: 5 mrt ’27, 10:00", "2027-03-05"),
        ("Inloop: 31 december '26 t/m 2 januari '27", "2026-12-31 2027-01-01 2027-01-02"),
        ("Inloop: 5 maart / 12 maart", "2026-03-05 2026-03-12"),
        ("Inloop: 5 / 12 maart", "2026-03-05 2026-03-12"),
    ],
)
def test_dates_are_read_as_written(line, expected):
    assert days(line) == expected


@pytest.mark.parametrize(
    ("line", "issued", "expected"),
    [
        ("Inloop: 15 januari", "2026-12-16", "2027-01-15"),
        ("Inloop: 12 december", "2026-12-16", "2026-12-12"),
        ("Inloop: 10 december", "2026-01-14", "2026-12-10"),
        ("Inloop: 29 februari", "2027-12-15", "2028-02-29"),
    ],
)
def test_a_date_without_a_year_gets_it_from_the_issue(line, issued, expected):
    assert days(line, f"title: T\ndate: {issued}") == expected


@pytest.mark.parametrize(
    ("line", "starts", "ends"),
    [
        ("Pulse: 3 februari om 14:00", time(14), None),
        ("Pulse: 21 mei van 9:00 tot 9:30", time(9), time(9, 30)),
        ("Pulse: 3 februari van 14.00 tot 16.30 uur", time(14), time(16, 30)),
        ("Pulse: 3 februari 14:00–15:30", time(14), time(15, 30)),
        ("Pulse: 3 februari, 10-12 uur", time(10), time(12)),
        ("Pulse: 3 februari (10:00-12:00)", time(10), time(12)),
        ("Pulse: 3 februari, online, om 14:00", time(14), None),
        ("Pulse: 3 February at 2 pm", time(14), None),
        ("Pulse: 3 February from 9:00 to 9:30", time(9), time(9, 30)),
        ("Pulse: 3 februari 2027", None, None),
        ("Pulse: 12 maart 25:00", None, None),
    ],
)
def test_possible_times_are_read_and_impossible_ones_are_not(line, starts, ends):
    found = event(line)
    assert (found.start_time, found.end_time) == (starts, ends)


@pytest.mark.parametrize(
    ("line", "title", "when", "note"),
    [
        ("**Inloop**: 4 november (morgen!)", "Inloop", "4 november", "morgen!"),
        (
            "Dag van de Balie - 17 november - wij geven een workshop",
            "Dag van de Balie",
            "17 november",
            "wij geven een workshop",
        ),
        ("Dag - 17 november - workshop op 18 november", "Dag", "17 november", "workshop op 18 november"),
        ("**Inloop**: 3 februari (was 27 januari)", "Inloop", "3 februari", "was 27 januari"),
        ("Fieldlab Connect #2 - 5 februari", "Fieldlab Connect #2", "5 februari", ""),
        ("Fieldlab: Connect 2 - 5 februari", "Fieldlab: Connect 2", "5 februari", ""),
        (
            "Mini-workshop - De kracht van eenvoud – 26 februari",
            "Mini-workshop - De kracht van eenvoud",
            "26 februari",
            "",
        ),
        ("**Themadag: Routes** 1 december", "Themadag: Routes", "1 december", ""),
        ("**Planning PI2026-1** 10 & 11 december", "Planning PI2026-1", "10 & 11 december", ""),
        ("Terugblik 3 februari: 12 maart", "Terugblik 3 februari", "12 maart", ""),
        ("Open dag - op 12 maart (met ons)", "Open dag", "op 12 maart", "met ons"),
        ("15 januari: Inloop", "Inloop", "15 januari", ""),
        ("15 januari om 14:00 - Inloop (online)", "Inloop", "15 januari om 14:00", "online"),
        ("Inloop (3 februari, online)", "Inloop", "3 februari", "online"),
        ("**Pulse**: wordt binnenkort weer gepland", "Pulse: wordt binnenkort weer gepland", "", ""),
        ("Pulse - wordt binnenkort weer gepland", "Pulse - wordt binnenkort weer gepland", "", ""),
        ("Pulse: datum volgt (online)", "Pulse: datum volgt (online)", "", ""),
        ("Zomer 2026: congres", "Zomer 2026: congres", "", ""),
        ("Pulse: 3 februari, eerst ~~4 maart~~", "Pulse", "3 februari", "eerst 4 maart"),
        ("Pulse", "Pulse", "", ""),
    ],
)
def test_a_line_is_split_into_title_date_and_note(line, title, when, note):
    found = event(line)
    assert (to_plain_text(found.title), found.when, to_plain_text(found.note)) == (title, when, note)


@pytest.mark.parametrize(
    "line", ["Pulse: 31 november", "Pulse: 29 februari", "Pulse: 25 t/m 3 mei", "Pulse: datum volgt"]
)
def test_a_day_that_does_not_exist_gives_an_event_without_dates(line):
    found = event(line)
    assert found.dates == ()
    assert to_plain_text(found.title) == line
    assert found.when == ""


def test_a_link_in_the_title_is_the_url_of_the_event():
    found = event("**[Feest 2025](https://example.org/feest) - Bewust digitaal!**: donderdag 20 november")
    assert to_plain_text(found.title) == "Feest 2025 - Bewust digitaal!"
    assert found.url == "https://example.org/feest"


def test_a_date_inside_a_link_is_found_too():
    found = event("[Open dag op 5 maart](https://example.org/dag)")
    assert (to_plain_text(found.title), found.url, found.dates) == (
        "Open dag",
        "https://example.org/dag",
        (date(2026, 3, 5),),
    )


def test_bold_lines_and_subheadings_name_groups():
    found = agenda(
        "**Wij**\n\n* A - 15 oktober\n\n**Evenementen:**\n\n* B - 7 & 8 oktober\n\n### Later\n\n* C - 9 oktober"
    )
    assert [(to_plain_text(e.title), e.group) for e in found.events] == [
        ("A", "Wij"),
        ("B", "Evenementen"),
        ("C", "Later"),
    ]


def test_nested_lines_are_events_in_the_group_of_the_line_above():
    found = agenda("* **Wij**\n    * A - 15 oktober\n    * B: datum volgt")
    assert [(to_plain_text(e.title), e.group) for e in found.events] == [
        ("A", "Wij"),
        ("B: datum volgt", "Wij"),
    ]


def test_prose_stays_text_and_lines_without_bullets_become_events():
    found = agenda(
        "Wist je dat we op 3 februari samenwerken?\n\n**A**: 21 oktober\n**B**: 6 november\n\nTot dan!"
    )
    first, table, last = found.blocks
    assert to_plain_text(first.inlines) == "Wist je dat we op 3 februari samenwerken?"
    assert table.events == found.events
    assert [(to_plain_text(e.title), e.line) for e in found.events] == [("A", 10), ("B", 11)]
    assert to_plain_text(last.inlines) == "Tot dan!"


def test_events_keep_the_order_of_the_file():
    found = agenda("* A - 9 maart\n* B - 3 februari\n* C - datum volgt")
    assert [to_plain_text(e.title) for e in found.events] == ["A", "B", "C - datum volgt"]


def test_the_headings_of_an_agenda_can_be_configured():
    text = f"---\n{JANUARY}\n---\n# Nieuws\n\nHallo\n\n# Kalender\n\n* A - 9 maart\n"
    assert parse.parse_issue(text, "x.md", agenda_headings=["agenda"]).events == ()
    assert len(parse.parse_issue(text, "x.md", agenda_headings=["kalender"]).events) == 1


def test_an_agenda_at_a_lower_level_ends_at_the_next_heading_of_that_level():
    text = f"---\n{JANUARY}\n---\n# Alles\n\n## Agenda\n\n* A - 9 maart\n\n# Slot\n\nDag!\n"
    issue = parse.parse_issue(text, "x.md")
    assert [to_plain_text(section.title) for section in issue.sections] == ["Alles", "Agenda", "Slot"]
    assert len(issue.events) == 1


@pytest.mark.parametrize(
    ("line", "title", "when"),
    [
        ("Inschrijven: uiterlijk 5 maart", "Inschrijven", "uiterlijk 5 maart"),
        ("Inschrijven: uiterlijk op 5 maart", "Inschrijven", "uiterlijk op 5 maart"),
        ("**Inschrijven** tot 5 maart", "Inschrijven", "tot 5 maart"),
        ("Reageren - t/m 5 maart", "Reageren", "t/m 5 maart"),
        ("Apply: by 5 March", "Apply", "by 5 March"),
        ("Inloop: van 3 tot 5 maart", "Inloop", "van 3 tot 5 maart"),
        ("Afspraak '26: 5 maart '26", "Afspraak '26", "5 maart '26"),
    ],
)
def test_a_preposition_before_a_date_belongs_to_the_date(line, title, when):
    found = event(line)

    assert (to_plain_text(found.title), found.when) == (title, when)
    assert found.dates[-1] == date(2026, 3, 5)


@pytest.mark.parametrize(
    "row", ["5 maart" + "\t" * 5000 + "x", "5" + " " * 5000 + "x", "5 maart / " * 5000, "5 x - " * 5000]
)
@pytest.mark.slow
def test_the_time_for_a_long_row_of_spaces_or_dates_grows_linearly(row):
    found = dates.find_dates(row, dates.DateContext(issued=date(2026, 1, 28)))
    assert {day for when in found for day in when.days} <= {date(2026, 3, 5)}


def test_a_long_row_of_numbers_is_not_a_date_and_is_fast():
    row = ", ".join(["1"] * scale(10_000, quick=500))

    assert event(f"Cijfers: {row}").dates == ()


@pytest.mark.parametrize(
    ("line", "lang", "start", "end"),
    [
        ("* **Feest**: 3 december, 22:00 tot middernacht", "nl", "22:00", "00:00"),
        ("* **Party**: 3 December, 10 pm to midnight", "en", "22:00", "00:00"),
        ("* **Fest**: 3. Dezember, 22 Uhr bis Mitternacht", "de", "22:00", "00:00"),
        ("* **Fête**: 3 décembre de 22h à minuit", "fr", "22:00", "00:00"),
        ("* **Déjeuner**: 3 décembre à midi", "fr", "12:00", "None"),
        ("* **Party**: 3 December at midnight", "en", "None", "None"),
    ],
)
def test_noon_and_midnight_are_times_but_midnight_alone_is_uncertain(line, lang, start, end):
    text = f"---\ntitle: T\ndate: 2026-11-30\nlang: {lang}\n---\n\n## Agenda\n\n{line}\n"
    (event,) = parse.parse_issue(text, "x.md").events
    assert (str(event.start_time)[:5], str(event.end_time)[:5]) == (start, end)


@pytest.mark.parametrize(
    ("line", "lang", "days", "title"),
    [
        ("* Réunion (mar. 20 janvier, 9h-10h)", "fr", ["2026-01-20"], "Réunion"),
        ("* ven 6 février : Atelier", "fr", ["2026-02-06"], "Atelier"),
        ("* les 20 et 21 janvier : Formation", "fr", ["2026-01-20", "2026-01-21"], "Formation"),
        ("* Sa. 24.01.: Hacktag", "de", ["2026-01-24"], "Hacktag"),
        ("* Di, 20.1., 19 Uhr: Vortrag", "de", ["2026-01-20"], "Vortrag"),
        ("* Version 2.1 am 3.2.", "de", ["2026-02-03"], "Version 2.1"),
        ("* Open dag om 14.01.", "nl", [], "Open dag om 14.01."),
    ],
)
def test_short_weekdays_and_days_with_full_stops_have_the_meaning_of_their_language(line, lang, days, title):
    text = f"---\ntitle: T\ndate: 2026-01-14\nlang: {lang}\n---\n\n## Agenda\n\n{line}\n"
    (event,) = parse.parse_issue(text, "x.md").events
    assert ([day.isoformat() for day in event.dates], to_plain_text(event.title).strip()) == (days, title)
