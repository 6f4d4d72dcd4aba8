"""The system's Chromium, without network access."""

import asyncio
from pathlib import Path

import pytest

from tests.support.real_parts import require

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium():
    """Start one Chromium for the whole session, and return it with the event loop that Playwright keeps running."""
    require("chromium", CHROMIUM.exists(), f"there is no {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture(scope="module")
def browser(chromium):
    """Return Chromium without the pages of other test modules."""
    browser, loop = chromium
    # Between modules the loop does not count as running, because commands start their own loop in this thread.
    asyncio._set_running_loop(loop)
    yield browser
    for context in browser.contexts:
        context.close()
    asyncio._set_running_loop(None)


@pytest.fixture(scope="module")
def pages(browser):
    """Keep pages for reuse. Opening a new page takes half a second, and reusing one a hundredth."""
    return []


@pytest.fixture
def show(browser, pages):
    """Return a function that shows a mail at a width and in a colour scheme, without network requests."""
    opened, asked = [], []

    def hear(request):
        asked.append(request.url)

    def show(html, *, width=640, scheme="light"):
        page = pages.pop() if pages else browser.new_context(offline=True).new_page()
        opened.append(page)
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.on("request", hear)
        page.set_content(html)
        return page

    yield show
    for page in opened:
        page.remove_listener("request", hear)
        page.goto("about:blank")
    pages += opened
    assert [url for url in asked if not url.startswith("data:")] == []
