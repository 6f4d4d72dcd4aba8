"""An issue is compared with earlier issues by its news. Its agenda and headings are ignored, because weeklies repeat them."""

from datetime import UTC, datetime, timedelta

import pytest

from moza_mail.model.duplicate import Likeness, collect_news, compare_issues
from moza_mail.model.mailing import SentIssue
from moza_mail.parse import parse_issue
from tests.support.builders import ROOT

NOW = datetime(2026, 1, 14, 9, tzinfo=UTC)
EVENTS = "".join(
    f"- donderdag {day} januari, 10.00 uur: overleg over onderwerp {day}, in zaal {day} van het stadhuis\n"
    for day in range(15, 29)
)
AGENDA = f"## Agenda\n\nSchuif gerust aan.\n\n{EVENTS}"
NEWS = {
    "loket": "Het nieuwe loket in de bibliotheek is open. Twaalf mensen kwamen er langs met vragen over hun belasting, "
    "hun rijbewijs en een brief van de gemeente die zij niet begrepen.",
    "website": "Op de vernieuwde website vind je sneller waar wij aan werken. Zie je een foutje of mist er iets, dan horen "
    "we dat graag voordat de zomer begint.",
}


def sent(body, *, title="Weekly", day=14):
    """Return an issue as the ledger has it after it was mailed."""
    date = (NOW + timedelta(days=day)).date().isoformat()
    issue = parse_issue(f"---\ntitle: {title}\ndate: {date}\n---\n{body}", "a.md", lang="nl")
    return SentIssue(
        issue_slug=date,
        issue_title=title,
        text=body,
        created_at=NOW,
        issue_date=date,
        news=collect_news(issue),
    )


def weekly(news, agenda=AGENDA):
    return f"## Algemeen\n\n{news}\n\n### Onze vaste vragen van elke week\n\n{agenda}"


def test_an_issue_with_the_same_agenda_and_other_news_is_not_similar():
    one, other = sent(weekly(NEWS["loket"])), sent(weekly(NEWS["website"]), day=21)
    words = [len(issue.text.split()) for issue in (one, other)]
    assert max(words) > 5 * len(NEWS["loket"].split())
    assert compare_issues(one, other) is None


def test_an_issue_with_one_changed_word_is_similar():
    changed = NEWS["loket"].replace("bibliotheek", "sporthal")
    assert compare_issues(sent(weekly(NEWS["loket"])), sent(weekly(changed), day=21)) is Likeness.WORDS


def test_the_same_news_with_another_agenda_and_other_headings_is_similar():
    other = weekly(NEWS["loket"], "## Agenda\n\n- 3 maart 2026: markt\n").replace(
        "Algemeen", "Van de redactie"
    )
    assert compare_issues(sent(weekly(NEWS["loket"])), sent(other, day=21)) is Likeness.WORDS


def test_an_agenda_with_the_same_introduction_and_other_events_is_not_similar():
    one = sent(f"Dit staat er op de agenda.\n\n{AGENDA}")
    other = sent(f"Dit staat er op de agenda.\n\n{AGENDA.replace('zaal 20', 'de tuin')}", day=21)
    assert compare_issues(one, other) is None
    assert compare_issues(one, sent(f"Dit staat er op de agenda.\n\n{AGENDA}", day=21)) is Likeness.TEXT


@pytest.mark.parametrize("word", ["oliebollen", "ondernemers", "bibliotheek"])
def test_the_sample_issue_with_a_changed_word_is_similar(word):
    text = (ROOT / "issues" / "2026-01-14.md").read_text().split("\n---\n", 1)[1]
    one, other = sent(text), sent(text.replace(word, "appelflappen"), day=21)
    assert compare_issues(one, other) is Likeness.WORDS


def test_text_in_lists_tables_quotes_and_code_is_compared_and_headings_are_not():
    body = (
        "## Kop\n\n### Tussenkop\n\n- **Label:** een\n  - twee\n\n> drie\n\n| a | b |\n| - | - |\n| vier | *vijf* |\n\n"
        "```\nzes\n```\n\n[zeven](https://example.org/acht)\n\n## Agenda\n\n- 20 januari: negen\n"
    )
    news = sent(body).news.split()
    assert {"een", "twee", "drie", "vier", "vijf", "zes", "zeven"} <= set(news)
    assert not {"Kop", "Tussenkop", "negen", "https://example.org/acht"} & set(news)
