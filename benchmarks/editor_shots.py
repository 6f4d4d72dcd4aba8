"""Take the screenshots of the editor for docs/pictures: a part of `make shots`, or `python -m benchmarks.editor_shots [FOLDER]`.

The screenshots show the sample issue among invented issues, in Dutch, in light and dark colours, at the width of a computer, a
tablet and a phone.
"""

import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.editor import run_editor
from tests.support.project_folder import ISSUE, ROOT, Folder, folder

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
COLOURS = 256
MONTHS = [
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
]


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One screenshot and the actions before it."""

    name: str
    width: int = 1440
    height: int = 900
    scheme: str = "light"
    act: Callable[[Page], None] = lambda _: None


def show_dark_mail(page: Page) -> None:
    page.locator("input[name=scheme][value=dark]").check()


def show_writing(page: Page) -> None:
    """Type a vague link text, and click the finding about it."""
    page.keyboard.press("Alt+e")
    page.wait_for_function("() => document.activeElement.id === 'text'")
    page.locator("#text").evaluate(
        "area => { const at = area.value.indexOf('de documentatie](');"
        " area.setSelectionRange(at, at + 'de documentatie'.length); }"
    )
    page.keyboard.type("hier")
    page.locator(".finding", has_text="hier").first.click()


def show_outline(page: Page) -> None:
    page.keyboard.press("Alt+e")
    page.wait_for_function("() => document.activeElement.id === 'text'")
    page.locator("#tab-outline").click()
    show_dark_mail(page)


SHOTS = (
    Shot(name="editor-light"),
    Shot(name="editor-dark", scheme="dark", act=show_dark_mail),
    Shot(name="editor-edit", act=show_writing),
    Shot(name="editor-outline-dark", scheme="dark", act=show_outline),
    Shot(name="editor-tablet", width=1024, height=768),
    Shot(name="editor-phone", width=390, height=844),
)


def make_project(path: Path) -> Folder:
    """Create a project with the sample issue, a later issue and earlier issues, most of which are sent."""
    project = folder(path)
    text = (path / ISSUE).read_text(encoding="utf-8")
    for weeks in (-5, -4, -3, -2, -1, 1):
        day = date(2026, 1, 14) + timedelta(weeks=weeks)
        title = f"MOZa Weekly {day.day} {MONTHS[day.month - 1]} {day.year}"
        written = text.replace("MOZa Weekly 14 januari 2026", title).replace("2026-01-14", str(day))
        (path / "issues" / f"{day}.md").write_text(written, encoding="utf-8")
    project.add_readers(3)
    for sent in ("2025-12-10", "2025-12-17", "2025-12-24", "2025-12-31", "2026-01-07"):
        assert project.run("send", sent, "--yes").code == 0
    assert project.run("approve", ISSUE, "--as", "Noor", "--yes").code == 0
    return project


def take_screenshot(browser: Browser, url: str, shot: Shot, target: Path) -> None:
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme=shot.scheme,
        locale="nl-NL",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_function("() => document.documentElement.dataset.stream === 'open'")
    shot.act(page)
    page.wait_for_timeout(1500)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    path = target / f"{shot.name}.png"
    picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(path, optimize=True)
    print(path)


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        project = make_project(Path(name))
        with run_editor(project) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for shot in SHOTS:
                take_screenshot(browser, url, shot, target)
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/pictures")
