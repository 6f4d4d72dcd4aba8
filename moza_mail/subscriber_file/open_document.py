"""Find hidden rows, notes, colours and struck cells in sheets of a LibreOffice workbook.

The format is OpenDocument 1.3 part 3.
"""

from xml.parsers import expat

from moza_mail.subscriber_file.colours import name_colour
from moza_mail.subscriber_file.sheet_marks import MAX_ROWS, SheetMarks
from moza_mail.subscriber_file.tag_reader import FALSE, Attributes, TagReader

HIDDEN = frozenset({"collapse", "filter"})
"""The visibility of a row that somebody hid, or that a filter hides."""


class OpenDocumentReader(TagReader):
    """Reads the sizes and marks of sheets from the XML files of a LibreOffice workbook.

    The file with the styles must be read before the file with the content.
    """

    def __init__(self) -> None:
        """Prepare to read a workbook."""
        super().__init__(
            {
                "style": self._style,
                "text-properties": self._text_properties,
                "table-cell-properties": self._cell_properties,
                "table": self._table,
                "table-row": self._row,
                "table-cell": self._cell,
                "covered-table-cell": self._cell,
                "p": self._paragraph,
                "span": self._span,
                "annotation": self._annotation,
            }
        )
        self._sheets: dict[str, SheetMarks] = {}
        self._sheet = SheetMarks()
        self._style_name = ""
        self._struck: set[str] = set()
        self._colours: dict[str, str] = {}
        self._next_row = 1
        self._row_number = self._next_column = self._column = 0
        self._cell_colour = ""
        self._is_struck = self._is_note = self._has_text = False

    def begin(self, part: str, parser: expat.XMLParserType) -> None:
        """Prepare to read the next XML file: the styles, or the content with the sheets."""
        super().begin(part, parser)
        self._sheet = SheetMarks()

    def sheets(self) -> dict[str, SheetMarks]:
        """Return the sheets by name."""
        return self._sheets

    def _style(self, attributes: Attributes) -> None:
        self._keep()
        self._style_name = attributes.get("style:name", "")
        if attributes.get("style:parent-style-name") in self._struck:
            self._struck.add(self._style_name)
        self._colours[self._style_name] = self._colours.get(attributes.get("style:parent-style-name", ""), "")

    def _cell_properties(self, attributes: Attributes) -> None:
        self._colours[self._style_name] = name_colour(attributes.get("fo:background-color", ""))

    def _text_properties(self, attributes: Attributes) -> None:
        self._colours[self._style_name] = self._colours.get(self._style_name) or name_colour(
            attributes.get("fo:color", "")
        )
        kinds = [
            value
            for key, value in attributes.items()
            if key in {"style:text-line-through-style", "style:text-line-through-type"}
        ]
        if kinds and not FALSE.intersection(kinds):
            self._struck.add(self._style_name)
        elif kinds:
            self._struck.discard(self._style_name)

    def _table(self, attributes: Attributes) -> None:
        self._keep()
        self._sheet = self._sheets[attributes.get("table:name", "")] = SheetMarks()
        self._next_row = 1

    def _row(self, attributes: Attributes) -> None:
        self._row_number, count = self._next_row, _count(attributes.get("table:number-rows-repeated", ""))
        self._next_row = self._row_number + count
        self._next_column = 0
        if attributes.get("table:visibility") in HIDDEN:
            self._sheet.hide(self._row_number, count)

    def _cell(self, attributes: Attributes) -> None:
        self._column = self._next_column
        self._next_column += _count(attributes.get("table:number-columns-repeated", ""))
        style = attributes.get("table:style-name", "")
        self._is_struck, self._cell_colour = style in self._struck, self._colours.get(style, "")

    def _paragraph(self, _attributes: Attributes) -> None:
        if self._is_note:
            # The author and the date of a note come before its text.
            self._text[:] = [*self._text, " "] if self._has_text else []
            self._has_text = True
            return
        self._sheet.colour(self._row_number, self._column, self._cell_colour)
        if self._is_struck:
            self._sheet.strike(self._row_number, self._column)

    def _span(self, attributes: Attributes) -> None:
        if attributes.get("text:style-name") in self._struck and not self._is_note:
            self._sheet.strike(self._row_number, self._column)

    def _annotation(self, _attributes: Attributes) -> None:
        self._is_note, self._has_text = True, False
        self._collect_text(self._end_annotation)

    def _end_annotation(self, tag: str) -> None:
        if tag.rpartition(":")[2] == "annotation":
            self._is_note = False
            self._sheet.add_note(self._row_number, self._take_text())


def _count(text: str) -> int:
    """Return how often a row or a cell is repeated."""
    return min(int(text), MAX_ROWS) if text.isdigit() else 1
