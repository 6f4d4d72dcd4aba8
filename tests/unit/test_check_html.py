"""The rules for the rendered mail: our own mails have no findings, and each kind of damage is found."""

import re
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail import check, parse
from moza_mail.check.rule import RuleCategory
from moza_mail.errors import ProjectError
from moza_mail.model.finding import CheckOptions, Severity
from tests.support.examples import examples
from tests.support.rendered_mails import SAMPLE, SOURCES, WEEKLIES, render_mail

OURS = {RuleCategory.ACCESSIBILITY, RuleCategory.CLIENTS, RuleCategory.SIZE, RuleCategory.PRIVACY}
NAMES = {rule.name for rule in check.list_rules() if rule.category in OURS}
GRAVE = {Severity.ERROR, Severity.WARNING}
# Findings about the text of these issues, which are not faults of the mail.
KNOWN = {("2025-10-13", "preheader-length"), ("2025-11-24", "preheader-length")}


@cache
def issue(path):
    return parse.parse_issue(path.read_text(encoding="utf-8"), path.name, site_url="https://example.org")


def only(*names):
    """Return options that disable all rules but these."""
    return CheckOptions(disabled=frozenset({rule.name for rule in check.list_rules()} - set(names)))


def mail_findings(path, rendered, rules=None):
    """Return the findings of the categories that look at the mail."""
    text = path.read_text(encoding="utf-8")
    found = check.check_issue(issue(path), rendered, rules or only(*NAMES), text=text)
    return [finding for finding in found if finding.rule in NAMES]


def grave(path, rendered, rules=None):
    return {finding.rule for finding in mail_findings(path, rendered, rules) if finding.severity in GRAVE}


@pytest.mark.parametrize("theme", ["moza", "default", "plain"])
@pytest.mark.parametrize("path", [*SOURCES, *WEEKLIES], ids=lambda path: path.stem)
def test_mails_in_the_bundled_themes_have_no_findings(path, theme):
    found = grave(path, render_mail(path, theme))
    allowed = {rule for stem, rule in KNOWN if stem == path.stem}
    assert found - allowed - {"foreign-field"} == set()
    if path in {SAMPLE, *WEEKLIES}:
        assert "foreign-field" not in found


# Damage that a theme, a tool or an author may do to the mail of the sample issue: the old text, the new text, and the rule
# that finds the damage.
BROKEN = [
    (' role="presentation"', "", "tables"),
    ('<th scope="row"', '<th id="x"', "tables"),
    ('<body lang="nl"', "<body", "language"),
    ('<html lang="nl"', '<html lang="und"', "language"),
    ('<html lang="nl"', '<html lang="en"', "language"),
    ('role="article" lang="nl"', 'role="article"', "language"),
    ("<title>MOZa Weekly 14 januari 2026</title>", "<title></title>", "title"),
    ("<h1 ", "<h2 ", "headings"),
    ("<h2 ", "<h1 ", "headings"),
    ("<h2 ", "<li>x</li><h2 ", "lists"),
    ("text-decoration:underline", "text-decoration:none", "underline"),
    ("color:#0f172a", "color:#8a94a6", "contrast"),
    (".text code, .text pre { color: #e2e8f0", ".text code, .text pre { color: #475569", "contrast"),
    (".card, .card > table { background-color: #121b2e", ".card, .card > table { background-color: #ffffff", "contrast"),
    ("font-size:17px;line-height:1.6", "font-size:15px;line-height:1.7", "text-size"),
    ("padding:10px 0; line-height:24px", "padding:0; line-height:20px", "target-size"),
    ("Lees dit nummer online</a>", "</a>", "link-purpose"),
    ('<h3 style="margin', '<h3 style="display:grid; margin', "client-support"),
    ("<h2 ", '<p style="position:sticky">x</p><h2 ', "client-support"),
    ("<!--[if mso | IE]>\n</tr>\n</table>\n<![endif]-->", "", "outlook-comments"),
    ("<![endif]-->", "", "outlook-comments"),
    ("<!--[if mso | IE]>", "<!--[if mso | IE]><mj-section>", "leftover-mjml"),
    (">Algemeen</h2>", ">Algemeen {{ title }}</h2>", "open-placeholder"),
    ("https://example.org/klankbordgroep", "https://example.org/elders", "text-link"),
    (">Algemeen</h2>", ">Alleen hier</h2>", "text-heading"),
    ("https://slot.invalid/unsubscribe_url", "https://slot.invalid/address", "personal-link"),
    ("versie=concept", "utm_term=0123456789abcdef0123456789", "personal-parameter"),
    ("versie=concept", "utm_source=weekly", "campaign-tag"),
    ("https://example.org/klankbordgroep", "https://weekly.list-manage.com/track/click", "tracking-redirect"),
    ("background-color:#eff7fc;margin", "background-image:url(//images.example.com/a.png);margin", "remote-content"),
    ("p { display: block;", "@import 'https://fonts.example.com/a.css'; p { display: block;", "remote-content"),
    ('<td style="line-height:0px', '<td background="http://images.example.com/a.png" style="line-height:0px', "remote-content"),
    ("<h2 ", '<img src="cid:x" alt="" height="0" width="600"><h2 ', "tracking-pixel"),
    ("<h2 ", '<img src="cid:x" width="600"><h2 ', "alternative-text"),
]  # fmt: skip


