"""Check the mails with axe-core (from axe-playwright-python) and as a screen reader reads them."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.support import builders as build
from tests.support.rendered_mails import SAMPLE, SOURCES, WEEKLIES, render_page
from tests.unit.test_sign_up import bodies
from tests.unit.test_sign_up import mail as confirmation

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# These rules are off, because a mail is shown in the page of a mail client, which has a main landmark already.
OFF = ("region", "landmark-one-main")


LOOKS = [
    (640, "light", "none"),
    (640, "dark", "none"),
    (375, "dark", "none"),
    (375, "light", "none"),
    (320, "light", "none"),
    (320, "light", "active"),
]

# Every issue in the theme `moza`, and in the other themes the issues with the most kinds of content.
DRESSED = [(path, "moza") for path in (*SOURCES, *WEEKLIES)]
DRESSED += [
    (path, theme)
    for theme in ("default", "plain")
    for path in SOURCES
    if path == SAMPLE or path.stem in {"all-blocks", "hash-sections"}
]


@pytest.mark.parametrize(("path", "theme"), DRESSED, ids=lambda value: getattr(value, "stem", value))
def test_mails_have_no_accessibility_problems_at_any_width_in_light_or_dark(show, path, theme):
    assert_no_violations(show(render_page(path, theme)), passes=20)


@pytest.mark.parametrize(("theme", "lang"), [("moza", "nl"), ("default", "en")])
def test_a_confirmation_mail_has_no_accessibility_problems(show, theme, lang):
    shown = show(bodies(confirmation(lang=lang, theme=theme))[0], width=320)
    assert shown.evaluate("document.documentElement.scrollWidth") == 320
    assert_no_violations(shown, passes=15)


def assert_no_violations(shown, *, passes):
    """Fail if axe finds anything at any width, in light, dark or forced colours."""
    shown.evaluate(AXE_SCRIPT)
    options = {
        "runOnly": STANDARDS,
        "rules": {rule: {"enabled": False} for rule in OFF},
        "resultTypes": ["violations"],
    }
    for width, scheme, colours in LOOKS:
        shown.set_viewport_size({"width": width, "height": 800})
        shown.emulate_media(color_scheme=scheme, forced_colors=colours)
        found = shown.evaluate("options => axe.run(document, options)", options)
        assert len(found["passes"]) > passes
        said = [(each["id"], node["html"]) for each in found["violations"] for node in each["nodes"]]
        assert said == [], (width, scheme, colours)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_accessibility_tree_equals_its_golden_file(show, path, request):
    kept = build.ROOT / f"tests/golden/{path.stem}.aria"
    tree = show(render_page(path)).locator("body").aria_snapshot() + "\n"
    if request.config.getoption("--update-golden"):
        kept.write_text(tree, encoding="utf-8")
    assert tree.splitlines() == kept.read_text(encoding="utf-8").splitlines()
