"""Edge cases of wording, dates and readability; docs/check.md has the plain examples."""

from datetime import date

import pytest

from moza_mail import check, parse
from moza_mail.check import readability, syllables
from moza_mail.check.passages import PlainText
from moza_mail.model.finding import CheckOptions, Severity
from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.message import Rendered
from tests.support.examples import scale
from tests.support.project_folder import SHARED_WEEKLIES

PAGE = Rendered(
    subject="T", preheader="", html="<!doctype html><html><body><p>x</p></body></html>", text="x", lang="nl"
)
NONE = CheckOptions()
OF_THE_MAIL = {"links", "accessibility", "clients", "size", "privacy"}
CONTENT = {rule.name for rule in check.list_rules() if rule.category.value not in OF_THE_MAIL}


def found(body, *, day="2026-01-14", title="MOZa Weekly", lang="nl", rules=NONE, others=()):
    """Return rule and line of the findings in a body that starts on line 7 of its file."""
    text = f"---\ntitle: {title}\ndate: {day}\nlang: {lang}\n---\n\n{body}"
    return [(each.rule, each.line) for each in findings(text, rules, others)]


def findings(text, rules=NONE, others=()):
    issue = parse.parse_issue(text, "x.md", site_url="https://www.example.org/")
    reported = check.check_issue(issue, PAGE, rules, text=text, other_issues=others)
    return [each for each in reported if each.rule in CONTENT]


def agenda(*lines):
    return "## Agenda\n\n" + "".join(f"- {line}\n" for line in lines)


class TestWording:
    @pytest.mark.parametrize(
        "sentence",
        [
            "Ik denk dat dat kan.",
            "Als je je aanmeldt, meld het het team.",
            "Wie die die nog nodig heeft, krijgt ze.",
            "We pakken het op op vrijdag en haken aan aan het eind.",
            "Wat gevraagd wordt wordt gemaakt.",
            "Dat is heel heel mooi, via via gehoord.",
            "Zij zijn zijn collega's. Dit is is geen fout in het Engels.",
            "Van 12 12 en 13 13.",
            "Het plan van-van is de-de facto klaar.",
            "Van de, de en de.",
            "Baden Baden en New New York.",
            "Of of niet. En: `de de` is code.",
        ],
    )
    def test_a_legitimate_repetition_is_ignored(self, sentence):
        assert found(f"## A\n\n{sentence}\n") == []

    @pytest.mark.parametrize(
        "sentence",
        [
            "Het vertalen van de de huisstijl.",
            "De de huisstijl.",
            "Het plan **van de** de huisstijl.",
            "Zo is het programma programma klaar.",
            "We komen met\nmet z'n allen.",
        ],
    )
    def test_a_wrong_repetition_is_found(self, sentence):
        assert found(f"## A\n\n{sentence}\n") == [("repeated-word", 9)]

    def test_a_repetition_is_reported_on_the_right_line_in_paragraphs_tables_and_nested_items(self):
        body = (
            "## A\n\nEen\ntwee\nde de drie.\n\n| a | b |\n| - | - |\n| c | de de |\n\n- een\n  - de de twee\n"
        )
        assert found(body) == [("repeated-word", 11), ("repeated-word", 15), ("repeated-word", 18)]

    def test_a_repetition_is_found_in_the_front_matter(self):
        assert found("## A\n\nB.\n", title="Nieuws van de de week") == [("repeated-word", 2)]

    def test_invisible_characters_in_emoji_and_between_words_are_ignored(self):
        assert found("## A\n\nEen 👩‍💻 en \u00ad los, 5\u00ac6.\n") == []

    @pytest.mark.parametrize(
        "run", ["a", "a ", "\u00ada", "a\u00ac", ". ", "A. ", "<a ", "de ", "1 ", "x ... ", "\u00a0", "** "]
    )
    def test_long_runs_take_linear_time(self, run):
        found(f"## A\n\nB {run * scale(10_000, quick=2_000)}\n")

    @pytest.mark.parametrize(
        "text", ["a < b > c", "<naam> en <jouw gemeente>", "R&D en AT&T", "1 * 2 * 3", "5 > 3"]
    )
    def test_text_that_only_looks_like_markup_is_ignored(self, text):
        assert found(f"## A\n\n{text}\n") == []

    @pytest.mark.parametrize("text", ["Een<br/>twee", "<b>vet</b>", "<p>y</p>", "<!-- weg --> blijft"])
    def test_html_with_a_meaning_is_accepted(self, text):
        assert found(f"## A\n\n{text}\n") == []

    def test_a_character_that_was_escaped_twice_is_found(self):
        assert {rule for rule, _ in found("## A\n\nR&amp;amp;D\n")} == {"raw-html"}


