"""`moza-mail subscribers import`: import a file, and print what became of its rows."""

import csv
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moza_mail.app import import_subscribers as app
from moza_mail.app.import_subscribers import ImportOptions, ImportResult, OpenedFile, RowCollector
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import ProjectError
from moza_mail.model.subscriber import AddResult
from moza_mail.project import Project
from moza_mail.subscribe import REFUSED, Fate
from moza_mail.subscriber_file import guard_formula

MAX_SHOWN = 20
"""Rows that are printed; --report has them all."""
STEP_LINES = 1000
"""Lines between two steps of the progress bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCommand:
    """The arguments of `moza-mail subscribers import`."""

    file: Path
    options: ImportOptions
    report: Path | None
    as_json: bool


def import_file(project: Project, command: ImportCommand) -> int:
    """Import a file and print what became of its rows; return 3 if one was rejected."""
    file = app.open_subscriber_file(project, command.file, command.options)
    for line in _describe(file):
        output.say(line)
    collector = RowCollector()
    label = "Reading" if command.options.dry_run else "Importing"
    with (
        _csv_report(command.report) as write,
        output.progress_bar(label, file.encoding.line_count, quiet=command.as_json) as advance,
    ):
        collector.on_row = _combine(write, _step(advance))
        try:
            result = run_async(lambda: app.import_subscribers(project, file, collector))
        except output.Interrupted:
            output.say(
                f"At least {collector.count} rows were imported. Run the same command again: nobody is added twice."
            )
            raise
    if command.as_json:
        output.give_json(result.as_data())
    else:
        _print(result, command)
    return output.NEEDS_ATTENTION if result.report.refused else 0


def _describe(file: OpenedFile) -> Iterator[str]:
    """Yield how the file was read."""
    if file.encoding.label != "UTF-8":
        yield f"{file.path.name} is read as {file.encoding.label}, for example: {file.example}" + (
            "\n  If that is wrong, save the file as CSV UTF-8 and import it again."
            if file.encoding.is_guess
            else ""
        )
    yield f"Columns: {file.rows.columns.describe()}."


def _print(result: ImportResult, command: ImportCommand) -> None:
    always = {AddResult.ADDED.value, REFUSED}
    counts = ", ".join(
        f"{count} {word}" for word, count in result.report.fates.items() if count or word in always
    )
    prefix = "Dry run, nothing is changed: " if command.options.dry_run else ""
    output.give(f"{prefix}{command.file.name} to {result.file.mailing_list.slug}: {counts}")
    shown = result.listed[:MAX_SHOWN]
    for fate in shown:
        output.say(f"  line {fate.line}: {fate.reason}")
    if more := result.notable - len(shown):
        where = f"see {command.report}" if command.report else "write them all to a file with --report FILE"
        output.say(f"  and {more} more: {where}")


def _combine(*receivers: Callable[[Fate], None] | None) -> Callable[[Fate], None]:
    used = [receiver for receiver in receivers if receiver]

    def receive(fate: Fate) -> None:
        for receiver in used:
            receiver(fate)

    return receive


def _step(advance: Callable[[int], None]) -> Callable[[Fate], None]:
    """Return a function that advances the bar to a row's line, in steps."""
    reached = 0

    def receive(fate: Fate) -> None:
        nonlocal reached
        if fate.line - reached >= STEP_LINES:
            advance(fate.line - reached)
            reached = fate.line

    return receive


@contextmanager
def _csv_report(path: Path | None) -> Generator[Callable[[Fate], None] | None]:
    """Create a CSV file with the fate of every row, that only its owner can read; a file that exists is never replaced."""
    if path is None:
        yield None
        return
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        exists = isinstance(error, FileExistsError)
        reason = "exists already" if exists else f"cannot be created: {error.strerror}"
        raise ProjectError(f"{path} {reason}", hint="Name a new file: --report FILE") from None
    # The byte order mark tells Excel that it is UTF-8.
    with os.fdopen(number, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "address", "became", "reason"))
        yield lambda fate: writer.writerow(
            (fate.line, guard_formula(fate.address), fate.became, guard_formula(fate.reason))
        )
