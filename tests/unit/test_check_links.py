"""Edge cases of the link rules: what they must find, and what they must ignore."""

import pytest

from moza_mail import check, parse, render
from moza_mail.check import hostnames, link_markup, link_targets, link_texts
from moza_mail.check.rule import CheckContext
from moza_mail.model.finding import CheckOptions, Finding
from moza_mail.model.message import Rendered
from tests.support.builders import AMSTERDAM, COLOPHON, theme
from tests.support.project_folder import SHARED_WEEKLIES

NO_MAIL = Rendered(subject="", preheader="", html="", text="", lang="nl")
HEAD = "---\ntitle: MOZa Weekly\ndate: 2026-01-14\n---\n\n"
FIRST_LINE = HEAD.count("\n") + 1
OURS = {rule.name for rule in check.list_rules() if rule.category is check.RuleCategory.LINKS}


def found(body: str, *, site: str = "https://www.example.org/", lang: str = "nl") -> list[Finding]:
    """Return the findings of the link rules in a body."""
    text = HEAD.replace("---\n\n", f"lang: {lang}\n---\n\n") + body
    issue = parse.parse_issue(text, "issue.md", site_url=site)
    # The link rules do not use the rendered mail.
    case = CheckContext(issue=issue, rendered=NO_MAIL, options=CheckOptions(), text=text)
    modules = (link_markup, link_targets, link_texts)
    return list(check.sort_findings({each for module in modules for each in module.check(case)}))


def names(body: str, **given: str) -> list[str]:
    return sorted(finding.rule for finding in found(body, **given))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("![Het team](foto van team.png)", "foto van team.png"),
        ("Zie ![Het team](beeld/team (1).jpg) hier.", "beeld/team (1).jpg"),
        ("Lees [het plan](plan van aanpak.pdf).", "plan van aanpak.pdf"),
    ],
)
def test_a_file_name_with_spaces_is_repaired_with_angle_brackets(body, name):
    (finding,) = found(body)
    assert (finding.rule, finding.fix) == (
        "link-markup",
        f"Put a file name with spaces between < and >: (<{name}>).",
    )
    repaired = body.replace(f"({name})", f"(<{name}>)")
    assert "link-markup" not in names(repaired)


def link(url: str) -> str:
    return f"Lees [de samenvatting]({url}) eens."


@pytest.mark.parametrize(
    ("url", "rules"),
    [
        ("https://example.org/a%22%20%5Ct%20%22_blank", ["word-code-in-link"]),
        ("https://example.org/a%20%5Co%20%22Plan%22", ["word-code-in-link"]),
        ("https://example.org/a%22", ["word-code-in-link"]),
        ("https://example.org/zoek?q=%22twee%20woorden%22", []),
        ("HTTP://example.org/a", ["insecure-link"]),
        ("https:example.org", ["invalid-link"]),
        ("https:///a", ["invalid-link"]),
        ("https://example.org:99999/", ["invalid-link"]),
        ("https://exa%20mple.org/", ["invalid-link"]),
        ("https://example..org/", ["invalid-link"]),
        ("https://[::1/", ["invalid-link"]),
        ("https://example.org/a%0D%0Ab", ["invalid-link"]),
        ("https://http://example.org/", ["invalid-link"]),
        ("https://example.org./a", []),
        ("https://example.org/een%20naam%20(fase%202).pdf?d=1#deel", []),
        ("https://example.org/a%C2%A0b", ["stray-character-in-link"]),
        ("https://example.org/a;", ["stray-character-in-link"]),
        ("https://example.org/a%E2%80%9D", ["stray-character-in-link"]),
        ("https://user@example.org/", ["link-credentials"]),
        ("https://example.org/@user/a?mail=a@example.org", []),
        ("https://127.0.0.1:8000/", ["localhost-link"]),
        ("https://[::1]/", ["localhost-link"]),
        ("https://app.localhost/", ["localhost-link"]),
        ("https://192.168.1.4/", ["intranet-link"]),
        ("https://169.254.169.254/", ["intranet-link"]),
        ("https://[fd00::1]/", ["intranet-link"]),
        ("https://samba.local/", ["intranet-link"]),
        ("https://intranet/", ["intranet-link"]),
        ("https://nieuws.intern/", ["intranet-link"]),
        ("https://9.9.9.9/", []),
        ("https://intern.example.org/", []),
        ("https://раураl.example/", ["lookalike-host"]),
        ("https://аррӏе.example/", ["lookalike-host"]),
        ("https://xn--80ak6aa92e.example/", ["lookalike-host"]),
        ("https://xn--99999999999.example/", ["lookalike-host"]),
        ("https://rıjk.example/", ["international-host"]),
        ("https://правда.example/", ["international-host"]),
        ("https://日本.example/", ["international-host"]),
        ("https://urldefense.com/v3/__https://example.org/__;!!abc$", ["rewritten-link"]),
        ("https://www.google.com/url?q=https://example.org/a", ["rewritten-link"]),
        ("https://www.google.com/search?q=a", []),
        (f"https://example.org/{'a' * 480}", []),
        (f"https://example.org/{'a' * 481}", ["long-link"]),
        ("mailto:a@example.org,b@example.org?subject=Weekly", []),
        ("mailto:?to=a@example.org", []),
        ("mailto:", ["invalid-mail-link"]),
        ("mailto:a@example.org;b@example.org", ["invalid-mail-link"]),
        ("mailto:Jan%20Jansen", ["invalid-mail-link"]),
        ("tel:+31-70-1234567", []),
        ("tel:112", []),
        ("tel:070-12345;ext=3", []),
        ("tel:", ["invalid-phone-link"]),
        ("tel:070%20123", ["invalid-phone-link"]),
        ("#agenda", ["relative-link"]),
        ("?pagina=2", ["relative-link"]),
        ("contact", []),
        ("/stukken/www.example.org/", []),
        ("www.example.com/a", ["missing-scheme"]),
        ("weekly@example.org", ["missing-scheme"]),
        ("//example.com/a", []),
    ],
)
def test_the_target_of_a_link_is_checked(url, rules):
    assert names(link(url)) == rules


