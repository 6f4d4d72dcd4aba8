"""Recognise lists without a header: plain addresses, dumps of list servers, and tables."""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain

from moza_mail.subscriber_file.csv_header import SEPARATORS, split_header
from moza_mail.subscriber_file.row_state import is_state_of_leavers

PLAIN_ADDRESS = r"(?:mailto:)?[^\s@<>,;\"|]+@[^\s@<>,;\"|]+\.[^\s@<>,;\"|]+"
NAMED_ADDRESS = rf"[^<>@|]*<\s*{PLAIN_ADDRESS}\s*>"
ONE_ADDRESS = rf"(?:{PLAIN_ADDRESS}|{NAMED_ADDRESS})"
IS_ADDRESS = re.compile(ONE_ADDRESS)
IS_PLAIN_LIST = re.compile(rf"{ONE_ADDRESS}(?:\s*[,;]\s*{ONE_ADDRESS})*\s*[,;]?")
ADDRESS_AND_NAME = re.compile(rf"({PLAIN_ADDRESS}) +([^\s,;|\t][^,;|\t]*)")
SYMPA_KEYS = (
    "email", "gecos", "reception", "visibility", "date", "update_date", "subscribed", "included", "inclusion", "suspend", "startdate",
    "enddate", "bounce", "bounce_score", "bounce_address", "topics", "attrib", "custom_attribute", "number_messages", "inclusion_ext",
    "inclusion_label", "id",
)  # fmt: skip
"""The fields of a subscriber in a dump of Sympa. A dump leaves out the fields without a value."""
SYMPA_LINE = re.compile(rf"({'|'.join(SYMPA_KEYS)}) (.*)")
NUMBER_HEADING = re.compile(r'\s*"?#"?\s*[,;\t|]')
COMMENT_MARKS = ("*", "#", "//")


class Layout(StrEnum):
    """The layout of the rows in a file.

    csv: cells between separators.
    addresses: each line is one cell with addresses.
    address_and_name: each line is an address, spaces and a name, as LISTSERV writes.
    sympa: a block of lines for each subscriber, with a field and its value on each line.
    """

    CSV = "csv"
    ADDRESSES = "addresses"
    ADDRESS_AND_NAME = "address_and_name"
    SYMPA = "sympa"


def is_comment(line: str) -> bool:
    """Return True for a comment line, which list servers write above and below the addresses.

    A line whose first cell is `#` is not a comment, because `#` is the heading of the row numbers.
    """
    return line.lstrip().startswith(COMMENT_MARKS) and not NUMBER_HEADING.match(line)


def find_layout(lines: Sequence[str]) -> tuple[Layout, str, tuple[str, ...]] | None:
    """Return the layout, the separator and the names of the columns of a list without a header.

    Return None if the first lines are not such a list.
    """
    filled = [line.strip() for line in lines if line.strip() and not is_comment(line)]
    if not filled:
        return None
    if IS_PLAIN_LIST.fullmatch(filled[0]):
        return Layout.ADDRESSES, "", ("email",)
    if SYMPA_LINE.fullmatch(filled[0]) and any(re.fullmatch(r"email \S+@\S+", line) for line in filled):
        return Layout.SYMPA, "", SYMPA_KEYS
    if ADDRESS_AND_NAME.fullmatch(filled[0]):
        return Layout.ADDRESS_AND_NAME, "", ("email", "name")
    return _find_table(filled)


def _find_table(lines: Sequence[str]) -> tuple[Layout, str, tuple[str, ...]] | None:
    """Return the columns of a table without a header, in which one column has an address in most lines."""
    tables = {separator: [split_header([line], separator) for line in lines] for separator in SEPARATORS}
    separator = max(tables, key=lambda one: len(tables[one][0]))
    rows = tables[separator]
    place = next((index for index, cell in enumerate(rows[0]) if IS_ADDRESS.fullmatch(cell)), None)
    if place is None or rows[0] == (rows[0][place],):
        return None
    count = sum(len(row) > place and IS_ADDRESS.fullmatch(row[place]) is not None for row in rows)
    if count * 2 <= len(rows):
        return None
    names = ("email" if index == place else f"column {index + 1}" for index in range(len(rows[0])))
    return Layout.CSV, separator, tuple(names)


def read_rows(layout: Layout, lines: Iterable[str], first: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each row of a list that is not CSV, with the number of its line. Comments are left out."""
    if layout is Layout.SYMPA:
        yield from _read_blocks(lines, first)
        return
    for number, line in enumerate(lines, start=first):
        cell = line.strip()
        if is_comment(cell):
            cell = cell.strip("*#/ ")
            if not is_state_of_leavers(cell):
                continue
        if not cell:
            continue
        found = ADDRESS_AND_NAME.fullmatch(cell) if layout is Layout.ADDRESS_AND_NAME else None
        yield number, [found[1], found[2]] if found else [cell]


def _read_blocks(lines: Iterable[str], first: int) -> Iterator[tuple[int, list[str]]]:
    block: dict[str, str] = {}
    begin = first
    for number, line in enumerate(chain(lines, [""]), start=first):
        if found := SYMPA_LINE.fullmatch(line.strip()):
            begin = begin if block else number
            block[found[1]] = found[2].strip()
        elif block and not line.strip():
            yield begin, [block.get(key, "") for key in SYMPA_KEYS]
            block = {}
