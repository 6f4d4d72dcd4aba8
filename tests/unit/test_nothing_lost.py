"""Each word and link that an author types is in the HTML and in the text of the mail."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail import parse, render
from tests.support import builders as build
from tests.support.reference_rendering import find_losses, words_of
from tests.support.rendered_mails import SAMPLE, SOURCES, WEEKLIES

WORDS = st.lists(
    st.sampled_from(
        [
            "overleg",
            "route",
            "3",
            "brief",
            "14",
            "plan",
            "zomer",
            "Noor",
            "2027",
            "open",
            "online",
            "toets",
            "week#2",
        ]
    ),
    min_size=1,
    max_size=5,
).map(" ".join)
LINKS = st.integers(1, 99).map(lambda number: f"[verslag {number}](https://example.org/{number})")
INLINES = st.one_of(
    WORDS,
    WORDS.map("**{}**".format),
    WORDS.map("*{}*".format),
    WORDS.map("~~{}~~".format),
    LINKS,
    WORDS.map("`{}`".format),
)
LINES = st.lists(INLINES, min_size=1, max_size=3).map(" ".join)
DATES = st.sampled_from(
    [
        "3 februari", "19 en 20 maart", "op 12 maart (online)", "23 t/m 25 november", "di 3 feb. om 14:00",
        "2026-05-04", "31 november", "4 juni, 10-12 uur", "14/2", "[5 mei](https://example.org/mei)", "~~6 mei~~ 7 mei",
        "dinsdag 3 februari van 9 tot 10 uur, in Utrecht", "datum volgt", "5 juli - 6 juli", "**8 mei**", "half drie",
    ]
)  # fmt: skip
SEPARATORS = st.sampled_from([": ", " - ", " – ", " ", ", ", " (", " | "])
EVENTS = st.one_of(
    st.tuples(LINES, SEPARATORS, DATES).map("".join),
    st.tuples(DATES, SEPARATORS, LINES).map("".join),
    st.tuples(LINES, SEPARATORS, DATES, SEPARATORS, LINES).map("".join),
    LINES,
)


@st.composite
def lists(draw, depth=0):
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        rows.append(f"* {draw(EVENTS)}")
        if depth < 2 and draw(st.integers(0, 3)) == 0:
            rows += [f"    {row}" for row in draw(lists(depth + 1)).split("\n")]
        elif draw(st.integers(0, 5)) == 0:
            rows += ["", f"  {draw(LINES)}", ""]
    return "\n".join(rows)


TABLES = st.lists(st.tuples(DATES, LINES), min_size=1, max_size=3).map(
    lambda rows: "\n".join(
        [
            "| Datum | Wat |",
            "|---|---|",
            *(f"| {when} | {what} |".replace(" | |", " | ") for when, what in rows),
        ]
    )
)
BLOCKS = st.one_of(
    lists(),
    EVENTS,
    LINES.map("### {}".format),
    DATES.map("### {}".format),
    WORDS.map("**{}**".format),
    DATES.map("**{}**".format),
    LINES.map("> {}".format),
    WORDS.map("    {}".format),
    TABLES,
    st.lists(EVENTS, min_size=2, max_size=3).map("  \n".join),
)
OTHER_FORMS = st.one_of(
    LINES.map("- [ ] {}".format),
    WORDS.map("Term {0}\n: uitleg {0}".format),
    WORDS.map(":::note {0}\n{0}\n:::".format),
    WORDS.map("> [!NOTE]\n> {}".format),
    WORDS.map("<p>{0} <b>{0}</b><br>{0}</p>".format),
    WORDS.map("<ul><li>{0}</li><li><a href='https://example.org/li'>{0}</a></li></ul>".format),
    WORDS.map("![{0}](a.png)![{0}](b.png)".format),
    WORDS.map("![](c.png) {}".format),
    WORDS.map('<iframe src="https://www.youtube.com/embed/abc123def" title="{}"></iframe>'.format),
    WORDS.map("<!-- weg --> {}".format),
    WORDS.map("{{% raw %}}{0}{{% endraw %}} www.example.org/{0}".format).map(
        lambda text: text.replace("#", "")
    ),
    st.tuples(DATES, WORDS).map(lambda pair: f"{pair[0]}[^{len(pair[1])}]\n\n[^{len(pair[1])}]: {pair[1]}"),
)
HEADINGS = st.sampled_from(
    ["## Agenda", "## Nieuws", "## 📅 Agenda januari", "## Evenementen", "### Agenda", "# Alles"]
)
BODIES = st.lists(st.one_of(HEADINGS, BLOCKS, BLOCKS, OTHER_FORMS), min_size=1, max_size=8).map(
    lambda blocks: "## Agenda\n\n" + "\n\n".join(blocks) + "\n"
)


def assert_nothing_is_lost(text, source):
    issue = parse.parse_issue(text, source)
    mail = render.render_issue(issue, build.theme(), build.COLOPHON, zone=build.AMSTERDAM, images={})
    mail = mail.fill_with_typical_values()
    body = parse.normalize_line_endings(text).split("\n---\n", 1)[1]
    # The table of an agenda shows these dates in short; tests/unit/test_agenda_rows.py is about them.
    restated = words_of(" ".join(event.when for event in issue.events if event.dates))
    assert find_losses(body, mail.html, mail.text, restated) == {}


@given(BODIES)
@pytest.mark.slow
def test_each_word_and_link_of_a_random_body_is_in_the_mail(body):
    assert_nothing_is_lost(f"---\ntitle: Weekbericht\ndate: {date(2026, 1, 14)}\n---\n\n{body}", "x.md")


@pytest.mark.parametrize("path", [SAMPLE, *SOURCES, *WEEKLIES], ids=lambda path: path.stem)
def test_each_word_and_link_of_a_sample_file_is_in_the_mail(path):
    text = path.read_text(encoding="utf-8")
    if "{{ " in text.replace("{{< ", ""):
        pytest.skip("a merge field has no value in the reference rendering")
    assert_nothing_is_lost(text, path.name)
