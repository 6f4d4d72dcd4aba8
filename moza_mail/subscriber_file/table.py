"""Read the header and the rows of a CSV file, as spreadsheets and mail programs write it."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from moza_mail.i18n import gettext as _

# Excel writes this as the first line of a file, and does not show it.
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
SEPARATORS = ",;\t"
MAX_ROW_LINES = 100
"""The maximum number of lines in one row; a longer row has a quote that is not closed."""
MAX_HEADER_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that cannot be used; `address` is empty if it could not be read."""

    line: int
    reason: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    """The header of a file and the lines after it; `line` is that of the first row."""

    header: tuple[str, ...]
    separator: str
    line: int
    remaining_lines: Iterator[str]

    @classmethod
    def read_header(cls, lines: Iterable[str], is_known: Callable[[Sequence[str]], bool]) -> "CsvTable":
        """Read the header with the separator that fits best.

        is_known: return True if a header contains a known column. Otherwise the separator with most columns is used.
        """
        rest, line, separators = iter(lines), 1, SEPARATORS
        first = next(rest, "").removeprefix("\ufeff")
        if given := SEPARATOR_LINE.fullmatch(first):
            first, line, separators = next(rest, ""), 2, given[1]
        while first and not first.strip():
            first, line = next(rest, ""), line + 1
        head = [first]
        while "".join(head).count('"') % 2 and len(head) < MAX_HEADER_LINES and (more := next(rest, "")):
            head.append(more)
        headers = {separator: _split_header(head, separator) for separator in separators}
        separator = max(headers, key=lambda one: (is_known(headers[one]), len(headers[one])))
        return cls(
            header=headers[separator], separator=separator, line=line + len(head), remaining_lines=rest
        )

    def rows(self) -> Iterator[tuple[int, list[str]] | RejectedRow]:
        """Yield each row that is not empty, with its first line; can be iterated once."""
        feed = _LineFeed(self.remaining_lines)
        reader = csv.reader(feed, delimiter=self.separator, strict=True)
        line = self.line
        while True:
            feed.row_lines.clear()
            try:
                row = next(reader)
            except StopIteration:
                return
            except (csv.Error, _RowTooLong) as error:
                yield RejectedRow(line=line, reason=_describe_error(error))
                # A quote that is not closed includes the lines after it, which are rows of their own.
                feed.put_back()
                line += 1
                continue
            if row:
                yield line, row
            line += len(feed.row_lines)


class _RowTooLong(Exception):
    """A row has more than MAX_ROW_LINES lines."""


class _LineFeed:
    """Feed lines to the CSV reader, and keep those of the current row."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.row_lines: list[str] = []

    def __iter__(self) -> "_LineFeed":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.row_lines.append(line)
        if len(self.row_lines) > MAX_ROW_LINES:
            raise _RowTooLong
        return line

    def put_back(self) -> None:
        """Put back all lines of the row but the first, to be read again."""
        if len(self.row_lines) > 1:
            self._lines = chain(self.row_lines[1:], self._lines)


def _split_header(head: Sequence[str], separator: str) -> tuple[str, ...]:
    """Return the cells of a header, none if it cannot be read with this separator."""
    try:
        return tuple(cell.strip() for cell in next(csv.reader(head, delimiter=separator, strict=True), []))
    except csv.Error:
        return ()


def _describe_error(error: Exception) -> str:
    message = str(error)
    if isinstance(error, _RowTooLong) or "unexpected end" in message:
        return _('has a quote (") that is not closed')
    if "expected after" in message:
        return _('has a quote (") within a value; write it twice ("")')
    if "field limit" in message:
        return _("has a value that is too long")
    return _("is not CSV: {reason}", reason=message)