@pytest.mark.parametrize("url", ["contact", "/stukken/plan.pdf", "index", "www.example.com"])
def test_a_relative_link_is_an_error_without_a_site(url):
    assert names(link(url), site="") in (["relative-link"], ["missing-scheme"])


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        ("Zie [hier](https://example.org/).", ["vague-link-text"]),
        ("Zie [**Hier!**](https://example.org/).", ["vague-link-text"]),
        ("Zie [dit *stuk* →](https://example.org/).", ["vague-link-text"]),
        ("Zie [click here](https://example.org/).", ["vague-link-text"]),
        ("Zie [hier wat er speelt](https://example.org/).", []),
        ("Zie [Hierden](https://example.org/) en [Linköping](https://example.org/l).", []),
        ("Zie <https://example.org/>.", ["url-as-text"]),
        ("Zie [www.example.org](https://www.example.org/).", ["url-as-text"]),
        ("Zie [example.org/a](https://example.org/a).", ["url-as-text"]),
        ("Zie [Example.org](https://www.example.org/).", []),
        ("Zie [Node.js/React](https://example.org/).", []),
        ("Zie [Node.js](https://example.org/) en [en/of](https://example.org/b).", []),
        ("Schrijf <a@example.org>.", []),
        ("Zie [example.org](https://example.com/).", ["misleading-link-text"]),
        ("Zie [docs.example.org](https://www.example.org/docs).", []),
        ("Schrijf [a@example.org](mailto:b@example.org).", ["misleading-link-text"]),
        ("Schrijf [A@example.org](mailto:a@example.org?subject=x).", []),
        ("Zie https://example.org/a.", ["url-as-text"]),
        ("Zie `https://example.org/a` en\n\n    https://example.org/b\n", []),
        ("Zie [**het** plan](https://example.org/a", ["link-markup", "url-as-text"]),
        ("Zie [het plan] (https://example.org/a).", ["link-markup", "url-as-text"]),
        ("Zie [het plan] (<https://example.org/a>).", ["link-markup", "url-as-text"]),
        ("Zie (het plan)[https://example.org/a].", ["link-markup"]),
        ("Zie [het plan][plan].", ["link-markup"]),
        ("Zie [het plan][plan].\n\n[plan]: https://example.org/a\n", []),
        ("Zie [1][2] en [noot 1] (onderaan) en [...].", []),
        ('Zie <a href="https://example.org">het plan</a>.', []),
        ("Zie [het plan(https://example.org/a).", ["unbalanced-brackets", "url-as-text"]),
        ("Zie het plan].", ["unbalanced-brackets"]),
        ("## Agenda\n\n- Overleg [online, 3 februari]\n- Markt (3 februari) :)\n", []),
        ("## Agenda\n\n- [Overleg (https://example.org/a) - 3 februari\n", ["url-as-text"]),
        ("(Zie [het plan](https://example.org/a))", []),
        ("Zie [het plan](https://example.org/a)).", ["unbalanced-brackets"]),
        ("a) zie [het plan](https://example.org/a_(b)) :-)", []),
        ("Zie [het plan](<https://example.org/a_(b>).", ["unbalanced-brackets"]),
    ],
)
def test_the_markdown_of_a_link_is_checked(body, rules):
    assert names(body) == rules


