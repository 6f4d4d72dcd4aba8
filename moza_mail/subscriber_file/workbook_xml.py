"""Inspect the XML of a workbook before its sheets are read.

The library that reads sheets reserves memory for every cell between the first and the last one. A file of a
few bytes may contain a cell with the reference XFD1048576. The library would need 500 GB for its sheet, and
the process would be aborted. With some malformed XML, the library never ends. The library also ignores
strikethrough, hidden rows and notes, with which people take somebody off a list. So expat parses each file of a
workbook first. This module checks the XML, measures the sheets and collects these marks.
"""

import zipfile
from xml.parsers import expat

from moza_mail.subscriber_file.office_open import OfficeOpenReader
from moza_mail.subscriber_file.open_document import OpenDocumentReader
from moza_mail.subscriber_file.sheet_marks import SheetMarks

OPEN_DOCUMENT_FILES = ("styles.xml", "content.xml")


def inspect_workbook(archive: zipfile.ZipFile) -> tuple[SheetMarks, dict[str, SheetMarks]]:
    """Return the largest sheet, and all sheets by name.

    Raise ExpatError if the XML is malformed or declares an entity, and SheetTooLargeError for a sheet with too
    many rows or marks.
    """
    names = archive.namelist()
    is_open_document = "content.xml" in names
    parts = [name for name in OPEN_DOCUMENT_FILES if name in names] if is_open_document else []
    parts += sorted(filter(_is_office_open, names), key=_order)
    reader = OpenDocumentReader() if is_open_document else OfficeOpenReader()
    for name in parts:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.EntityDeclHandler = _refuse_entity
        reader.begin(name, parser)
        parser.StartElementHandler = reader.start
        with archive.open(name) as file:
            parser.ParseFile(file)
        reader.end()
    return max(reader.parts, key=lambda one: one.cells, default=SheetMarks()), reader.sheets()


def _is_office_open(name: str) -> bool:
    return name.lower().startswith("xl/") and name.lower().endswith((".xml", ".rels"))


def _order(name: str) -> tuple[bool, str]:
    """Return the sort key of a file: styles and shared texts come before the sheets that refer to them."""
    lower = name.lower()
    return not ("styles" in lower or "sharedstrings" in lower), lower


def _refuse_entity(name: str, *_: object) -> None:
    raise expat.ExpatError(f"it declares the entity `{name}`")
