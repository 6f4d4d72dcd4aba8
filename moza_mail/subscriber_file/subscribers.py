"""A file of readers to newcomers: a table whose columns are named, as spreadsheets and mail programs write it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from moza_mail.errors import AddressError
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.sign_up import LANGUAGE
from moza_mail.model.subscriber import Newcomer
from moza_mail.subscriber_file.encoding import SubscriberFileError
from moza_mail.subscriber_file.formula_guard import unguard_formula
from moza_mail.subscriber_file.table import CsvTable, RejectedRow

# What a column is for, and how its heading is written without being told so.
COLUMNS = {
    "email": {
        "email",
        "e-mail",
        "e-mailadres",
        "emailadres",
        "mail",
        "address",
        "e-mail address",
        "email address",
    },
    "name": {"name", "naam"},
    "consent": {"consent", "toestemming"},
    "state": {"state"},
    "lang": {"lang"},
}
# What our own export adds beyond a person's name and attributes.
EXPORTED = frozenset({"created_at", "confirmed_at", "unsubscribed_at", "attributes"})
RESERVED = EXPORTED.union(*COLUMNS.values())
"""What no attribute can be called."""
MOST_COLUMNS = 200
LONGEST_HEADING = 100
LONGEST_NAME = 200
MAX_VALUE_LENGTH = 1000
LINE_ENDS = re.compile("[\r\n\t\u2028\u2029]+")
ATTRIBUTE = re.compile(r"[a-z][a-z0-9_]{0,62}")
COLUMN_NAMES_HINT = (
    "It is email, name, lang, consent, or a name of small letters, digits and _, such as organisatie."
)
EXAMPLE = "The first line names the columns: email,name"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberFileOptions:
    """How a file is to be read.

    `consent` is what those consented to who have no value in a column `consent`; a row with neither is refused.
    `international` lets addresses in that need SMTPUTF8 (RFC 6531). `columns` says which heading stands for `email`, `name`, `lang`,
    `consent` or an attribute, where it does not say so itself.
    """

    consent: str = ""
    international: bool = False
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Which column of a header is what, by its place; `kept` become attributes, `left` are our own export's and not read."""

    header: tuple[str, ...]
    used: Mapping[str, int]
    attributes: tuple[tuple[int, str], ...]
    ignored: tuple[int, ...]
    unnamed: tuple[int, ...]

    def describe(self) -> str:
        """What is read as what, for the person who made the file."""
        parts = [f"{self.header[place]} as {name}" for name, place in self.used.items()]
        for place, name in self.attributes:
            heading = self.header[place]
            parts.append(f"{heading} is kept" if name == heading.lower() else f"{heading} is kept as {name}")
        parts += [f"{self.header[place]} is not read" for place in self.ignored]
        return ", ".join(parts)


