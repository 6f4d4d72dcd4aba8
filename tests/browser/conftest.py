"""Chromium, as the system has it, without any net."""

from pathlib import Path

import pytest

from tests.real_parts import require

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


# Not for the whole session: Playwright keeps an event loop running, in which no command of ours could start its own.
@pytest.fixture(scope="module")
def browser():
    require("chromium", CHROMIUM.exists(), f"there is no {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def show(browser):
    """Open a mail at a width and in a colour scheme; fail when it asks anything of the net."""
    opened, asked = [], []

    def show(html, *, width=640, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
        )
        opened.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.set_content(html)
        return page

    yield show
    for context in opened:
        context.close()
    assert [url for url in asked if not url.startswith("data:")] == []
