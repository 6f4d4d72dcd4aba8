"""The public pages in Chromium: from signing up to unsubscribing, without scripts, by keyboard, on a small screen."""

import re
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from moza_mail.web.public import forms
from tests.browser.test_mail_accessibility import STANDARDS
from tests.support.project_folder import ISSUE
from tests.support.public_site import project, serve_site

SECOND_LIST = """
[nieuws]
title = "Nieuws voor beleidsmedewerkers en andere belangstellenden"
sender = "nieuws@example.org"
contact = "redactie@example.org"
"""
LINK = re.compile(r"https?://127\.0\.0\.1:\d+/(?:confirm|unsubscribe|preferences)/\S+")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    here = project(tmp_path_factory.mktemp("site"))
    lists = here.path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + SECOND_LIST)
    with serve_site(here) as site:
        yield site


@pytest.fixture
def opened(site, browser):
    """Return a function that opens a page; fail on requests to other hosts, browser errors and cookies."""
    contexts, wrong = [], []

    def opened(**settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda asked: asked.url.startswith(site.url) or wrong.append(asked.url))
        page.on("console", lambda said: said.type in {"error", "warning"} and wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        return page

    yield opened
    cookies = [cookie for context in contexts for cookie in context.cookies()]
    for context in contexts:
        context.close()
    # A browser logs every failed response, and some tests cause them.
    assert [each for each in wrong if "Failed to load resource" not in each] == []
    assert cookies == []


def command(site, *arguments):
    done = subprocess.run(**site.folder.command(*arguments), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def wait_for_link(site, address, link):
    """Wait for a mail to this address, and return its link of this kind."""
    for _ in range(200):
        found = [
            match
            for message in site.folder.outbox()
            if message["To"].addresses[0].addr_spec == address
            for match in LINK.findall(message.get_body(("plain",)).get_content())
            if f"/{link}/" in match
        ]
        if found:
            return found[-1]
        time.sleep(0.1)
    raise AssertionError(f"no mail to {address}")


def find_id(site, address):
    """Return the id of a subscriber."""
    return next(row[0] for row in site.dump()["subscribers"] if address in row)


def age_form(site, page):
    """Make the form on a page look as if it was open for a while, as for a person."""
    stamp = forms.make_stamp(site.links, "weekly", datetime.now(UTC) - timedelta(seconds=5))
    page.eval_on_selector("[name=form]", "(field, stamp) => { field.value = stamp }", stamp)


class Mouse:
    """A visitor who uses a mouse."""

    def __init__(self, page):
        self.page = page

    def press(self, selector):
        self.page.click(selector)

    def type(self, selector, text):
        self.page.fill(selector, text)


class Keyboard:
    """A visitor who uses the Tab key, and needs a visible focus."""

    def __init__(self, page):
        self.page = page

    def go_to(self, selector):
        wanted = self.page.locator(selector).first
        for _ in range(40):
            if wanted.evaluate("e => e === document.activeElement"):
                style = wanted.evaluate(
                    "e => getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth"
                )
                assert style == "solid3px", selector
                return wanted
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by Tab")

    def press(self, selector):
        wanted = self.go_to(selector)
        if wanted.evaluate("e => e.type === 'checkbox'"):
            self.page.keyboard.press("Space")
            return
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def type(self, selector, text):
        self.go_to(selector)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)


@pytest.mark.parametrize(
    ("name", "hand", "settings"),
    [
        ("muis", Mouse, {"java_script_enabled": False, "viewport": {"width": 640, "height": 800}}),
        ("toetsen", Keyboard, {"viewport": {"width": 320, "height": 640}}),
    ],
    ids=["no script, a mouse", "the keyboard alone, 320 px"],
)
def test_a_visitor_signs_up_confirms_and_unsubscribes(site, opened, name, hand, settings):
    page, address = opened(**settings), f"{name}@example.org"
    do = hand(page)
    page.goto(site.url)
    do.press('a[href="/lists/weekly"]')
    assert page.title() == "Aanmelden voor MOZa Weekly – MOZa Weekly"
    time.sleep(2.1)  # a person takes that long
    do.type("#email", name)
    do.press("button")
    assert page.title().startswith("Fout: ")
    assert page.evaluate("document.activeElement.className") == "problems"
    do.press(".problems a")
    assert page.evaluate("document.activeElement.id") == "email"
    age_form(site, page)
    do.type("#email", address)
    do.type("#name", "Noor")
    do.press("button")
    assert page.locator("h1").inner_text() == "Kijk in je mailbox"

    page.goto(wait_for_link(site, address, "confirm"))
    do.press("button")
    assert page.locator("h1").inner_text() == "Je bent aangemeld"
    do.press('a[href*="/preferences/"]')
    assert page.locator("#name").input_value() == "Noor"
    assert page.locator("#list-weekly").is_checked()
    do.press("#list-nieuws")
    do.type("#name", "Noor de Vries")
    do.press("button")
    assert page.locator('[role="status"]:focus').inner_text() == "Je voorkeuren zijn opgeslagen."
    assert page.locator("#list-nieuws").is_checked()

    command(site, "send", ISSUE, "--list", "weekly", "--yes") if hand is Mouse else None
    link = (
        wait_for_link(site, address, "unsubscribe")
        if hand is Mouse
        else site.links.make_unsubscribe_url("weekly", find_id(site, address))
    )
    page.goto(link)
    assert page.locator("h1").inner_text() == "Afmelden voor MOZa Weekly"
    do.press("button")
    assert page.locator("h1").inner_text() == "Je bent afgemeld"
    held = command(site, "subscribers", "show", address)
    assert "Noor de Vries" in held
    assert re.search(r"nieuws: confirmed", held)
    assert re.search(r"weekly: unsubscribed", held)


def pages(site):
    """Return the URL of every page by name, with the form to send for pages after a POST."""
    return {
        "lists": "/",
        "form": "/lists/weekly",
        "sent": "/lists/weekly/sent",
        "leave": site.links.make_unsubscribe_url("weekly", 1).removeprefix(site.url),
        "preferences": site.links.make_preferences_url(1).removeprefix(site.url) + "?saved=1",
        "not found": "/nowhere",
        "not ours": "/confirm/weekly/x",
    }


def open_pages(site, page, lang):
    """Open each page in a language, including those after a button."""
    for what, path in pages(site).items():
        page.goto(f"{site.url}{path}{'&' if '?' in path else '?'}lang={lang}")
        yield what
    page.goto(f"{site.url}/lists/weekly?lang={lang}")
    age_form(site, page)
    page.fill("#email", "x")
    page.click("button")
    yield "problems"
    with site.client() as web:
        web.post("/lists/weekly", data=site.form(email=f"{lang}@example.org"))
    page.goto(f"{wait_for_link(site, f'{lang}@example.org', 'confirm')}?lang={lang}")
    yield "confirm"
    page.click("button")
    yield "confirmed"
    page.goto(f"{site.links.make_unsubscribe_url('weekly', 999)}?lang={lang}")
    page.click("button")
    yield "left"


# Two combinations are enough, because the colours do not depend on the language.
@pytest.mark.parametrize(("lang", "scheme"), [("nl", "light"), ("en", "dark")])
def test_public_pages_have_no_accessibility_problems_and_fit_a_small_screen(site, opened, lang, scheme):
    page = opened(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    seen = set()
    for what in open_pages(site, page, lang):
        seen.add(what)
        assert page.locator("html").get_attribute("lang") == lang
        page.evaluate(AXE_SCRIPT)
        options = {"runOnly": STANDARDS, "resultTypes": ["violations"]}
        found = page.evaluate("options => axe.run(document, options)", options)
        assert len(found["passes"]) > 15
        said = [(each["id"], node["html"]) for each in found["violations"] for node in each["nodes"]]
        assert said == [], what
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, what
        assert page.evaluate(SMALL) == [], what
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(e => e.tagName)")
        assert levels.count("H1") == 1, what
        assert page.title().startswith({"nl": "Fout: ", "en": "Error: "}[lang]) == (what == "problems")
    assert len(seen) == 11


# Targets must be at least 24 px high and wide, except links in a sentence (WCAG 2.2, 2.5.8).
SMALL = """() => [...document.querySelectorAll('a, button, input:not([type=hidden])')]
  .filter(e => e.getClientRects().length && !e.closest('p, li:not(nav li)') && !e.matches('.skip'))
  .map(e => [e.outerHTML, e.getBoundingClientRect()]).filter(([_, box]) => box.width < 24 || box.height < 24)"""


def test_people_cannot_reach_the_hidden_field_that_detects_programs(site, opened):
    page = opened()
    page.goto(f"{site.url}/lists/weekly")
    assert not page.locator("#homepage").is_visible()
    assert "Laat dit veld leeg" not in page.locator("body").aria_snapshot()
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {"email", "name"} <= reached
    assert "homepage" not in reached


def test_colours_are_those_of_the_theme_in_light_and_dark_and_absent_in_print(site, opened):
    page = opened()
    page.goto(f"{site.url}/lists/weekly?lang=nl")
    ink = "e => getComputedStyle(e).color"
    ground = "e => getComputedStyle(e).backgroundColor"
    said = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        said.append([page.eval_on_selector("body", each) for each in (ground, ink)])
    assert said == [["rgb(238, 242, 246)", "rgb(15, 23, 42)"], ["rgb(7, 12, 23)", "rgb(226, 232, 240)"]]
    # Printed pages are black on white, even if the visitor prefers dark colours.
    page.emulate_media(media="print")
    everything = "(all, [of, but]) => [...new Set(all.filter(e => e.checkVisibility()).map(e => getComputedStyle(e)[of]))].filter(e => e !== but)"
    black = page.eval_on_selector_all("body, body *", everything, ["color", "rgb(0, 0, 0)"])
    assert black == []
    white = page.eval_on_selector_all(
        "body *:not(input)", everything, ["backgroundColor", "rgba(0, 0, 0, 0)"]
    )
    assert white == []
    assert page.eval_on_selector("body", ground) == "rgb(255, 255, 255)"
    assert not page.locator("button").is_visible()


def test_errors_are_announced_at_their_field_and_buttons_have_a_border_in_forced_colours(site, opened):
    page = opened(forced_colors="active")
    page.goto(f"{site.url}/lists/weekly?lang=nl")
    age_form(site, page)
    page.click("button")
    tree = page.locator("main").aria_snapshot()
    assert tree.index("alert") < tree.index('heading "Aanmelden voor MOZa Weekly" [level=1]')
    field = page.locator("#email")
    assert field.get_attribute("autocomplete") == "email"
    assert field.get_attribute("aria-invalid") == "true"
    said = page.locator(f"#{field.get_attribute('aria-describedby')}")
    assert said.inner_text() == "Fout: Vul je e-mailadres in"
    for what in ("button", "#email", ".problems"):
        edge = page.eval_on_selector(
            what, "e => [getComputedStyle(e).borderTopColor, getComputedStyle(document.body).backgroundColor]"
        )
        assert edge[0] != edge[1], what


def test_the_chosen_language_is_kept_on_the_next_page(site, opened):
    page = opened()
    page.goto(site.url)
    page.click("nav a")
    page.click('a[href^="/lists/weekly"]')
    assert page.locator("h1").inner_text() == "Sign up for MOZa Weekly"
    page.click(".sender a")
    assert page.locator("h1").inner_text() == "Newsletters"