class TestUnfinishedParts:
    @pytest.mark.parametrize(
        "item",
        [
            "Wordt vervolgd...",
            'Hij zei: "wacht ..." en liep weg.',
            "De XX-as",
            "Zie https://example.org/xxx/",
            "ToDo-lijstjes helpen.",
        ],
    )
    def test_text_that_only_looks_unfinished_is_ignored(self, item):
        assert found(f"## A\n\n- {item}\n") == []

    @pytest.mark.parametrize(
        "item", ["...", "…", "**Website**: ...", "We hebben ...", "Lorem ipsum dolor.", "Op [datum] is het."]
    )
    def test_unfinished_text_is_found(self, item):
        assert found(f"## A\n\n- {item}\n") == [("unfinished-text", 9)]

    def test_an_empty_heading_inside_a_section_and_an_empty_agenda_are_found(self):
        body = "## A\n\n### B\n\n### C\n\nTekst.\n\n## Agenda\n"
        assert found(body) == [("empty-section", 9), ("empty-section", 15)]

    def test_a_heading_above_a_deeper_one_is_not_empty(self):
        assert found("## A\n\n### B\n\n#### C\n\nTekst.\n") == []

    def test_an_item_with_only_an_image_or_a_list_below_it_is_not_empty(self):
        assert found("## A\n\n- ![Een schema](https://www.example.org/a.png)\n- **B**:\n  - C\n") == []


class TestAgenda:
    def test_only_the_misplaced_event_is_reported(self):
        body = agenda("A: 26 februari", "B: 5 februari", "C: 6 februari", "D: 11 februari", "E: 10 maart")
        assert found(body) == [("agenda-order", 9)]
        text = f"---\ntitle: T\ndate: 2026-01-14\n---\n\n{body}"
        assert [each.fix for each in findings(text)] == ["Move it above 'E'."]

    def test_the_fix_for_an_event_that_belongs_at_the_end_says_so(self):
        body = agenda("A: 26 maart", "B: 5 februari", "C: 6 februari")
        text = f"---\ntitle: T\ndate: 2026-01-14\n---\n\n{body}"
        assert [each.fix for each in findings(text)] == ["Move it below 'C'."]

    def test_dates_across_new_year_are_in_order(self):
        assert found(agenda("A: 18 december", "B: 7 januari"), day="2026-12-10") == []

    @pytest.mark.parametrize(
        "line",
        [
            "A: eind maart",
            "A: week 12",
            "A: Q1 2027",
            "A: volgt",
            "A #5: zomer 2026",
            "A: 1e kwartaal 2027",
        ],
    )
    def test_intentionally_vague_dates_are_accepted(self, line):
        assert found(agenda(line)) == []

    @pytest.mark.parametrize(
        "line", ["A: 31 februari", "A: 12 febr26", "A - 5 ferbuari", "**A** 12 febrari", "A: 32-01-2026"]
    )
    def test_dates_that_are_not_understood_are_found(self, line):
        assert found(agenda(line)) == [("event-date", 9)]

    def test_weekdays_are_compared_with_the_year_of_the_event(self):
        assert found(agenda("A: vrijdag 20 november"), day="2025-10-13") == [("wrong-weekday", 9)]
        assert found(agenda("A: vrijdag 20 november"), day="2026-10-13") == []

    @pytest.mark.parametrize(
        ("sentence", "is_found"),
        [
            ("Dat is donderdag 15 januari.", False),
            ("Dat is vrijdag 15 januari.", True),
            ("Dat is wo. 15 januari.", True),
            ("On Friday, January 15 we meet.", True),
            ("On Thursday 15 January we met.", False),
            ("Vorig jaar, op vrijdag 30 mei, spraken we af.", False),
            ("Van maandag 19 t/m vrijdag 23 januari.", False),
            ("Van maandag 19 t/m donderdag 23 januari.", True),
            ("Op donderdag 15 januari 2025 was het.", True),
        ],
    )
    def test_weekdays_in_sentences_are_compared_with_their_dates(self, sentence, is_found):
        assert found(f"## A\n\n{sentence}\n") == ([("wrong-weekday", 9)] if is_found else [])

    def test_an_event_that_ends_on_the_day_of_the_issue_is_not_past(self):
        assert found(agenda("A: 12 t/m 14 januari", "B: 14 januari")) == []
        assert found(agenda("A: 12 en 13 januari")) == [("past-event", 9)]


class TestDuplicates:
    OTHERS = (IssueHeader(slug="y", title="moza weekly", date=date(2026, 1, 7), source="issues/y.md"),)

    def test_titles_are_compared_without_regard_to_case(self):
        assert found("## A\n\nB.\n", others=self.OTHERS) == [("duplicate-title", 2)]

    def test_a_duplicate_date_is_reported_on_the_line_of_the_date(self):
        assert found("## A\n\nB.\n", title="Iets anders", day="2026-01-07", others=self.OTHERS) == [
            ("duplicate-date", 3)
        ]


class TestHouseStyle:
    def test_words_are_found_across_line_ends_and_not_inside_other_words(self):
        rules = CheckOptions(preferred_words={"profiel service": "profielservice"})
        assert found("## A\n\nDe Profiel\nService en de profiel services.\n", rules=rules) == [
            ("preferred-word", 9)
        ]

    def test_a_past_event_is_not_a_next_date(self):
        rules = CheckOptions(required_events=("Pulse",))
        reported = found(agenda("MOZa Pulse: 7 januari", "Impulse: 3 februari"), rules=rules)
        assert ("missing-event", 9) in reported
        assert found(agenda("MOZa Pulse: 7 januari", "MOZa Pulse: 3 februari"), rules=rules) == [
            ("past-event", 9)
        ]


