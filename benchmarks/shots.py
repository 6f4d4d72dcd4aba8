"""Take screenshots of a mail for docs/pictures, and of four issues in every look for build/shots.

A look is a theme at one width in one colour scheme. `python -m benchmarks.shots` takes all screenshots, and
`python -m benchmarks.shots ISSUE [FOLDER]` takes one issue in every look.
"""

import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.support.rendered_mails import SAMPLE, render_page, strip_images

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# Gmail and Outlook for Windows invert the colours of a mail that does not declare dark colours.
FORCE_DARK = ["--blink-settings=forceDarkModeEnabled=true"]
STYLES = re.compile(r"<style.*?</style>", re.DOTALL)
SCHEMES = re.compile(r'<meta name="(?:supported-)?color-schemes?"[^>]*>')
# Text and flat surfaces need no more colours, and small files make the documentation load faster.
COLOURS = 64
ISSUES = (SAMPLE, *sorted((ROOT / "benchmarks/data/issues").glob("*.md")))


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One screenshot.

    unstyled: show the mail without style blocks, as some mail programs do.
    is_forced: invert the colours, as some mail programs do in dark mode.
    """

    name: str
    width: int
    scheme: str = "light"
    theme: str = "moza"
    unstyled: bool = False
    is_forced: bool = False
    has_images: bool = True


# The pictures in the documentation, of the sample issue.
DOCUMENTED = (
    Shot(name="light-640", width=640),
    Shot(name="dark-640", width=640, scheme="dark"),
    Shot(name="light-375", width=375),
    Shot(name="dark-375", width=375, scheme="dark"),
    Shot(name="no-style-640", width=640, unstyled=True),
    Shot(name="forced-dark-640", width=640, unstyled=True, is_forced=True),
    Shot(name="default-light-640", width=640, theme="default"),
    Shot(name="default-dark-375", width=375, scheme="dark", theme="default"),
    Shot(name="plain-light-375", width=375, theme="plain"),
)
# Every look, for a person to judge the design.
LOOKS = (
    *(
        Shot(name=f"{scheme}-{width}", width=width, scheme=scheme)
        for width in (800, 640, 375, 320)
        for scheme in ("light", "dark")
    ),
    Shot(name="no-style-640", width=640, unstyled=True),
    Shot(name="no-style-375", width=375, unstyled=True),
    Shot(name="no-images-375", width=375, has_images=False),
    Shot(name="forced-dark-640", width=640, unstyled=True, is_forced=True),
    Shot(name="default-light-640", width=640, theme="default"),
    Shot(name="default-dark-375", width=375, scheme="dark", theme="default"),
    Shot(name="plain-light-640", width=640, theme="plain"),
)


def render_mail(issue_file: Path, shot: Shot) -> str:
    html = render_page(issue_file, shot.theme)
    html = html if shot.has_images else strip_images(html)
    return SCHEMES.sub("", STYLES.sub("", html)) if shot.unstyled else html


def take_screenshot(browser: Browser, html: str, shot: Shot, folder: Path) -> None:
    page = browser.new_page(
        viewport={"width": shot.width, "height": 800}, color_scheme=shot.scheme, offline=True
    )
    page.set_content(html)
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    page.close()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{shot.name}.png"
    picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(path, optimize=True)
    print(path)


def launch_chromium(playwright: Playwright, *arguments: str) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments])


def main(wanted: list[tuple[Path, tuple[Shot, ...], Path]]) -> None:
    with sync_playwright() as playwright:
        for arguments in ((), FORCE_DARK):
            browser = launch_chromium(playwright, *arguments)
            for issue_file, shots, folder in wanted:
                for shot in shots:
                    if shot.is_forced == bool(arguments):
                        take_screenshot(browser, render_mail(issue_file, shot), shot, folder)
            browser.close()


if __name__ == "__main__":
    given = [Path(argument).resolve() for argument in sys.argv[1:]]
    if given:
        main([(given[0], LOOKS, given[1] if given[1:] else ROOT / "build/shots" / given[0].stem)])
    else:
        looks = [(issue, LOOKS, ROOT / "build/shots" / issue.stem) for issue in ISSUES]
        main([(SAMPLE, DOCUMENTED, ROOT / "docs/pictures"), *looks])
