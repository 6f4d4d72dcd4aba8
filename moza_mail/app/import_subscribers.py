"""Import the subscribers of a file onto a list."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from moza_mail import subscribe
from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store, pause_garbage_collection
from moza_mail.errors import ProjectError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address, mask_addresses
from moza_mail.model.mailing_list import MailingList
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

CHUNK_BYTES = 1 << 20
MAX_LISTED = 1000
"""The largest number of rejected and repeated rows in a report."""
MAX_EXAMPLES = 3
"""The largest number of masked addresses that a report shows for each result."""
WORKBOOK = "workbook"
CERTAIN = frozenset({"UTF-8", WORKBOOK})
"""Encodings that are certain, so that a person need not check an example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """Options of an import.

    columns: the heading of the column for `email`, `name` or an attribute.
    status: the subscription states that values of columns mean, as `COLUMN:VALUE=STATE`.
    ignored: columns that say nothing about the subscription state.
    kept: columns to store although the list does not declare them as attributes.
    service: the service that exported the file, if the headings do not show that.
    """

    list_slug: str
    consent: str
    columns: Mapping[str, str]
    status: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    service: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A file whose encoding and columns have been read, before any row is stored."""

    path: Path
    mailing_list: MailingList
    options: ImportOptions
    encoding: FileEncoding
    rows: SubscriberFile
    example: str
    """A row that shows if the encoding is right; empty if the encoding is certain."""


def open_subscriber_files(
    project: Project, paths: Sequence[Path], options: ImportOptions
) -> tuple[OpenedFile, ...]:
    """Read the encoding and the columns of all files of one export, before any row is stored.

    Raises the errors of `open_subscriber_file`, and SubscriberFileError for an option that names an unknown column.
    """
    files = tuple(open_subscriber_file(project, path, options) for path in paths)
    headings = [heading for file in files for heading in file.rows.columns.header if heading]
    if unused := _read_answers(files[0].mailing_list, options).find_unused(headings):
        raise SubscriberFileError(
            _("{file}: there is no column `{column}`", file=paths[0].name, column=unused),
            hint=_("The columns are: {columns}.", columns=", ".join(dict.fromkeys(headings))),
        )
    return files


def open_subscriber_file(project: Project, path: Path, options: ImportOptions) -> OpenedFile:
    """Read the encoding and the columns of a file.

    Raises ProjectError, and SubscriberFileError for a file that cannot be imported.
    """
    mailing_list = project.read_list(options.list_slug)
    encoding, lines = _open_lines(path)
    settings = SubscriberFileOptions(
        consent=options.consent.strip(),
        international=project.config.smtputf8,
        answers=_read_answers(mailing_list, options),
    )
    rows = SubscriberFile(lines, path.name, settings)
    return OpenedFile(
        path=path,
        mailing_list=mailing_list,
        options=options,
        encoding=encoding,
        rows=rows,
        example="" if encoding.label in CERTAIN else rows.find_non_ascii_example(),
    )


def _open_lines(path: Path) -> tuple[FileEncoding, Callable[[], Iterable[str]]]:
    """Return the encoding of a file, and a function that returns its lines.

    A workbook is read into memory.
    """
    chunks = _read_chunks(path)
    head = next(chunks, b"")
    if not is_zip(head):
        encoding = detect_encoding(partial(_read_chunks, path), path.name)
        return encoding, partial(_read_lines, path, encoding.codec)
    rows = read_workbook(b"".join((head, *chunks)), path.name)
    return FileEncoding(codec="utf-8", label=WORKBOOK, line_count=len(rows)), lambda: rows


def _read_answers(mailing_list: MailingList, options: ImportOptions) -> ColumnAnswers:
    """Return the meaning of the columns, from the import options and the list's attributes."""
    return read_answers(
        columns=options.columns,
        status=options.status,
        ignored=options.ignored,
        kept=options.kept,
        declared=mailing_list.attributes,
        service=options.service,
    )


def read_addresses(path: Path) -> tuple[list[Address], list[RejectedRow]]:
    """Return the addresses in a file without duplicates, and the rows that cannot be used."""
    answers = read_answers(
        columns={}, status=["*=unsubscribed"], ignored=(), kept=(), declared=(), service=""
    )
    _encoding, lines = _open_lines(path)
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
    examples: masked addresses by result.
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


def preview_file(file: OpenedFile) -> OpenedFile:
    """Return a copy of the opened file with the option `dry_run` set."""
    return replace(file, options=replace(file.options, dry_run=True))


async def import_subscribers(project: Project, file: OpenedFile, collector: RowCollector) -> ImportResult:
    """Import an opened file.

    Importing the same file again changes nothing, so an interrupted import can be repeated.
    """
    settings = subscribe.ImportSettings(
        source=file.path.name, now=now(), on_row=collector.receive, dry_run=file.options.dry_run
    )
    async with open_store(project) as store:
        with pause_garbage_collection():
            report = await subscribe.import_rows(store, file.rows, file.mailing_list, settings)
    return ImportResult(file=file, report=report, listed=tuple(collector.listed), examples=collector.examples)


def _read_chunks(path: Path) -> Iterator[bytes]:
    with _open(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _read_lines(path: Path, codec: str) -> Iterator[str]:
    try:
        with path.open(encoding=codec, newline="") as file:
            yield from file
    except (OSError, UnicodeError) as error:
        raise SubscriberFileError(
            _("{path} changed while it was read: {error}", path=str(path), error=str(error)),
            hint=_("Run the same command again."),
        ) from None


@contextmanager
def _open(path: Path) -> Generator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise ProjectError(
            _("{path} cannot be read: {reason}", path=str(path), reason=describe_os_error(error)),
            hint=_("Name a file with subscribers."),
        ) from None
