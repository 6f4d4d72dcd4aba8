"""The links that are checked, and the findings for their results."""

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
# The line of the first of the three links.
FIRST = HEAD.count("\n") + 1


def issue(text: str):
    return parse.parse_issue(text, "issue.md", site_url="https://www.example.org/")


def answer(url: str, state: LinkState, reason: str = "answers so", **more) -> LinkAnswer:
    return LinkAnswer(url=url, state=state, reason=reason, checked_at=NOW, **more)


def found(*answers: LinkAnswer, text: str = THREE, **rules) -> list[Finding]:
    return list(check.check_link_answers(issue(text), CheckOptions(**rules), answers))


def test_each_page_is_checked_once_without_its_fragment():
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
def test_links_without_a_page_and_personal_links_are_never_checked(url):
    text = f"{HEAD}[een pagina](<{url}>)"
    assert check.find_urls_to_check(issue(text), skip_prefixes=("https://nieuwsbrief.example.org",)) == ()


def test_an_empty_public_url_skips_no_links():
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
def test_each_link_state_has_its_own_rule(state, rule, severity):
    (reported,) = found(answer(URLS[1], state), answer(URLS[0], LinkState.OK))
    assert (reported.rule, reported.severity, reported.line) == (rule, severity, FIRST + 1)
    assert reported.message == "the link https://example.org/1#deel answers so"
    assert reported.source == "issue.md"
    assert found(answer(URLS[1], state), disabled=frozenset({rule})) == []


def test_a_page_linked_twice_is_reported_on_both_lines():
    text = f"{HEAD}[een]({URLS[0]})\n\n[twee]({URLS[0]}#b)"
    reported = found(answer(URLS[0], LinkState.BROKEN), text=text)
    assert [finding.line for finding in reported] == [FIRST, FIRST + 2]


def test_a_moved_page_is_an_info_with_its_new_address():
    (reported,) = found(answer(URLS[0], LinkState.OK, moved_to="https://example.org/nieuw"))
    assert (reported.rule, reported.severity) == ("moved-link", Severity.INFO)
    assert reported.fix == "Write https://example.org/nieuw#deel."


def test_a_missing_network_is_reported_once():
    (reported,) = found(*(answer(url, LinkState.NO_NETWORK) for url in URLS))
    assert (reported.rule, reported.severity, reported.line) == ("no-network", Severity.WARNING, 0)
    assert "3 links" in reported.message
    everything = [answer(url, LinkState.NO_NETWORK) for url in URLS]
    assert found(*everything, disabled=frozenset({"no-network"})) == []


def test_cached_results_are_reported_without_a_network():
    reported = found(
        answer(URLS[0], LinkState.BROKEN, is_cached=True),
        *(answer(url, LinkState.NO_NETWORK) for url in URLS[1:]),
    )
    assert sorted(finding.rule for finding in reported) == ["dead-link", "no-network"]


def test_a_failed_look_up_is_reported_for_its_link_if_another_link_answers():
    (reported,) = found(answer(URLS[0], LinkState.NO_NETWORK), answer(URLS[1], LinkState.OK))
    assert (reported.rule, reported.line) == ("unreachable-link", FIRST)


def test_findings_of_other_rules_are_not_repeated():
    text = f"{HEAD}[een](https://10.0.0.1/) [twee](https://werkruimte.example.org/a)"
    answers = (
        answer("https://10.0.0.1/", LinkState.REFUSED),
        answer("https://werkruimte.example.org/a", LinkState.NEEDS_LOGIN),
    )
    assert [finding.rule for finding in found(*answers, text=text)] == ["login-link"]
    assert found(*answers, text=text, restricted_hosts=("werkruimte.example.org",)) == []


@pytest.mark.parametrize("rule", check.list_link_rules(), ids=lambda rule: rule.name)
def test_each_link_rule_is_in_the_table_with_its_severity(rule):
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.split("\n") if line.startswith("|") and f"`{rule.name}`" in line]
    assert row.rstrip(" |").endswith(f"| {rule.severity}")
    assert rule.name not in {other.name for other in check.list_rules()}
