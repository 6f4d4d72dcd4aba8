"""Turn a file with a header into subscribers, and reject the rows that cannot be used."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from moza_mail.errors import AddressError, locate, make_printable
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.address import CONTROL_CHARACTER, Address
from moza_mail.model.mailing_list import ATTRIBUTE_NAME
from moza_mail.model.sign_up import LANGUAGE
from moza_mail.model.subscriber import NewSubscriber, SubscriptionState, SuppressionReason
from moza_mail.subscriber_file.address_cell import parse_cell
from moza_mail.subscriber_file.answers import ColumnAnswers
from moza_mail.subscriber_file.column_plan import (
    GIVEN_ROLES,
    Column,
    ColumnPlan,
    assign_roles,
    choose_service,
    find_certainty,
    judge_values,
    settle_by_values,
)
from moza_mail.subscriber_file.column_values import (
    ColumnValues,
    collect_values,
    find_remark_line,
    holds_addresses,
)
from moza_mail.subscriber_file.duplicate_columns import settle_duplicates
from moza_mail.subscriber_file.encoding import SubscriberFileError
from moza_mail.subscriber_file.file_state import (
    find_file_state,
    find_leavers_name,
    has_status,
    is_list_of_leavers,
    is_list_of_subscribers,
    make_leavers_error,
)
from moza_mail.subscriber_file.formula_guard import unguard_formula
from moza_mail.subscriber_file.headings import RESERVED_NAMES, SECTION_HEADING, ColumnRole, find_role
from moza_mail.subscriber_file.names import NameColumns
from moza_mail.subscriber_file.questions import Question, make_question_error, make_remark_error, show_lines
from moza_mail.subscriber_file.row_state import RowState
from moza_mail.subscriber_file.row_verdict import (
    RowJudge,
    RowVerdict,
    find_missing_opt_in,
    find_open_questions,
)
from moza_mail.subscriber_file.sections import find_sections, find_title, names_group
from moza_mail.subscriber_file.table import CsvTable, RejectedRow

MAX_COLUMNS = 200
MAX_HEADING_LENGTH = 100
MAX_NAME_LENGTH = 200
MAX_VALUE_LENGTH = 1000
LINE_ENDS = re.compile("[\r\n\t\u2028\u2029]+")
COLUMN_NAMES_HINT = _(
    "Use email, name, lang, consent, or a name of lower-case letters, digits and _, such as organisatie."
)
HEADER_EXAMPLE = _("The first line must name the columns: email,name")
SUBSCRIPTION_STATES = {
    RowState.CONFIRMED: SubscriptionState.CONFIRMED,
    RowState.UNCONFIRMED: SubscriptionState.UNCONFIRMED,
}
SUPPRESSIONS = {
    RowState.SUPPRESSED: SuppressionReason.MANUAL,
    RowState.BOUNCED: SuppressionReason.HARD_BOUNCE,
    RowState.COMPLAINED: SuppressionReason.COMPLAINT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberFileOptions:
    """Options for reading a file.

    consent: what subscribers consented to, if the file has no column about consent.
    international: allow addresses that need SMTPUTF8 (RFC 6531).
    answers: the answers of a person about the columns.
    context: the folder in the ZIP, and the sheet of the workbook, that contain the list.
    extra: columns to add to those of the file, such as the marks of a workbook. Each heading is mapped to cells by line.
    """

    consent: str = ""
    international: bool = False
    answers: ColumnAnswers = field(default_factory=ColumnAnswers)
    context: tuple[str, ...] = ()
    extra: Mapping[str, Mapping[int, str]] = field(default_factory=lambda: MappingProxyType({}))


class SubscriberFile:
    """The subscribers and the rejected rows of a file. Each iteration reads the file again."""

    def __init__(
        self, lines: Callable[[], Iterable[str]], source: str, options: SubscriberFileOptions
    ) -> None:
        """Read the header and the values.

        Raise SubscriberFileError if the file cannot be used, or if a person must be asked.

        lines: open the file and return its lines.
        source: the name of the file in errors.
        """
        self.source = source
        self._lines = lines
        self._options = options
        self._extra = dict(options.extra)
        self.columns = self._plan_columns()
        file_state = find_file_state(source, self.columns.service, options.answers)
        self._judge = RowJudge(self.columns, file_state, options.consent)
        self._names = NameColumns.find(self.columns)
        self._lang = self.columns.index_of(ColumnRole.LANG)
        self._email = self.columns.index_of(ColumnRole.EMAIL) or 0
        self._attributes = tuple((column.index, column.attribute) for column in self.columns.attributes)
        self._constant = self._judge.judge(()) if self._judge.is_constant else None
        self._checks_each_row = self._lang is not None or bool(self.columns.unnamed)
        self._ask_about_leavers()

    def __iter__(self) -> Iterator[NewSubscriber | RejectedRow]:
        for found in self._open_table().rows():
            if isinstance(found, RejectedRow):
                yield found
            elif self._extra.get(SECTION_HEADING) and names_group(find_title(found[1])):
                continue
            elif (row_text := "".join(found[1])).strip():
                yield from self._read_row(*found, row_text)

    def _ask_about_leavers(self) -> None:
        """Raise SubscriberFileError if a name says that all people left, but a row says otherwise."""
        table = self._open_table()
        names = (self.source, *self._options.context, *table.titles)
        name = find_leavers_name(names, self._options.answers)
        if not name:
            return
        width = len(self.columns.header)
        doubtful_line, has_leavers = 0, False
        for found in table.rows():
            if isinstance(found, RejectedRow) or "@" not in "".join(found[1]):
                continue
            line, row = found
            if self._judge.judge([*row, *[""] * (width - len(row))]).state in {None, RowState.CONFIRMED}:
                doubtful_line = doubtful_line or line
            else:
                has_leavers = True
        # If the columns say that some people left and others did not, a name such as `export with bounces` causes no question.
        if doubtful_line and (not has_leavers or is_list_of_leavers(name)):
            roles = frozenset(column.role for column in self.columns.columns)
            raise make_leavers_error(self.source, name, line=doubtful_line, has_status=has_status(roles))

    def find_non_ascii_example(self) -> str:
        """Return a non-ASCII value of the file, preferably a name; empty if there is none.

        A person who sees this value can tell if the encoding was detected correctly.
        """
        names = self._names
        parts = [index for index in (names.whole, names.first, names.last) if index is not None]
        other = ""
        for found in self._open_table().rows():
            row = [] if isinstance(found, RejectedRow) else found[1]
            for index in parts:
                if index < len(row) and not row[index].isascii():
                    return row[index].strip()
            other = other or next((cell.strip() for cell in row if not cell.isascii()), "")
        return other

    def _open_table(self) -> CsvTable:
        wanted = {heading.strip().lower() for heading in self._options.answers.columns.values()}

        def is_known(header: Sequence[str]) -> bool:
            return any(cell.lower() in wanted or find_role(cell) is ColumnRole.EMAIL for cell in header)

        table = CsvTable.read_header(self._lines(), is_known)
        for heading, cells in self._extra.items():
            table = table.add_column(heading, cells)
        return table

    def _plan_columns(self) -> ColumnPlan:
        table, answers = self._open_table(), self._options.answers
        header, line = [unguard_formula(cell) for cell in table.header], table.header_line
        self._check_headings(header, line)
        given = self._find_given_columns(header, line)
        service = choose_service(header, answers, self.source)
        columns = assign_roles(header, given, answers, service)
        has_email = any(column.role is ColumnRole.EMAIL for column in columns)
        values = _collect(table, columns)
        columns = settle_duplicates(columns, values, given)
        if not any(column.role is ColumnRole.EMAIL for column in columns):
            raise self._make_no_email_error(header, values, line)
        if not has_email:
            values = _collect(self._open_table(), columns)
        columns = settle_by_values(columns, values)
        self._check_duplicates(columns, line)
        remarks = [remark for column in values for remark in column.remarks]
        if remarks and not answers.is_about_leavers:
            raise self._make_remark_error(remarks[0])
        titles = [title for column in values for title in column.titles]
        if titles and SECTION_HEADING not in self._extra:
            return self._plan_sections(titles[-1])
        certainty = find_certainty(
            columns, values, is_service=service is not None, consent=self._options.consent
        )
        columns, questions = judge_values(columns, values, answers, certainty=certainty)
        plan = ColumnPlan(
            header=tuple(header),
            columns=tuple(columns),
            unnamed=tuple(index for index, heading in enumerate(header) if not heading),
            service=service.name if service else "",
            is_subscribed=bool(service and service.is_subscribed),
        )
        self._ask(plan, questions)
        return plan

    def _make_remark_error(self, remark: str) -> SubscriberFileError:
        rows = (row for row in self._open_table().rows() if not isinstance(row, RejectedRow))
        return make_remark_error(remark, self.source, find_remark_line(rows, remark))

    def _plan_sections(self, last_title: str) -> ColumnPlan:
        """Return the columns, with one more for the titles above groups of people who left."""
        table = self._open_table()
        cells = find_sections(table.rows(), table.header)
        if last_title not in cells.values() and not self._options.answers.is_about_leavers:
            raise self._make_remark_error(last_title)
        self._extra = {**self._extra, SECTION_HEADING: cells}
        return self._plan_columns()

    def _ask(self, plan: ColumnPlan, questions: Sequence[Question]) -> None:
        """Raise SubscriberFileError with the questions whose answers can change a row, if any."""
        dates = plan.find(ColumnRole.CONSENT_DATE)
        is_named = is_list_of_subscribers(self.source, plan.service)
        opt_in = dates[0] if dates and not is_named else None
        if not questions and opt_in is None:
            return
        answers, width = self._options.answers, len(plan.header)
        judge = RowJudge(plan, find_file_state(self.source, plan.service, answers), self._options.consent)

        def rows() -> Iterator[list[str]]:
            for one in self._open_table().rows():
                if not isinstance(one, RejectedRow):
                    yield [*one[1], *[""] * (width - len(one[1]))]

        left = find_open_questions(judge, rows(), questions) if questions else []
        if left := left or find_missing_opt_in(judge, rows(), opt_in):
            raise make_question_error([show_lines(one, self._extra) for one in left], self.source)

    def _find_given_columns(self, header: Sequence[str], line: int) -> dict[int, str]:
        """Return the names that `--map` gives to columns, by column index."""
        headings = [cell.lower() for cell in header]
        given: dict[int, str] = {}
        for name, heading in self._options.answers.columns.items():
            if name not in GIVEN_ROLES and not is_attribute_name(name):
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
                raise self._make_header_error(
                    _("there is no column `{heading}`", heading=heading),
                    line,
                    _("The columns are: {columns}.", columns=", ".join(filter(None, header))),
                )
            index = headings.index(wanted)
            if index in given:
                raise self._make_header_error(
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

    def _make_header_error(self, message: Translatable, line: int, hint: str) -> SubscriberFileError:
        return SubscriberFileError(locate(message, self.source, line), hint=hint)

    def _check_headings(self, header: Sequence[str], line: int) -> None:
        if len(header) > MAX_COLUMNS:
            raise self._make_header_error(
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
            raise self._make_header_error(
                _("{heading} cannot be the name of a column", heading=ascii(heading[:40])),
                line,
                HEADER_EXAMPLE,
            )

    def _check_duplicates(self, columns: Sequence[Column], line: int) -> None:
        first: dict[str, Column] = {}
        for column in columns:
            names = [column.attribute] if column.attribute else []
            names += [column.role.value] if column.role in {ColumnRole.EMAIL, ColumnRole.NAME} else []
            for name in names:
                if name in first:
                    raise self._make_header_error(
                        _(
                            "two columns have the same meaning: `{first}` and `{second}` are both {name}",
                            first=first[name].heading,
                            second=column.heading,
                            name=name,
                        ),
                        line,
                        _("Delete one from the file, or choose one: --map {name}=COLUMN", name=name),
                    )
                first[name] = column

    def _make_no_email_error(
        self, header: Sequence[str], values: Sequence[ColumnValues], line: int
    ) -> SubscriberFileError:
        headings = [cell for cell in header if cell]
        if any("@" in cell for cell in headings):
            return self._make_header_error(
                _("there is no column `email`, and the line contains an address"), line, HEADER_EXAMPLE
            )
        if not headings:
            return self._make_header_error(_("there is no column `email`"), line, HEADER_EXAMPLE)
        found = (
            heading for heading, column in zip(header, values, strict=True) if holds_addresses("", column)
        )
        likely = next(found, "")
        return self._make_header_error(
            _(
                "there is no column `email`; the columns are: {columns}",
                columns=make_printable(", ".join(cell[:40] for cell in headings[:10])),
            ),
            line,
            _(
                'Name the column with the addresses: --map email="{heading}"',
                heading=make_printable(likely[:40]),
            )
            if likely
            else _("No column has mail addresses. The file must have one, under the heading `email`."),
        )

    def _read_row(self, line: int, row: list[str], row_text: str) -> Iterable[NewSubscriber | RejectedRow]:
        width = len(self.columns.header)
        if len(row) != width:
            if any(map(str.strip, row[width:])):
                reason = _("has {count} values for {columns} columns", count=len(row), columns=width)
                return [RejectedRow(line=line, reason=reason)]
            row = [*row[:width], *[""] * (width - len(row))]
        email = unguard_formula(row[self._email])
        # isprintable is fast, and control characters are never printable.
        has_control = not row_text.isprintable() and CONTROL_CHARACTER.search(row_text) is not None
        values = [cell.strip() for cell in (_clean(row) if has_control or "'" in row_text else row)]
        # Nearly all rows need none of the checks in _find_problem, so they are skipped for speed.
        needs_check = has_control or self._checks_each_row or len(row_text) > MAX_NAME_LENGTH
        if needs_check and (problem := self._find_problem(row, values)):
            return [RejectedRow(line=line, reason=problem, address=email[:MAX_NAME_LENGTH])]
        verdict = self._constant or self._judge.judge(values)
        if verdict.state is None:
            reason = _("has no consent; fill the column `consent` or add --consent TEXT")
            return [RejectedRow(line=line, reason=reason, address=email[:MAX_NAME_LENGTH])]
        try:
            found = parse_cell(email, international=self._options.international)
        except AddressError as error:
            return [RejectedRow(line=line, reason=error.message, address=email[:MAX_NAME_LENGTH])]
        name = self._names.join(values)
        if len(found) > 1 and name:
            reason = _("has {count} addresses and one name; give each address a row", count=len(found))
            return [RejectedRow(line=line, reason=reason, address=email[:MAX_NAME_LENGTH])]
        return [
            self._make_subscriber(line, values, verdict, address, name or beside) for address, beside in found
        ]

    def _make_subscriber(
        self, line: int, values: Sequence[str], verdict: RowVerdict, address: Address, name: str
    ) -> NewSubscriber:
        state = verdict.state
        return NewSubscriber(
            address=address,
            name=name,
            attributes={name: values[index] for index, name in self._attributes if values[index]},
            consent=verdict.words if state is RowState.CONFIRMED else "",
            line=line,
            lang=self._read_lang(values),
            state=SUBSCRIPTION_STATES.get(state, SubscriptionState.UNSUBSCRIBED)
            if state
            else SubscriptionState.CONFIRMED,
            suppression=SUPPRESSIONS.get(state) if state else None,
            evidence="" if state is RowState.CONFIRMED else verdict.words,
            since=verdict.since,
        )

    def _read_lang(self, values: Sequence[str]) -> str:
        return "" if self._lang is None else values[self._lang].replace("_", "-")

    def _find_problem(self, row: Sequence[str], values: Sequence[str]) -> str:
        """Return the reason why a row cannot be used; "" if it can. The address is not checked."""
        header = self.columns.header
        if max(map(len, row)) > MAX_VALUE_LENGTH or len(self._names.join(values)) > MAX_NAME_LENGTH:
            return _(
                "has a value that is too long (a name has at most {maximum} characters)",
                maximum=MAX_NAME_LENGTH,
            )
        if CONTROL_CHARACTER.search("".join(values)):
            index = next((index for index, value in enumerate(values) if CONTROL_CHARACTER.search(value)), 0)
            if index != self._email:
                return _("has a control character in {column}", column=header[index] or index + 1)
        for index in self.columns.unnamed:
            if values[index]:
                return _("has a value in column {column}, which has no name", column=index + 1)
        if self._lang is not None and not LANGUAGE.fullmatch(self._read_lang(values)):
            return _("has a wrong language: {lang}; write nl or en-GB", lang=values[self._lang][:40])
        return ""


def is_attribute_name(name: str) -> bool:
    """Return True if an attribute can have this name.

    The names of other columns are reserved.
    """
    return re.fullmatch(ATTRIBUTE_NAME, name) is not None and name not in RESERVED_NAMES


def _collect(table: CsvTable, columns: Sequence[Column]) -> list[ColumnValues]:
    """Return the values of all columns, and the remarks in the column of addresses, if any."""
    readers = {column.index: column.reader for column in columns}
    rows = (found[1] for found in table.rows() if not isinstance(found, RejectedRow))
    email = next((column.index for column in columns if column.role is ColumnRole.EMAIL), None)
    return collect_values(rows, [readers.get(index) for index in range(len(table.header))], email)


def _clean(row: Sequence[str]) -> list[str]:
    """Remove the formula guards from the values, and replace line breaks by spaces."""
    return [LINE_ENDS.sub(" ", unguard_formula(cell)) for cell in row]
