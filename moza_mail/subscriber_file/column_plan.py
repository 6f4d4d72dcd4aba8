"""Decide what each column of a file means, and ask a person if a meaning is not clear."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from types import MappingProxyType

from moza_mail.errors import locate
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.subscriber_file.answers import ColumnAnswers
from moza_mail.subscriber_file.column_values import (
    MAX_DISTINCT,
    MAX_UNREADABLE,
    NAME_ROLES,
    Certainty,
    ColumnValues,
    find_doubtful,
)
from moza_mail.subscriber_file.encoding import SubscriberFileError
from moza_mail.subscriber_file.headings import (
    COLOUR_HEADING,
    MARK_HEADING,
    NEGATIVE,
    POSITIVE,
    SECTION_HEADING,
    ColumnRole,
    attribute_names,
    find_codes,
    find_role,
    gives_reason,
    is_about_members,
    is_about_privacy,
    is_account,
    is_foreign_status,
    names_lists,
    normalise_heading,
)
from moza_mail.subscriber_file.inversions import mentions_consent
from moza_mail.subscriber_file.questions import Question, describe_values, is_unrelated
from moza_mail.subscriber_file.readings import CellReader, read_code
from moza_mail.subscriber_file.row_state import RowState, find_state, mentions_leaving, normalise
from moza_mail.subscriber_file.services import SERVICE_NAMES, ExportFormat, find_services

READ_ROLES = POSITIVE | NEGATIVE | {ColumnRole.CONSENT_DATE, ColumnRole.CREATED}
PERSON_ROLES = (
    ColumnRole.EMAIL,
    ColumnRole.NAME,
    ColumnRole.FIRST_NAME,
    ColumnRole.INFIX,
    ColumnRole.LAST_NAME,
    ColumnRole.LANG,
)
ROLE_NAMES: Mapping[ColumnRole, Translatable] = MappingProxyType(
    {
        ColumnRole.EMAIL: _("email"),
        ColumnRole.NAME: _("name"),
        ColumnRole.PERMISSION: _("permission"),
        ColumnRole.CONSENT: _("consent"),
        ColumnRole.UNSUBSCRIBED: _("unsubscribed"),
        ColumnRole.SUPPRESSED: _("blocked"),
        ColumnRole.BOUNCED: _("bounced"),
        ColumnRole.COMPLAINED: _("complained"),
        ColumnRole.SOURCE: _("source"),
        ColumnRole.FIRST_NAME: _("first name"),
        ColumnRole.LAST_NAME: _("last name"),
        ColumnRole.LANG: _("language"),
        ColumnRole.STATUS: _("state"),
        ColumnRole.OPTIONAL_STATUS: _("state"),
        ColumnRole.VERIFIED: _("confirmation"),
        ColumnRole.PRECONDITION: _("working address or account"),
        ColumnRole.UNCONFIRMED: _("not confirmed"),
        ColumnRole.CONSENT_DATE: _("date of consent"),
        ColumnRole.CREATED: _("date of entry"),
    }
)
"""Names of roles for the person who imports a file."""
OWN_HEADINGS = frozenset({"state", "consent", "created at", "confirmed at"})
"""Headings of our own export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a file.

    attribute: the name under which its values are stored; "" if they are not.
    reader: reads what its cells say about mail; None if the column says nothing about mail.
    """

    index: int
    heading: str
    role: ColumnRole
    attribute: str = ""
    reader: CellReader | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPlan:
    """The meaning of each column of a file.

    service: the service that made the file; "" if it is not known.
    columns: all columns with a heading, including columns that are not used.
    unnamed: the indexes of columns without a heading.
    is_subscribed: True if each row is a subscriber unless a column says otherwise.
    """

    header: tuple[str, ...]
    columns: tuple[Column, ...]
    unnamed: tuple[int, ...] = ()
    service: str = ""
    is_subscribed: bool = False

    def find(self, *roles: ColumnRole) -> tuple[Column, ...]:
        """Return the columns with one of these roles."""
        return tuple(column for column in self.columns if column.role in roles)

    def index_of(self, role: ColumnRole) -> int | None:
        """Return the index of the column with this role; None if there is none."""
        return next((column.index for column in self.columns if column.role is role), None)

    @property
    def attributes(self) -> tuple[Column, ...]:
        """The columns that are stored as attributes."""
        return tuple(column for column in self.columns if column.attribute)

    @property
    def dropped(self) -> tuple[Column, ...]:
        """The columns that are neither stored nor used."""
        used = READ_ROLES | {*PERSON_ROLES, ColumnRole.SOURCE}
        return tuple(one for one in self.columns if one.role not in used and not one.attribute)

    def describe(self) -> Translatable:
        """Describe the columns for the person who made the file."""
        parts: list[Translatable] = []
        for column in self.columns:
            if column.role in PERSON_ROLES or column.role in READ_ROLES or column.role is ColumnRole.SOURCE:
                name = ROLE_NAMES.get(column.role, column.role.value)
                parts.append(_("{heading} as {name}", heading=column.heading, name=name))
            if column.attribute:
                parts.append(
                    _("{heading} as the attribute {name}", heading=column.heading, name=column.attribute)
                )
        if dropped := self.dropped:
            names = ", ".join(column.heading for column in dropped)
            parts.append(_("not stored: {columns}", columns=names))
        return reduce(lambda first, second: _("{first}, {second}", first=first, second=second), parts)

    def as_data(self) -> dict[str, str]:
        """Map the heading of each used column to the name of its attribute or role."""
        return {
            column.heading: column.attribute or column.role.value
            for column in self.columns
            if column not in self.dropped
        }


def assign_roles(
    header: Sequence[str], given: Mapping[int, str], answers: ColumnAnswers, service: ExportFormat | None
) -> list[Column]:
    """Return the columns, with roles from their headings and from the answers of a person."""
    columns: list[Column] = []
    is_membership = service is None and any(map(is_about_members, header))
    is_own = {normalise_heading(heading) for heading in header} >= OWN_HEADINGS
    for index, heading in enumerate(header):
        if not heading:
            continue
        role = _find_role(heading, given.get(index, ""), answers, service)
        words = dict(answers.status.get(normalise_heading(heading), {}))
        found, is_answered = role, bool(words) and role not in READ_ROLES
        if is_answered:
            role = _choose_status_role(words.values())
        column = Column(
            index=index,
            heading=heading,
            role=role,
            attribute=_choose_attribute_name(heading, given.get(index, ""), role, answers),
        )
        if role in READ_ROLES:
            column = with_reader(column, words, service)
        if column.reader and column.role is ColumnRole.STATUS and is_membership:
            column.reader.is_foreign = True
        if column.reader and is_own:
            column.reader.is_own = normalise_heading(heading) == "consent"
        if column.reader and is_answered:
            column.reader.only_answers = True
            column.reader.knows_texts = found is not ColumnRole.UNCLEAR
        columns.append(column)
    return columns


def _choose_status_role(states: Iterable[RowState | None]) -> ColumnRole:
    """Return the role of a status column with these states.

    If none of the states is `confirmed`, the role is an optional status, whose empty cells say nothing.
    """
    return ColumnRole.STATUS if RowState.CONFIRMED in states else ColumnRole.OPTIONAL_STATUS


def with_reader(column: Column, words: Mapping[str, RowState | None], service: ExportFormat | None) -> Column:
    """Return the column with a cell reader for its role."""
    is_status = column.role in {ColumnRole.STATUS, ColumnRole.OPTIONAL_STATUS}
    known = dict(service.words) if service and is_status else {}
    codes = {normalise(code): read_code(meaning) for code, meaning in find_codes(column.heading).items()}
    if is_status and mentions_consent(normalise_heading(column.heading)):
        # A single opt-in: nobody confirmed the address.
        known.setdefault("single", RowState.UNCONFIRMED)
    known.update({code: state for code, state in codes.items() if state})
    reader = CellReader(
        role=column.role,
        words={**known, **words},
        month_first=bool(service and service.month_first),
        has_reasons=gives_reason(column.heading),
        is_foreign=not known and is_foreign_status(column.heading),
        is_account=is_account(column.heading),
        takes_any_words=normalise_heading(column.heading) == "consent",
    )
    return replace(column, reader=reader)


def _find_role(heading: str, given: str, answers: ColumnAnswers, service: ExportFormat | None) -> ColumnRole:
    words = normalise_heading(heading)
    if given:
        return GIVEN_ROLES.get(given, ColumnRole.OTHER)
    if words in answers.ignored:
        found = find_role(heading)
        return found if found in NAME_ROLES else ColumnRole.UNRELATED
    if heading in {MARK_HEADING, SECTION_HEADING}:
        return ColumnRole.OPTIONAL_STATUS
    if heading == COLOUR_HEADING:
        return ColumnRole.OTHER
    if service and words in service.roles:
        return service.roles[words]
    return find_role(heading)


GIVEN_ROLES = {
    "email": ColumnRole.EMAIL,
    "name": ColumnRole.NAME,
    "consent": ColumnRole.CONSENT,
    "state": ColumnRole.STATUS,
    "lang": ColumnRole.LANG,
}
"""The roles of the names that `--map` knows; another name is an attribute."""


def _choose_attribute_name(heading: str, given: str, role: ColumnRole, answers: ColumnAnswers) -> str:
    if given:
        return "" if given in GIVEN_ROLES else given
    if role is ColumnRole.PRIVATE:
        return ""
    return next((name for name in attribute_names(heading) if name in answers.attributes), "")


def choose_service(header: Iterable[str], answers: ColumnAnswers, source: str) -> ExportFormat | None:
    """Return the service that made a file; None if it is not known.

    Raise SubscriberFileError if several services are possible, or if the answers name an unknown service.
    """
    found = find_services(header, answers.service)
    if answers.service and not found:
        known = ", ".join(SERVICE_NAMES)
        if answers.service.casefold() in map(str.casefold, SERVICE_NAMES):
            return None
        raise SubscriberFileError(
            _("--from {name}: this service is not known", name=answers.service),
            hint=_("Name one of {services}, or leave the option out.", services=known),
        )
    if len(found) > 1 and len(found[0].headings) == len(found[1].headings) and _differ(found[0], found[1]):
        names = ", ".join(service.name for service in found)
        raise SubscriberFileError(
            locate(_("the columns fit the exports of {services}", services=names), source),
            hint=_("Say which service made the file: --from {name}", name=found[0].name),
        )
    return found[0] if found else None


def _differ(first: ExportFormat, second: ExportFormat) -> bool:
    keys = ("roles", "words", "is_subscribed", "month_first")
    return any(getattr(first, key) != getattr(second, key) for key in keys)


LIST_ROLES = frozenset({ColumnRole.PERMISSION, ColumnRole.UNCLEAR})


def settle_by_values(columns: Sequence[Column], values: Sequence[ColumnValues]) -> list[Column]:
    """Correct the roles of columns with headings about permission whose values are about something else.

    A column `Mailing lists` often has the names of lists. A consent to a privacy statement is not a consent to mail if
    another column says who may be mailed.
    """
    settled: list[Column] = []
    for column in columns:
        found = values[column.index]
        if column.role in LIST_ROLES and names_lists(column.heading) and not _is_read(column, found):
            settled.append(replace(column, role=ColumnRole.UNRELATED, reader=None))
        elif column.role is ColumnRole.UNCLEAR and is_about_privacy(column.heading):
            is_decided = any(_tells_apart(one.reader, values[one.index]) for one in columns)
            role = ColumnRole.PRECONDITION if is_decided else column.role
            judged = replace(column, role=role)
            reader = with_reader(judged, {}, None).reader if is_decided else column.reader
            is_clear = reader is not None and all(reader.read(one).is_readable for one in found.distinct)
            settled.append(replace(judged, reader=reader) if is_clear else column)
        else:
            settled.append(column)
    return settled


def _is_read(column: Column, values: ColumnValues) -> bool:
    """Return True if the reader of a column can read one of the values."""
    reader = column.reader
    return reader is not None and any(reader.read(value).is_readable for value in values.distinct)


def find_certainty(
    columns: Sequence[Column], values: Sequence[ColumnValues], *, is_service: bool, consent: str
) -> Certainty:
    """Return how clearly the known columns say who may be mailed.

    is_service: True if a known service made the file.
    consent: what all people in the file consented to; "" if nobody said so.
    """
    deciding = [one for one in columns if one.role in POSITIVE - {ColumnRole.OPTIONAL_STATUS}]
    if is_service or any(_tells_apart(one.reader, values[one.index]) for one in deciding):
        return Certainty.SETTLED
    return Certainty.STRICT if consent and not deciding else Certainty.PARTIAL


def _tells_apart(reader: CellReader | None, values: ColumnValues) -> bool:
    """Return True if some values of a column say that somebody may be mailed, and others that somebody may not."""
    if reader is None or reader.is_foreign:
        return False
    states = {reader.read(value).state for value in (*values.distinct, *[""] * (values.empty > 0))}
    return RowState.CONFIRMED in states and len(states - {None}) > 1


ASKED_ROLES = frozenset(
    {
        ColumnRole.OTHER,
        ColumnRole.UNRELATED,
        ColumnRole.UNCLEAR,
        ColumnRole.PRIVATE,
        ColumnRole.NAME,
        ColumnRole.FIRST_NAME,
        ColumnRole.LAST_NAME,
        ColumnRole.SOURCE,
    }
)
"""Roles of columns whose values may still say who must not be mailed."""


def judge_values(
    columns: Sequence[Column],
    values: Sequence[ColumnValues],
    answers: ColumnAnswers,
    *,
    certainty: Certainty,
) -> tuple[list[Column], list[Question]]:
    """Return the columns with the roles that follow from their values, and the questions to a person.

    An unknown column becomes the status column if its values name states.

    There are two kinds of questions. Either the reader of a known column cannot read a value, or the values of
    an unknown column may say who must not be mailed. Such values are yes and no, or dates that some rows lack.
    """
    result: list[Column] = []
    questions: list[Question] = []
    for column in columns:
        found = values[column.index]
        is_ignored = normalise_heading(column.heading) in answers.ignored
        if column.reader:
            if column.reader.is_foreign and certainty is Certainty.SETTLED:
                # Another column says who may be mailed, so only a word for leaving matters.
                found.unreadable = dict.fromkeys(filter(mentions_leaving, found.unreadable))
            if found.unreadable:
                is_complete = len(found.unreadable) < MAX_UNREADABLE
                questions.append(_make_question(column, found, found.unreadable, is_complete=is_complete))
            elif found.month_first:
                column.reader.month_first = True
        elif not is_ignored and column.role in ASKED_ROLES:
            if column.role is ColumnRole.PRIVATE and find_role(column.heading) is not ColumnRole.PRIVATE:
                # A service says that the column is never about mail.
                result.append(column)
                continue
            doubtful = find_doubtful(column.role, column.heading, found, certainty)
            is_asked = column.role is ColumnRole.UNCLEAR or found.leaving or not column.attribute
            if doubtful and is_asked:
                result.append(_read_as_status(column, found, doubtful, questions))
                continue
        result.append(column)
    # If a person has answered that nobody in the file may be mailed, there is nothing left to ask.
    return result, [] if answers.is_about_leavers else questions


def _make_question(
    column: Column, found: ColumnValues, values: Iterable[str], *, is_complete: bool
) -> Question:
    """Return the question about these values of a column, most frequent first."""
    ordered = sorted(values, key=lambda value: -found.distinct.get(value, 0))
    return Question(
        index=column.index,
        heading=column.heading,
        role=column.role,
        values=tuple(ordered),
        is_complete=is_complete,
        shown=describe_values(found.distinct, column.reader, {value.strip() for value in ordered}),
        is_unrelated=column.reader is None and is_unrelated(column.heading, column.role, found.distinct),
    )


def _read_as_status(
    column: Column, values: ColumnValues, doubtful: list[str], questions: list[Question]
) -> Column:
    """Return the column as the status column if its values are names of states.

    Values that are in doubt are added to `questions`.
    """
    if not values.names_states or column.role in NAME_ROLES:
        is_complete = len(values.distinct) < MAX_DISTINCT
        questions.append(_make_question(column, values, doubtful, is_complete=is_complete))
        return column
    states = {value: find_state(value) for value in values.distinct}
    role = _choose_status_role(states.values())
    words: dict[str, RowState | None] = {}
    if column.role is not ColumnRole.OTHER:
        # A tag such as `subscribed` is no consent, but a tag such as `unsubscribed` counts.
        role = ColumnRole.OPTIONAL_STATUS
        words = {normalise(value): None for value, state in states.items() if state is RowState.CONFIRMED}
    is_foreign = not values.is_complete_status
    is_tag = column.role in {ColumnRole.UNRELATED, ColumnRole.PRIVATE}
    reader = CellReader(
        role=role, words=words, is_foreign=is_foreign, only_answers=is_tag, knows_texts=is_tag
    )
    readings = {value: reader.read(value) for value in values.distinct}
    unreadable = [
        value
        for value, reading in readings.items()
        if not reading.is_readable or (reading.state is None and value in doubtful)
    ]
    if unreadable:
        questions.append(_make_question(replace(column, reader=reader), values, unreadable, is_complete=True))
    return replace(column, role=role, reader=reader)
