"""Writes pictures of the sample issue, or of another, into docs/pictures: `python benchmarks/shots.py [ISSUE [FOLDER]]`."""

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from moza_mail import parse, render  # noqa: E402  # the checkout itself, installed or not
from moza_mail.model.theme import Colophon  # noqa: E402
from moza_mail.project import themes  # noqa: E402

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
COLOPHON = Colophon(
    sender_name="MijnOverheid Zakelijk",
    list_title="de MOZa Weekly",
    postal_address="Voorbeeldstraat 1, 2500 AA Den Haag",
    contact="weekly@example.org",
    view_url="https://example.org/weekly/14-januari-2026/",
    can_unsubscribe=True,
)


def main(issue_file: Path, folder: Path) -> None:
    issue = parse.issue(
        issue_file.read_text(encoding="utf-8"), issue_file.name, site_url="https://example.org"
    )
    theme = themes.read(issue.theme or "moza", ROOT / "templates")
    html = render.issue(issue, theme, COLOPHON, zone=ZoneInfo("Europe/Amsterdam")).html
    folder.mkdir(parents=True, exist_ok=True)
    shots = {
        "light-640": (640, "light"),
        "dark-640": (640, "dark"),
        "light-375": (375, "light"),
        "dark-375": (375, "dark"),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, (width, scheme) in shots.items():
            page = browser.new_page(
                viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
            )
            page.set_content(html)
            page.screenshot(path=folder / f"{name}.png", full_page=True)
            page.close()
            print(folder / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    main(*(given + [ROOT / "issues/2026-01-14.md", ROOT / "docs/pictures"][len(given) :]))
