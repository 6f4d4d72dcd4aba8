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
    site.wait_for_sign_ups()
    dump = site.dump()
    return dump["subscribers"], dump["subscriptions"], [row[:7] for row in dump["confirmations"]]


TOKEN = r"[A-Za-z0-9_-]{32,}"


def without_own_parts(page, email):
    """Return a page without the address in it, and without tokens."""
    return re.sub(TOKEN, "", page.replace(email, ""))


def test_the_response_is_the_same_for_every_address(site, web):
    site.folder.run("subscribers", "unsubscribe", "lezer1@example.org", "--list", "weekly")
    site.folder.run("subscribers", "suppress", "lezer2@example.org", "--evidence", "asked")
    emails = ["new@example.org", "new@example.org", *(f"lezer{number}@example.org" for number in range(3))]
    answers = [web.post("/lists/weekly", data=site.form(email=email)) for email in emails]
    assert {answer.status_code for answer in answers} == {303}
    pages = [web.get(answer.headers["location"]) for answer in answers]
    assert {page.status_code for page in pages} == {200}
    assert "new@example.org" in pages[0].text
    assert (
        len({without_own_parts(answer.text, email) for answer, email in zip(pages, emails, strict=True)}) == 1
    )
    assert len({re.sub(TOKEN, "", answer.headers["location"]) for answer in answers}) == 1
    assert {answer.text for answer in answers} == {""}
    assert site.state("new@example.org") == "unconfirmed"
    assert site.state("lezer0@example.org") == "confirmed"


def test_the_stored_consent_is_the_text_that_was_shown_with_its_url(site, web):
    page = web.get("/lists/weekly?lang=en").text
    sentence = "Yes, send me MOZa Weekly by email."
    assert sentence in page
    terms = re.search(r'name="terms" value="([^"]*)"', page)[1]
    sent = site.form(email="en@example.org", terms=terms)
    sent_to = web.post("/lists/weekly?lang=en", data=sent).headers["location"]
    assert re.fullmatch(rf"/lists/weekly/sent/{TOKEN}\?lang=en", sent_to)
    site.wait_for_sign_ups()
    kept = site.folder.run("subscribers", "show", "en@example.org", "--json").json["subscriptions"][0]
    assert kept["consent"].startswith(sentence)
    assert kept["source"] == f"form {site.url}/lists/weekly"


@pytest.mark.parametrize(
    "sent",
    [
        {"homepage": "https://spam.test"},
        {"seconds": 1.0},
        {"form": "A" * 32},
        {"form": ""},
    ],
    ids=["the trap is filled in", "too fast", "a made-up stamp", "no stamp"],
)
def test_a_form_that_seems_to_come_from_a_program_is_shown_again_and_then_accepted(site, web, sent):
    email = f"snel{len(str(sent))}@example.org"
    before = held(site)
    answer = web.post("/lists/weekly", data=site.form(email=email, **sent))
    assert answer.status_code == (200 if sent.get("form") == "" else 422)
    assert ("Druk nog een keer op de knop" in answer.text) == (answer.status_code == 422)
    assert f'value="{email}"' in answer.text
    assert "<title>Aanmelden voor MOZa Weekly" in answer.text, "it is no mistake of theirs"
    assert held(site) == before
    again = {**site.hidden(answer.text), "email": email, "name": "Zoë", "homepage": sent.get("homepage", "")}
    assert web.post("/lists/weekly", data=again).status_code == 303
    assert site.state(email) == "unconfirmed"


def test_a_stamp_is_valid_once_and_a_repeated_form_is_shown_again(site, web):
    sent = site.form(email="once@example.org")
    assert web.post("/lists/weekly", data=sent).status_code == 303
    before = held(site)
    again = web.post("/lists/weekly", data={**sent, "email": "victim@example.org"})
    assert again.status_code == 422
    assert "Druk nog een keer op de knop" in again.text
    assert held(site) == before
    new = {**site.hidden(again.text), "email": "victim@example.org", "name": ""}
    assert web.post("/lists/weekly", data=new).status_code == 303
    assert site.state("victim@example.org") == "unconfirmed"


def test_a_stamp_of_another_list_or_purpose_is_invalid(site, web):
    before = held(site)
    links = site.links
    for token in (
        forms.make_stamp(links, "other", datetime.now(UTC)),
        links.make_token("unsubscribe", "weekly", 1),
    ):
        assert web.post("/lists/weekly", data=site.form(form=token)).status_code == 422
    assert held(site) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://www.example.org"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://www.example.org"},
        {"Origin": "https://www.example.org"},
    ],
)
def test_a_form_on_another_website_only_opens_our_own_form_with_its_values(site, web, headers):
    email = f"elders{len(str(headers))}@example.org"
    before = held(site)
    # The form even has a stamp of ours, which another website could fetch.
    answer = web.post("/lists/weekly", data=site.form(email=email), headers=headers)
    assert answer.status_code == 200
    assert "<title>Aanmelden voor MOZa Weekly" in answer.text
    assert "Kijk na wat er staat" in answer.text
    assert f'value="{email}"' in answer.text
    assert held(site) == before
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    sent = {**site.hidden(answer.text), "email": email, "name": ""}
    assert web.post("/lists/weekly", data=sent, headers=own).status_code == 303
    assert site.state(email) == "unconfirmed"


