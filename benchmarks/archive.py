"""Measure `archive build` for 500 sent issues: all pages, and one changed issue.

    python -m benchmarks.archive [ISSUES]

Each issue is the sample issue with another date, and was mailed to one recipient. So the figure includes all work: reading the
store and the files, the comparison with the mailed text, rendering the pages and writing the folder.
"""

import asyncio
import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from benchmarks.all import measure_seconds, run_command
from benchmarks.compose import Measurement
from moza_mail.app import prepare_issue
from moza_mail.project import find_project
from moza_mail.store import open_store
from tests.support.project_folder import ISSUE, ROOT, Folder, folder
from tests.support.store_builders import ACCEPTED, NOW, add_subscribers, newcomer

RUNS = 5


def write_issues(project: Folder, count: int) -> list[str]:
    """Write `count` weekly issues with the text of the sample issue, and return their slugs."""
    text = (ROOT / ISSUE).read_text(encoding="utf-8")
    (project.path / ISSUE).unlink()
    days = [date(2026, 1, 14) - timedelta(weeks=number) for number in range(count)]
    for day in days:
        shown = text.replace("date: 2026-01-14", f"date: {day}").replace("14 januari 2026", f"{day:%d-%m-%Y}")
        (project.path / f"issues/{day}.md").write_text(shown, encoding="utf-8")
    return [f"{day}" for day in days]


async def record_as_sent(path: Path, slugs: list[str]) -> None:
    """Record each issue in the ledger as sent to one recipient."""
    project = find_project(path)
    store = await open_store(project.store_url())
    mailing_list = project.read_list("")
    await store.subscribers.save_list(mailing_list)
    await add_subscribers(store, newcomer(1))
    for slug in slugs:
        made = await store.ledger.create_mailing(prepare_issue.prepare_issue(project, slug).draft_mailing())
        async with store.ledger.hold_sender_lock("benchmark"):
            (delivery,) = await store.ledger.claim(made.id, limit=1, now=NOW)
            await store.ledger.record_intents([delivery.id], now=NOW)
            await store.ledger.record_outcomes([(delivery.id, ACCEPTED)], now=NOW)
    await store.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as place:
        here = folder(Path(place))
        slugs = write_issues(here, count)
        asyncio.run(record_as_sent(here.path, slugs))
        newest = here.path / f"issues/{slugs[0]}.md"

        def build() -> float:
            return measure_seconds(lambda: run_command(here, "archive", "build", "site"))

        def anew() -> float:
            shutil.rmtree(here.path / "site", ignore_errors=True)
            return build()

        def edited(run: int) -> float:
            newest.write_text(newest.read_text(encoding="utf-8") + f"\n* Nieuw: {run}\n", encoding="utf-8")
            return build()

        build()
        rounds = range(RUNS)
        print(
            Measurement(
                label=f"archive build of {count} issues", unit="s", runs=tuple(anew() for _ in rounds)
            )
        )
        again = tuple(edited(run) for run in rounds)
        print(Measurement(label="the same, one issue edited", unit="s", runs=again))


if __name__ == "__main__":
    main()
