"""Making the next issue: its content, and no line of the agenda is lost or invented."""

import re
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moza_mail import check, edit, parse
from moza_mail.edit.redate import redate
from moza_mail.errors import IssueError, MailingError
from moza_mail.model.issue import to_plain_text
from tests.support import builders as build
from tests.support.project_folder import SHARED_WEEKLIES

WEEKS = build.ROOT / "tests/data/next_issue"
GOLDEN = build.ROOT / "tests/golden/next_issue"
REQUIRED = ("Pulse", "Regieteam", "Stuurgroep")


def next_of(text, day=None, **terms):
    last = read(text, "issues/last.md")
    given = {"date": day or edit.next_issue_date(last.date), "lang": last.lang, "required_events": REQUIRED}
    return edit.make_next_issue(last, text, edit.NextIssueSettings(**given | terms))


@cache
def read(text, source="issues/next.md"):
    return parse.parse_issue(text, source, lang="nl")


def issue(*lines, front="title: Weekbericht 14 januari 2026\ndate: 2026-01-14"):
    return "\n".join(["---", front, "---", "", *lines, ""])


def agenda(*lines):
    return issue("## Agenda", "", *lines)


def agenda_of(text):
    """Return the lines below the heading of the agenda."""
    return [row for row in text.split("## Agenda\n")[1].split("\n") if row]


def facts(event):
    return (
        to_plain_text(event.title),
        event.when,
        event.dates,
        to_plain_text(event.note),
        event.group,
        event.url,
    )


def by_the_rules(last, day):
    """Return the expected agenda of the next issue by group, from the model alone, without its text."""
    groups = {}
    for event in last.events:
        groups.setdefault(event.group, []).append(event)
    expected = []
    for events in groups.values():
        ahead = [event for event in events if event.dates and max(event.dates) > day]
        ahead.sort(key=lambda event: min(event.dates))
        undated = [facts(event) for event in events if not event.dates]
        expected += [*map(facts, ahead), *undated]
    return expected


@pytest.mark.parametrize("path", sorted(WEEKS.glob("*.md")), ids=lambda path: path.stem)
def test_the_next_issue_equals_its_golden_file(path, request):
    made = next_of(path.read_text(encoding="utf-8"))
    golden = GOLDEN / path.name
    if request.config.getoption("--update-golden"):
        golden.write_text(made.text, encoding="utf-8")
    assert made.text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("days", [1, 7, 14, 30, 200])
@pytest.mark.parametrize("path", [*sorted(WEEKS.glob("*.md")), *SHARED_WEEKLIES], ids=lambda path: path.stem)
def test_each_event_of_the_agenda_is_carried_over_by_the_rules(path, days):
    text = path.read_text(encoding="utf-8")
    last = read(text)
    day = last.date + timedelta(days=days)
    made = next_of(text, day)
    marked = {event.line for event in made.undated}
    found = read(made.text).events
    waiting = [event for event in found if "[dat" in to_plain_text(event.title)]
    assert len(waiting) == len(marked)
    assert [facts(event) for event in found if event not in waiting] == by_the_rules(last, day)
    lost = {facts(event) for event in last.events} - {facts(event) for event in (*made.kept, *made.passed)}
    assert {when[2][-1] < last.date for when in lost} <= {True}
    known = set(text.split("\n"))
    new = [row for row in made.text.split("## Agenda")[-1].split("\n") if row.strip() and "[dat" not in row]
    assert {
        row for row in new if row not in known and not row.lstrip()[:1].isdigit() and "**" in row
    } == set()


@pytest.mark.parametrize("path", SHARED_WEEKLIES, ids=lambda path: path.stem)
def test_the_next_issue_of_a_real_weekly_lacks_only_its_text(path):
    made = next_of(path.read_text(encoding="utf-8"))
    last, new = read(path.read_text(encoding="utf-8")), read(made.text)
    assert new.date == last.date + timedelta(days=7)
    assert new.title_dates == (new.date,)
    assert [to_plain_text(section.title) for section in new.sections] == [
        to_plain_text(section.title) for section in last.sections
    ]
    assert made.text.count("\n* \n") + made.text.count("\n- \n") + made.text.count("\n1. \n") == len(
        [section for section in new.sections if not section.is_agenda]
    )


# The days in the next agenda of each real weekly. A person counted them in its lines.
DAYS = {
    "2025-10-13": "1021 1029 1030 1106 1107 1110 1120 1124",
    "2025-11-24": "1202 1204 1209 1210",
    "2026-01-14": "0205 0211 - -",
    "2026-01-21": "0130 0205 0205 0211 0310 -",
    "2026-01-29": "0205 0205 0205 0211 0212 0226 0310 0312 0323 - -",
    "2026-10-07-excerpt": "1015 1029 1120 1109 1117 1123 0203",
}


