"""Run every fuzz target for some seconds each, and print a table: `python -m tests.fuzz.run_all --seconds 120`.

The exit code is 1 if a target found a crash.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz import targets
from tests.fuzz.run import KEPT

HEAD = ["target", "inputs", "inputs a second", "kept", "most memory", "slowest input", "crashes"]
STAT = re.compile(r"stat::(\w+):\s+(\d+)")


def run_target(name: str, seconds: int) -> tuple[list[object], bool]:
    """Fuzz one target; return its row of the table, and True if it crashed."""
    begin = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz.run", name, f"-max_total_time={seconds}"]
    log = KEPT / f"{name}.log"
    with log.open("wb") as output:
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    stats = dict(STAT.findall(log.read_text(encoding="utf-8", errors="replace")))
    inputs = int(stats.get("number_of_executed_units", 0))
    row = [
        name,
        f"{inputs:,}",
        f"{inputs / (time.monotonic() - begin):,.0f}",
        stats.get("new_units_added", "?"),
        f"{stats.get('peak_rss_mb', '?')} MB",
        f"{stats.get('slowest_unit_time_sec', '?')} s",
        f"see {log.relative_to(Path.cwd())}" if code else "0",
    ]
    return row, code != 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="seconds for each target")
    parser.add_argument("targets", nargs="*", default=list(targets.TARGETS), metavar="TARGET")
    given = parser.parse_args()
    os.nice(10)
    KEPT.mkdir(parents=True, exist_ok=True)
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}", flush=True)
    has_crashed = False
    for name in given.targets:
        row, crashed = run_target(name, given.seconds)
        has_crashed = has_crashed or crashed
        print(f"| {' | '.join(map(str, row))} |", flush=True)
    sys.exit(has_crashed)


if __name__ == "__main__":
    main()
