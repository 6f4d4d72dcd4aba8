"""Fixtures and helpers for tests of the editor in Chromium."""

from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.support.editor import serve_editor
from tests.support.project_folder import folder

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHOWN = "document.documentElement.dataset.shown"
STREAM = "() => document.documentElement.dataset.stream === 'open'"


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


@pytest.fixture
def open_editor(browser, project):
    """Return a function that opens the editor in Chromium. A request to another host fails the test."""
    asked, contexts = [], []
    with serve_editor(project) as url:

        def opened(*, lang="nl", scheme="light", width=1440, height=900, script=True):
            context = browser.new_context(
                locale=lang,
                color_scheme=scheme,
                viewport={"width": width, "height": height},
                java_script_enabled=script,
                reduced_motion="reduce",
            )
            contexts.append(context)
            page = context.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: pytest.fail(str(error)))
            page.goto(url)
            page.wait_for_url(lambda address: "key=" not in address)
            if script:
                page.wait_for_function(STREAM)
            return page

        yield opened
        for context in contexts:
            context.close()
    home = f"http://{urlsplit(url).netloc}/"
    assert [each for each in asked if not each.startswith((home, "data:"))] == []


def mail_frame(page):
    return page.frame_locator("iframe.mail:not(.waiting)")


def change_and_wait(page, act):
    """Call `act`, and wait until the preview shows a new rendering."""
    before = page.evaluate(SHOWN)
    act()
    page.wait_for_function(f"before => {SHOWN} !== before", arg=before)


def find_violations(page):
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(
        "options => axe.run({ exclude: [['iframe.mail']] }, options)",
        {"runOnly": STANDARDS, "resultTypes": ["violations"]},
    )
    assert len(found["passes"]) > 15
    return [(each["id"], node["html"][:200]) for each in found["violations"] for node in each["nodes"]]
