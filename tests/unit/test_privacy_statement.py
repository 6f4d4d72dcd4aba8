"""The privacy statement lists what a mail reveals, in the language of its issue."""

import tomllib
from dataclasses import replace

import pytest

from moza_mail import check, parse
from moza_mail.check import privacy
from moza_mail.model.finding import CheckOptions
from tests.support.builders import ROOT
from tests.support.rendered_mails import SAMPLE, render_mail

DATA = ROOT / "moza_mail/check/data"
SENTENCES = {
    lang: tomllib.loads((DATA / f"statement.{lang}.toml").read_text("utf-8")) for lang in ("nl", "en")
}


def statement_of(rendered=None, rules=None, **changes):
    text = SAMPLE.read_text(encoding="utf-8")
    issue = replace(
        parse.parse_issue(text, "issues/2026-01-14.md", site_url="https://example.org"), **changes
    )
    return check.write_privacy_statement(
        issue, rendered or render_mail(SAMPLE), rules or CheckOptions(), text=text
    )


def test_the_statement_identifies_the_content_and_lists_the_results():
    statement = statement_of()
    assert statement.digest == render_mail(SAMPLE).compute_digest()
    assert statement.fetched_hosts == ()
    assert statement.tracking_pixels == 0
    assert statement.personal_links == ("unsubscribe_url",)
    assert statement.findings == ()
    assert {each.host: (each.link_count, each.parameters) for each in statement.destinations} == {
        "example.org": (8, ("taal=nl", "versie=concept"))
    }
    assert statement.addresses == ("mailto:weekly@example.org",)
    assert statement.attachments == ("issue.ics",)
    assert set(statement.applied_rules) == {rule.name for rule in privacy.RULES}


def test_the_statement_is_in_the_language_of_the_issue_or_in_english():
    dutch, english, other = (statement_of(lang=lang).to_text() for lang in ("nl", "en-GB", "fy"))
    assert "Er wordt niets van internet gehaald" in dutch
    assert "Nothing is fetched from the internet" in english
    assert (
        "example.org: 8 links, with these parameters, the same for everybody: taal=nl, versie=concept."
        in english
    )
    assert other == english
    for text in (dutch, english):
        assert render_mail(SAMPLE).compute_digest() in text
        assert "issues/2026-01-14.md" in text
        assert "{" not in text


def test_a_statement_with_problems_does_not_claim_that_there_are_none():
    html = render_mail(SAMPLE).html.replace(
        "</body>", '<img src="https://images.example.com/a.gif" width="1" alt=""></body>'
    )
    statement = statement_of(replace(render_mail(SAMPLE), html=html), lang="en")
    text = statement.to_text()
    assert statement.fetched_hosts == ("images.example.com",)
    assert "Something is fetched from images.example.com" in text
    assert "Nothing is fetched" not in text
    assert "Number of invisible images: 1." in text
    assert "remote-content: " in text
    assert "tracking-pixel: " in text
    assert "- None." not in text


def test_allowed_hosts_are_listed_too():
    html = render_mail(SAMPLE).html.replace(
        "</body>", '<img src="https://images.example.com/a.png" alt="x"></body>'
    )
    statement = statement_of(
        replace(render_mail(SAMPLE), html=html),
        CheckOptions(allowed_hosts=("images.example.com",)),
        lang="en",
    )
    assert statement.findings == ()
    assert "Something is fetched from images.example.com" in statement.to_text()


def test_disabled_rules_are_listed_as_not_checked():
    statement = statement_of(rules=CheckOptions(disabled=frozenset({"tracking-pixel"})), lang="en")
    assert "tracking-pixel" not in statement.applied_rules
    assert "tracking-pixel: NOT checked" in statement.to_text()


def test_an_address_in_a_parameter_is_masked():
    html = render_mail(SAMPLE).html.replace("versie=concept", "email=lezer@example.org")
    text = statement_of(replace(render_mail(SAMPLE), html=html)).to_text()
    assert "lezer@example.org" not in text
    assert "email=***@example.org" in text


def test_every_rule_and_personal_link_has_a_text_in_both_languages():
    assert SENTENCES["nl"].keys() == SENTENCES["en"].keys()
    wanted = {f"rule_{rule.name}" for rule in privacy.RULES} | {
        f"slot_{name}" for name in privacy.PERSONAL_LINKS
    }
    assert wanted <= SENTENCES["nl"].keys()


@pytest.mark.parametrize(
    "html", ["", "<p>", "<a href='https://[x'>y</a><a href='http://x.test:99999/?a={b}'>z</a>"]
)
def test_the_statement_can_be_made_for_any_html(html):
    statement_of(replace(render_mail(SAMPLE), html=html)).to_text()