@pytest.mark.parametrize(("was", "becomes", "rule"), BROKEN, ids=lambda part: part[:30])
def test_a_damaged_mail_is_found_by_the_right_rule(was, becomes, rule):
    whole = render_mail(SAMPLE)
    html = whole.html.replace("><", ">\n<") if "\n" in was else whole.html
    assert was in html
    broken = replace(whole, html=html.replace(was, becomes, 1))
    # A replacement without HTML applies everywhere, because a colour is used in many places.
    if rule in {"text-size", "contrast"}:
        broken = replace(whole, html=html.replace(was, becomes))
    assert rule in grave(SAMPLE, broken, only(rule))


def test_damage_in_the_text_version_subject_or_preheader_is_found():
    whole = render_mail(SAMPLE)
    for broken, rule in (
        (replace(whole, text=whole.text.replace("https://example.org/voorstellen#11", "")), "text-link"),
        (replace(whole, text=whole.text.replace("Profiel en berichten", "")), "text-heading"),
        (replace(whole, subject="Nieuws van " + "het programma " * 5), "subject-length"),
        (replace(whole, subject="Voor https://slot.invalid/name"), "open-placeholder"),
        (replace(whole, preheader="Nieuws"), "preheader-length"),
        (replace(whole, preheader="Nieuws " * 21), "preheader-length"),
        (replace(whole, html=whole.html.replace("</body>", f"<!--{'x' * 60_000}--></body>")), "html-large"),
        (replace(whole, html=whole.html.replace("</body>", f"<!--{'x' * 80_000}--></body>")), "html-clipped"),
    ):
        assert grave(SAMPLE, broken) == {rule}


def test_a_finding_about_the_issue_names_the_line_to_fix():
    text = SAMPLE.read_text(encoding="utf-8")
    broken = replace(
        render_mail(SAMPLE), text=render_mail(SAMPLE).text.replace("https://example.org/voorstellen#11", "")
    )
    (finding,) = [each for each in mail_findings(SAMPLE, broken) if each.severity in GRAVE]
    assert "https://example.org/voorstellen#11" in text.split("\n")[finding.line - 1]


def test_an_unknown_mail_program_is_refused_with_a_list_of_known_ones():
    with pytest.raises(ProjectError, match=r"'outlok.windows', which is not a known mail program") as refused:
        mail_findings(SAMPLE, render_mail(SAMPLE), CheckOptions(clients=("outlok.windows",)))
    assert "outlook.windows" in refused.value.hint


HOSTILE = [
    "",
    "x",
    "<!DOCTYPE html>",
    "<html></html>",
    "<body>",
    "<!--[if mso]>",
    "<table><td><th scope><li><a href><img><img srcset=',,, ,' alt><a href='http://['>x</a>",
    "<style>@media { @media { @media { @media { @media { p {} } } } } } a:has( {} x::y, {} @ ; } <</style><p>x</p>",
    "<style>[a=, *|x, :not(, a:nth-child(x) { color: red }</style><p>x</p>",
    "<p style='color:;font:;padding:;background:url(;line-height:.;font-size:1.2.3px;opacity:..'>x</p>",
    "<p style='color:rgba(300,-1,nan,9)'>x</p><p style='color:#12;background:#'>x</p>",
    "<svg><image xlink:href='http://x'/></svg><v:fill src=http://x />",
    "<div>" * 5_000 + "x",
    "<a href='https://x.test/?" + "&" * 500 + "=%ff%00'>x</a>",
    "<a href='https://x.test:99999/?a=b'>x</a><a href='//[::1'>y</a>",
    "<p>\x01\x0b\ufffe\ud7ff</p>",
    "<h9>x</h9><h1><h6>y</h6></h1><ul>text<ol></ol></ul>",
]


@pytest.mark.parametrize("html", HOSTILE, ids=range(len(HOSTILE)))
def test_the_check_survives_any_html(html):
    whole = render_mail(SAMPLE)
    for page in (
        html,
        whole.html.replace("</body>", f"{html}</body>"),
        whole.html.replace("<head>", f"<head>{html}", 1),
    ):
        mail_findings(SAMPLE, replace(whole, html=page))


@examples(25)
@given(data=st.data())
@pytest.mark.slow
def test_the_check_survives_any_damage_to_a_mail(data):
    html = render_mail(SAMPLE).html
    start = data.draw(st.integers(0, len(html)))
    end = data.draw(st.integers(start, min(len(html), start + 4000)))
    junk = data.draw(st.text(alphabet="<>!-/=\"'{}()[];:#@%&\\ ax1\x00é", max_size=40))
    mail_findings(SAMPLE, replace(render_mail(SAMPLE), html=html[:start] + junk + html[end:]))


def test_only_conditional_comments_count_for_outlook():
    whole = render_mail(SAMPLE)
    aside = whole.html.replace(
        "</body>", "<!-- <table><tr> --><!--[if !mso]><!--><p>x</p><!--<![endif]--></body>"
    )
    assert "outlook-comments" not in grave(SAMPLE, replace(whole, html=aside))
    assert re.search(r"\[if mso", whole.html)


def test_findings_contain_no_terminal_control_codes():
    junk = "\x1b[31m\x9b31m\u202e"
    html = render_mail(SAMPLE).html.replace(
        "</body>",
        f'<h4>{junk}x</h4><img src="https://{junk}a.test/{junk}"><a href="https://b.test/?utm_{junk}={junk}">{junk}</a></body>',
    )
    found = mail_findings(SAMPLE, replace(render_mail(SAMPLE), html=html))
    assert {"headings", "remote-content", "alternative-text"} <= {finding.rule for finding in found}
    for finding in found:
        assert not set(junk) - set("[31m") & set(finding.message + finding.fix)
