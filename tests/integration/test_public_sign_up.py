"""Signing up over real HTTP: the forms of people, programs and attackers, and what is stored of them."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from moza_mail.web.public import forms
from tests.support.public_site import project, serve_site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    here = project(tmp_path_factory.mktemp("site"))
    here.add_readers(3)
    here.set(sign_up_rate="10000/h")
    with serve_site(here) as site:
        yield site


@pytest.fixture
def web(site):
    with site.client() as web:
        yield web


def held(site):
    """Return all rows about people, and their confirmations without the state of the mail."""
    dump = site.dump()
    return dump["subscribers"], dump["subscriptions"], [row[:7] for row in dump["confirmations"]]


def test_the_answer_is_the_same_whoever_the_address_is(site, web):
    site.folder.run("subscribers", "unsubscribe", "lezer1@example.org", "--list", "weekly")
    site.folder.run("subscribers", "suppress", "lezer2@example.org", "--evidence", "asked")
    answers = [
        web.post("/lists/weekly", data=site.form(email=email))
        for email in (
            "new@example.org",
            "new@example.org",
            "lezer0@example.org",
            "lezer1@example.org",
            "lezer2@example.org",
        )
    ]
    assert {answer.status_code for answer in answers} == {303}
    assert len({(answer.text, answer.headers["location"]) for answer in answers}) == 1
    assert web.get(answers[0].headers["location"]).status_code == 200
    assert site.state("new@example.org") == "unconfirmed"
    assert site.state("lezer0@example.org") == "confirmed"


def test_what_is_kept_is_the_sentence_that_was_shown_and_where(site, web):
    page = web.get("/lists/weekly?lang=en").text
    sentence = "Yes, send me MOZa Weekly by email."
    assert sentence in page
    terms = re.search(r'name="terms" value="([^"]*)"', page)[1]
    sent = site.form(email="en@example.org", terms=terms)
    assert web.post("/lists/weekly?lang=en", data=sent).headers["location"] == "/lists/weekly/sent?lang=en"
    kept = site.folder.run("subscribers", "show", "en@example.org", "--json").json["subscriptions"][0]
    assert kept["consent"].startswith(sentence)
    assert kept["source"] == f"form {site.url}/lists/weekly"


@pytest.mark.parametrize(
    "program",
    [{"homepage": "https://spam.test"}, {"seconds": 1.0}, {"form": ""}, {"form": "A" * 32}],
    ids=["fills in the trap", "takes no time", "has no stamp", "makes one up"],
)
def test_a_program_gets_the_same_answer_and_nothing_is_stored(site, web, program):
    before = held(site)
    person = web.post("/lists/weekly", data=site.form(email="lezer0@example.org"))
    answer = web.post("/lists/weekly", data=site.form(email="bot@example.org", **program))
    assert (answer.status_code, answer.headers["location"], answer.text) == (
        303,
        person.headers["location"],
        person.text,
    )
    assert held(site) == before


def test_a_stamp_of_another_list_or_purpose_is_none(site, web):
    before = held(site)
    links = site.links
    for token in (
        forms.make_timestamp(links, "other", datetime.now(UTC)),
        links.make_token("unsubscribe", "weekly", 1),
    ):
        assert web.post("/lists/weekly", data=site.form(form=token)).status_code == 303
    assert held(site) == before


@pytest.mark.parametrize("seconds", [100_000, -100])
def test_a_form_that_was_open_for_days_is_asked_again_with_what_was_filled_in(site, web, seconds):
    answer = web.post("/lists/weekly", data=site.form(seconds=seconds, email="slow@example.org"))
    assert answer.status_code == 422
    assert "Deze pagina stond lang open" in answer.text
    assert 'value="slow@example.org"' in answer.text
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))
    assert forms.measure_age(site.links, "weekly", again["form"], datetime.now(UTC)) < timedelta(seconds=10)


def test_other_words_than_those_shown_are_not_consented_to(site, web):
    answer = web.post("/lists/weekly", data=site.form(email="words@example.org", terms="0" * 16))
    assert answer.status_code == 422
    assert site.folder.run("subscribers", "show", "words@example.org").code == 1


@pytest.mark.parametrize(
    ("email", "says"),
    [
        ("", "Vul je e-mailadres in"),
        ("   ", "Vul je e-mailadres in"),
        ("piet", "Vul een heel e-mailadres in"),
        ("piet@example.org\r\nBcc: eve@evil.test", "Vul een heel e-mailadres in"),
        ("piet@example.org,eve@evil.test", "Vul een heel e-mailadres in"),
        ("Piet <piet@example.org>", "Vul een heel e-mailadres in"),
        ('"><script>alert(1)</script>@example.org', "Vul een heel e-mailadres in"),
        ("pi\0et@example.org", "Vul een heel e-mailadres in"),
        ("a" * 9000 + "@example.org", "Vul een heel e-mailadres in"),
    ],
)
def test_what_is_no_address_is_said_where_it_stands_and_first_on_the_page(site, web, email, says):
    before = held(site)
    answer = web.post("/lists/weekly", data=site.form(email=email))
    assert answer.status_code == 422
    assert "<title>Fout: " in answer.text
    assert re.search(r'<div class="problems" role="alert"[^>]* autofocus>', answer.text)
    assert f'<a href="#email">{says}' in answer.text
    assert 'aria-describedby="email-what"' in answer.text
    assert "<script" not in answer.text
    assert held(site) == before


def test_a_likely_typing_error_is_asked_about_once(site, web):
    asked = web.post("/lists/weekly", data=site.form(email="zoe@gmial.con"))
    assert asked.status_code == 422
    assert "Bedoel je zoe@gmail.com?" in unescape(asked.text)
    checked = re.search(r'name="checked" value="([^"]*)"', asked.text)[1]
    assert checked == "zoe@gmial.con"
    other = web.post("/lists/weekly", data=site.form(email="ben@gmial.con", checked=checked))
    assert other.status_code == 422
    again = web.post("/lists/weekly", data=site.form(email="zoe@gmial.con", checked=checked))
    assert again.status_code == 303
    assert site.state("zoe@gmial.con") == "unconfirmed"


@pytest.mark.parametrize("name", ["Zoë\r\nBcc: eve@evil.test", "Zo\u2028ë", "\0", "n" * 121])
def test_a_name_that_would_make_a_header_is_refused(site, web, name):
    answer = web.post("/lists/weekly", data=site.form(email="h@example.org", name=name))
    assert answer.status_code == 422
    assert 'href="#name"' in answer.text


NASTY = ["'; DROP TABLE subscribers; --", '<b onmouseover="alert(1)">', "{{ 7 * 7 }}", "%0d%0aX: y", "{t}{0}"]


@pytest.mark.parametrize("text", NASTY)
def test_sql_html_and_templates_in_a_field_are_text(site, web, text):
    address = f"n{NASTY.index(text)}@example.org"
    assert web.post("/lists/weekly", data=site.form(email=address, name=text)).status_code == 303
    shown = web.post("/lists/weekly", data=site.form(email=text, name=text))
    assert shown.status_code == 422
    assert "<b " not in shown.text
    field = re.search(r'id="name"[^>]* value="([^"]*)"', shown.text)
    assert unescape(field[1]) == text
    assert [row for row in site.dump()["confirmations"] if text in row]


def test_what_is_not_a_form_is_refused(web):
    for content, kind, status in (
        (b'{"email": "a@example.org"}', "application/json", 415),
        (b"email=a@example.org", "multipart/form-data; boundary=x", 415),
        (b"email=%ff%fe", forms.URLENCODED, 400),
        (b"a=1&" * 60, forms.URLENCODED, 400),
        ("email=é".encode(), forms.URLENCODED, 400),
        (b"a" * 20_000, forms.URLENCODED, 413),
    ):
        assert (
            web.post("/lists/weekly", content=content, headers={"Content-Type": kind}).status_code == status
        )


def test_a_list_that_nobody_signs_up_to_has_no_form(tmp_path):
    here = project(tmp_path)
    lists = here.path / "subscribers" / "lists.toml"
    lists.write_text(
        lists.read_text() + '\n[intern]\ntitle = "Intern"\nsender = "i@example.org"\nopt_in = "recorded"\n'
    )
    with serve_site(here) as site, site.client() as web:
        assert web.get("/lists/intern").status_code == 404
        assert web.post("/lists/intern", data=site.form()).status_code == 404
        assert "Intern" not in web.get("/", follow_redirects=True).text


def test_very_many_from_one_network_are_stopped_and_their_neighbours_are_not(tmp_path):
    here = project(tmp_path)
    with serve_site(here) as site, site.client() as web:
        sent = site.form()

        def sign_up(number, host):
            each = {**sent, "email": f"p{number}@example.org"}
            return web.post("/lists/weekly", data=each, headers={"X-Forwarded-For": host})

        answers = [sign_up(number, "192.0.2.7") for number in range(200)]
        assert [each.status_code for each in answers] == [303] * 30 + [429] * 170
        assert "Te veel aanmeldingen" in answers[-1].text
        assert 0 < int(answers[-1].headers["retry-after"]) <= 120
        assert len(site.dump()["subscribers"]) == 30
        assert sign_up(1000, "192.0.2.8").status_code == 303
        assert sign_up(1001, "2001:db8::1").status_code == 303
        near = [sign_up(2000 + number, f"2001:db8:0:1::{number:x}").status_code for number in range(40)]
        assert near.count(303) == 30
        # What comes before the last address is anybody's own writing.
        assert sign_up(3000, "198.51.100.1, 192.0.2.7").status_code == 429
        assert web.post("/unsubscribe/weekly/x").status_code == 404


def test_of_very_many_sign_ups_of_one_address_one_is_kept(site, web):
    sent = site.form(email="again@example.org")
    assert {web.post("/lists/weekly", data=sent).status_code for _ in range(300)} == {303}
    mine = [row[0] for row in site.dump()["subscribers"] if "again@example.org" in row]
    assert len(mine) == 1
    assert [row[1] for row in site.dump()["confirmations"]].count(mine[0]) == 1
