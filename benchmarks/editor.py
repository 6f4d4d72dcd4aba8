"""Measure the time until the editor shows a saved or typed change. A part of `make bench`.

    python -m benchmarks.editor [ISSUES]

Chromium and `moza-mail preview` run on this machine with 500 issues (by default), as after ten years of weeklies. The time begins
when the file is saved or the key is pressed. It ends with the first frame that shows the new mail. Each figure is the median,
with the 95th percentile and the range.
"""

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from moza_mail.app.project_session import ProjectSession
from moza_mail.project import find_project
from moza_mail.web.editor import ClientView, apply_client_view
from tests.support.editor import run_editor
from tests.support.project_folder import ISSUE, folder

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ROUNDS = 50
# This script records the time at which each mail was drawn, on the same clock as this process.
WATCH = """() => { window.drawn = []; new MutationObserver(() => requestAnimationFrame(() =>
  window.drawn.push(performance.timeOrigin + performance.now())))
  .observe(document.documentElement, { attributeFilter: ['data-shown'] }); }"""


def format_times(label: str, runs: list[float]) -> str:
    runs = sorted(runs)
    p95 = runs[min(len(runs) - 1, int(len(runs) * 0.95))]
    return (
        f"{label}: median {statistics.median(runs):.1f} ms, p95 {p95:.1f} ms"
        f" ({runs[0]:.1f} to {runs[-1]:.1f}, {len(runs)} times)"
    )


def measure_times(work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    work()
    runs = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        runs.append((time.perf_counter() - began) * 1000)
    return runs


def write_older_issues(path: Path, count: int) -> None:
    """Write earlier issues, one a week, until there are `count` issues."""
    text = (path / ISSUE).read_text(encoding="utf-8")
    first = date(2026, 1, 14)
    for weeks in range(1, count):
        day = first - timedelta(weeks=weeks)
        (path / "issues" / f"{day}.md").write_text(
            text.replace("date: 2026-01-14", f"date: {day}"), encoding="utf-8"
        )


def measure_in_process(path: Path) -> list[str]:
    """Measure the server's time for one refresh, without a browser."""
    session = ProjectSession(find_project(path))
    text = session.files.read(ISSUE).text
    showing = session.preview(ISSUE, text, None)
    return [
        format_times(
            "in the server, from text to HTML",
            measure_times(
                lambda: apply_client_view(session.preview(ISSUE, text, None).rendered.html, ClientView())
            ),
        ),
        format_times("in the server, the findings of check", measure_times(showing.findings, 20)),
    ]


def measure_until_drawn(page: Page, act: Callable[[int], None]) -> list[float]:
    """Return the milliseconds from each change to the frame that shows it, without the first two."""
    runs = []
    for number in range(ROUNDS + 2):
        seen_before = page.evaluate("window.drawn.length")
        page.wait_for_timeout(120 + 37 * (number % 5))
        began = time.time() * 1000
        act(number)
        page.wait_for_function("count => window.drawn.length > count", arg=seen_before)
        runs.append(page.evaluate("count => window.drawn[count]", seen_before) - began)
        page.wait_for_timeout(250)
    return runs[2:]


def measure_in_browser(path: Path, url: str) -> list[str]:
    issue = path / ISSUE
    text = issue.read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.wait_for_function("() => document.documentElement.dataset.stream === 'open'")
        page.evaluate(WATCH)

        def save(number: int) -> None:
            issue.write_text(text.replace("oliebollen", f"oliebollen {number}"), encoding="utf-8")

        saved = measure_until_drawn(page, save)
        loads = measure_times(lambda: page.reload(wait_until="load"), 10)
        page.evaluate(WATCH)
        page.keyboard.press("Alt+e")
        page.wait_for_function("() => document.activeElement.id === 'text'")
        typed = measure_until_drawn(page, lambda _: page.keyboard.press("x"))
        browser.close()
    return [
        format_times("from save to refreshed frame", saved),
        format_times("from key to refreshed frame, unsaved", typed),
        format_times("loading the whole page", loads),
    ]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()} {platform.system()};"
        f" {count} issues"
    )
    with tempfile.TemporaryDirectory() as name:
        project = folder(Path(name))
        write_older_issues(project.path, count)
        for line in measure_in_process(project.path):
            print(line, flush=True)
        with run_editor(project) as url:
            for line in measure_in_browser(project.path, url):
                print(line, flush=True)


if __name__ == "__main__":
    main()