def test_the_sent_page_shows_the_address_corrects_it_and_sends_the_mail_again_after_five_minutes(site, web):
    answer = web.post("/lists/weekly", data=site.form(email="noor@example.com", name="Noor"))
    page = web.get(answer.headers["location"])
    assert "noor@example.com" in page.text
    assert "noor" not in answer.headers["location"]
    change = web.get(re.search(r'href="(/lists/weekly/change/[^"]+)"', page.text)[1])
    assert 'value="noor@example.com"' in change.text
    corrected = {**site.hidden(change.text), "email": "noor@example.org", "name": "Noor"}
    assert web.post("/lists/weekly", data=corrected).status_code == 303
    again = site.hidden(page.text)
    hasty = web.post("/lists/weekly", data=again)
    assert hasty.status_code == 422
    assert "Over 5 minuten kun je hem opnieuw aanvragen." in hasty.text
    assert site.hidden(hasty.text)["form"] == again["form"]
    earlier = datetime.now(UTC) - timedelta(minutes=5)
    stamp = forms.make_stamp(site.links, "weekly", earlier, forms.StampKind.RESEND)
    assert web.post("/lists/weekly", data={**again, "form": stamp}).status_code == 303


@pytest.mark.parametrize("token", ["x", "A" * 60, "%00", "a" * 3000])
def test_a_sent_page_with_a_damaged_token_is_shown_without_the_address(web, token):
    for page in ("sent", "change"):
        answer = web.get(f"/lists/weekly/{page}/{token}")
        assert answer.status_code == 200
        assert "/lists/weekly" in answer.text


@pytest.mark.parametrize("seconds", [100_000, -100])
def test_a_form_that_was_open_for_days_is_shown_again_with_its_values(site, web, seconds):
    answer = web.post("/lists/weekly", data=site.form(seconds=seconds, email="slow@example.org"))
    assert answer.status_code == 422
    assert "Deze pagina stond lang open" in answer.text
    assert 'value="slow@example.org"' in answer.text
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))
    stamp = forms.read_stamp(site.links, "weekly", again["form"])
    assert datetime.now(UTC) - stamp.shown_at < timedelta(seconds=10)
    assert web.post("/lists/weekly", data={**again, "email": "slow@example.org"}).status_code == 303


def test_a_form_with_another_consent_text_is_not_accepted(site, web):
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
def test_an_invalid_address_is_reported_at_its_field_and_at_the_top_of_the_page(site, web, email, says):
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
    use = {**site.hidden(asked.text), "use": "zoe@gmail.com", "email": "", "name": ""}
    assert web.post("/lists/weekly", data=use).status_code == 303
    assert site.state("zoe@gmail.com") == "unconfirmed"
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
    site.wait_for_sign_ups()
    assert [row for row in site.dump()["confirmations"] if text in row]


def test_a_body_that_is_not_a_form_is_refused(web):
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


def test_a_list_without_sign_up_has_no_form(tmp_path):
    here = project(tmp_path)
    lists = here.path / "subscribers" / "lists.toml"
    lists.write_text(
        lists.read_text() + '\n[intern]\ntitle = "Intern"\nsender = "i@example.org"\nopt_in = "recorded"\n'
    )
    with serve_site(here) as site, site.client() as web:
        assert web.get("/lists/intern").status_code == 404
        assert web.post("/lists/intern", data=site.form()).status_code == 404
        assert "Intern" not in web.get("/", follow_redirects=True).text


def test_too_many_sign_ups_from_one_network_are_refused_and_other_networks_are_not(tmp_path):
    here = project(tmp_path)
    with serve_site(here) as site, site.client() as web:
        sent = site.form()

        def sign_up(number, host):
            stamp = forms.make_stamp(site.links, "weekly", datetime.now(UTC) - timedelta(seconds=5))
            each = {**sent, "form": stamp, "email": f"p{number}@example.org"}
            return web.post("/lists/weekly", data=each, headers={"X-Forwarded-For": host})

        answers = [sign_up(number, "192.0.2.7") for number in range(200)]
        assert [each.status_code for each in answers] == [303] * 30 + [429] * 170
        assert "Te veel aanmeldingen" in answers[-1].text
        assert 0 < int(answers[-1].headers["retry-after"]) <= 120
        site.wait_for_sign_ups()
        assert len(site.dump()["subscribers"]) == 30
        assert sign_up(1000, "192.0.2.8").status_code == 303
        assert sign_up(1001, "2001:db8::1").status_code == 303
        near = [sign_up(2000 + number, f"2001:db8:0:1::{number:x}").status_code for number in range(40)]
        assert near.count(303) == 30
        # Only the last address in X-Forwarded-For is from our proxy. A visitor can write the others.
        assert sign_up(3000, "198.51.100.1, 192.0.2.7").status_code == 429
        assert web.post("/unsubscribe/weekly/x").status_code == 404


def test_of_many_sign_ups_of_one_address_one_is_stored(site, web):
    sent = site.form(email="again@example.org")

    def stamp():
        return forms.make_stamp(site.links, "weekly", datetime.now(UTC) - timedelta(seconds=5))

    answers = {web.post("/lists/weekly", data={**sent, "form": stamp()}).status_code for _ in range(300)}
    assert answers == {303}
    site.wait_for_sign_ups()
    mine = [row[0] for row in site.dump()["subscribers"] if "again@example.org" in row]
    assert len(mine) == 1
    assert [row[1] for row in site.dump()["confirmations"]].count(mine[0]) == 1
