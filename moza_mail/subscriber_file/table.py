"""Read the header and the rows of a CSV file, as spreadsheets and mail programs write it."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from moza_mail.i18n import gettext as _
from moza_mail.subscriber_file.csv_header import SEPARATORS, split_header
from moza_mail.subscriber_file.layouts import Layout, find_layout, is_comment, read_rows

# Excel writes this as the first line of a file, and does not show it.
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
MAX_ROW_LINES = 100
"""The maximum number of lines in one row; a longer row has a quote that is not closed."""
MAX_HEADER_LINES = 20
WRAPPING = ' \t\r\n,;|"'
MAX_TITLE_LINES = 15
"""The maximum number of lines with a title or a date above the header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that cannot be used. `address` is empty if the address could not be read."""

    line: int
    reason: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    """The header of a file and the lines after it.

    line: the line number of the first row.
    header_line: the line number of the header; 0 for a list without a header.
    separator: "" for a list that is not CSV.
    titles: the lines above the header.
    extra: columns that are added after those of the file. Each maps line numbers to cells.
    """

    header: tuple[str, ...]
    separator: str
    line: int
    header_line: int
    remaining_lines: Iterator[str]
    titles: tuple[str, ...] = ()
    layout: Layout = Layout.CSV
    extra: tuple[Mapping[int, str], ...] = ()

    def add_column(self, heading: str, cells: Mapping[int, str]) -> "CsvTable":
        """Return the table with one more column, whose cells are given by line."""
        return replace(self, header=(*self.header, heading), extra=(*self.extra, cells))

    @classmethod
    def read_header(cls, lines: Iterable[str], is_known: Callable[[Sequence[str]], bool]) -> "CsvTable":
        """Read the header with the separator that fits best.

        The best separator gives a known column, or else the most columns. If the first line has no known
        column and consists of addresses, the file is a plain list. Otherwise, if a later line has a known
        column, that line is the header and the lines above it are skipped. Comments above the header or above the
        addresses are skipped too.

        is_known: return True if a header contains a known column.
        """
        rest, line, separators = iter(lines), 1, SEPARATORS
        first = next(rest, "").removeprefix("\ufeff")
        if given := SEPARATOR_LINE.fullmatch(first):
            first, line, separators = next(rest, ""), 2, given[1]
        while first and not first.strip():
            first, line = next(rest, ""), line + 1
        head = _collect_header(first, rest)
        headers = {separator: split_header(head, separator) for separator in separators}
        separator = max(headers, key=lambda one: (is_known(headers[one]), len(headers[one])))
        found = cls(
            header=headers[separator],
            separator=separator,
            line=line + len(head),
            header_line=line,
            remaining_lines=rest,
        )
        return found if is_known(found.header) else found._find_other_layout(head, is_known)

    def _find_other_layout(
        self, head: Sequence[str], is_known: Callable[[Sequence[str]], bool]
    ) -> "CsvTable":
        """Return the file as a list without a header, or as the table below some title lines.

        This is called if the first line is not a known header. If the file is neither such a list nor such a
        table, the first line stays the header.
        """
        lines = chain(head, self.remaining_lines)
        comments: list[str] = []
        while (line := next(lines, "")) and (is_comment(line) or (comments and not line.strip())):
            comments.append(line)
        body = [line, *islice(lines, MAX_TITLE_LINES)] if line else []
        rest = chain(body, lines)
        start = self.header_line + len(comments)
        found = find_layout(body)
        # A title may contain an address too, so a table without a header is tried after the titles.
        if found and found[0] is not Layout.CSV:
            return self._without_header(found, start, rest)
        for number, line in enumerate(body):
            for separator in SEPARATORS:
                header = split_header([line], separator)
                if is_known(header):
                    return CsvTable(
                        header=header,
                        separator=separator,
                        line=start + number + 1,
                        header_line=start + number,
                        remaining_lines=chain(body[number + 1 :], lines),
                        titles=tuple(title.strip(WRAPPING) for title in (*comments, *body[:number])),
                    )
        if found:
            return self._without_header(found, start, rest)
        return replace(self, remaining_lines=islice(chain(comments, rest), len(head), None))

    def _without_header(
        self, found: tuple[Layout, str, tuple[str, ...]], line: int, lines: Iterator[str]
    ) -> "CsvTable":
        layout, separator, names = found
        return replace(
            self,
            header=names,
            separator=separator,
            line=line,
            header_line=0,
            remaining_lines=lines,
            layout=layout,
        )

    def rows(self) -> Iterator[tuple[int, list[str]] | RejectedRow]:
        """Yield each row that is not empty, with its first line number. Can be iterated once."""
        if not self.extra:
            yield from self._rows_of_file()
            return
        width = len(self.header) - len(self.extra)
        for found in self._rows_of_file():
            if isinstance(found, RejectedRow):
                yield found
            else:
                line, row = found
                more = [cells.get(line, "") for cells in self.extra]
                yield line, [*row, *[""] * (width - len(row)), *more]

    def _rows_of_file(self) -> Iterator[tuple[int, list[str]] | RejectedRow]:
        if self.layout is not Layout.CSV:
            yield from read_rows(self.layout, self.remaining_lines, self.line)
            return
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
                # A cell with an unclosed quotation mark includes the following lines, which are in fact
                # separate rows.
                feed.put_back()
                line += 1
                continue
            if row:
                yield line, row
            line += len(feed.row_lines)


class _RowTooLong(Exception):
    """A row has more than MAX_ROW_LINES lines."""


class _LineFeed:
    """Feed lines to the CSV reader, and keep the lines of the current row."""

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
        """Put back all lines of the row except the first, so that they are read again."""
        if len(self.row_lines) > 1:
            self._lines = chain(self.row_lines[1:], self._lines)


def _collect_header(first: str, rest: Iterator[str]) -> list[str]:
    """Return the lines of the header. It begins with the line `first`.

    A header can have several lines, because a quoted heading may contain line breaks.
    """
    head = [first]
    while "".join(head).count('"') % 2 and len(head) < MAX_HEADER_LINES and (more := next(rest, "")):
        head.append(more)
    return head


def _describe_error(error: Exception) -> str:
    message = str(error)
    if isinstance(error, _RowTooLong) or "unexpected end" in message:
        return _('has a quote (") that is not closed')
    if "expected after" in message:
        return _('has a quote (") within a value; write it twice ("")')
    if "field limit" in message:
        return _("has a value that is too long")
    return _("is not CSV: {reason}", reason=message)
