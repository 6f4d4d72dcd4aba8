"""`moza-mail subscribers import`: import files, and print the results of their rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from moza_mail.app import import_subscribers as app
from moza_mail.app.import_subscribers import ImportOptions, ImportResult, OpenedFile, RowCollector
from moza_mail.app.row_report import write_row_report
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.model.subscriber import AddResult, ImportPreview
from moza_mail.project import Project
from moza_mail.subscribe import REFUSED, ImportedRow

RowReceiver = Callable[[ImportedRow], None]
MAX_SHOWN = 20
"""The largest number of rows to print; --report writes all rows to a file."""
STEP_LINES = 1000
"""Lines between two steps of the progress bar."""


EXPLANATIONS = {
    AddResult.ADDED.value: _("new; will get mail"),
    AddResult.UPDATED.value: _("here already; something changes"),
    AddResult.UNCHANGED.value: _("here already; nothing changes"),
    AddResult.UNCONFIRMED.value: _("new; without consent, so no mail"),
    AddResult.TAKEN_OUT.value: _("get mail now, and will not get it any more"),
    AddResult.UNSUBSCRIBED.value: _("left, there or here; no mail"),
    AddResult.SUPPRESSED.value: _("bounced, complained or blocked; no mail"),
    AddResult.ERASED.value: _("erased here; nothing is stored"),
    REFUSED: _("cannot be used"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCommand:
    """The arguments of `moza-mail subscribers import`. If `needs_answer`, ask before storing."""

    files: tuple[Path, ...]
    options: ImportOptions
    report: Path | None
    needs_answer: bool
    as_json: bool


def import_files(project: Project, command: ImportCommand) -> int:
    """Import the files of one export and print the results; return 3 if a row was rejected."""
    files = app.open_subscriber_files(project, command.files, command.options)
    for line in (line for file in files for line in file.describe()):
        output.say(line)
    if command.options.dry_run:
        with write_row_report(command.report) as write:
            results = _preview(project, files, command, write)
    else:
        if command.needs_answer:
            previews = _preview(project, files, command, None)
            _print_table(previews)
            _print_rows(previews, command.report)
            slug = files[0].mailing_list.slug
            output.confirm(_("Import this to {list}?", list=slug), _("nothing was imported"))
        with write_row_report(command.report) as write:
            results = [_run(project, file, command, write) for file in files]
    if command.as_json:
        data = [result.as_data() for result in results]
        output.give_json(data[0] if len(data) == 1 else data)
    else:
        for result in results:
            _print(result, command)
        if command.options.dry_run:
            _print_table(results)
        _print_rows(results, command.report)
    return output.NEEDS_ATTENTION if any(result.report.refused for result in results) else 0


def _preview(
    project: Project, files: Sequence[OpenedFile], command: ImportCommand, write: RowReceiver | None
) -> list[ImportResult]:
    """Read all files for a dry run, as if they were a single file."""
    previewed, preview = app.begin_preview(files)
    return [_run(project, file, command, write, preview) for file in previewed]


def _run(
    project: Project,
    file: OpenedFile,
    command: ImportCommand,
    write: RowReceiver | None,
    preview: ImportPreview | None = None,
) -> ImportResult:
    """Import one file, or read it for a dry run, with a progress bar."""
    collector = RowCollector()
    label = _("Reading") if file.options.dry_run else _("Importing")
    with output.progress_bar(output.shown(label), file.encoding.line_count, quiet=command.as_json) as advance:
        collector.on_row = _combine(write, _step(advance))
        try:
            return run_async(lambda: app.import_subscribers(project, file, collector, preview))
        except output.Interrupted:
            if not file.options.dry_run:
                output.say(
                    _(
                        "At least {count} rows were imported. Run the same command again: nobody is added twice.",
                        count=collector.count,
                    )
                )
            raise


def _print_table(results: Sequence[ImportResult]) -> None:
    """Print a line for each kind of result, with the number of rows and masked examples."""
    totals = app.add_up(results)
    for word, count in totals.counts.items():
        if count:
            examples = ", ".join(totals.examples[word])
            label = word.replace("_", " ")
            output.say(f"  {count:>9,}  {label:<12}  {output.shown(EXPLANATIONS[word])}  {examples}".rstrip())


def _print(result: ImportResult, command: ImportCommand) -> None:
    always = {AddResult.ADDED.value, REFUSED}
    counts = ", ".join(
        f"{count} {word.replace('_', ' ')}"
        for word, count in result.report.counts.items()
        if count or word in always
    )
    prefix = _("Dry run, nothing is changed: ") if command.options.dry_run else ""
    output.give(
        _(
            "{prefix}{name} to {slug}: {counts}",
            prefix=prefix,
            name=result.file.source.name,
            slug=result.file.mailing_list.slug,
            counts=counts,
        )
    )


def _print_rows(results: Sequence[ImportResult], report: Path | None) -> None:
    """Print the first rows with a problem: those rejected, and those that repeat a row."""
    shown = [(one.file.source.name, row) for one in results for row in one.listed][:MAX_SHOWN]
    for name, row in shown:
        if len(results) > 1:
            output.say(_("  {file}, line {line}: {reason}", file=name, line=row.line, reason=row.reason))
        else:
            output.say(_("  line {line}: {reason}", line=row.line, reason=row.reason))
    if more := sum(one.notable for one in results) - len(shown):
        where = (
            _("see {path}", path=str(report)) if report else _("write them all to a file with --report FILE")
        )
        output.say(_("  and {more} more: {where}", more=more, where=where))


def _combine(*receivers: RowReceiver | None) -> RowReceiver:
    used = [receiver for receiver in receivers if receiver]

    def receive(row: ImportedRow) -> None:
        for receiver in used:
            receiver(row)

    return receive


def _step(advance: Callable[[int], None]) -> RowReceiver:
    """Return a receiver of rows that advances the progress bar every STEP_LINES lines."""
    reached = 0

    def receive(row: ImportedRow) -> None:
        nonlocal reached
        if row.line - reached >= STEP_LINES:
            advance(row.line - reached)
            reached = row.line

    return receive
