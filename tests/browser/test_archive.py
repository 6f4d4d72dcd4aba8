"""The archive in Chromium: axe-core finds nothing, pages fit 320 pixels, and request nothing outside their folder."""

from datetime import date

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from moza_mail import archive, parse
from moza_mail.model.issue import find_images
from moza_mail.model.site import INDEX
from moza_mail.project import images as project_images
from moza_mail.project import publish_files
from tests.support import builders as build
from tests.support.rendered_mails import FIXTURES, SAMPLE
from tests.unit.test_archive import entry, setting

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"runOnly": STANDARDS, "resultTypes": ["violations"]}
TODAY = date(2026, 1, 14)
VIEWS = [(320, "light"), (800, "dark"), (800, "light"), (320, "dark")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build an archive of all our issues, and return its folder."""
    entries = []
    for path in (SAMPLE, *FIXTURES):
        issue = parse.parse_issue(path.read_text(encoding="utf-8"), path.name, site_url="https://example.org")
        settings = project_images.ImageSettings(
            folder=path.parent, root=build.ROOT, column=build.theme().text_width
        )
        entries.append(
            entry(issue, images=project_images.read_images(find_images(issue), issue.source, settings))
        )
    place = tmp_path_factory.mktemp("archive") / "site"
    publish_files(place, archive.build_site(entries, setting(), today=TODAY))
    return place


@pytest.mark.parametrize(
    "page", [INDEX, "2026-01-14/index.html", "all-blocks/index.html", "times/index.html"]
)
def test_an_archive_page_is_accessible_and_fits_every_screen(browser, site, page):
    context = browser.new_context(offline=True)
    shown, said, asked = context.new_page(), [], []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("request", lambda request: asked.append(request.url))
    try:
        shown.goto(f"file://{site}/{page}")
        assert said == []
        assert [url for url in asked if not url.startswith(f"file://{site}/")] == []
        assert shown.evaluate("document.compatMode") == "CSS1Compat"
        assert shown.evaluate("document.scripts.length") == 0
        shown.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.className") == "skip"
        shown.evaluate("document.activeElement.blur()")  # it lies over what is below while it is shown
        for width, scheme in VIEWS:
            shown.set_viewport_size({"width": width, "height": 800})
            shown.emulate_media(color_scheme=scheme)
            assert shown.evaluate("document.documentElement.scrollWidth") <= width
            shown.evaluate(AXE_SCRIPT)
            found = shown.evaluate("options => axe.run(document, options)", OPTIONS)
            assert len(found["passes"]) > 20
            complaints = [
                (each["id"], node["html"]) for each in found["violations"] for node in each["nodes"]
            ]
            assert complaints == [], (width, scheme)
    finally:
        context.close()
