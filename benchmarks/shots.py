"""Take the screenshots of a mail for docs/pictures, or of another issue: `python benchmarks/shots.py [ISSUE [FOLDER]]`.

They show both themes, light and dark, at the width of a phone, without style blocks, and with colours inverted by the client.
"""

import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.sync_api import Browser, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from moza_mail import parse, render  # noqa: E402  # the checkout itself, installed or not
from moza_mail.model.theme import Colophon  # noqa: E402
from moza_mail.project import themes  # noqa: E402

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# Gmail and Outlook for Windows invert the colours of a mail that does not declare dark colours.
FORCE_DARK = ["--blink-settings=forceDarkModeEnabled=true"]
STYLES = re.compile(r"<style.*?</style>", re.DOTALL)
SCHEMES = re.compile(r'<meta name="(?:supported-)?color-schemes?"[^>]*>')
# Text and flat surfaces need no more colours, and small files make the documentation load faster.
COLOURS = 64
COLOPHON = Colophon(
    sender_name="MijnOverheid Zakelijk",
    list_title="MOZa Weekly",
    postal_address="Voorbeeldstraat 1, 2500 AA Den Haag",
    contact="weekly@example.org",
    view_url="https://example.org/weekly/14-januari-2026/",
    can_unsubscribe=True,
)


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One screenshot."""

    name: str
    width: int
    scheme: str = "light"
    theme: str = "moza"
    unstyled: bool = False


SHOTS = (
    Shot(name="light-640", width=640),
    Shot(name="dark-640", width=640, scheme="dark"),
    Shot(name="light-375", width=375),
    Shot(name="dark-375", width=375, scheme="dark"),
    Shot(name="no-style-640", width=640, unstyled=True),
    Shot(name="default-light-640", width=640, theme="default"),
    Shot(name="default-dark-375", width=375, scheme="dark", theme="default"),
)
FORCED_DARK = Shot(name="forced-dark-640", width=640, unstyled=True)


def render_mail(issue_file: Path, shot: Shot) -> str:
    issue = parse.parse_issue(
        issue_file.read_text(encoding="utf-8"), issue_file.name, site_url="https://example.org"
    )
    theme = themes.read_theme(shot.theme, ROOT / "templates")
    html = render.render_issue(issue, theme, COLOPHON, zone=ZoneInfo("Europe/Amsterdam")).html
    return SCHEMES.sub("", STYLES.sub("", html)) if shot.unstyled else html


def take_screenshot(browser: Browser, html: str, shot: Shot, folder: Path) -> None:
    page = browser.new_page(
        viewport={"width": shot.width, "height": 800}, color_scheme=shot.scheme, offline=True
    )
    page.set_content(html)
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    page.close()
    path = folder / f"{shot.name}.png"
    picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(path, optimize=True)
    print(path)


def launch_chromium(playwright: Playwright, *arguments: str) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments])


def main(issue_file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        for shot in SHOTS:
            take_screenshot(browser, render_mail(issue_file, shot), shot, folder)
        browser.close()
        browser = launch_chromium(playwright, *FORCE_DARK)
        take_screenshot(browser, render_mail(issue_file, FORCED_DARK), FORCED_DARK, folder)
        browser.close()


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    main(*(given + [ROOT / "issues/2026-01-14.md", ROOT / "docs/pictures"][len(given) :]))