class SubscriberFile:
    """The people of a file, read anew each time they are gone through: newcomers, and in their place rows that are refused."""

    def __init__(self, lines: Callable[[], Iterable[str]], source: str, asked: SubscriberFileOptions) -> None:
        """`lines` opens the file; `source` names it. Raises PeopleError when there is no usable header."""
        self.source = source
        self._lines = lines
        self._asked = asked
        self.columns = self._columns(self._table())
        asks = self.columns.used.keys() & {"state", "lang"}
        self._strict = bool(asks or self.columns.unnamed or not asked.consent)

    def __iter__(self) -> Iterator[Newcomer | RejectedRow]:
        for found in self._table().rows():
            if isinstance(found, RejectedRow):
                yield found
            elif (whole := "".join(found[1])).strip():
                yield self._read(*found, whole)

    def find_non_ascii_example(self) -> str:
        """The first name, or else other value, with a sign beyond ASCII, to see by whether the file was read rightly."""
        name = self.columns.used.get("name")
        other = ""
        for found in self._table().rows():
            row = [] if isinstance(found, RejectedRow) else found[1]
            if name is not None and name < len(row) and not row[name].isascii():
                return row[name].strip()
            other = other or next((cell.strip() for cell in row if not cell.isascii()), "")
        return other

    def _table(self) -> CsvTable:
        wanted = {heading.strip().lower() for heading in self._asked.columns.values()}
        known = wanted | COLUMNS["email"]
        return CsvTable.read_header(
            self._lines(), lambda header: any(cell.lower() in known for cell in header)
        )

    def _columns(self, table: CsvTable) -> ColumnMapping:
        header, where = (
            [unguard_formula(cell) for cell in table.header],
            f"{self.source}, line {table.line - 1}",
        )
        _refuse_odd(header, where)
        asked = self._places(header, where)
        names = [asked.get(place) or _own_name(heading) for place, heading in enumerate(header)]
        # A heading that says of itself what another column was asked to be.
        beside = {place for place, name in enumerate(names) if name in asked.values() and place not in asked}
        beside |= {place for place, name in enumerate(names) if name in EXPORTED}
        known = {place: name for place, name in enumerate(names) if name and place not in beside}
        if "email" not in known.values():
            raise _no_email(header, where)
        _refuse_doubles(header, known, where)
        return ColumnMapping(
            header=tuple(header),
            used=MappingProxyType({name: place for place, name in known.items() if name in COLUMNS}),
            attributes=tuple((place, name) for place, name in known.items() if name not in COLUMNS),
            ignored=tuple(sorted(beside)),
            unnamed=tuple(place for place, name in enumerate(names) if not name),
        )

    def _places(self, header: Sequence[str], where: str) -> dict[int, str]:
        """What was asked of columns, by their places."""
        headings = [cell.lower() for cell in header]
        asked: dict[int, str] = {}
        for name, heading in self._asked.columns.items():
            if name not in COLUMNS and not is_attribute_name(name):
                raise SubscriberFileError(
                    f"--map {name}={heading}: `{name}` cannot be kept of a person", hint=COLUMN_NAMES_HINT
                )
            sought = heading.strip().lower()
            if not sought or sought not in headings:
                raise SubscriberFileError(
                    f"{where}: there is no column `{heading}`",
                    hint=f"The columns are: {', '.join(filter(None, header))}.",
                )
            place = headings.index(sought)
            if place in asked:
                raise SubscriberFileError(
                    f"{where}: `{heading}` cannot be both {asked[place]} and {name}",
                    hint="Name another column in one --map.",
                )
            asked[place] = name
        return asked

    def _read(self, line: int, row: list[str], whole: str) -> Newcomer | RejectedRow:
        used, width, asked = self.columns.used, len(self.columns.header), self._asked
        if len(row) != width:
            if any(map(str.strip, row[width:])):
                return RejectedRow(line=line, reason=f"has {len(row)} values for {width} columns")
            row = [*row[:width], *[""] * (width - len(row))]
        email = unguard_formula(row[used["email"]])
        # No control character is printable, and to ask that takes no time.
        odd = not whole.isprintable() and CONTROL_CHARACTER.search(whole) is not None
        values = [cell.strip() for cell in (_cleaned(row) if odd or "'" in whole else row)]
        # What nothing is wrong with in nearly every file is not looked for one by one.
        look = odd or self._strict or len(whole) > LONGEST_NAME
        if look and (trouble := self._trouble(row, values)):
            return RejectedRow(line=line, reason=trouble, address=email[:LONGEST_NAME])
        try:
            address = Address.parse(email, international=asked.international)
        except AddressError as error:
            return RejectedRow(line=line, reason=error.message, address=email[:LONGEST_NAME])
        return Newcomer(
            address=address,
            name=values[used["name"]] if "name" in used else "",
            attributes={name: values[place] for place, name in self.columns.attributes if values[place]},
            consent=(values[used["consent"]] if "consent" in used else "") or asked.consent,
            line=line,
            lang=values[used["lang"]] if "lang" in used else "",
        )

    def _trouble(self, row: Sequence[str], values: Sequence[str]) -> str:
        """Why a row is not taken whatever its address; empty when it is."""
        header, used = self.columns.header, self.columns.used
        if max(map(len, row)) > MAX_VALUE_LENGTH or (
            "name" in used and len(values[used["name"]]) > LONGEST_NAME
        ):
            return f"holds a value that is too long (a name has at most {LONGEST_NAME} signs)"
        if CONTROL_CHARACTER.search("".join(values)):
            place = next((place for place, value in enumerate(values) if CONTROL_CHARACTER.search(value)), 0)
            if place != used["email"]:
                return f"{header[place] or place + 1} holds a control character"
        for place in self.columns.unnamed:
            if values[place]:
                return f"has a value in column {place + 1}, which has no name"
        if "lang" in used and not LANGUAGE.fullmatch(values[used["lang"]]):
            return f"{values[used['lang']][:40]} is no language, such as nl or en-GB"
        if "state" in used and values[used["state"]] not in {"", "confirmed"}:
            return f"is {values[used['state']]} in this file, and an import confirms nobody who is not"
        if not self._asked.consent and not ("consent" in used and values[used["consent"]]):
            return "has no consent; fill the column `consent` or add --consent TEXT"
        return ""


def is_attribute_name(name: str) -> bool:
    """Whether an attribute may be called so: `organisatie`, and nothing that is the heading of another column."""
    return ATTRIBUTE.fullmatch(name) is not None and name not in RESERVED


def _cleaned(row: Sequence[str]) -> list[str]:
    """The values of a row: what guards them taken off, and each on one line."""
    return [LINE_ENDS.sub(" ", unguard_formula(cell)) for cell in row]


def _own_name(heading: str) -> str:
    """What a column says of itself that it is."""
    said = heading.lower()
    return next((name for name, spellings in COLUMNS.items() if said in spellings), said)


def _refuse_odd(header: Sequence[str], where: str) -> None:
    if len(header) > MOST_COLUMNS:
        raise SubscriberFileError(
            f"{where}: there are {len(header)} columns, and a list has at most {MOST_COLUMNS}",
            hint="Leave out what you do not use.",
        )
    if odd := next(
        (cell for cell in header if len(cell) > LONGEST_HEADING or CONTROL_CHARACTER.search(cell)), ""
    ):
        raise SubscriberFileError(f"{where}: {odd[:40]!a} cannot name a column", hint=EXAMPLE)


def _refuse_doubles(header: Sequence[str], known: Mapping[int, str], where: str) -> None:
    first: dict[str, int] = {}
    for place, name in known.items():
        if name in first:
            raise SubscriberFileError(
                f"{where}: a column is named twice: `{header[first[name]]}` and `{header[place]}` are both {name}",
                hint=f"Take one out of the file, or say which it is: --map {name}=COLUMN",
            )
        first[name] = place


def _no_email(header: Sequence[str], where: str) -> SubscriberFileError:
    named = [cell for cell in header if cell]
    if any("@" in cell for cell in named):
        return SubscriberFileError(
            f"{where}: there is no column `email`, and the line holds an address", hint=EXAMPLE
        )
    if not named:
        return SubscriberFileError(f"{where}: there is no column `email`", hint=EXAMPLE)
    shown = ", ".join(cell[:40] for cell in named[:10])
    return SubscriberFileError(
        f"{where}: there is no column `email`; the columns are: {shown}",
        hint=f'Say which it is: --map email="{named[0][:40]}"',
    )
