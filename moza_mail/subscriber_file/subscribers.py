"""Turn a file with a header into subscribers, and reject the rows that cannot be used."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType

from moza_mail.errors import AddressError, locate
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.mailing_list import ATTRIBUTE_NAME
from moza_mail.model.sign_up import LANGUAGE
from moza_mail.model.subscriber import NewSubscriber
from moza_mail.subscriber_file.encoding import SubscriberFileError
from moza_mail.subscriber_file.formula_guard import unguard_formula
from moza_mail.subscriber_file.table import CsvTable, RejectedRow

# The headings by which a column is recognised without --map.
KNOWN_HEADINGS = {
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
# The other columns of our own export, which an import ignores.
EXPORT_COLUMNS = frozenset({"created_at", "confirmed_at", "unsubscribed_at", "attributes"})
RESERVED_NAMES = EXPORT_COLUMNS.union(*KNOWN_HEADINGS.values())
"""Names that an attribute cannot have."""
MAX_COLUMNS = 200
MAX_HEADING_LENGTH = 100
MAX_NAME_LENGTH = 200
MAX_VALUE_LENGTH = 1000
LINE_ENDS = re.compile("[\r\n\t\u2028\u2029]+")
COLUMN_NAMES_HINT = _(
    "Use email, name, lang, consent, or a name of lower-case letters, digits and _, such as organisatie."
)
HEADER_EXAMPLE = _("The first line must name the columns: email,name")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberFileOptions:
    """How to read a file.

    consent: the consent of subscribers without a value in the column `consent`; a row with neither is rejected.
    international: allow addresses that need SMTPUTF8 (RFC 6531).
    columns: headings by column name (`email`, `name`, `lang`, `consent` or an attribute), where these differ.
    """

    consent: str = ""
    international: bool = False
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """The meaning of each column in a header, by index.

    known: the index of `email`, `name`, `consent`, `state` and `lang`.
    attributes: the columns that become attributes, with their names.
    ignored: columns of our own export that are not imported.
    unnamed: columns without a heading.
    """

    header: tuple[str, ...]
    known: Mapping[str, int]
    attributes: tuple[tuple[int, str], ...]
    ignored: tuple[int, ...]
    unnamed: tuple[int, ...]

    def describe(self) -> Translatable:
        """Describe the columns for the person who made the file."""
        parts = [
            _("{heading} as {name}", heading=self.header[index], name=name)
            for name, index in self.known.items()
        ]
        for index, name in self.attributes:
            heading = self.header[index]
            if name == heading.lower():
                parts.append(_("{heading} as an attribute", heading=heading))
            else:
                parts.append(_("{heading} as the attribute {name}", heading=heading, name=name))
        parts += [_("{heading} is ignored", heading=self.header[index]) for index in self.ignored]
        return reduce(lambda first, second: _("{first}, {second}", first=first, second=second), parts)


class SubscriberFile:
    """The subscribers and the rejected rows of a file; each iteration reads it again."""

    def __init__(
        self, lines: Callable[[], Iterable[str]], source: str, options: SubscriberFileOptions
    ) -> None:
        """Read the header; raise SubscriberFileError if it cannot be used.

        lines: open the file.
        source: its name for errors.
        """
        self.source = source
        self._lines = lines
        self._options = options
        self.columns = self._map_columns(self._open_table())
        checked = self.columns.known.keys() & {"state", "lang"}
        self._checks_each_row = bool(checked or self.columns.unnamed or not options.consent)

    def __iter__(self) -> Iterator[NewSubscriber | RejectedRow]:
        for found in self._open_table().rows():
            if isinstance(found, RejectedRow):
                yield found
            elif (row_text := "".join(found[1])).strip():
                yield self._read_row(*found, row_text)

    def find_non_ascii_example(self) -> str:
        """Return a value with a character that shows if the encoding is right, preferably a name."""
        name = self.columns.known.get("name")
        other = ""
        for found in self._open_table().rows():
            row = [] if isinstance(found, RejectedRow) else found[1]
            if name is not None and name < len(row) and not row[name].isascii():
                return row[name].strip()
            other = other or next((cell.strip() for cell in row if not cell.isascii()), "")
        return other

    def _open_table(self) -> CsvTable:
        wanted = {heading.strip().lower() for heading in self._options.columns.values()}
        known = wanted | KNOWN_HEADINGS["email"]
        return CsvTable.read_header(
            self._lines(), lambda header: any(cell.lower() in known for cell in header)
        )

    def _map_columns(self, table: CsvTable) -> ColumnMapping:
        header, line = [unguard_formula(cell) for cell in table.header], table.line - 1
        self._check_headings(header, line)
        given = self._find_given_columns(header, line)
        names = [given.get(index) or _column_name(heading) for index, heading in enumerate(header)]
        # Columns with the heading of a column that --map assigns to another one.
        ignored = {index for index, name in enumerate(names) if name in given.values() and index not in given}
        ignored |= {index for index, name in enumerate(names) if name in EXPORT_COLUMNS}
        used = {index: name for index, name in enumerate(names) if name and index not in ignored}
        if "email" not in used.values():
            raise self._no_email_error(header, line)
        self._check_duplicates(header, used, line)
        return ColumnMapping(
            header=tuple(header),
            known=MappingProxyType({name: index for index, name in used.items() if name in KNOWN_HEADINGS}),
            attributes=tuple((index, name) for index, name in used.items() if name not in KNOWN_HEADINGS),
            ignored=tuple(sorted(ignored)),
            unnamed=tuple(index for index, name in enumerate(names) if not name),
        )

    def _find_given_columns(self, header: Sequence[str], line: int) -> dict[int, str]:
        """Return the names of the columns in `options.columns`, by index."""
        headings = [cell.lower() for cell in header]
        given: dict[int, str] = {}
        for name, heading in self._options.columns.items():
            if name not in KNOWN_HEADINGS and not is_attribute_name(name):
                raise SubscriberFileError(
                    _(
                        "--map {name}={heading}: `{name}` cannot be the name of an attribute",
                        name=name,
                        heading=heading,
                    ),
                    hint=COLUMN_NAMES_HINT,
                )
            wanted = heading.strip().lower()
            if not wanted or wanted not in headings:
                raise self._header_error(
                    _("there is no column `{heading}`", heading=heading),
                    line,
                    _("The columns are: {columns}.", columns=", ".join(filter(None, header))),
                )
            index = headings.index(wanted)
            if index in given:
                raise self._header_error(
                    _(
                        "the column `{heading}` cannot be both {first} and {second}",
                        heading=heading,
                        first=given[index],
                        second=name,
                    ),
                    line,
                    _("Name another column in one --map."),
                )
            given[index] = name
        return given

    def _header_error(self, message: Translatable, line: int, hint: str) -> SubscriberFileError:
        return SubscriberFileError(locate(message, self.source, line), hint=hint)

    def _check_headings(self, header: Sequence[str], line: int) -> None:
        if len(header) > MAX_COLUMNS:
            raise self._header_error(
                _(
                    "there are {count} columns; the maximum is {maximum}",
                    count=len(header),
                    maximum=MAX_COLUMNS,
                ),
                line,
                _("Delete the columns that you do not use."),
            )
        wrong = (cell for cell in header if len(cell) > MAX_HEADING_LENGTH or CONTROL_CHARACTER.search(cell))
        if heading := next(wrong, ""):
            raise self._header_error(
                _("{heading} cannot be the name of a column", heading=ascii(heading[:40])),
                line,
                HEADER_EXAMPLE,
            )

    def _check_duplicates(self, header: Sequence[str], used: Mapping[int, str], line: int) -> None:
        first: dict[str, int] = {}
        for index, name in used.items():
            if name in first:
                raise self._header_error(
                    _(
                        "two columns have the same meaning: `{first}` and `{second}` are both {name}",
                        first=header[first[name]],
                        second=header[index],
                        name=name,
                    ),
                    line,
                    _("Delete one from the file, or choose one: --map {name}=COLUMN", name=name),
                )
            first[name] = index

    def _no_email_error(self, header: Sequence[str], line: int) -> SubscriberFileError:
        headings = [cell for cell in header if cell]
        if any("@" in cell for cell in headings):
            return self._header_error(
                _("there is no column `email`, and the line contains an address"), line, HEADER_EXAMPLE
            )
        if not headings:
            return self._header_error(_("there is no column `email`"), line, HEADER_EXAMPLE)
        return self._header_error(
            _(
                "there is no column `email`; the columns are: {columns}",
                columns=", ".join(cell[:40] for cell in headings[:10]),
            ),
            line,
            _('Name the column with the addresses: --map email="{heading}"', heading=headings[0][:40]),
        )

    def _read_row(self, line: int, row: list[str], row_text: str) -> NewSubscriber | RejectedRow:
        known, width, options = self.columns.known, len(self.columns.header), self._options
        if len(row) != width:
            if any(map(str.strip, row[width:])):
                reason = _("has {count} values for {columns} columns", count=len(row), columns=width)
                return RejectedRow(line=line, reason=reason)
            row = [*row[:width], *[""] * (width - len(row))]
        email = unguard_formula(row[known["email"]])
        # isprintable is fast, and control characters are never printable.
        has_control = not row_text.isprintable() and CONTROL_CHARACTER.search(row_text) is not None
        values = [cell.strip() for cell in (_clean(row) if has_control or "'" in row_text else row)]
        # Nearly all rows need none of the checks in _find_problem, so they are skipped for speed.
        needs_check = has_control or self._checks_each_row or len(row_text) > MAX_NAME_LENGTH
        if needs_check and (problem := self._find_problem(row, values)):
            return RejectedRow(line=line, reason=problem, address=email[:MAX_NAME_LENGTH])
        try:
            address = Address.parse(email, international=options.international)
        except AddressError as error:
            return RejectedRow(line=line, reason=error.message, address=email[:MAX_NAME_LENGTH])
        return NewSubscriber(
            address=address,
            name=values[known["name"]] if "name" in known else "",
            attributes={name: values[index] for index, name in self.columns.attributes if values[index]},
            consent=(values[known["consent"]] if "consent" in known else "") or options.consent,
            line=line,
            lang=values[known["lang"]] if "lang" in known else "",
        )

    def _find_problem(self, row: Sequence[str], values: Sequence[str]) -> str:
        """Return why a row cannot be used, apart from its address; empty if it can."""
        header, known = self.columns.header, self.columns.known
        if max(map(len, row)) > MAX_VALUE_LENGTH or (
            "name" in known and len(values[known["name"]]) > MAX_NAME_LENGTH
        ):
            return _(
                "has a value that is too long (a name has at most {maximum} characters)",
                maximum=MAX_NAME_LENGTH,
            )
        if CONTROL_CHARACTER.search("".join(values)):
            index = next((index for index, value in enumerate(values) if CONTROL_CHARACTER.search(value)), 0)
            if index != known["email"]:
                return _("has a control character in {column}", column=header[index] or index + 1)
        for index in self.columns.unnamed:
            if values[index]:
                return _("has a value in column {column}, which has no name", column=index + 1)
        if "lang" in known and not LANGUAGE.fullmatch(values[known["lang"]]):
            return _("has a wrong language: {lang}; write nl or en-GB", lang=values[known["lang"]][:40])
        if "state" in known and values[known["state"]] not in {"", "confirmed"}:
            return _(
                "has the state {state}; only confirmed subscribers are imported", state=values[known["state"]]
            )
        if not self._options.consent and not ("consent" in known and values[known["consent"]]):
            return _("has no consent; fill the column `consent` or add --consent TEXT")
        return ""


def is_attribute_name(name: str) -> bool:
    """Return True if an attribute can have this name, which is not that of another column."""
    return re.fullmatch(ATTRIBUTE_NAME, name) is not None and name not in RESERVED_NAMES


def _clean(row: Sequence[str]) -> list[str]:
    """Remove the formula guards from the values, and put each on one line."""
    return [LINE_ENDS.sub(" ", unguard_formula(cell)) for cell in row]


def _column_name(heading: str) -> str:
    """Return the name of a column with this heading: a known one, else the heading itself."""
    lower = heading.lower()
    return next((name for name, headings in KNOWN_HEADINGS.items() if lower in headings), lower)