DUTCH = """de 1;overheid 3;ondernemers 4;organisatie 5;ideeën 3;geïnteresseerd 5;coördinatie 5;reünie 3;beïnvloeden 4;officiële 5;
financieel 4;sociaal 3;theater 3;bureau 2;niveau 2;moeilijk 2;nieuwe 2;eeuwig 2;mooie 2;bloeien 2;draaien 2;leeuwen 2;kopiëren 4;
bijeenkomst 3;vrijheid 2;zakelijk 3;profielservice 4;website 2;team 1;teamdag 2;museum 3;systeem 2;type 2;kwaliteit 3;aquarium 4;
gebruikersonderzoek 6;notificatieservice 7;interactieservices 7;begrijpelijk 4;gemeente 3;informatie 4;vergunning 3;
belastingdienst 4;ministerie 4;samenwerking 4;architectuur 4;BZK 3;UWV 3;MOZa 2;e-mailadres 4;ruïne 3;poëzie 3;geëvalueerd 5;zeeën 2;
januari 4;koffie 2;huis 1;ouders 2;trein 1;fauteuil 2;tweeëntwintig 4;variëren 4;actueel 3;individueel 5;yoghurt 2;proeftuin 2"""
ENGLISH = """the 1;people 2;business 2;government 3;information 4;service 2;services 3;website 2;create 2;created 3;creating 3;area 3;idea 3;
being 2;reading 2;table 2;little 2;make 1;makes 1;changes 2;changed 1;wanted 2;asked 1;boxes 2;watches 2;houses 2;science 2;quiet 2;
real 1;reality 4;react 2;action 2;national 3;special 2;social 2;various 3;video 3;period 3;people's 2;every 2;beautiful 3;
simplify 3;policy 3;agency 3;January 4;available 4;responsible 4;application 4;community 4;employee 3;entrepreneur 4;accessible 4;
language 2;value 2;evaluate 4;individual 5;usually 4;seeing 2;rhythm 2;mechanism 4;hour 1;university 5;association 5;experience 4;
audience 3;client 2;queue 1;question 2;yes 1;beyond 2;player 2;used 1;files 1;rules 1;lives 1;tables 2;added 2"""


class TestReadingLevel:
    @pytest.mark.parametrize(("lang", "known"), [("nl", DUTCH), ("en", ENGLISH)])
    def test_syllables_are_counted_by_pronunciation(self, lang, known):
        counts = {word: int(count) for word, count in (row.split() for row in known.split(";"))}
        assert {word: syllables.count_syllables(word, lang) for word in counts} == counts

    def test_the_score_follows_the_formula(self):
        (one,) = readability.split_sentences(PlainText(text="De kat zit op de mat.", line=1), "nl")
        assert (one.words, one.syllables) == (6, 6)
        assert readability.flesch_score([one], "nl") == pytest.approx(206.84 - 77.0 - 0.93 * 6)
        (two,) = readability.split_sentences(PlainText(text="The cat sat on the mat.", line=1), "en")
        assert readability.flesch_score([two], "en") == pytest.approx(206.835 - 84.6 - 1.015 * 6)

    @pytest.mark.parametrize(
        ("text", "count"),
        [
            ("Eén. Twee! Drie? Vier… Vijf.", 5),
            ("Dat is o.a. voor Logius en dr. Jansen, t.b.v. VNG.", 1),
            ("Versie 2.0 is er. 2026 wordt mooi.", 2),
            ('Hij vroeg: "Kan dat?" Dat kon.', 2),
            ("Kijk op example.org voor meer", 1),
            ("12 14 16", 0),
        ],
    )
    def test_text_is_split_into_sentences(self, text, count):
        assert len(list(readability.split_sentences(PlainText(text=text, line=1), "nl"))) == count

    def test_a_hard_sentence_is_reported_on_its_line(self):
        easy = "We zijn er. " * 40
        hard = (
            "Bovenbedoelde uitvoeringsorganisaties verantwoorden overeenkomstig "
            + "de verantwoordelijkheidsverdeling " * 12
        )
        assert found(f"## A\n\n{easy}\n{hard}.\n") == [("hard-sentence", 10)]

    def test_languages_without_a_formula_get_no_score(self):
        hard = "Bovenbedoelde uitvoeringsorganisaties verantwoorden de verantwoordelijkheidsverdeling. " * 30
        assert found(f"## A\n\n{hard}\n", lang="de") == []
        assert ("reading-level", 0) in found(f"## A\n\n{hard}\n", lang="nl-BE")


@pytest.mark.parametrize("path", SHARED_WEEKLIES, ids=lambda path: path.name)
def test_real_issues_have_no_errors(path):
    reported = findings(path.read_text(encoding="utf-8"))
    assert [each for each in reported if each.severity is Severity.ERROR] == []