@pytest.mark.parametrize("path", SHARED_WEEKLIES, ids=lambda path: path.stem)
def test_the_next_agenda_of_a_real_weekly_has_the_expected_days(path):
    if path.stem not in DAYS:
        pytest.skip("an issue that nobody has counted yet")
    events = read(next_of(path.read_text(encoding="utf-8")).text).events
    assert " ".join(f"{event.dates[0]:%m%d}" if event.dates else "-" for event in events) == DAYS[path.stem]


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("* A: 20 januari", False),
        ("* A: 21 januari", False),
        ("* A: 22 januari", True),
        ("* A: 20 t/m 22 januari", True),
        ("* A: 19 t/m 21 januari", False),
        ("* A: 8 & 29 januari", True),
        ("* A: wordt nog gepland", True),
        ("* A: 31 november", True),
        ("* A (22 januari)", True),
        ("* A (21 januari)", False),
        ("* 21 januari: A", False),
        ("* A - 30 december t/m 22 januari", True),
    ],
)
def test_events_that_ended_on_the_day_of_the_issue_are_dropped(line, stays):
    assert agenda_of(next_of(agenda(line)).text) == ([line] if stays else [])


def test_events_are_sorted_within_their_group_and_undated_ones_are_last():
    made = next_of(
        agenda(
            "**Ons**",
            "",
            "* C: later",
            "* B: 5 maart",
            "* A: 2 februari",
            "",
            "**Hun**",
            "",
            "* D: 1 februari",
        )
    )
    assert agenda_of(made.text) == [
        "**Ons**",
        "* A: 2 februari",
        "* B: 5 maart",
        "* C: later",
        "**Hun**",
        "* D: 1 februari",
    ]


def test_lines_below_an_event_are_carried_over_with_it():
    made = next_of(
        agenda(
            "* B: 5 maart",
            "    * neem mee",
            "",
            "      een stoel",
            "* A: 2 februari",
            "  en wel vroeg",
            "* D: 15 januari",
            "    * weg",
        )
    )
    assert agenda_of(made.text) == [
        "* A: 2 februari",
        "  en wel vroeg",
        "* B: 5 maart",
        "    * neem mee",
        "      een stoel",
    ]


def test_a_group_is_dropped_when_all_its_events_have_passed():
    made = next_of(
        agenda("* Club:", "    * A: 15 januari", "    * B: 9 februari", "* Koor:", "    * C: 16 januari")
    )
    assert agenda_of(made.text) == ["* Club:", "    * B: 9 februari"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("* MOZa Pulse - 15 januari om 14:00", "* MOZa Pulse - [datum]"),
        ("* **MOZa Pulse**: 15 januari (in de zaal)", "* **MOZa Pulse**: [datum]"),
        (
            "* [Pulse](https://example.org/15-januari) – 15 januari",
            "* [Pulse](https://example.org/15-januari) – [datum]",
        ),
        ("* 15 januari: MOZa [Pulse](/p) (in de zaal)", "* MOZa [Pulse](/p) - [datum]"),
        ("* MOZa Pulse (15 januari, online)", "* MOZa Pulse - [datum]"),
        ("* **Pulse** 15 januari", "* **Pulse** [datum]"),
        ("1. Pulse: 15&#32;januari", "1. Pulse - [datum]"),
    ],
)
def test_a_required_event_keeps_its_line_with_a_mark_for_the_date(line, expected):
    made = next_of(agenda(line))
    assert agenda_of(made.text) == [expected]
    (event,) = read(made.text).events
    assert event.dates == ()
    assert "Pulse" in to_plain_text(event.title)


def test_a_required_event_with_a_later_date_needs_no_mark():
    made = next_of(agenda("* Pulse: 15 januari", "* Pulse: 3 februari"))
    assert (agenda_of(made.text), made.undated) == (["* Pulse: 3 februari"], ())


@pytest.mark.parametrize("lang", ["nl", "en", "de"])
def test_check_reports_every_mark(lang):
    text = issue("Zonder kop.", "", "## Nieuws", "", "Tekst.", "", "## Agenda", "", "* Pulse: 15 januari")
    made = next_of(text, lang=lang)
    new = read(made.text)
    rules = replace(check_rules(), required_events=REQUIRED)
    found = check.check_issue(new, rendered(), rules, text=made.text)
    by_line = {finding.line: finding.rule for finding in found if finding.rule == "unfinished-text"}
    assert len(by_line) == 3
    asked = [finding for finding in found if finding.rule == "missing-event" and "Pulse" in finding.message]
    assert [finding.line for finding in asked] == [new.events[0].line]


