"""Import the subscribers of a file onto a list."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from moza_mail import subscribe
from moza_mail.app.clock import now
from moza_mail.app.export_archive import ExportedFile, list_exported_files
from moza_mail.app.open_project import open_store, pause_garbage_collection
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address, mask_addresses
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.subscriber import ImportPreview
from moza_mail.project import Project
from moza_mail.subscribe import ImportedRow
from moza_mail.subscriber_file import (
    ColumnAnswers,
    FileEncoding,
    RejectedRow,
    SubscriberFile,
    SubscriberFileError,
    SubscriberFileOptions,
    detect_encoding,
    read_answers,
)
from moza_mail.subscriber_file.workbook import is_zip, read_workbook

MAX_LISTED = 1000
"""The largest number of rejected and repeated rows in a report."""
MAX_SKIPPED_SHOWN = 10
MAX_EXAMPLES = 3
"""The largest number of masked addresses that a report shows for each result."""
WORKBOOK = "workbook"
CERTAIN = frozenset({"UTF-8", WORKBOOK})
"""Encodings that are certain, so that a person need not check an example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """Options of an import.

    columns: column headings, by `email`, `name` or the name of the attribute that the column contains.
    status: texts such as `COLUMN:VALUE=STATE`. Each says which subscription state a value in a column means.
    ignored: columns that say nothing about the subscription state.
    kept: columns to store although the list does not declare them as attributes.
    service: the service that exported the file, if the headings do not identify it.
    sheet: the sheet of a workbook to read, if several have mail addresses.
    """

    list_slug: str
    consent: str
    columns: Mapping[str, str]
    status: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    service: str = ""
    sheet: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A file whose encoding and columns have been read, before any row is stored."""

    source: ExportedFile
    mailing_list: MailingList
    options: ImportOptions
    encoding: FileEncoding
    rows: SubscriberFile
    example: str
    """A row that shows if the encoding is right; empty if the encoding is certain."""

    def describe(self) -> Iterator[str]:
        """Return lines with the encoding, the service and the columns of the file."""
        if self.source.skipped:
            yield _(
                "{file}: not read: {names}",
                file=self.source.path.name,
                names=", ".join(self.source.skipped[:MAX_SKIPPED_SHOWN]),
            )
        if self.encoding.label not in CERTAIN:
            yield _(
                "{file} is read as {encoding}, for example: {example}",
                file=self.source.name,
                encoding=self.encoding.label,
                example=self.example,
            )
            if self.encoding.is_guess:
                yield _("  If that is wrong, save the file as CSV UTF-8 and import it again.")
        columns = self.rows.columns
        if columns.service:
            yield _("{file} is an export of {service}.", file=self.source.name, service=columns.service)
        yield _("Columns: {columns}.", columns=columns.describe())


def open_subscriber_files(
    project: Project, paths: Sequence[Path], options: ImportOptions
) -> tuple[OpenedFile, ...]:
    """Read the encoding and the columns of all files of one export, before any row is stored.

    Raises ProjectError, and SubscriberFileError for a file that cannot be imported or an option that names an unknown column.
    """
    files = tuple(_open_file(project, source, options) for source in list_exported_files(paths))
    headings = [heading for file in files for heading in file.rows.columns.header if heading]
    if unused := _read_answers(files[0].mailing_list, options).find_unused(headings):
        raise SubscriberFileError(
            _("{file}: there is no column `{column}`", file=files[0].source.name, column=unused),
            hint=_("The columns are: {columns}.", columns=", ".join(dict.fromkeys(headings))),
        )
    return files


def _open_file(project: Project, source: ExportedFile, options: ImportOptions) -> OpenedFile:
    mailing_list = project.read_list(options.list_slug)
    encoding, lines, extra = _open_lines(source, options.sheet)
    settings = SubscriberFileOptions(
        consent=options.consent.strip(),
        international=project.config.smtputf8,
        answers=_read_answers(mailing_list, options),
        context=(source.member, options.sheet),
        extra=extra,
    )
    rows = SubscriberFile(lines, source.name, settings)
    return OpenedFile(
        source=source,
        mailing_list=mailing_list,
        options=options,
        encoding=encoding,
        rows=rows,
        example="" if encoding.label in CERTAIN else rows.find_non_ascii_example(),
    )


def _open_lines(
    source: ExportedFile, sheet: str = ""
) -> tuple[FileEncoding, Callable[[], Iterable[str]], dict[str, dict[int, str]]]:
    """Return the encoding of a file, a function that returns its lines, and extra columns.

    The extra columns contain what a workbook shows besides the text of its cells: notes, colours, and marks such as
    `hidden row`. They are returned by heading, as texts by line number. Other files have no extra
    columns. A workbook is read into memory.
    """
    chunks = source.read_chunks()
    head = next(chunks, b"")
    if not is_zip(head):
        encoding = detect_encoding(source.read_chunks, source.name)
        return encoding, partial(source.read_lines, encoding.codec), {}
    found = read_workbook(b"".join((head, *chunks)), source.name, sheet)
    return (
        FileEncoding(codec="utf-8", label=WORKBOOK, line_count=len(found.lines)),
        lambda: found.lines,
        found.extra,
    )


def _read_answers(mailing_list: MailingList, options: ImportOptions) -> ColumnAnswers:
    """Return a person's answers about the columns, with the attributes of the list."""
    return read_answers(
        columns=options.columns,
        status=options.status,
        ignored=options.ignored,
        kept=options.kept,
        declared=mailing_list.attributes,
        service=options.service,
    )


