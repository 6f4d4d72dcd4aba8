"""Measure the whole program: the first part of `make bench`, or `python -m benchmarks.all [RECIPIENTS]`.

Each figure is the median of its rounds, with the lowest and highest between parentheses. Nothing leaves this machine.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.compose import Measurement
from moza_mail import compose, edit, parse, render
from moza_mail.model.message import Recipient
from moza_mail.project import find_project
from moza_mail.sending import draft_mailing
from tests.support.project_folder import ISSUE, ROOT, SHARED_WEEKLIES, Folder, folder

WARM = 50
ROUNDS = 5
SENDS = 3
MESSAGES = 20_000
LONG = 100_000


def measure_seconds(work: Callable[[], object]) -> float:
    """Return the duration of one call in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure_milliseconds(label: str, work: Callable[[], object], rounds: int) -> Measurement:
    work()
    return Measurement(
        label=label, unit="ms", runs=tuple(measure_seconds(work) * 1000 for _ in range(rounds))
    )


def measure_processor_time(label: str, work: Callable[[], object], rounds: int) -> Measurement:
    """Measure the processor time of calls, which depends less on other work than elapsed time does."""
    work()
    runs = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        runs.append((time.process_time() - began) * 1000)
    return Measurement(label=f"{label}, processor time", unit="ms", runs=tuple(runs))


def measure_in_process() -> list[Measurement]:
    """Measure all steps from text to message, for the sample issue and the first real weekly if present."""
    weeklies = [path for path in SHARED_WEEKLIES if path.stem == "2026-01-14"]
    return [
        *measure_issue(ROOT / ISSUE, "the sample issue"),
        measure_long_issue(),
        *(measure for path in weeklies for measure in measure_issue(path, "a real weekly")),
    ]


def measure_long_issue() -> Measurement:
    """Measure parsing and rendering 100,000 characters of the sample issue."""
    from tests.support import builders

    head, body = (ROOT / ISSUE).read_text(encoding="utf-8").split("\n---\n", 1)
    text = f"{head}\n---\n{(body * (LONG // len(body) + 1))[:LONG]}"

    def work() -> object:
        issue = parse.parse_issue(text, "long.md")
        return render.render_issue(issue, builders.theme(), builders.COLOPHON, zone=builders.AMSTERDAM)

    return measure_milliseconds("parse and render 100,000 characters", work, ROUNDS)


def measure_issue(path: Path, label: str) -> list[Measurement]:
    """Measure parsing, rendering and compiling an issue after a first run, and composing its messages."""
    from datetime import UTC, datetime

    from moza_mail.model.theme import Colophon

    project = find_project(ROOT)
    text, theme, listing = project.read_issue(path), project.read_theme("moza"), project.read_list("weekly")
    links = compose.SignedLinks(secret=b"a secret for measuring only", public_url=project.config.public_url)
    colophon = Colophon(
        sender_name="MOZa", list_title=listing.title, can_unsubscribe=True, view_url="https://example.org/"
    )
    zone = project.config.zone
    recipients = [
        Recipient(subscriber_id=number, address=listing.sender, name=f"Zoë Lezer {number}")
        for number in range(MESSAGES)
    ]
    now = datetime(2026, 1, 14, 8, tzinfo=UTC)

    def read():
        return parse.parse_issue(text, str(path), site_url=project.config.site_url)

    def dressed():
        return render.render_issue(read(), theme, colophon, zone=zone)

    def compiled():
        issue = read()
        made = render.render_issue(issue, theme, colophon, zone=zone)
        return compose.compile_mailing(draft_mailing(issue, listing, made, now=now), listing, links)

    ready = compiled()

    def composed():
        for recipient in recipients:
            ready.compose_message(recipient)

    html = dressed().html.encode()
    again = edit.NextIssueSettings(date=read().date + timedelta(days=7), lang="nl")
    return [
        measure_milliseconds(f"parse {label}", read, WARM),
        measure_milliseconds(
            f"the next issue after {label}", lambda: edit.make_next_issue(read(), text, again), WARM
        ),
        measure_milliseconds(f"parse and render {label}", dressed, WARM),
        measure_milliseconds(
            f"from text to message, {label}", lambda: compiled().compose_message(recipients[0]), WARM
        ),
        measure_processor_time(
            f"from text to message, {label}", lambda: compiled().compose_message(recipients[0]), WARM
        ),
        Measurement(label=f"HTML of {label}", unit="bytes", runs=(len(html),)),
        Measurement(
            label=f"one message on the wire, {label}",
            unit="bytes",
            runs=(len(ready.compose_message(recipients[0])[1].content),),
        ),
        Measurement(
            label=f"messages composed, {label}",
            unit="a second",
            runs=tuple(MESSAGES / measure_seconds(composed) for _ in range(ROUNDS)),
        ),
    ]