def check_rules():
    from moza_mail.model.finding import CheckOptions

    return CheckOptions()


def rendered():
    from moza_mail.model.message import Rendered

    return Rendered(
        subject="s", preheader="p", html="<html><body><p>p</p></body></html>", text="t", lang="nl"
    )


def test_only_events_since_the_last_issue_are_reported_as_passed():
    made = next_of(agenda("* A: 3 januari", "* B: 14 januari", "* C: 21 januari", "* D: 22 januari"))
    assert [to_plain_text(event.title) for event in made.passed] == ["B", "C"]
    assert [to_plain_text(event.title) for event in made.kept] == ["D"]


def test_an_event_across_new_year_is_not_moved_a_year_ahead():
    text = issue("## Agenda", "", "* Beurs: 30 december t/m 2 januari", front="title: T\ndate: 2025-12-25")
    new = read(next_of(text, date(2026, 1, 1)).text)
    assert new.events[0].dates[-1] == date(2026, 1, 2)
    assert next_of(text, date(2026, 1, 2)).kept == ()


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_line_endings_are_kept(ends):
    text = agenda("* A: 3 februari", "* B: 2 februari").replace("\n", ends)
    made = next_of(text)
    assert made.text.count(ends) == made.text.count("\n")
    assert "\r" not in made.text.replace("\r\n", "")
    assert made.text.endswith(f"* B: 2 februari{ends}* A: 3 februari{ends}")


@pytest.mark.parametrize(
    ("last", "weekday", "expected"),
    [
        (date(2026, 1, 14), None, date(2026, 1, 21)),
        (date(2026, 1, 14), 2, date(2026, 1, 21)),
        (date(2026, 1, 29), 2, date(2026, 2, 4)),
        (date(2025, 11, 24), 2, date(2025, 12, 3)),
        (date(2026, 1, 16), 0, date(2026, 1, 26)),
        (date(2026, 1, 18), 2, date(2026, 1, 28)),
    ],
)
def test_the_next_date_is_a_week_later_or_the_nearest_scheduled_weekday(last, weekday, expected):
    found = edit.next_issue_date(last, weekday)
    assert found == expected
    assert abs(found - last - timedelta(days=7)) <= timedelta(days=3)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("MOZa Weekly 14 januari 2026", "MOZa Weekly 4 februari 2026"),
        ("MOZa Weekly 14 jan '26", "MOZa Weekly 4 feb '26"),
        ("MOZa Weekly 14 JANUARI", "MOZa Weekly 4 FEBRUARI"),
        ("Weekly, wo 14 jan. 2026", "Weekly, wo 4 feb. 2026"),
        ("Weekly of January 14th, 2026", "Weekly of February 4th, 2026"),
        ("Nieuws 14-01-2026", "Nieuws 04-02-2026"),
        ("Nieuws 2026-01-14 (nr. 9)", "Nieuws 2026-02-04 (nr. 10)"),
        ("Week 3: het nieuws", "Week 6: het nieuws"),
        ("Vaste titel", "Vaste titel"),
        ("Weekly 7 januari 2026", "Weekly 4 februari 2026"),
    ],
)
def test_the_title_is_the_last_title_with_the_new_date(title, expected):
    text = issue("## Nieuws", "", "x", front=f'title: "{title}"\ndate: 2026-01-14')
    made = next_of(text, date(2026, 2, 4))
    assert (made.title, read(made.text).title) == (expected, expected)


def test_the_title_is_made_from_the_pattern_of_the_list():
    made = next_of(issue("## N", "", "x"), title="Weekly: {date}, week {week}")
    assert read(made.text).title == "Weekly: 21 januari 2026, week 4"


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("2026-01-14", "2026-02-04"),
        ("2026-01-15", "2026-02-04"),
        ("intern-2026-01-14-kort", "intern-2026-02-04-kort"),
        ("14-januari-2026", "4-februari-2026"),
        ("nieuws", "2026-02-04"),
    ],
)
def test_the_file_name_has_the_form_of_the_last_one(stem, expected):
    assert edit.next_file_stem(stem, date(2026, 1, 14), date(2026, 2, 4), "nl") == expected


def test_the_next_issue_must_have_a_later_date():
    with pytest.raises(MailingError, match="has 2026-01-14"):
        next_of(agenda("* A: 3 februari"), date(2026, 1, 14))


