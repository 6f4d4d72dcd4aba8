"""Measure the processor time of short commands, from the start of Python: `python -m benchmarks.start [--rounds 10]`.

Each figure is the median of the rounds, with the lowest and highest between parentheses. The commands take turns, so that
other work on the machine slows all of them down alike. `--imports` prints instead the time that each command needs to import
each library, by `python -X importtime`. The time of a library includes the standard modules that it imports first.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.compose import Measurement
from tests.support.project_folder import ISSUE, Folder, folder

IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|( +)(\S+)")
COMMANDS = {
    "--help": ("--help",),
    "status": ("status",),
    "check": ("check", ISSUE),
    "render": ("render", ISSUE),
    "send to one": ("send", ISSUE, "--yes"),
    "show": ("show", ISSUE),
    "new": ("new", "--from", ISSUE),
    "send --due, nothing due": ("send", "--due"),
}
SHOWN = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--imports", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        for label, arguments in COMMANDS.items():
            # The first run compiles the modules.
            measure_processor_time(make_folder(base, label, "first"), arguments)
            if options.imports:
                print_imports(label, make_folder(base, label, "imports"), arguments)
        if options.imports:
            return
        runs: dict[str, list[float]] = {label: [] for label in COMMANDS}
        for number in range(options.rounds):
            for label, arguments in COMMANDS.items():
                runs[label].append(measure_processor_time(make_folder(base, label, number), arguments))
    for label, seconds in runs.items():
        print(Measurement(label=f"moza-mail {label}, processor time", unit="s", runs=tuple(seconds)))


def make_folder(base: Path, label: str, number: int | str) -> Folder:
    """Return a new project folder. Its newest mailing is sent, unless the measured command sends it."""
    path = base / f"{label} {number}"
    path.mkdir()
    here = folder(path)
    here.add_readers(1)
    if label != "send to one":
        assert here.run("send", ISSUE, "--yes").code == 0
    lists = path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + 'schedule = "wed 09:00"\n')
    return here


def command(here: Folder, *arguments: str) -> dict[str, object]:
    # Python keeps its bytecode, as it does for an installed program, even if this machine disables that.
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(here.path.parent / "compiled")}
    return here.command(*arguments, **bytecode)


def measure_processor_time(here: Folder, arguments: tuple[str, ...]) -> float:
    """Run a command, and return the seconds of processor time that it and its children took."""
    before = os.times()
    done = subprocess.run(**command(here, *arguments), capture_output=True, timeout=60, check=False)
    after = os.times()
    assert done.returncode in {0, 3}, done.stderr.decode()
    return after.children_user + after.children_system - before.children_user - before.children_system


def print_imports(label: str, here: Folder, arguments: tuple[str, ...]) -> None:
    """Print the libraries whose import took longest, with the milliseconds of each."""
    started = command(here, *arguments)
    python, *rest = started["args"]
    started["args"] = [python, "-X", "importtime", *rest]
    done = subprocess.run(**started, capture_output=True, text=True, timeout=60, check=False)
    total: Counter[str] = Counter()
    parents: list[tuple[int, str]] = []
    # A module is printed after the modules that it imports, so the lines are read backwards.
    found = IMPORT.findall(done.stderr)
    for own, _, indent, name in reversed(found):
        while parents and parents[-1][0] >= len(indent):
            parents.pop()
        library = name.split(".")[0]
        is_standard = library in sys.stdlib_module_names
        owner = (parents[-1][1] if parents else "python") if is_standard else library
        parents.append((len(indent), owner))
        total[owner] += int(own)
    listed = ", ".join(f"{name} {spent / 1000:.0f}" for name, spent in total.most_common(SHOWN))
    print(f"moza-mail {label}: {len(found)} modules, {sum(total.values()) / 1000:.0f} ms: {listed}")


if __name__ == "__main__":
    main()