def measure_commands() -> list[Measurement]:
    """Measure commands as a person starts them, including the start of Python."""
    with tempfile.TemporaryDirectory() as name:
        here = folder(Path(name))
        weeklies = [path for path in SHARED_WEEKLIES if path.stem == "2026-01-14"]
        return [
            measure_milliseconds("moza-mail --help", lambda: run_command(here, "--help"), ROUNDS * 2),
            measure_milliseconds("moza-mail show ISSUE", lambda: run_command(here, "show", ISSUE), ROUNDS),
            measure_milliseconds(
                "moza-mail render ISSUE", lambda: run_command(here, "render", ISSUE), ROUNDS
            ),
            measure_milliseconds("moza-mail new", make_new_runner(here), ROUNDS * 2),
            measure_milliseconds("moza-mail send --due, nothing due", make_due_runner(here), ROUNDS * 2),
            measure_milliseconds(
                "moza-mail check ISSUE", lambda: run_command(here, "check", ISSUE), ROUNDS * 2
            ),
            *(
                measure_milliseconds(
                    f"moza-mail check {path.name}, a real one",
                    partial(run_command, here, "check", path),
                    ROUNDS * 2,
                )
                for path in weeklies
            ),
        ]


def make_new_runner(here: Folder) -> Callable[[], None]:
    """Return a function that runs `new` for another day each time, because `new` never overwrites a file."""
    days = (date(2027, 1, 1) + timedelta(days=number) for number in count())
    return lambda: run_command(here, "new", "--from", ISSUE, "--date", next(days).isoformat())


def make_due_runner(here: Folder) -> Callable[[], None]:
    """Return a function that runs `send --due` while no issue is due, as most runs of cron do."""
    lists = here.path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + 'schedule = "wed 09:00"\n')
    here.add_readers(1)
    run_command(here, "send", ISSUE, "--yes")
    return lambda: run_command(here, "send", "--due")


def run_command(here: Folder, *arguments: str | Path) -> None:
    # Python keeps its bytecode, as it does for an installed program, even if this machine disables that. The first run writes
    # the bytecode, and is not counted.
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(here.path / "compiled")}
    subprocess.run(**here.command(*map(str, arguments), **bytecode), check=True, capture_output=True)


def measure_sends(recipients: int) -> list[Measurement]:
    """Measure a whole `send` to the outbox, with its ledger. `benchmarks.send` measures a send to a relay."""
    runs = []
    for _ in range(SENDS):
        with tempfile.TemporaryDirectory() as name:
            here = folder(Path(name))
            here.add_readers(recipients)
            runs.append(
                recipients / measure_seconds(lambda here=here: run_command(here, "send", ISSUE, "--yes"))
            )
    return [Measurement(label=f"send of {recipients} to the outbox", unit="a second", runs=tuple(runs))]


def main() -> None:
    recipients = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()} {platform.system()}"
    )
    for measure in (measure_in_process, measure_commands, lambda: measure_sends(recipients)):
        for line in measure():
            print(line, flush=True)


if __name__ == "__main__":
    main()