def test_front_matter_on_one_line_is_refused_with_its_line():
    with pytest.raises(IssueError, match="line 2"):
        next_of(issue("## N", front="{title: T, date: 2026-01-14}"))


WORDS = st.sampled_from(
    ["Inloop", "MOZa Pulse", "Dag van de *Balie*", "[Beurs](https://example.org/a_b)", "Feest 2027"]
)
MONTHS = ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
DATES = st.dates(date(2025, 9, 1), date(2026, 9, 1)).map(lambda day: f"{day.day} {MONTHS[day.month - 1]}")
ENDS = st.sampled_from(["", " (wij komen)", " om 14:00", " - neem mee", "  "])
LINES = st.one_of(
    st.tuples(
        st.sampled_from(["* ", "- ", " * ", "1. ", "  - ", "12) "]),
        WORDS,
        st.sampled_from([": ", " - ", ": op "]),
        DATES,
        ENDS,
    ).map("".join),
    st.sampled_from(
        [
            "",
            "    * eronder",
            "    verder",
            "**Groep**",
            "### Kop",
            "* Club:",
            "    * Bingo: 3 mei",
            "tekst",
            "* Later",
            "---",
            "[a]: https://example.org/",
        ]
    ),
)


@given(st.lists(LINES, max_size=14), st.integers(1, 200))
@example(["* Inloop: 1 sep", "* Later", "    * eronder", "    * Bingo: 3 mei"], 109)
@pytest.mark.slow
def test_no_event_of_any_agenda_is_lost_or_invented(lines, days):
    text = agenda(*lines)
    last = read(text)
    day = last.date + timedelta(days=days)
    made = next_of(text, day, required_events=())
    new = read(made.text)
    before = last.events
    kept = [event for event in before if not event.dates or event.dates[-1] > day]
    assert with_dates(new.events) == with_dates(kept)
    # A title without a date stays as typed. Without the dated lines below it, it may be read as an event.
    undated = [event for event in kept if not event.dates]
    assert all(
        word in made.text for event in undated for word in re.findall(r"\w+", to_plain_text(event.title))
    )
    assert len([event for event in new.events if not event.dates]) == len(undated)


def with_dates(events):
    return sorted(facts(event) for event in events if event.dates)


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        (["A: 15 januari", "10) B: 5 maart", "\t* C: 2 februari"], [r"\* C: 2 februari", r"10\) B: 5 maart"]),
        (["tekst", "* A: 15 januari", "---"], ["tekst", "", "---"]),
        (["* B: 1 maart", "1. A: 15 januari", "  - C: 2 maart"], ["* B: 1 maart", "", "- C: 2 maart"]),
        (["* B: later", "", "* A: 15 januari", "", "Kop", "---"], ["* B: later", "", "Kop", "---"]),
    ],
)
def test_separate_text_is_not_merged_when_the_list_between_is_dropped(lines, rows):
    text = agenda(*lines)
    made = next_of(text, required_events=())
    found = made.text.split("## Agenda\n\n")[1].split("\n")
    assert found[: len(rows)] == rows
    titles = [to_plain_text(section.title) for section in read(text).sections]
    assert [to_plain_text(section.title) for section in read(made.text).sections] == titles


@pytest.mark.parametrize(
    ("typed", "lang", "expected"),
    [
        ("Rundbrief vom 14. Januar 2026", "de", "Rundbrief vom 1. April 2026"),
        ("Mittwoch, 14. Jänner", "de-AT", "Mittwoch, 1. April"),
        ("Lettre du 14 janvier 2026", "fr", "Lettre du 1er avril 2026"),
        ("mercredi 14 janv 2026", "fr", "mercredi 1er avr 2026"),
        ("Stand 14.01.2026", "de", "Stand 01.04.2026"),
    ],
)
def test_a_title_in_german_or_french_gets_the_new_date(typed, lang, expected):
    assert redate(typed, date(2026, 1, 14), date(2026, 4, 1), lang) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ("Pulse", ": 5 maart 2026", "- 12 maart 2026: markt"),
        ("- 12 maart 2026: markt", "", "Pulse", ": 5 maart 2026", "", "- 19 maart 2026: beurs"),
        ("- **Maart**", "", "  Pulse", "  : 5 maart 2026", "", "  - 12 maart 2026: markt"),
    ],
)
def test_a_definition_list_in_the_agenda_stays_as_typed(lines):
    rows = agenda_of(next_of(agenda(*lines), date(2026, 1, 21)).text)
    assert [row.strip() for row in rows] == [line.strip() for line in lines if line]