def read_addresses(path: Path) -> tuple[list[Address], list[RejectedRow]]:
    """Return the distinct addresses in a file, and the rows that cannot be used."""
    answers = read_answers(
        columns={}, status=["*=unsubscribed"], ignored=(), kept=(), declared=(), service=""
    )
    _encoding, lines, _extra = _open_lines(ExportedFile(path=path))
    settings = SubscriberFileOptions(international=True, answers=answers)
    found: dict[str, Address] = {}
    rejected: list[RejectedRow] = []
    for row in SubscriberFile(lines, path.name, settings):
        if isinstance(row, RejectedRow):
            rejected.append(row)
        else:
            found.setdefault(row.address.key, row.address)
    return list(found.values()), rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """Result of importing a file.

    listed: the first rows that were rejected or repeat an earlier row.
    examples: for each outcome of a row, masked addresses of some rows with that outcome.
    """

    file: OpenedFile
    report: subscribe.ImportReport
    listed: tuple[ImportedRow, ...]
    examples: Mapping[str, tuple[str, ...]]

    @property
    def notable(self) -> int:
        """The number of rows that were rejected or repeat an earlier row."""
        return self.report.refused + self.report.repeated

    def as_data(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        columns = self.file.rows.columns
        return {
            "list": self.file.mailing_list.slug,
            "dry_run": self.file.options.dry_run,
            "encoding": self.file.encoding.label,
            "columns": columns.as_data(),
            "not_stored": [column.heading for column in columns.dropped],
            **({"service": columns.service} if columns.service else {}),
            **({"example": self.file.example} if self.file.encoding.label not in CERTAIN else {}),
            **self.report.counts,
            "repeats": self.report.repeated,
            "examples": {result: list(found) for result, found in self.examples.items()},
            "rows": [
                {"line": row.line, "reason": row.reason}
                for row in self.listed
                if row.result == subscribe.REFUSED
            ],
            "repeated": [
                {"line": row.line, "earlier": row.earlier_line} for row in self.listed if row.earlier_line
            ],
        }


@dataclass(slots=True)
class RowCollector:
    """Collects the result of each row. `count` is correct even after an interruption."""

    on_row: Callable[[ImportedRow], None] = lambda _: None
    count: int = 0
    listed: list[ImportedRow] = field(default_factory=list)
    examples: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def receive(self, row: ImportedRow) -> None:
        """Count a row, list it if it was rejected or is repeated, and call `on_row` with it."""
        self.count += 1
        if (row.reason or row.earlier_line) and len(self.listed) < MAX_LISTED:
            self.listed.append(row)
        shown = self.examples.get(row.result, ())
        if len(shown) < MAX_EXAMPLES and row.address:
            self.examples[row.result] = (*shown, mask_addresses(row.address))
        self.on_row(row)


def begin_preview(files: Sequence[OpenedFile]) -> tuple[list[OpenedFile], ImportPreview]:
    """Return copies of the files with `dry_run` set, and an object that their dry runs share.

    The object remembers the people in earlier files. So the dry run of a later file counts them as a real import would.
    """
    previewed = [replace(file, options=replace(file.options, dry_run=True)) for file in files]
    return previewed, subscribe.ImportSettings.begin_preview([file.rows for file in files])


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTotals:
    """For each outcome of a row, the number of such rows in several files, with examples.

    examples: masked addresses of some rows with each outcome.
    """

    counts: Mapping[str, int]
    examples: Mapping[str, tuple[str, ...]]


def add_up(results: Sequence[ImportResult]) -> ImportTotals:
    """Return the totals of several files."""
    words = results[0].report.counts
    return ImportTotals(
        counts={word: sum(one.report.counts[word] for one in results) for word in words},
        examples={
            word: tuple(example for one in results for example in one.examples.get(word, ()))[:MAX_EXAMPLES]
            for word in words
        },
    )


async def import_subscribers(
    project: Project, file: OpenedFile, collector: RowCollector, preview: ImportPreview | None = None
) -> ImportResult:
    """Import an opened file.

    preview: the object that the dry runs of several files share; None for a file on its own.

    Importing the same file again changes nothing, so an interrupted import can be repeated.
    """
    settings = subscribe.ImportSettings(
        source=file.source.name,
        now=now(),
        on_row=collector.receive,
        dry_run=file.options.dry_run,
        preview=preview,
    )
    async with open_store(project) as store:
        with pause_garbage_collection():
            report = await subscribe.import_rows(store, file.rows, file.mailing_list, settings)
    return ImportResult(file=file, report=report, listed=tuple(collector.listed), examples=collector.examples)
