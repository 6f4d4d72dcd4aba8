"""Check the sheets of a workbook before they are read.

The library that reads sheets reserves memory for every cell between the first and the last one. A file of a
few bytes may contain a cell with the reference XFD1048576. The library would need 500 GB for its sheet, and
the process would be aborted. With some malformed XML, the library never ends.
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from xml.parsers import expat

MAX_ROWS = 1_048_576
"""The rows of a sheet in Excel and LibreOffice. A sheet with more is not measured further."""
CHUNK = 1 << 20
# The tags of rows and cells, and their references. Both kinds of tags may lack a reference.
TOKEN = re.compile(rb"""[<:](row|c)(?=[\s/>])|\br\s*=\s*["']([A-Za-z]{0,3})(\d{1,7})["']""")


@dataclass(slots=True, kw_only=True)
class SheetSize:
    """The number of rows and columns of a sheet, counted from A1."""

    rows: int = 0
    columns: int = 0

    @property
    def cells(self) -> int:
        """The number of cells, empty ones included."""
        return self.rows * self.columns


def find_largest_sheet(archive: zipfile.ZipFile) -> SheetSize:
    """Return the size of the sheet with the most cells."""
    sizes = [_measure(archive, entry) for entry in archive.infolist()]
    return max(sizes, key=lambda size: size.cells, default=SheetSize())


def require_well_formed(archive: zipfile.ZipFile) -> None:
    """Raise ExpatError if the XML of a workbook is malformed or declares an entity."""
    for entry in archive.infolist():
        name = entry.filename.lower()
        if name != "content.xml" and not (name.startswith("xl/") and name.endswith((".xml", ".rels"))):
            continue
        parser = expat.ParserCreate()
        parser.EntityDeclHandler = _refuse_entity
        with archive.open(entry) as file:
            parser.ParseFile(file)


def _refuse_entity(name: str, *_: object) -> None:
    raise expat.ExpatError(f"it declares the entity `{name}`")


def _measure(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> SheetSize:
    name = entry.filename.lower()
    size = SheetSize()
    if not name.startswith("xl/") or not name.endswith(".xml"):
        return size
    references: set[bytes] = set()
    in_row = 0
    for part in _read_parts(archive, entry):
        for tag, column, row in TOKEN.findall(part):
            if tag == b"row":
                size.rows, in_row = size.rows + 1, 0
            elif tag:
                in_row += 1
                size.columns = max(size.columns, in_row)
            else:
                size.rows = max(size.rows, int(row))
                references.add(column)
        if size.rows > MAX_ROWS:
            break
    size.columns = max(size.columns, *map(_column_number, references), 1)
    return size


def _read_parts(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a file in parts that end after a tag, so that no token is cut in two."""
    with archive.open(entry) as file:
        rest = b""
        while chunk := file.read(CHUNK):
            end = chunk.rfind(b">") + 1
            yield rest + chunk[:end]
            # A tag has less than a million bytes.
            rest = (rest if not end else b"") + chunk[end:]
            rest = rest[-CHUNK:]
        yield rest


def _column_number(letters: bytes) -> int:
    """Return the number of a column: 1 for A, 27 for AA."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - 64
    return number
