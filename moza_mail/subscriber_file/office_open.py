"""Find hidden rows, notes, colours and struck cells in sheets of an Excel workbook.

The format is Office Open XML (ECMA-376 part 1, section 18).
"""

import posixpath
import re
from collections.abc import Callable
from xml.parsers import expat

from moza_mail.subscriber_file.colours import name_colour
from moza_mail.subscriber_file.sheet_marks import MAX_NOTE_LENGTH, SheetMarks
from moza_mail.subscriber_file.tag_reader import FALSE, Attributes, TagReader

REFERENCE = re.compile(r"([A-Za-z]{0,3})(\d{1,7})")
RELATIONS = re.compile(r"(.*/)_rels/([^/]*)\.rels")
THREAD_AUTHOR = "tc="
"""The author of the note that Excel writes beside a thread of comments, for older versions."""
SECTIONS = ("fonts", "fills", "cellXfs", "cellStyleXfs", "dxfs", "cellStyles")
"""The sections of the styles of a workbook."""


class OfficeOpenReader(TagReader):
    """Reads the sizes and marks of sheets from the XML files of an Excel workbook."""

    def __init__(self) -> None:
        """Prepare to read a workbook. Feed its styles and shared texts before its sheets."""
        sections = {name: self._begin_section(name) for name in SECTIONS}
        super().__init__(
            {
                **sections,
                "row": self._row,
                "c": self._cell,
                "v": self._value,
                "is": self._inline,
                "strike": self._strike,
                "font": self._font,
                "fill": self._fill,
                "fgColor": self._colour,
                "color": self._colour,
                "xf": self._format,
                "si": self._shared_text,
                "sheet": self._sheet_name,
                "Relationship": self._relation,
                "author": self._author,
                "comment": self._comment,
                "threadedComment": self._comment,
            }
        )
        self._by_part: dict[str, SheetMarks] = {}
        self._notes: dict[str, list[tuple[int, str]]] = {}
        self._names: dict[str, str] = {}
        self._relations: dict[str, dict[str, str]] = {}
        self._section = ""
        self._counts = {"fonts": -1, "fills": -1, "cellXfs": -1, "si": -1}
        self._colours: dict[tuple[str, str], str] = {}
        self._format_colours: dict[str, str] = {}
        self._struck_fonts: set[str] = set()
        self._struck_formats: set[str] = set()
        self._struck_texts: set[str] = set()

    def begin(self, part: str, parser: expat.XMLParserType) -> None:
        """Prepare to read the next XML file of the workbook: a sheet, or another file."""
        super().begin(part, parser)
        self._sheet = self._by_part[part] = SheetMarks()
        self.parts.append(self._sheet)
        self._section = ""
        self._count = self._row_number = self._column = 0
        self._is_struck = self._is_shared = False
        self._cell_colour = ""
        self._authors: list[str] = []
        self._place = self._author_id = ""

    def sheets(self) -> dict[str, SheetMarks]:
        """Return the sheets by name. Notes are in separate files, and are added to their sheet."""
        parts = self._relations.get("xl/workbook.xml", {})
        found: dict[str, SheetMarks] = {}
        for identifier, name in self._names.items():
            part = parts.get(identifier, "")
            sheet = self._by_part.get(part)
            if sheet is None:
                continue
            found[name] = sheet
            for target in self._relations.get(part, {}).values():
                for row, text in self._notes.get(target, ()):
                    sheet.add_note(row, text)
        return found

    def _row(self, attributes: Attributes) -> None:
        self._count += 1
        number = attributes.get("r", "")
        self._row_number = int(number) if number.isdigit() else self._row_number + 1
        self._column = 0
        self._sheet.measure(max(self._count, self._row_number), 0)
        if attributes.get("hidden", "0") not in FALSE or attributes.get("ht") == "0":
            self._sheet.hide(self._row_number)

    def _cell(self, attributes: Attributes) -> None:
        self._column += 1
        if found := REFERENCE.fullmatch(attributes.get("r", "")):
            self._row_number = int(found[2])
            self._column = _column_number(found[1]) or self._column
        self._sheet.measure(self._row_number, self._column)
        format_number = attributes.get("s", "0")
        self._is_struck = format_number in self._struck_formats
        self._cell_colour = self._format_colours.get(format_number, "")
        self._is_shared = attributes.get("t") == "s" and bool(self._struck_texts)

    def _value(self, attributes: Attributes) -> None:
        self._inline(attributes)
        if self._is_shared:
            self._collect_text(self._end_value)

    def _end_value(self, _tag: str) -> None:
        self._strike_cell(self._take_text().strip() in self._struck_texts)

    def _inline(self, _attributes: Attributes) -> None:
        self._strike_cell(self._is_struck)
        if self._column:
            self._sheet.colour(self._row_number, self._column - 1, self._cell_colour)

    def _strike_cell(self, is_struck: bool) -> None:
        if is_struck and self._column:
            self._sheet.strike(self._row_number, self._column - 1)

    def _strike(self, attributes: Attributes) -> None:
        """Record that a font, a shared text or the text of a cell is struck through."""
        if attributes.get("val", "1") in FALSE:
            return
        self._keep()
        if self._section == "fonts":
            self._struck_fonts.add(str(self._counts["fonts"]))
        elif self._section == "si":
            self._struck_texts.add(str(self._counts["si"]))
        elif not self._section:
            self._strike_cell(True)

    def _begin_section(self, name: str) -> Callable[[Attributes], None]:
        def begin(_attributes: Attributes) -> None:
            self._section = name

        return begin

    def _font(self, _attributes: Attributes) -> None:
        self._counts["fonts"] += self._section == "fonts"

    def _fill(self, _attributes: Attributes) -> None:
        self._counts["fills"] += self._section == "fills"

    def _colour(self, attributes: Attributes) -> None:
        self._keep()
        if self._section in {"fonts", "fills"}:
            place = self._section, str(self._counts[self._section])
            self._colours[place] = name_colour(attributes.get("rgb", ""))

    def _format(self, attributes: Attributes) -> None:
        self._keep()
        if self._section == "cellXfs":
            self._counts["cellXfs"] += 1
            fill = self._colours.get(("fills", attributes.get("fillId", "")), "")
            font = self._colours.get(("fonts", attributes.get("fontId", "")), "")
            self._format_colours[str(self._counts["cellXfs"])] = fill or font
            if attributes.get("fontId") in self._struck_fonts:
                self._struck_formats.add(str(self._counts["cellXfs"]))

    def _shared_text(self, _attributes: Attributes) -> None:
        self._section = "si"
        self._counts["si"] += 1

    def _sheet_name(self, attributes: Attributes) -> None:
        self._keep()
        identifier = next((value for key, value in attributes.items() if key.endswith(":id")), "")
        self._names[identifier] = attributes.get("name", "")

    def _relation(self, attributes: Attributes) -> None:
        self._keep()
        if found := RELATIONS.fullmatch(self._part):
            target = attributes.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(found[1] + target)
            relations = self._relations.setdefault(found[1] + found[2], {})
            relations[attributes.get("Id", "")] = path

    def _author(self, _attributes: Attributes) -> None:
        self._keep()
        self._collect_text(self._end_author)

    def _end_author(self, _tag: str) -> None:
        self._authors.append(self._take_text())

    def _comment(self, attributes: Attributes) -> None:
        self._keep()
        self._place = attributes.get("ref", "")
        self._author_id = attributes.get("authorId", "")
        self._collect_text(self._end_comment)

    def _end_comment(self, tag: str) -> None:
        if tag.rpartition(":")[2] not in {"comment", "threadedComment"}:
            return
        text = self._take_text()
        number = int(self._author_id) if self._author_id.isdigit() else len(self._authors)
        is_copy = self._authors[number : number + 1] and self._authors[number].startswith(THREAD_AUTHOR)
        if (found := REFERENCE.fullmatch(self._place)) and not is_copy:
            self._notes.setdefault(self._part, []).append((int(found[2]), text[:MAX_NOTE_LENGTH]))


def _column_number(letters: str) -> int:
    """Return the number of a column: 1 for A, 27 for AA; 0 for no letters."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number
