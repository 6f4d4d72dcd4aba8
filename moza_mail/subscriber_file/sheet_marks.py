"""The size of a sheet of a workbook, and the marks of its rows: hidden rows, notes, colours and struck cells."""

from dataclasses import dataclass, field

MAX_ROWS = 1_048_576
"""The rows of a sheet in Excel and LibreOffice. A sheet with more is not measured further."""
MAX_MARKS = 20_000
"""The maximum number of rows with a note, and of rows with struck cells, because they are kept in memory."""
MAX_COLOURS = 200_000
MAX_NOTE_LENGTH = 300
MAX_BIT = 63
"""The bit for all columns from this number on."""


class SheetTooLargeError(Exception):
    """A sheet has more rows than a program for spreadsheets can have, or too many marks."""


@dataclass(slots=True, kw_only=True)
class SheetMarks:
    """The size of a sheet, counted from cell A1, and the marks of its rows.

    Rows are numbered from 1.

    hidden: a byte for each row, 1 for a hidden row.
    struck: by row, the columns of the struck cells as the bits of a number.
    notes: by row, the texts that somebody wrote beside a cell.
    colours: by row and column, the colour of a cell with a value.
    """

    rows: int = 0
    columns: int = 1
    hidden: bytearray = field(default_factory=bytearray)
    struck: dict[int, int] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    colours: dict[tuple[int, int], str] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """The number of cells, empty ones included."""
        return self.rows * self.columns

    def measure(self, row: int, column: int) -> None:
        """Extend the size of the sheet to include a cell; raise SheetTooLargeError above MAX_ROWS."""
        self.rows = max(self.rows, row)
        self.columns = max(self.columns, column)
        if row > MAX_ROWS:
            raise SheetTooLargeError

    def hide(self, first: int, count: int = 1) -> None:
        """Mark rows as hidden."""
        last = min(first + count, MAX_ROWS + 1)
        self.hidden.extend(bytes(max(0, last - len(self.hidden))))
        self.hidden[first:last] = b"\1" * max(0, last - first)

    def strike(self, row: int, column: int) -> None:
        """Mark a cell as struck through. The first column is 0."""
        self.struck[row] = self.struck.get(row, 0) | 1 << min(column, MAX_BIT)
        if len(self.struck) > MAX_MARKS:
            raise SheetTooLargeError

    def colour(self, row: int, column: int, name: str) -> None:
        """Keep the colour of a cell. The first column is 0.

        After MAX_COLOURS cells, colours are ignored. In a sheet with so many coloured cells, none of the colours stands out.
        """
        if name and len(self.colours) < MAX_COLOURS:
            self.colours[row, column] = name

    def add_note(self, row: int, text: str) -> None:
        """Add a text that somebody wrote beside a cell of a row."""
        if words := " ".join(text.split()):
            earlier = self.notes.get(row)
            self.notes[row] = (f"{earlier}; {words}" if earlier else words)[:MAX_NOTE_LENGTH]
        if len(self.notes) > MAX_MARKS:
            raise SheetTooLargeError

    def is_hidden(self, row: int) -> bool:
        """Return True if a row is hidden."""
        return row < len(self.hidden) and self.hidden[row] == 1

    def is_struck(self, row: int, column: int) -> bool:
        """Return True if a cell is struck through. The first column is 0."""
        return self.struck.get(row, 0) >> min(column, MAX_BIT) & 1 == 1
