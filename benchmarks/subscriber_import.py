"""Measure importing and exporting many subscribers. A part of `make bench`.

    python -m benchmarks.subscriber_import [--subscribers 50000] [--rounds 3] [--million] [--postgres]

Each round has a new project. A CSV of invented people with a name and three more columns is imported, imported again (which
changes nothing), and exported. Each figure is of a whole command, from the start of Python to the report. `--million` runs
once with 1,000,000 subscribers. The target for the import is 60 s and 200 MB. `--postgres` uses PostgreSQL (fsync on).
"""

import argparse
import contextlib
import os
import platform
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.send import CommandUsage, format_median, run_command
from tests.support.postgres import cluster
from tests.support.project_folder import Folder, folder

FIRST = ("Fatima", "Noor", "Joris", "Zoë", "Bram", "Renée", "Anh", "Łukasz", "María José", "Siobhán")
LAST = (
    "de Vries",
    "El Amrani",
    "van der Heijden",
    "Müller",
    "Özdemir",
    "Côté",
    "Nguyễn",
    "O'Brien",
    "'t Hart",
)
PLACES = ("Den Haag", "Utrecht", "Groningen", "Maastricht", "Sint-Oedenrode", "Ljouwert")
STORE = "subscribers/moza-mail.db"


def write_file(path: Path, people: int) -> None:
    """Write a file of invented people, with the same people in every run."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("email,name,organisatie,plaats,taal\r\n")
        for number in range(people):
            name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
            place = chance.choice(PLACES)
            company = f'"Bakkerij {number % 977}, {place}"'
            file.write(
                f"{number * 2654435761 % 2**32:08x}.lezer@example{number % 50}.example,{name},{company},{place},nl\r\n"
            )


def run_rounds(people: int, times: int, url: Callable[[], str] | None) -> Iterator[dict[str, CommandUsage]]:
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="moza-mail-bench-") as name:
            here = folder(Path(name))
            if url:
                here.set(store=url())
            write_file(here.path / "people.csv", people)
            yield measure(here)


def measure(here: Folder) -> dict[str, CommandUsage]:
    command = ("subscribers", "import", "--yes", "people.csv", "--consent", "form")
    found = {
        "import": run_command(here, *command),
        "the same file again": run_command(here, *command),
        "export as CSV": run_command(here, "subscribers", "export"),
    }
    if (here.path / STORE).exists():
        print(f"  size of the store: {(here.path / STORE).stat().st_size / 1e6:,.0f} MB", flush=True)
    return found


def print_figures(people: int, runs: list[dict[str, CommandUsage]]) -> None:
    for what in runs[0]:
        seconds = format_median([run[what].seconds for run in runs])
        processor = format_median([run[what].processor for run in runs])
        resident = format_median([run[what].resident_mb for run in runs], 0)
        print(
            f"{what}, {people:,} subscribers: {seconds} s, processor {processor} s, resident {resident} MB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure an import and an export of subscribers.")
    parser.add_argument("--subscribers", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {load}")
    with contextlib.ExitStack() as stack:
        url = None
        if given.postgres:
            server = stack.enter_context(cluster(fsync=True))
            url = lambda: stack.enter_context(server.database())  # noqa: E731
        people, times = (1_000_000, 1) if given.million else (given.subscribers, given.rounds)
        print_figures(people, list(run_rounds(people, times, url)))


if __name__ == "__main__":
    main()
