"""Read a workbook (.xlsx, .ods) as the lines of a CSV file.

So a workbook is understood in the same way as a CSV file.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from moza_mail.errors import locate
from moza_mail.i18n import gettext as _
from moza_mail.subscriber_file.encoding import SubscriberFileError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

ZIP_HEAD = b"PK\x03\x04"
SHEET_FILES = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
MAX_UNPACKED = 2_000_000_000
"""A workbook of a million rows has about 300 MB; a file that unpacks to more than this is an attack."""


def is_zip(head: bytes) -> bool:
    """Return True if these are the first bytes of a ZIP file, such as a workbook."""
    return head.startswith(ZIP_HEAD)


def read_workbook(content: bytes, source: str) -> list[str]:
    """Return the sheet with mail addresses as lines of CSV, one for each row.

    Raise SubscriberFileError if the file is not a workbook, or if not exactly one sheet has mail addresses.
    """
    book = _open(content, source)
    found = [sheet for name in book.sheet_names if _has_addresses(sheet := book.get_sheet_by_name(name))]
    if len(found) > 1:
        names = ", ".join(f"`{sheet.name}`" for sheet in found)
        raise SubscriberFileError(
            locate(_("several sheets have mail addresses: {sheets}", sheets=names), source),
            hint=_("Save each sheet as a CSV file, and import the ones that you need."),
        )
    if not found:
        raise SubscriberFileError(
            locate(_("no sheet has mail addresses"), source), hint=_("Save the list as CSV UTF-8.")
        )
    return list(_to_lines(found[0].to_python(skip_empty_area=False)))


def _open(content: bytes, source: str) -> "CalamineWorkbook":
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        names, size = set(), 0
    if not names.intersection(SHEET_FILES):
        raise SubscriberFileError(
            locate(_("this is a ZIP file without a sheet"), source),
            hint=_("Unpack it, and import all of its files together."),
        )
    if size > MAX_UNPACKED:
        raise SubscriberFileError(
            locate(_("the workbook is too large"), source), hint=_("Save the list as CSV UTF-8.")
        )
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(content))
    except CalamineError as error:
        raise SubscriberFileError(
            locate(_("the workbook cannot be read: {reason}", reason=str(error)), source),
            hint=_("Save the list as CSV UTF-8."),
        ) from None


def _has_addresses(sheet: "CalamineSheet") -> bool:
    return any(isinstance(cell, str) and "@" in cell for row in sheet.iter_rows() for cell in row)


def _to_lines(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    for row in rows:
        text.seek(0)
        text.truncate()
        write([_to_text(cell) for cell in row])
        # A line for each row, so that the line in a message is the row in the sheet.
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
