"""Read a workbook (.xlsx, .ods) as the lines of a CSV file.

So a workbook is understood in the same way as a CSV file.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

from moza_mail.errors import locate, make_printable
from moza_mail.i18n import gettext as _
from moza_mail.subscriber_file.encoding import SubscriberFileError
from moza_mail.subscriber_file.sheet_size import MAX_ROWS, SheetSize, find_largest_sheet, require_well_formed

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


def is_zip(head: bytes) -> bool:
    """Return True if these are the first bytes of a ZIP file, such as a workbook."""
    return head.startswith(ZIP_HEAD)


def read_workbook(content: bytes, source: str, sheet_name: str = "") -> list[str]:
    """Return the sheet with mail addresses as lines of CSV, one for each row.

    sheet_name: read this sheet, if several have mail addresses.

    Raise SubscriberFileError if the file is not a workbook, or if it is not clear which sheet to read.
    """
    from python_calamine import CalamineError

    try:
        return _read_sheet(_open(content, source), source, sheet_name)
    except (CalamineError, ExpatError) as error:
        raise SubscriberFileError(
            locate(
                _("the workbook cannot be read: {reason}", reason=make_printable(str(error)[:200])), source
            ),
            hint=_("Save the list as CSV UTF-8."),
        ) from None


def _read_sheet(book: "CalamineWorkbook", source: str, sheet_name: str) -> list[str]:
    """Return the lines of a sheet.

    sheet_name: empty to read the only sheet with mail addresses.
    """
    if sheet_name:
        return list(_to_lines(_find_sheet(book, sheet_name, source).to_python(skip_empty_area=False)))
    found = [sheet for name in book.sheet_names if _has_addresses(sheet := book.get_sheet_by_name(name))]
    if len(found) > 1:
        names = ", ".join(f"`{sheet.name}`" for sheet in found)
        raise SubscriberFileError(
            locate(_("several sheets have mail addresses: {sheets}", sheets=names), source),
            hint=_('Say which one to read: --sheet "{sheet}"', sheet=found[0].name),
        )
    if not found:
        raise SubscriberFileError(
            locate(_("no sheet has mail addresses"), source), hint=_("Save the list as CSV UTF-8.")
        )
    return list(_to_lines(found[0].to_python(skip_empty_area=False)))


def _open(content: bytes, source: str) -> "CalamineWorkbook":
    from python_calamine import CalamineWorkbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            size = sum(entry.file_size for entry in archive.infolist())
            sheet = find_largest_sheet(archive) if size <= MAX_UNPACKED else SheetSize()
            if size <= MAX_UNPACKED and sheet.rows <= MAX_ROWS:
                require_well_formed(archive)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        names, size, sheet = set(), 0, SheetSize()
    if not names.intersection(SHEET_FILES) or BINARY_SHEET in names:
        raise SubscriberFileError(
            locate(_("this is a ZIP file without a sheet"), source),
            hint=_("Unpack it, and import all of its files together."),
        )
    if size > MAX_UNPACKED or sheet.rows > MAX_ROWS:
        raise SubscriberFileError(
            locate(_("the workbook is too large"), source), hint=_("Save the list as CSV UTF-8.")
        )
    if sheet.cells > MAX_CELLS:
        raise SubscriberFileError(
            locate(_("a sheet reaches over {count:,} cells", count=sheet.cells), source),
            hint=_("Delete the empty rows and columns after the list, or save the list as CSV UTF-8."),
        )
    return CalamineWorkbook.from_filelike(io.BytesIO(content))


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
