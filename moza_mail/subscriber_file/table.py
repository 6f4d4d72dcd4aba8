"""Read the header and the rows of a CSV file, as spreadsheets and mail programs write it."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from moza_mail.i18n import gettext as _

# Excel writes this as the first line of a file, and does not show it.
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
SEPARATORS = ",;\t|"
PLAIN_ADDRESS = r"(?:mailto:)?[^\s@<>,;\"|]+@[^\s@<>,;\"|]+\.[^\s@<>,;\"|]+"
NAMED_ADDRESS = rf"[^<>@|]*<\s*{PLAIN_ADDRESS}\s*>"
ONE_ADDRESS = rf"(?:{PLAIN_ADDRESS}|{NAMED_ADDRESS})"
IS_PLAIN_LIST = re.compile(rf"{ONE_ADDRESS}(?:\s*[,;]\s*{ONE_ADDRESS})*\s*[,;]?")
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
    header_line: the line number of the header; 0 for a plain list of addresses.
    separator: "" for a plain list, in which each line is one cell.
    titles: the lines above the header.
    """

    header: tuple[str, ...]
    separator: str
    line: int
    header_line: int
    remaining_lines: Iterator[str]
    titles: tuple[str, ...] = ()

    @classmethod
    def read_header(cls, lines: Iterable[str], is_known: Callable[[Sequence[str]], bool]) -> "CsvTable":
        """Read the header with the separator that fits best.

        The best separator gives a known column, or else the most columns. If the first line has no known
        column and consists of addresses, the file is a plain list. Otherwise, if a later line has a known
        column, that line is the header and the lines above it are skipped.

        is_known: return True if a header contains a known column.
        """
        rest, line, separators = iter(lines), 1, SEPARATORS
        first = next(rest, "").removeprefix("\ufeff")
        if given := SEPARATOR_LINE.fullmatch(first):
            first, line, separators = next(rest, ""), 2, given[1]
        while first and not first.strip():
            first, line = next(rest, ""), line + 1
        head = _complete(first, rest)
        headers = {separator: _split_header(head, separator) for separator in separators}
        separator = max(headers, key=lambda one: (is_known(headers[one]), len(headers[one])))
        found = cls(
            header=headers[separator],
            separator=separator,
            line=line + len(head),
            header_line=line,
            remaining_lines=rest,
        )
        return found if is_known(found.header) else found._search(head, is_known)

    def _search(self, head: Sequence[str], is_known: Callable[[Sequence[str]], bool]) -> "CsvTable":
        """Return the file as a plain list of addresses, or as the table below some title lines.

        This is called if the first line is not a known header. If the file is neither a plain list nor such a
        table, the first line stays the header.
        """
        if IS_PLAIN_LIST.fullmatch("".join(head).strip()):
            lines = chain(head, self.remaining_lines)
            return replace(
                self,
                header=("email",),
                separator="",
                line=self.header_line,
                header_line=0,
                remaining_lines=lines,
            )
        skipped = list(islice(self.remaining_lines, MAX_TITLE_LINES))
        for number, line in enumerate(skipped):
            headers = {separator: _split_header([line], separator) for separator in SEPARATORS}
            for separator, header in headers.items():
                if is_known(header):
                    rest = chain(skipped[number + 1 :], self.remaining_lines)
                    return CsvTable(
                        header=header,
                        separator=separator,
                        line=self.line + number + 1,
                        header_line=self.line + number,
                        remaining_lines=rest,
                        titles=tuple(line.strip(WRAPPING) for line in (*head, *skipped[:number])),
                    )
        return replace(self, remaining_lines=chain(skipped, self.remaining_lines))

    def rows(self) -> Iterator[tuple[int, list[str]] | RejectedRow]:
        """Yield each row that is not empty, with its first line number. Can be iterated once."""
        if not self.separator:
            yield from _plain_rows(self.remaining_lines, self.line)
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


def _complete(first: str, rest: Iterator[str]) -> list[str]:
    """Return the lines of the header that begins with this line.

    There may be several, because a quoted heading may have line breaks.
    """
    head = [first]
    while "".join(head).count('"') % 2 and len(head) < MAX_HEADER_LINES and (more := next(rest, "")):
        head.append(more)
    return head


def _plain_rows(lines: Iterable[str], first: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=first):
        if cell := line.strip():
            yield number, [cell]


def _split_header(head: Sequence[str], separator: str) -> tuple[str, ...]:
    """Return the cells of a header; empty if the header cannot be split by this separator."""
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
