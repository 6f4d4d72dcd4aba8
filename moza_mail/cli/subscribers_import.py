"""`moza-mail subscribers import`: the people of a file onto a list, and what became of each row."""

import csv
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from moza_mail import subscribe, subscriber_file
from moza_mail.app import open_project
from moza_mail.app.clock import now
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import ProjectError
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.subscriber import Arrival
from moza_mail.project import Project
from moza_mail.subscribe import Fate

MEGABYTE = 1 << 20
SHOWN = 20
"""Rows that are told on the terminal; --report has them all."""
LISTED = 1000
"""Rows that are told in JSON."""
EVERY = 1000
"""Rows between two steps of the bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person asked for on the command line."""

    file: str
    list_slug: str
    consent: str
    columns: Mapping[str, str]
    report: Path | None
    dry_run: bool
    as_json: bool


def import_file(project: Project, wish: Wish) -> int:
    """Bring the people of a file onto a list and report what became of each; give the exit code."""
    path = Path(wish.file)
    mailing_list = project.read_list(wish.list_slug)
    written = subscriber_file.detect_encoding(partial(_chunks, path), path.name)
    asked = subscriber_file.SubscriberFileOptions(
        consent=wish.consent.strip(), international=project.config.smtputf8, columns=wish.columns
    )
    people = subscriber_file.SubscriberFile(partial(_lines, path, written.codec), path.name, asked)
    told = _Told()
    read = _as_read(people, written)
    for sentence in read.sentences:
        output.say(sentence)
    with (
        _reported(wish.report) as write,
        output.progress_bar(
            "Looking" if wish.dry_run else "Importing", written.line_count, quiet=wish.as_json
        ) as step,
    ):
        told.to = [hear for hear in (write, _stepping(step)) if hear]
        how = subscribe.Import(source=path.name, now=now(), told=told.row, dry_run=wish.dry_run)
        try:
            report = run_async(lambda: _import(project, people, mailing_list, how))
        except output.Interrupted:
            output.say(
                f"At least {told.rows} rows were done. Run the same command again: who is there already is not added twice."
            )
            raise
    if wish.as_json:
        output.give_json(_as_data(wish, mailing_list, report, told, read))
    else:
        _tell(wish, mailing_list, report, told)
    return output.NEEDS_ATTENTION if report.refused else 0


async def _import(
    project: Project, people: subscriber_file.SubscriberFile, mailing_list: MailingList, how: subscribe.Import
) -> subscribe.ImportReport:
    async with open_project.open_store(project) as store:
        with open_project.pause_garbage_collection():
            return await subscribe.import_people(store, people, mailing_list, how)


@dataclass(slots=True)
class _Told:
    """Hears of each row, keeps the first of those that a human should see, and passes all on."""

    to: Sequence[Callable[[Fate], None]] = ()
    rows: int = 0
    seen: list[Fate] = field(default_factory=list)

    def row(self, fate: Fate) -> None:
        self.rows += 1
        if (fate.reason or fate.earlier) and len(self.seen) < LISTED:
            self.seen.append(fate)
        for hear in self.to:
            hear(fate)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """How a file was read, for a program and for a person."""

    data: dict[str, Any]
    sentences: tuple[str, ...]


def _as_read(people: subscriber_file.SubscriberFile, written: subscriber_file.FileEncoding) -> _Read:
    columns = people.columns
    data = {
        "encoding": written.label,
        "columns": {columns.header[place]: name for name, place in columns.known.items()}
        | {columns.header[place]: name for place, name in columns.attributes},
    }
    sentences = [f"Columns: {columns.describe()}."]
    if written.label != "UTF-8":
        data["example"] = people.find_non_ascii_example()
        sentences.insert(
            0,
            f"{people.source} is read as {written.label}, for example: {data['example']}"
            + (
                "\n  If that is not right, save it as CSV UTF-8 and import it again."
                if written.is_guess
                else ""
            ),
        )
    return _Read(data=data, sentences=tuple(sentences))


def _as_data(
    wish: Wish, mailing_list: MailingList, report: subscribe.ImportReport, told: _Told, read: _Read
) -> dict[str, Any]:
    return {
        "list": mailing_list.slug,
        "dry_run": wish.dry_run,
        **read.data,
        **report.fates,
        "doubles": report.doubles,
        "rows": [
            {"line": fate.line, "reason": fate.reason}
            for fate in told.seen
            if fate.became == subscribe.REFUSED
        ],
        "repeated": [{"line": fate.line, "earlier": fate.earlier} for fate in told.seen if fate.earlier],
    }


def _tell(wish: Wish, mailing_list: MailingList, report: subscribe.ImportReport, told: _Told) -> None:
    always = {Arrival.ADDED.value, subscribe.REFUSED}
    shown = ", ".join(f"{count} {word}" for word, count in report.fates.items() if count or word in always)
    begin = "Dry run, nothing is changed: " if wish.dry_run else ""
    output.give(f"{begin}{Path(wish.file).name} to {mailing_list.slug}: {shown}")
    for fate in told.seen[:SHOWN]:
        output.say(f"  line {fate.line}: {fate.reason}")
    more = report.refused + report.doubles - len(told.seen[:SHOWN])
    if more > 0:
        where = f"{wish.report} has them all" if wish.report else "--report FILE writes them all"
        output.say(f"  and {more} more: {where}.")


def _stepping(step: Callable[[int], None]) -> Callable[[Fate], None]:
    """Moves the bar, now and then, to the line that was reached."""
    at = 0

    def hear(fate: Fate) -> None:
        nonlocal at
        if fate.line - at >= EVERY:
            step(fate.line - at)
            at = fate.line

    return hear


@contextmanager
def _reported(path: Path | None) -> Generator[Callable[[Fate], None] | None]:
    """A CSV of every row and what became of it, for its owner alone; it never takes the place of a file."""
    if path is None:
        yield None
        return
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        says = (
            "is there already" if isinstance(error, FileExistsError) else f"cannot be made: {error.strerror}"
        )
        raise ProjectError(f"{path} {says}", hint="Name a new file behind --report.") from None
    # The mark tells Excel that it is UTF-8.
    with os.fdopen(number, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "address", "became", "reason"))
        yield lambda fate: writer.writerow(
            (
                fate.line,
                subscriber_file.guard_formula(fate.address),
                fate.became,
                subscriber_file.guard_formula(fate.reason),
            )
        )


def _chunks(path: Path) -> Iterator[bytes]:
    with _opened(path) as file:
        while chunk := file.read(MEGABYTE):
            yield chunk


def _lines(path: Path, codec: str) -> Iterator[str]:
    try:
        with path.open(encoding=codec, newline="") as file:
            yield from file
    except (OSError, UnicodeError) as error:
        raise subscriber_file.SubscriberFileError(
            f"{path} changed while it was read: {error}", hint="Run the same command again."
        ) from None


@contextmanager
def _opened(path: Path) -> Generator[Any]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}", hint="Name a CSV file.") from None
