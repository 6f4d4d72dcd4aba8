"""What the web said of the links, as findings; and which links it is asked about."""

from datetime import UTC, datetime

import pytest

from moza_mail import check, parse
from moza_mail.model.finding import CheckOptions, Finding, Severity
from moza_mail.model.link import LinkAnswer, LinkState
from moza_mail.model.message import make_placeholder
from tests.support.builders import ROOT

NOW = datetime(2026, 1, 14, 9, tzinfo=UTC)
HEAD = "---\ntitle: MOZa Weekly\ndate: 2026-01-14\n---\n\n"
URLS = [f"https://example.org/{number}" for number in range(3)]
THREE = HEAD + "\n".join(f"- [Pagina {url[-1]}]({url}#deel)" for url in URLS)
# The line of the first of the three.
FIRST = HEAD.count("\n") + 1


def issue(text: str):
    return parse.parse_issue(text, "issue.md", site_url="https://www.example.org/")


def answer(url: str, state: LinkState, reason: str = "answers so", **more) -> LinkAnswer:
    return LinkAnswer(url=url, state=state, reason=reason, checked_at=NOW, **more)


def found(*answers: LinkAnswer, text: str = THREE, **rules) -> list[Finding]:
    return list(check.check_link_answers(issue(text), CheckOptions(**rules), answers))


def test_each_page_is_asked_about_once_without_its_fragment():
    text = f"{HEAD}[een](https://example.org/a#1) [twee](https://example.org/a#2) [drie](contact)\n\n## Agenda\n\n- [Dag](http://example.org/b) - 20 januari\n"
    assert check.find_urls_to_check(issue(text)) == (
        "https://example.org/a",
        "https://www.example.org/contact/",
        "http://example.org/b",
    )


@pytest.mark.parametrize(
    "url",
    [
        "mailto:a@example.org",
        "tel:112",
        "#deel",
        "https:///a",
        make_placeholder("unsubscribe_url"),
        "https://nieuwsbrief.example.org/u/abc",
    ],
)
def test_what_is_no_page_or_is_made_for_one_reader_is_never_asked(url):
    text = f"{HEAD}[een pagina](<{url}>)"
    assert check.find_urls_to_check(issue(text), skip_prefixes=("https://nieuwsbrief.example.org",)) == ()


def test_no_public_address_of_our_own_keeps_nothing_back():
    assert check.find_urls_to_check(issue(THREE), skip_prefixes=("",)) == tuple(URLS)


@pytest.mark.parametrize(
    ("state", "rule", "severity"),
    [
        (LinkState.BROKEN, "dead-link", Severity.ERROR),
        (LinkState.NEEDS_LOGIN, "login-link", Severity.WARNING),
        (LinkState.UNREACHABLE, "unreachable-link", Severity.WARNING),
        (LinkState.REFUSED, "private-address", Severity.WARNING),
    ],
)
def test_each_state_has_its_rule_at_the_line_of_the_link(state, rule, severity):
    (told,) = found(answer(URLS[1], state), answer(URLS[0], LinkState.OK))
    assert (told.rule, told.severity, told.line) == (rule, severity, FIRST + 1)
    assert told.message == "https://example.org/1#deel answers so"
    assert told.source == "issue.md"
    assert found(answer(URLS[1], state), disabled=frozenset({rule})) == []


def test_a_page_that_stands_twice_is_told_at_both_lines():
    text = f"{HEAD}[een]({URLS[0]})\n\n[twee]({URLS[0]}#b)"
    told = found(answer(URLS[0], LinkState.BROKEN), text=text)
    assert [finding.line for finding in told] == [FIRST, FIRST + 2]


def test_a_page_that_has_moved_is_good_to_know_with_its_new_place():
    (told,) = found(answer(URLS[0], LinkState.OK, moved_to="https://example.org/nieuw"))
    assert (told.rule, told.severity) == ("moved-link", Severity.INFO)
    assert told.fix == "Write https://example.org/nieuw#deel."


def test_being_offline_is_told_once():
    (told,) = found(*(answer(url, LinkState.NO_NETWORK) for url in URLS))
    assert (told.rule, told.severity, told.line) == ("no-network", Severity.WARNING, 0)
    assert "3 links" in told.message
    everything = [answer(url, LinkState.NO_NETWORK) for url in URLS]
    assert found(*everything, disabled=frozenset({"no-network"})) == []


def test_what_was_remembered_is_told_though_we_are_offline():
    told = found(
        answer(URLS[0], LinkState.BROKEN, is_cached=True),
        *(answer(url, LinkState.NO_NETWORK) for url in URLS[1:]),
    )
    assert sorted(finding.rule for finding in told) == ["dead-link", "no-network"]


def test_one_that_cannot_be_looked_up_beside_one_that_answers_is_told_by_itself():
    (told,) = found(answer(URLS[0], LinkState.NO_NETWORK), answer(URLS[1], LinkState.OK))
    assert (told.rule, told.line) == ("unreachable-link", FIRST)


def test_what_is_told_without_the_web_is_not_told_again():
    text = f"{HEAD}[een](https://10.0.0.1/) [twee](https://werkruimte.example.org/a)"
    answers = (
        answer("https://10.0.0.1/", LinkState.REFUSED),
        answer("https://werkruimte.example.org/a", LinkState.NEEDS_LOGIN),
    )
    assert [finding.rule for finding in found(*answers, text=text)] == ["login-link"]
    assert found(*answers, text=text, restricted_hosts=("werkruimte.example.org",)) == []


@pytest.mark.parametrize("rule", check.list_link_rules(), ids=lambda rule: rule.name)
def test_each_rule_stands_in_the_table_with_its_severity(rule):
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.split("\n") if line.startswith("|") and f"`{rule.name}`" in line]
    assert row.rstrip(" |").endswith(f"| {rule.severity}")
    assert rule.name not in {other.name for other in check.list_rules()}
