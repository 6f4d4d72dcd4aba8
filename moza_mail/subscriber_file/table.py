"""A file of values with a separator between them, as spreadsheets and mail programs write it: its header and its rows."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

# Excel writes it as the first line, for itself, and shows it to nobody.
SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
SEPARATORS = ",;\t"
MOST_LINES = 100
"""How many lines one row may have, in quotes; more is a quote that is not closed."""
HEADER_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that cannot be used: its line in the file and why, as a sentence for the person who made the file.

    `address` is what stands in its column of addresses, if it could be told.
    """

    line: int
    reason: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    """A header, the separator it was read with, and the line behind it; `rows` gives the rest, once."""

    header: tuple[str, ...]
    separator: str
    line: int
    remaining_lines: Iterator[str]

    @classmethod
    def read_header(cls, lines: Iterable[str], fits: Callable[[Sequence[str]], bool]) -> "CsvTable":
        """Read the header, by the separator with which it `fits`, and of those the one that gives most columns."""
        rest, line, separators = iter(lines), 1, SEPARATORS
        first = next(rest, "").removeprefix("\ufeff")
        if told := SEPARATOR.fullmatch(first):
            first, line, separators = next(rest, ""), 2, told[1]
        while first and not first.strip():
            first, line = next(rest, ""), line + 1
        head = [first]
        while "".join(head).count('"') % 2 and len(head) < HEADER_LINES and (more := next(rest, "")):
            head.append(more)
        read = {separator: _cells(head, separator) for separator in separators}
        separator = max(read, key=lambda one: (fits(read[one]), len(read[one])))
        return cls(header=read[separator], separator=separator, line=line + len(head), remaining_lines=rest)

    def rows(self) -> Iterator[tuple[int, list[str]] | RejectedRow]:
        """Each row that is not empty with the line it begins on; what is no row is refused, and costs no other row."""
        feed = _Feed(self.remaining_lines)
        reader = csv.reader(feed, delimiter=self.separator, strict=True)
        line = self.line
        while True:
            feed.taken.clear()
            try:
                row = next(reader)
            except StopIteration:
                return
            except (csv.Error, _NoEnd) as error:
                yield RejectedRow(line=line, reason=_why(error))
                # A quote that is not closed takes in the lines behind it, which are rows of their own.
                feed.give_back()
                line += 1
                continue
            if row:
                yield line, row
            line += len(feed.taken)


class _NoEnd(Exception):
    """A row goes on for too many lines."""


class _Feed:
    """Gives csv its lines, and remembers those of the row it is at."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.taken: list[str] = []

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        if len(self.taken) > MOST_LINES:
            raise _NoEnd
        return line

    def give_back(self) -> None:
        """All but the first are to be read again."""
        if len(self.taken) > 1:
            self._lines = chain(self.taken[1:], self._lines)


def _cells(head: Sequence[str], separator: str) -> tuple[str, ...]:
    """The cells of a header; none where this cannot be what separates them."""
    try:
        return tuple(cell.strip() for cell in next(csv.reader(head, delimiter=separator, strict=True), []))
    except csv.Error:
        return ()


def _why(error: Exception) -> str:
    said = str(error)
    if isinstance(error, _NoEnd) or "unexpected end" in said:
        return 'has a quote (") that is not closed'
    if "expected after" in said:
        return 'has a quote (") within a value; it is written twice there ("")'
    if "field limit" in said:
        return "holds a value that is too long"
    return f"is not CSV: {said}"