def test_vague_texts_depend_on_the_language_of_the_issue():
    assert names("See [hier](https://example.org/).", lang="en") == []
    assert names("See [here](https://example.org/).", lang="en-GB") == ["vague-link-text"]
    assert link_texts.is_vague("Lees meer…", "nl-NL")
    assert not link_texts.is_vague("", "nl")


def test_links_are_found_in_every_part_of_an_issue():
    body = (
        "## Nieuws\n\n### [Kop](http://example.org/1)\n\n- **[Label](http://example.org/2):** tekst\n"
        "  - dieper [punt](http://example.org/3)\n\n> [citaat](http://example.org/4)\n\n"
        "| a | b |\n| - | - |\n| [cel](http://example.org/5) | x |\n| y | [laatste](http://example.org/6) |\n\n"
        "regel een\nregel twee [zin](http://example.org/7)\n\n"
        "## Agenda\n\n[vooraf](http://example.org/8)\n\n- [Overleg](http://example.org/9) - 20 januari\n"
        "- Markt - [21 januari](http://example.org/10)\n"
    )
    reported = [finding for finding in found(body) if finding.rule == "insecure-link"]
    rows = (HEAD.replace("---\n\n", "lang: nl\n---\n\n") + body).split("\n")
    assert len(reported) == 10
    for number, finding in enumerate(reported, 1):
        assert f"http://example.org/{number} " in finding.message
        assert f"http://example.org/{number})" in rows[finding.line - 1]


def test_one_text_for_two_pages_is_reported_once_with_both_lines():
    body = "".join(f"[Verslag](https://example.org/{number})\n\n" for number in range(3))
    (reported,) = found(body)
    assert reported.rule == "same-link-text"
    assert reported.line == FIRST_LINE + 1 + 2
    assert f"line {FIRST_LINE + 1}" in reported.message


@pytest.mark.parametrize(
    "other", ["http://example.org/a", "https://www.example.org/a/", "https://EXAMPLE.org/a"]
)
def test_equivalent_addresses_are_the_same_page(other):
    assert "same-link-text" not in names(f"[Plan](https://example.org/a) en [plan]({other})")


def test_a_broken_link_is_quoted_with_its_line():
    before = "Er is nieuws. " * 20
    reported, _ = found(f"{before}\nLees **nu** [het plan] (https://example.org/a) eens.\n{before}")
    assert reported.line == FIRST_LINE + 2
    assert reported.message.endswith("'Lees nu [het plan] (...) eens.'")


def test_passwords_are_never_shown():
    for url in (
        "https://jan:geheim@example.org/%22%20%5Ct%20%22_blank",
        "http://jan:geheim@example.org/a%20",
    ):
        reported = found(link(url))
        assert reported
        assert all("geheim" not in finding.message + finding.fix for finding in reported)


def test_the_original_of_a_rewritten_link_is_suggested():
    (reported,) = found(
        link("https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.org%2Fplan&data=1")
    )
    assert reported.fix == "Link to https://example.org/plan directly."


@pytest.mark.parametrize("name", ["", "a" * 64, "-a.org", "a b", "a/b"])
def test_impossible_hosts_are_recognised(name):
    assert not hostnames.is_well_formed(name)


EXPECTED = {
    "2026-01-29.md": [(8, "vague-link-text"), (42, "insecure-link")],
}


@pytest.mark.parametrize("path", SHARED_WEEKLIES, ids=lambda path: path.name)
def test_real_issues_have_no_false_positives(path):
    text = path.read_text(encoding="utf-8")
    issue = parse.parse_issue(text, path.name, site_url="https://www.example.org/")
    rendered = render.render_issue(issue, theme(), COLOPHON, zone=AMSTERDAM)
    reported = [
        each for each in check.check_issue(issue, rendered, CheckOptions(), text=text) if each.rule in OURS
    ]
    assert [(finding.line, finding.rule) for finding in reported] == EXPECTED.get(path.name, [])
