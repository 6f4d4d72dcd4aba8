"""Take the screenshots of the archive for docs/pictures: the page of the sample issue, and the index."""

import io
import tempfile
from datetime import date, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.shots import COLOURS, Shot, launch_chromium
from moza_mail import edit
from tests.support.project_folder import ROOT, Folder, folder

SHOTS = (
    (Shot(name="archive-light-800", width=800), "2026-01-14/index.html"),
    (Shot(name="archive-index-light-800", width=800), "index.html"),
)
# Invented earlier issues, so that the index is not empty.
EARLIER_ISSUE = """---
title: MOZa Weekly {day}
date: {date}
---

## Algemeen

* **Terugblik**: wat er in deze week gebeurde, staat hier.
"""
WEEKS = 5


def build_site(place: Path) -> Path:
    """Build the archive of the sample issue and a few earlier weeks, and return its folder."""
    made: Folder = folder(place)
    for week in range(1, WEEKS):
        day = date(2026, 1, 14) - timedelta(weeks=week)
        text = EARLIER_ISSUE.format(day=edit.format_date(day, "nl"), date=day)
        (place / f"issues/{day}.md").write_text(text, encoding="utf-8")
    done = made.run("archive", "build", "site", "--all-before", "2027-01-01")
    if done.code:
        raise SystemExit(done.err)
    return place / "site"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        pages = build_site(Path(name))
        with sync_playwright() as playwright:
            browser = launch_chromium(playwright)
            for shot, page in SHOTS:
                context = browser.new_page(
                    viewport={"width": shot.width, "height": 800}, color_scheme=shot.scheme, offline=True
                )
                context.goto(f"file://{pages / page}")
                picture = Image.open(io.BytesIO(context.screenshot(full_page=True))).convert("RGB")
                path = ROOT / f"docs/pictures/{shot.name}.png"
                picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(path, optimize=True)
                print(path)
                context.close()
            browser.close()


if __name__ == "__main__":
    main()
