"""Read a workbook (.xlsx, .ods) as the lines of a CSV file.

So a workbook is understood in the same way as a CSV file.
"""

import csv
import io
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

from moza_mail.errors import locate, make_printable
from moza_mail.i18n import gettext as _
from moza_mail.subscriber_file.answers import ColumnAnswers
from moza_mail.subscriber_file.colours import find_rare_colours
from moza_mail.subscriber_file.encoding import SubscriberFileError
from moza_mail.subscriber_file.file_state import find_leavers_name
from moza_mail.subscriber_file.headings import COLOUR_HEADING, MARK_HEADING, NOTE_HEADING
from moza_mail.subscriber_file.sections import find_title, is_title_of_leavers
from moza_mail.subscriber_file.sheet_marks import SheetMarks, SheetTooLargeError
from moza_mail.subscriber_file.workbook_xml import inspect_workbook

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

ZIP_HEAD = b"PK\x03\x04"
# The file of a binary workbook (.xlsb), whose size cannot be checked before it is read.
BINARY_SHEET = "xl/workbook.bin"
SHEET_FILES = ("xl/workbook.xml", "content.xml")
MAX_UNPACKED = 1_000_000_000
"""A workbook of a million rows has about 300 MB; a file that unpacks to more than this is an attack."""
MAX_CELLS = 30_000_000
"""A million rows of thirty columns. Each cell takes 32 bytes of memory, also an empty one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLines:
    """A sheet as lines of CSV, one for each row.

    marks: by line, how a row with an address is marked in the workbook, such as `hidden row`.
    notes: by line, the texts that somebody wrote beside the cells of a row with an address.
    colours: by line, the colour of a cell with an address, if the colour is rare.
    """

    lines: list[str]
    marks: dict[int, str]
    notes: dict[int, str]
    colours: dict[int, str] = field(default_factory=dict)

    @property
    def extra(self) -> dict[str, dict[int, str]]:
        """Columns to add to those in the lines. Each heading is mapped to cells by line number."""
        columns = {MARK_HEADING: self.marks, NOTE_HEADING: self.notes, COLOUR_HEADING: self.colours}
        return {heading: cells for heading, cells in columns.items() if cells}


def is_zip(head: bytes) -> bool:
    """Return True if these are the first bytes of a ZIP file, such as a workbook."""
    return head.startswith(ZIP_HEAD)


def read_workbook(content: bytes, source: str, sheet_name: str = "") -> SheetLines:
    """Return the sheet with mail addresses.

    sheet_name: read this sheet, if several have mail addresses.

    Raise SubscriberFileError if the file is not a workbook, or if it is not clear which sheet to read.
    """
    from python_calamine import CalamineError

    try:
        book, marks = _open(content, source)
        sheet = _choose_sheet(book, source, sheet_name)
        return _read_sheet(book, sheet, marks.get(sheet.name, SheetMarks()))
    except (CalamineError, ExpatError) as error:
        raise SubscriberFileError(
            locate(
                _("the workbook cannot be read: {reason}", reason=make_printable(str(error)[:200])), source
            ),
            hint=_("Save the list as CSV UTF-8."),
        ) from None


def _choose_sheet(book: "CalamineWorkbook", source: str, sheet_name: str) -> "CalamineSheet":
    """Return a sheet by its name, or the only sheet with mail addresses if the name is empty."""
    if sheet_name:
        return _find_sheet(book, sheet_name, source)
    found = [sheet for name in book.sheet_names if _has_addresses(sheet := book.get_sheet_by_name(name))]
    if len(found) > 1:
        names = ", ".join(f"`{sheet.name}`" for sheet in found)
        likely = next((sheet for sheet in found if not _is_about_leavers(sheet.name)), found[0])
        raise SubscriberFileError(
            locate(_("several sheets have mail addresses: {sheets}", sheets=names), source),
            hint=_('Say which one to read: --sheet "{sheet}"', sheet=likely.name),
        )
    if not found:
        raise SubscriberFileError(
            locate(_("no sheet has mail addresses"), source), hint=_("Save the list as CSV UTF-8.")
        )
    return found[0]


def _is_about_leavers(name: str) -> bool:
    return bool(find_leavers_name((name,), ColumnAnswers()))


def _read_sheet(book: "CalamineWorkbook", sheet: "CalamineSheet", marks: SheetMarks) -> SheetLines:
    """Return the lines of a sheet with the marks of its rows.

    A row also gets a mark if its person is on a sheet of leavers.
    """
    rows = sheet.to_python(skip_empty_area=False)
    leavers = _find_leavers(book, sheet.name)
    found = SheetLines(lines=list(_to_lines(rows)), marks={}, notes={})
    if not (marks.hidden or marks.struck or marks.notes or marks.colours or leavers):
        return found
    numbers: list[int] = []
    for number, row in enumerate(rows, start=1):
        addresses = [place for place, cell in enumerate(row) if isinstance(cell, str) and "@" in cell]
        if not addresses:
            continue
        numbers.append(number)
        if colour := marks.colours.get((number, addresses[0])):
            found.colours[number] = colour
        mark = ["hidden row"] if marks.is_hidden(number) else []
        if number in marks.struck:
            cells = [place for place, cell in enumerate(row) if cell not in {"", None}]
            is_whole = any(marks.is_struck(number, place) for place in addresses) or all(
                marks.is_struck(number, place) for place in cells if place not in addresses
            )
            mark.append("struck through" if is_whole else "partly struck through")
        if leavers:
            names = {leavers.get(_fold(cell), "") for cell in row} - {""}
            mark += [f"also on sheet {name}" for name in sorted(names)]
        if mark:
            found.marks[number] = sys.intern(", ".join(mark))
        if note := marks.notes.get(number):
            found.notes[number] = note
    return replace(found, colours=find_rare_colours(found.colours, numbers))


def _find_leavers(book: "CalamineWorkbook", sheet_name: str) -> dict[str, str]:
    """Return the people on sheets of people who left, each with the name of the sheet.

    A person is identified by an address, or by a name of several words on a sheet without addresses.
    """
    if _is_about_leavers(sheet_name):
        return {}
    found: dict[str, str] = {}
    for name in book.sheet_names:
        if name == sheet_name:
            continue
        rows = book.get_sheet_by_name(name).to_python()
        title = find_title([str(cell) for cell in rows[0]]) if rows else ""
        if not _is_about_leavers(name) and not is_title_of_leavers(title):
            continue
        texts = [_fold(cell) for row in rows for cell in row if isinstance(cell, str)]
        people = [text for text in texts if "@" in text] or [text for text in texts if " " in text]
        found.update((person, name) for person in people)
    return found


def _fold(cell: Any) -> str:
    return str(cell).strip().casefold()


def _open(content: bytes, source: str) -> tuple["CalamineWorkbook", dict[str, SheetMarks]]:
    """Return a workbook, and the marks of its sheets by name."""
    from python_calamine import CalamineWorkbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            size = sum(entry.file_size for entry in archive.infolist())
            is_small = size <= MAX_UNPACKED
            sheet, marks = inspect_workbook(archive) if is_small else (SheetMarks(), {})
    except SheetTooLargeError:
        raise _make_too_large_error(source) from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        names, size, sheet, marks = set(), 0, SheetMarks(), {}
    if not names.intersection(SHEET_FILES) or BINARY_SHEET in names:
        raise SubscriberFileError(
            locate(_("this is a ZIP file without a sheet"), source),
            hint=_("Unpack it, and import all of its files together."),
        )
    if size > MAX_UNPACKED:
        raise _make_too_large_error(source)
    if sheet.cells > MAX_CELLS:
        raise SubscriberFileError(
            locate(_("a sheet spans {count:,} cells, which is too many", count=sheet.cells), source),
            hint=_("Delete the empty rows and columns after the list, or save the list as CSV UTF-8."),
        )
    return CalamineWorkbook.from_filelike(io.BytesIO(content)), marks


def _make_too_large_error(source: str) -> SubscriberFileError:
    return SubscriberFileError(
        locate(_("the workbook is too large"), source), hint=_("Save the list as CSV UTF-8.")
    )


def _find_sheet(book: "CalamineWorkbook", name: str, source: str) -> "CalamineSheet":
    wanted = name.strip().casefold()
    known = next((one for one in book.sheet_names if one.strip().casefold() == wanted), None)
    if known is None:
        raise SubscriberFileError(
            locate(_("there is no sheet `{sheet}`", sheet=name), source),
            hint=_("The sheets are: {sheets}.", sheets=", ".join(book.sheet_names)),
        )
    return book.get_sheet_by_name(known)


def _has_addresses(sheet: "CalamineSheet") -> bool:
    return any(isinstance(cell, str) and "@" in cell for row in sheet.iter_rows() for cell in row)


def _to_lines(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    for row in rows:
        text.seek(0)
        text.truncate()
        write([_to_text(cell) for cell in row])
        # Each row becomes one line, so that a line number in a message is the number of the row in the sheet.
        yield text.getvalue() if any(row) else "\n"


def _to_text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    return " ".join(str(cell).splitlines())
