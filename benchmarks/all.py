"""What the whole program costs, in one run: the first part of `make bench`, or `python -m benchmarks.all [READERS]`.

Each figure is the median of its rounds, with the lowest and highest behind it. Nothing leaves this machine.
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

from benchmarks.compose import Measured
from moza_mail import compose, edit, parse, render
from moza_mail.model.message import Recipient
from moza_mail.project import find_project
from moza_mail.sending import draft_mailing
from tests.support.project_folder import ISSUE, ROOT, SHARED_WEEKLIES, Folder, folder

WARM = 50
ROUNDS = 5
SENDS = 3
MESSAGES = 20_000


def timed(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def milliseconds(what: str, work: Callable[[], object], rounds: int) -> Measured:
    work()
    return Measured(what=what, unit="ms", runs=tuple(timed(work) * 1000 for _ in range(rounds)))


def in_process() -> list[Measured]:
    """The sample issue, and the founding one where it is there, from text to message."""
    founding = [path for path in SHARED_WEEKLIES if path.stem == "2026-01-14"]
    return [
        *one_issue(ROOT / ISSUE, "the sample"),
        *(measure for path in founding for measure in one_issue(path, "a real one")),
    ]


def one_issue(path: Path, named: str) -> list[Measured]:
    """Parse, render and compile an issue, warm, and compose its messages."""
    from datetime import UTC, datetime

    from moza_mail.model.theme import Colophon

    project = find_project(ROOT)
    text, theme, listing = project.read_issue(path), project.read_theme("moza"), project.read_list("weekly")
    links = compose.SignedLinks(secret=b"a secret for measuring only", public_url=project.config.public_url)
    colophon = Colophon(
        sender_name="MOZa", list_title=listing.title, can_unsubscribe=True, view_url="https://example.org/"
    )
    zone = project.config.zone
    readers = [
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
        for reader in readers:
            ready.compose_message(reader)

    html = dressed().html.encode()
    again = edit.NextIssueSettings(date=read().date + timedelta(days=7), lang="nl")
    return [
        milliseconds(f"parse {named}", read, WARM),
        milliseconds(
            f"the next issue after {named}", lambda: edit.make_next_issue(read(), text, again), WARM
        ),
        milliseconds(f"parse and render {named}", dressed, WARM),
        milliseconds(f"from text to message, {named}", lambda: compiled().compose_message(readers[0]), WARM),
        Measured(what=f"HTML of {named}", unit="bytes", runs=(len(html),)),
        Measured(
            what=f"one message on the wire, {named}",
            unit="bytes",
            runs=(len(ready.compose_message(readers[0])[1].content),),
        ),
        Measured(
            what=f"messages composed, {named}",
            unit="a second",
            runs=tuple(MESSAGES / timed(composed) for _ in range(ROUNDS)),
        ),
    ]


def processes() -> list[Measured]:
    """Commands as a person starts them."""
    with tempfile.TemporaryDirectory() as name:
        here = folder(Path(name))
        founding = [path for path in SHARED_WEEKLIES if path.stem == "2026-01-14"]
        return [
            milliseconds("moza-mail --help", lambda: ran(here, "--help"), ROUNDS * 2),
            milliseconds("moza-mail show ISSUE", lambda: ran(here, "show", ISSUE), ROUNDS),
            milliseconds("moza-mail render ISSUE", lambda: ran(here, "render", ISSUE), ROUNDS),
            milliseconds("moza-mail new", new_each_time(here), ROUNDS * 2),
            milliseconds("moza-mail send --due, nothing due", nothing_due(here), ROUNDS * 2),
            milliseconds("moza-mail check ISSUE", lambda: ran(here, "check", ISSUE), ROUNDS * 2),
            *(
                milliseconds(
                    f"moza-mail check {path.name}, a real one", partial(ran, here, "check", path), ROUNDS * 2
                )
                for path in founding
            ),
        ]


def new_each_time(here: Folder) -> Callable[[], None]:
    """`new` for another day each time, because it never writes over a file."""
    days = (date(2027, 1, 1) + timedelta(days=number) for number in count())
    return lambda: ran(here, "new", "--from", ISSUE, "--date", next(days).isoformat())


def nothing_due(here: Folder) -> Callable[[], None]:
    """What cron costs in a minute like most: there is a timetable, and all of it is sent or still to come."""
    lists = here.path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + 'schedule = "wed 09:00"\n')
    here.readers(1)
    ran(here, "send", ISSUE, "--yes")
    return lambda: ran(here, "send", "--due")


def ran(here: Folder, *arguments: str | Path) -> None:
    # As installed: Python keeps what it compiled, whatever this machine says; the first run, which is not counted, fills it.
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(here.path / "compiled")}
    subprocess.run(**here.command(*map(str, arguments), **kept), check=True, capture_output=True)


def sends(readers: int) -> list[Measured]:
    """A whole `send` to the outbox, with its ledger; `benchmarks.send` measures the one to a relay."""
    runs = []
    for _ in range(SENDS):
        with tempfile.TemporaryDirectory() as name:
            here = folder(Path(name))
            here.readers(readers)
            runs.append(readers / timed(lambda here=here: ran(here, "send", ISSUE, "--yes")))
    return [Measured(what=f"send of {readers} to the outbox", unit="a second", runs=tuple(runs))]


def main() -> None:
    readers = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()} {platform.system()}"
    )
    for measure in (in_process, processes, lambda: sends(readers)):
        for line in measure():
            print(line, flush=True)


if __name__ == "__main__":
    main()
