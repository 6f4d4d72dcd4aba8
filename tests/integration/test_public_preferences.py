"""The confirmation and preferences pages, over real HTTP."""

import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from moza_mail.compose.signed_links import CONFIRM
from tests.support.public_site import project, serve_site

LISTS = """
[nieuws]
title = "Nieuws"
sender = "nieuws@example.org"
consent = "Ja, ik wil Nieuws"
consent_version = "2026-01"

[intern]
title = "Intern"
sender = "intern@example.org"
opt_in = "recorded"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    here = project(tmp_path_factory.mktemp("site"))
    lists = here.path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + LISTS)
    here.set(default_list="weekly")
    here.add_readers(7)
    here.run("subscribers", "add", "lezer3@example.org", "--list", "intern", "--consent", "is in service")
    here.run("subscribers", "suppress", "lezer4@example.org", "--evidence", "asked")
    with serve_site(here) as site:
        yield site


@pytest.fixture
def web(site):
    with site.client(follow_redirects=True) as web:
        yield web


def held(site, address):
    """Return each subscription of a person with its state and consent."""
    found = site.folder.run("subscribers", "show", address, "--json").json["subscriptions"]
    return {each.get("list") or each["list_slug"]: (each["state"], each["consent"]) for each in found}


def link_to(site, address):
    """Return the link in the newest confirmation mail to a person."""
    for _ in range(200):
        for message in reversed(site.folder.outbox()):
            if message["To"].addresses[0].addr_spec == address:
                text = message.get_body(("plain",)).get_content()
                return re.search(rf"{re.escape(site.url)}/confirm/\S+", text)[0]
        time.sleep(0.1)
    raise AssertionError(f"no mail to {address}")


def test_only_the_button_confirms_and_an_older_link_does_not_after_unsubscribing(site, web):
    address = "zoe@example.org"
    web.post("/lists/weekly", data=site.form(email=address, name="Zoë"))
    link = link_to(site, address)
    page = web.get(link)
    assert "z***@example.org" in page.text
    assert address not in page.text
    assert held(site, address)["weekly"][0] == "unconfirmed"
    for _ in range(2):
        done = web.post(link)
        assert (done.status_code, "Je bent aangemeld" in done.text) == (200, True)
        assert held(site, address)["weekly"][0] == "confirmed"
    mine = re.search(r'href="([^"]*/preferences/[^"]+)"', done.text)[1]
    assert 'value="Zoë"' in web.get(mine).text
    web.post(mine, data={"shown": "weekly", "name": "Zoë"})
    for answer in (web.get(link), web.post(link)):
        assert answer.status_code == 410
        assert "Deze link is verlopen" in answer.text
        assert 'href="/lists/weekly"' in answer.text
    assert held(site, address)["weekly"][0] == "unsubscribed"


def test_an_expired_link_gets_its_own_page_and_a_link_for_another_purpose_or_list_is_invalid(site, web):
    late = datetime.now(UTC) - timedelta(hours=1)
    expired = site.links.make_expiring_token(CONFIRM, "weekly", 1, late)
    assert web.post(f"/confirm/weekly/{expired}").status_code == 410
    fresh = site.links.make_expiring_token(CONFIRM, "nieuws", 1, late + timedelta(days=3))
    for path in (
        f"/confirm/weekly/{fresh}",
        f"/confirm/weekly/{site.links.make_token('unsubscribe', 'weekly', 1)}",
        f"/preferences/{site.links.make_token('unsubscribe', 'weekly', 1)}",
        f"/unsubscribe/weekly/{site.links.make_preferences_url(1).rpartition('/')[2]}",
        f"/confirm/intern/{fresh}",
    ):
        assert web.get(path).status_code == web.post(path).status_code == 404, path


def test_joining_a_list_stores_the_consent_text_that_was_shown(site, web):
    mine = site.links.make_preferences_url(1)
    page = web.get(mine).text
    assert "Ja, ik wil Nieuws" in page
    assert "Intern" not in page
    assert "lezer0@example.org" not in page
    chosen = {"shown": ["weekly", "nieuws"], "lists": ["weekly", "nieuws"], "name": "Fatima", "lang": "en"}
    saved = web.post(mine, data=chosen)
    assert "Your preferences are saved." in saved.text
    assert held(site, "lezer0@example.org")["nieuws"] == ("confirmed", "Ja, ik wil Nieuws [2026-01]")
    assert held(site, "lezer0@example.org")["weekly"][0] == "confirmed"
    assert 'value="en" checked' in saved.text


def test_a_list_that_was_not_on_the_page_does_not_change(site, web):
    mine = site.links.make_preferences_url(2)
    web.post(
        mine, data={"shown": ["nieuws", "nowhere"], "lists": ["nieuws", "intern", "nowhere"], "name": "x"}
    )
    assert {slug: state for slug, (state, _) in held(site, "lezer1@example.org").items()} == {
        "weekly": "confirmed",
        "nieuws": "confirmed",
    }


def test_a_list_without_sign_up_can_be_left_but_not_joined(site, web):
    mine = site.links.make_preferences_url(4)
    assert 'id="list-intern"' in web.get(mine).text
    web.post(mine, data={"shown": ["weekly", "intern"], "lists": ["weekly"], "name": ""})
    assert held(site, "lezer3@example.org")["intern"][0] == "unsubscribed"
    assert 'id="list-intern"' not in web.get(mine).text
    web.post(mine, data={"shown": ["weekly", "intern"], "lists": ["weekly", "intern"], "name": ""})
    assert held(site, "lezer3@example.org")["intern"][0] == "unsubscribed"


def test_a_suppressed_subscriber_sees_that_nothing_is_mailed(site, web):
    assert "We sturen nu geen mail naar dit adres" in web.get(site.links.make_preferences_url(5)).text
    assert "We sturen nu geen mail" not in web.get(site.links.make_preferences_url(1) + "?lang=nl").text


def test_an_invalid_name_is_reported_and_nothing_changes(site, web):
    mine = site.links.make_preferences_url(7)
    before = site.dump()["subscriptions"], site.dump()["subscribers"]
    answer = web.post(mine, data={"shown": "weekly", "name": "a\r\nBcc: b@example.org"})
    assert answer.status_code == 422
    assert 'href="#name"' in answer.text
    assert (site.dump()["subscriptions"], site.dump()["subscribers"]) == before


def test_the_links_of_an_erased_person_are_invalid(site, web):
    assert site.folder.run("subscribers", "erase", "lezer5@example.org", "--yes").code in {0, 3}
    assert web.get(site.links.make_preferences_url(6)).status_code == 410
    assert web.post(site.links.make_preferences_url(6), data={"name": "x"}).status_code == 410
    assert (
        web.post(
            site.links.make_unsubscribe_url("weekly", 6), data={"List-Unsubscribe": "One-Click"}
        ).status_code
        == 200
    )


@pytest.mark.parametrize("sent", [{}, {"x": "1"}, {"lists": "nieuws"}])
def test_an_empty_form_changes_nothing(site, web, sent):
    person = site.links.make_preferences_url(7)
    filled = {"name": "Zes", "lang": "en", "shown": ["weekly", "nieuws"], "lists": ["weekly", "nieuws"]}
    assert web.post(person, data=filled).status_code == 200
    before = [rows for name, rows in site.dump().items()]
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert web.post(person, content=urlencode(sent), headers=kind).status_code == 200
    assert [rows for name, rows in site.dump().items()] == before
    assert web.post(person, data={"name": "Zeven"}).status_code == 200
    (row,) = [row for row in site.dump()["subscribers"] if row[0] == 7]
    assert ("Zeven" in row, "en" in row) == (True, True)
