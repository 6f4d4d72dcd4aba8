"""A file of readers to newcomers: CSV with a header, as spreadsheets and mail programs write it."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from moza_mail.errors import AddressError, MozaMailError
from moza_mail.model.address import CONTROL, Address
from moza_mail.model.subscriber import Newcomer

COLUMNS = {
    "email": {"email", "e-mail", "e-mailadres", "emailadres", "mail", "address"},
    "name": {"name", "naam"},
    "consent": {"consent", "toestemming"},
    "state": {"state"},
}
# What our own export adds beyond a person's name and attributes.
EXPORTED = {"created_at", "confirmed_at", "unsubscribed_at", "attributes"}
LONGEST_NAME = 200
LONGEST_VALUE = 1000
EXAMPLE = "The first line names the columns: email,name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A row that cannot be used: its line in the file and why, as a sentence for the person who made the file."""

    line: int
    reason: str


class PeopleError(MozaMailError):
    """The file as a whole cannot be read as a list of people."""


def people(
    rows: Iterable[str], source: str, *, consent: str = "", international: bool = False
) -> Iterator[Newcomer | Refused]:
    """Read rows of text, separated by `,` `;` or a tab, into newcomers; a bad row is given as Refused, in its place.

    `consent` is what those consented to who have no value in a column `consent`; a row with neither is refused.
    `international` lets addresses in that need SMTPUTF8 (RFC 6531).
    Columns beyond email, name and consent become attributes. Raises PeopleError when there is no usable header.
    """
    lines = iter(rows)
    first = next(lines, "").removeprefix("\ufeff")
    delimiter = max(",;\t", key=first.count)
    header = [cell.strip().lower() for cell in next(csv.reader([first], delimiter=delimiter), [])]
    names = [
        next((name for name, spellings in COLUMNS.items() if cell in spellings), cell) for cell in header
    ]
    if "email" not in names:
        raise PeopleError(f"{source}, line 1: there is no column `email`", hint=EXAMPLE)
    if len(set(names)) < len(names):
        raise PeopleError(f"{source}, line 1: a column is named twice", hint=EXAMPLE)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Refused(line=reader.line_num + 1, reason=f"is not CSV: {error}")
            continue
        if any(cell.strip() for cell in row):
            yield _newcomer(names, row, reader.line_num + 1, consent, international=international)


def _newcomer(
    names: Sequence[str], row: list[str], line: int, consent: str, *, international: bool
) -> Newcomer | Refused:
    if len(row) > len(names):
        return Refused(line=line, reason=f"has {len(row)} values for {len(names)} columns")
    cells = {name: value.strip() for name, value in zip(names, row, strict=False)}
    if found := next(
        (name for name, value in cells.items() if name != "email" and CONTROL.search(value)), None
    ):
        return Refused(line=line, reason=f"{found} holds a control character or a line end")
    if len(cells.get("name", "")) > LONGEST_NAME or any(
        len(value) > LONGEST_VALUE for value in cells.values()
    ):
        return Refused(
            line=line, reason=f"holds a value that is too long (a name has at most {LONGEST_NAME} signs)"
        )
    if cells.get("state", "") not in {"", "confirmed"}:
        return Refused(
            line=line, reason=f"is {cells['state']} in this file, and an import confirms nobody who is not"
        )
    given = cells.get("consent", "") or consent
    if not given:
        return Refused(line=line, reason="has no consent; fill the column `consent` or add --consent TEXT")
    try:
        address = Address.parse(cells.get("email", ""), international=international)
    except AddressError as error:
        return Refused(line=line, reason=error.message)
    return Newcomer(
        address=address,
        name=cells.get("name", ""),
        attributes=MappingProxyType(
            {name: value for name, value in cells.items() if value and name not in COLUMNS.keys() | EXPORTED}
        ),
        consent=given,
        line=line,
    )
