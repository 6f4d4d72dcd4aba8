"""Collect the values of each column, which help to judge the meaning of the column."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from moza_mail.subscriber_file.dates import parse_date
from moza_mail.subscriber_file.headings import (
    COLOUR_HEADING,
    ColumnRole,
    is_about_confirmation,
    is_inverted,
    is_remark,
    may_be_code,
    names_reason,
    normalise_heading,
)
from moza_mail.subscriber_file.inversions import NEWSLETTER, mentions_consent
from moza_mail.subscriber_file.layouts import IS_ADDRESS, PLAIN_ADDRESS
from moza_mail.subscriber_file.readings import CHANNEL, OTHER_CHANNEL, CellReader, find_worst_state
from moza_mail.subscriber_file.row_state import (
    LEAVING,
    PARTS,
    WEAK_WORDS,
    RowState,
    denies_consent,
    find_state,
    is_empty,
    is_no,
    is_yes,
    mentions_leaving,
    normalise,
)
from moza_mail.subscriber_file.sections import find_title, is_title_of_leavers

NAME_ROLES = frozenset({ColumnRole.NAME, ColumnRole.FIRST_NAME, ColumnRole.LAST_NAME})
STRUCK_OUT = re.compile(rf"[-~]+{PLAIN_ADDRESS}")
"""An address after dashes or tildes, with which somebody crossed it out. No mailbox name begins with these characters."""
NOT_GIVEN = re.compile(
    r"impl[iy]|assum|presum|stilzwijgend|stillschweig|tacit|legitim|bought|purchas|gekocht|gekauft|achete|comprad|acquist|scrap|harvest|rented|gehuurd|gemietet|\blouee?\b|telefoonboek|telefonbuch|annuaire|"
    r"openbare bron|public source|visitekaart|business card|visitenkarte"
)
LISTS = re.compile(r"list|lijst|liste|lista|group|groep|gruppe|segment")
LABELS = re.compile(rf"{LISTS.pattern}|label|\btags?\b|categor|kategor")
NEWSLETTERS = re.compile(rf"{NEWSLETTER}|\bmail|\bnews|\bnieuws")
ABOUT_LEAVING = re.compile(
    r"mail|lijst|\blist|liste\b|lista\b|nieuws|\bnews|lettre|abonn|inscri|iscri|suscri|schrijf|\bbaja|cancell|\bstop|\baf\b|\boff\b|contact|kontakt|"
    r"verwijder|austrag|kundig|widersp|verteiler|ausgetret|abgesagt|ungultig|ausgeschied|\bpost\b|courrier|spam|gdpr|\bavg\b|dsgvo|rgpd|eras|gewist|\bwis\b|oubli|oppos|bezwaar|object|demission|"
    r"verzoek|request|\bask|gevraagd|demand|\beraf\b|stuur|afgehaakt|uit dienst|\bweg\b|\bgone\b|\bleft\b|\bquitte|\bparti[er]?\b|retir|pension|retour|return|zuruck|\bterug|bounc|invalid|ongeldig|errone|\bdead\b|"
    r"overleden|gestorven|verstorben|deced|deceas|\bdied\b|wacht|await|pending|attente|wartet|toestemming|einwillig|consent|permission|consens|behoefte|interes|\bwants?\b|\bwil\b|\bwill\b|\bveut|souhait|quiere|desea|vuole|desider|\bno\b|\bnot\b|\bniet|\bgeen|\bnicht|\bkein|\bpas\b"
)
"""Words in a remark that may ask to be taken off the list."""
LEGEND = re.compile(r"\(?[*\u2020\u2021#\u00a7\u00b0^+]+\)?\s*[=:\-\u2013]?\s*\w|\w{1,2}\s*=\s*\w")
"""The beginning of a line that explains a mark beside a name, such as `* = wants no more mail`."""
ABOUT_MAIL = re.compile(
    r"^(?!.*(?:html|text|format|prefer)).*(?:mail|news|nieuws|digest|bericht|contact|kontakt|benader|anschreib)"
)
ABOUT_STAYING = re.compile(
    r"\b(?:tot|until|till|bis|jusqu|hasta|fino)|eind|\bend|\bfin\b|\baf\b|\bweg\b|\boff\b|\bout\b|\buit\b|\baus|\bparti\b|\bgone\b|vertrek|\bquit|"
    r"\bstill\b|\bkeep|\bstay|blijf|blijven|\bnog\b|\bnoch\b|encore|\bwants?\b|\bwil\b|\bwilt\b|\bwens|souhait|mocht"
)
"""Words in a heading that may ask if or until when somebody wants to stay."""
BAD_ADDRESS = frozenset({RowState.BOUNCED, RowState.COMPLAINED})
NO_HEADING = re.compile(r"column \d+")
"""The name of a column in a table without a header."""
MAX_GROUPS = 6
"""The maximum number of groups of people, such as those of a code or a colour."""
MIN_ROWS = 4
"""From this number of rows, values that all differ do not form groups."""
MIN_NUMBER_LENGTH = 3
"""The minimum length of a customer number. A shorter code, such as `9`, may be a state."""
MAX_DISTINCT = 5000
MAX_KNOWN = 200
"""The maximum number of distinct values that are kept of a column with a reader."""
MAX_UNREADABLE = 20
SAMPLE_ROWS = 1000
FEW = 30
"""The maximum number of distinct values in a column of states, or of yes and no."""
OTHER_PERSON = re.compile(
    r"refer|verwij|owner|eigenaar|manager|advis|sender|afzender|absender|\bfrom\b|reply|\bby\b|assigned|\bagent|beheerder|betreuer|responsable"
)
"""Words in a heading for the address of somebody else than the person in the row."""
LOOKS_LIKE_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+>?")
MONTH_FIRST = re.compile(r"\d\d?/(?:1[3-9]|2\d|3[01])/\d{2,4}\b.*")


@dataclass(slots=True)
class ColumnValues:
    """The values of one column.

    distinct: the first distinct values, each with the number of rows that have it.
    unreadable: values that the cell reader could not read.
    remarks: addresses with a text that says that the person left.
    titles: titles such as `Afgemeld:` above a group of people in the column of addresses.
    """

    filled: int = 0
    empty: int = 0
    addresses: int = 0
    distinct: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, None] = field(default_factory=dict)
    remarks: dict[str, None] = field(default_factory=dict)
    titles: dict[str, None] = field(default_factory=dict)
    month_first: bool = False

    @property
    def has_addresses(self) -> bool:
        """Return True if most values are mail addresses."""
        return self.addresses * 2 > min(self.filled, SAMPLE_ROWS)

    @property
    def leaving(self) -> list[str]:
        """The values that name a state other than confirmed, or say that somebody left."""
        return [value for value in self.distinct if mentions_leaving(value)]

    @property
    def names_states(self) -> bool:
        """Return True if the column is a status: it has few values, and one names a state."""
        return len(self.distinct) <= FEW and any(
            find_state(value) not in {None, RowState.CONFIRMED} and normalise(value) not in WEAK_WORDS
            for value in self.distinct
        )

    @property
    def names_channels(self) -> bool:
        """Return True if the values are channels such as `email` and `post`, and some rows have another channel or none."""
        has_mail = [not CHANNEL.isdisjoint(map(normalise, PARTS.split(value))) for value in self.distinct]
        others = [value for value, mail in zip(self.distinct, has_mail, strict=True) if not mail]
        return (
            any(has_mail)
            and len(has_mail) <= MAX_GROUPS
            and all(map(_is_no_mail, others))
            and (len(others) > 0 or self.empty > 0)
        )

    @property
    def is_data(self) -> bool:
        """Return True if each value is JSON that says nothing about consent or about leaving."""
        return bool(self.distinct) and all(
            one[:1] == "{" and find_worst_state(one) is None and not mentions_consent(normalise(one))
            for one in self.distinct
        )

    @property
    def are_dates(self) -> bool:
        """Return True if each value is a date."""
        return bool(self.distinct) and all(map(parse_date, self.distinct))

    @property
    def is_constant(self) -> bool:
        """Return True if all rows have the same value."""
        return self.empty == 0 and len(self.distinct) == 1

    @property
    def is_complete_status(self) -> bool:
        """Return True if each value names a state, and the column has enough kinds of states.

        The values must include `unsubscribed` and a word for a bad address, such as `bounced`. In such a column, `active` means
        that the person is subscribed.
        """
        states = {find_state(value) for value in self.distinct}
        return None not in states and RowState.UNSUBSCRIBED in states and bool(states & BAD_ADDRESS)

    @property
    def is_yes_or_no(self) -> bool:
        """Return True if each value is yes or no.

        If all rows have the same value, return False, because the column makes no difference between people.
        """
        if not 0 < len(self.distinct) <= FEW or not all(is_yes(one) or is_no(one) for one in self.distinct):
            return False
        return self.empty > 0 or len(self.distinct) > 1

    def matching(self, pattern: re.Pattern[str]) -> list[str]:
        """Return the distinct values in which the pattern is found."""
        return [value for value in self.distinct if pattern.search(normalise(value))]

    def distinct_if(self, condition: bool) -> list[str]:
        """Return the distinct values, or none if the condition is false."""
        return list(self.distinct) if condition else []

    @property
    def divides_people(self) -> bool:
        """Return True if the column divides the people into a few groups, as a column of codes does.

        A column of dates does not divide people, and neither does a column of values that all differ.
        """
        groups = len(self.distinct) + (self.empty > 0)
        if MIN_ROWS <= len(self.distinct) == self.filled or (self.empty == 0 and self.are_dates):
            return False
        return 1 < groups <= MAX_GROUPS and len(self.distinct) > 0

    @property
    def names_subscribers(self) -> bool:
        """Return True if one of a few different values says that somebody is subscribed."""
        return 1 < len(self.distinct) <= FEW and any(
            find_state(value) is RowState.CONFIRMED and normalise(value) not in WEAK_WORDS
            for value in self.distinct
        )

    @property
    def is_code(self) -> bool:
        """Return True if the column has few distinct values, at least two, counting empty cells.

        Long values that all differ do not count, because they may be customer numbers.
        """
        if len(self.distinct) > FEW or len(self.distinct) + (self.empty > 0) < 2:
            return False
        return len(self.distinct) < self.filled or min(map(len, self.distinct)) < MIN_NUMBER_LENGTH

    @property
    def denies(self) -> bool:
        """Return True if there are few values and one says no, such as `geen mail` or `nooit`.

        If all rows have the same word for no, return False, because the column makes no difference between people.
        """
        if self.is_constant and all(map(is_no, self.distinct)):
            return False
        return len(self.distinct) <= FEW and any(
            not value.strip().isdigit() and (is_no(value) or denies_consent(value)) for value in self.distinct
        )

    @property
    def is_end_date(self) -> bool:
        """Return True if each value is a date, and some rows have no value.

        A column with the date of leaving is an example.
        """
        return self.empty > 0 and self.are_dates


def _is_no_mail(value: str) -> bool:
    """Return True for a word that means no, or for a channel other than mail."""
    return is_no(value) or not OTHER_CHANNEL.isdisjoint(map(normalise, PARTS.split(value)))


def collect_values(
    rows: Iterable[Sequence[str]], readers: Sequence[CellReader | None], email: int | None = None
) -> list[ColumnValues]:
    """Read a file once and return the values of its columns.

    readers: the reader for each column; None if the heading does not show the meaning of the column.
    email: the index of the column with the addresses.
    """
    columns = [ColumnValues() for _ in readers]
    tracked = [
        (index, column, reader) for index, (column, reader) in enumerate(zip(columns, readers, strict=True))
    ]
    for number, row in enumerate(rows):
        # A line with a remark may be shorter than the others.
        cell = row[email] if email is not None and email < len(row) else ""
        if email is not None and _has_remark(cell):
            _add_remark(columns[email], row, cell)
            if not any("@" in cell for cell in row):
                # A second line of headings, a title or a total.
                continue
        if number == SAMPLE_ROWS:
            tracked = [one for one in tracked if _needs_all_rows(one[1], one[2])]
        elif number % SAMPLE_ROWS == 0:
            tracked = [one for one in tracked if one[2] or len(one[1].distinct) < MAX_DISTINCT]
        for index, column, reader in tracked:
            value = row[index] if index < len(row) else ""
            if reader is None:
                _add_unknown(column, value, is_sample=number < SAMPLE_ROWS)
            else:
                _add_known(column, value, reader)
    return columns


def _has_remark(cell: str) -> bool:
    """Return True if a cell is not only an address."""
    return "@" not in cell or " " in cell or "(" in cell or cell[:1] in {"-", "~"}


def _add_remark(column: ColumnValues, row: Sequence[str], cell: str) -> None:
    if MAX_UNREADABLE in {len(column.remarks), len(column.titles)}:
        return
    if "@" in cell:
        if STRUCK_OUT.fullmatch(cell) or LEAVING.search(normalise(cell)):
            column.remarks[cell.strip()] = None
        return
    # A comma in the line of a legend makes several cells.
    legend = ", ".join(text for text in row if text.strip())
    title = find_title(row)
    if LEGEND.match(legend) and ABOUT_LEAVING.search(normalise(legend)):
        column.remarks[legend] = None
    elif title and is_title_of_leavers(title):
        column.titles[title] = None


def find_remark_line(rows: Iterable[tuple[int, Sequence[str]]], remark: str) -> int:
    """Return the line of the first row with a remark or a title; 0 if no row has it."""
    for line, row in rows:
        texts = {*map(str.strip, row), ", ".join(text for text in row if text.strip()), find_title(row)}
        if remark in texts:
            return line
    return 0


def _needs_all_rows(column: ColumnValues, reader: CellReader | None) -> bool:
    """Return False if the sample shows that the rest of a column need not be read.

    The rest of a column of unknown role is not read if the sample is empty or contains addresses.
    """
    if reader is not None:
        return True
    return column.filled > 0 and not column.has_addresses


def _add_known(column: ColumnValues, value: str, reader: CellReader) -> None:
    if not value or is_empty(value):
        column.empty += 1
        return
    column.filled += 1
    if value in column.distinct or len(column.distinct) < MAX_KNOWN:
        column.distinct[value] = column.distinct.get(value, 0) + 1
    if not column.month_first and MONTH_FIRST.fullmatch(value.strip()):
        column.month_first = True
    if len(column.unreadable) < MAX_UNREADABLE and not reader.read(value).is_readable:
        column.unreadable[value.strip()] = None


def _add_unknown(column: ColumnValues, value: str, *, is_sample: bool) -> None:
    if not value:
        column.empty += 1
        return
    column.filled += 1
    if is_sample and LOOKS_LIKE_ADDRESS.search(value):
        column.addresses += 1
    if value in column.distinct or len(column.distinct) < MAX_DISTINCT:
        column.distinct[value] = column.distinct.get(value, 0) + 1


def holds_addresses(heading: str, values: ColumnValues) -> bool:
    """Return True if most values of a column are addresses of the people in the rows."""
    count = sum(IS_ADDRESS.fullmatch(value.strip()) is not None for value in values.distinct)
    return count * 2 > len(values.distinct) and OTHER_PERSON.search(normalise_heading(heading)) is None


class Certainty(StrEnum):
    """The extent to which the other columns of a file say who may be mailed.

    settled: a column says who may be mailed, or a known service made the file. Then an unknown column with yes
        and no, such as `VIP`, causes no question.
    partial: only an unknown column can say who may be mailed.
    strict: each row is a subscriber unless a column says otherwise, so any column that divides the people is
        asked about.
    """

    SETTLED = "settled"
    PARTIAL = "partial"
    STRICT = "strict"


def find_doubtful(role: ColumnRole, heading: str, values: ColumnValues, certainty: Certainty) -> list[str]:
    """Return values that may say who must not be mailed, although the heading does not."""
    if values.has_addresses or values.is_data:
        return []
    if role is ColumnRole.UNCLEAR:
        asked = values.distinct_if(not _says_nothing(heading, values, certainty))
        return [value for value in asked if not is_empty(value)]
    if role in NAME_ROLES:
        # A name may also be a word for a state: Mr. Junk and Mrs. Gone are readers.
        return values.distinct_if(values.is_yes_or_no) or values.matching(LEAVING)
    leaving = values.leaving
    if is_remark(heading):
        leaving += values.matching(ABOUT_LEAVING)
    if certainty is Certainty.STRICT and LABELS.search(normalise_heading(heading)):
        others = [value for value in values.distinct if not NEWSLETTERS.search(normalise(value))]
        leaving += others if 0 < len(others) < len(values.distinct) else []
    if leaving:
        return list(dict.fromkeys(leaving))
    if role is ColumnRole.SOURCE:
        return values.matching(NOT_GIVEN)
    if values.names_channels:
        return list(values.distinct)
    if role is ColumnRole.UNRELATED:
        words = normalise_heading(heading)
        is_about_mail = ABOUT_MAIL.search(words) or (certainty is Certainty.STRICT and LISTS.search(words))
        return values.distinct_if(bool(is_about_mail) and values.is_yes_or_no)
    return values.distinct_if(role is ColumnRole.OTHER and _is_doubtful(heading, values, certainty))


def _says_nothing(heading: str, values: ColumnValues, certainty: Certainty) -> bool:
    """Return True if an unclear column has only dates that cannot change what another column says."""
    is_certain = certainty is Certainty.SETTLED and values.are_dates
    is_joining = not is_inverted(heading) and not is_about_confirmation(heading)
    return is_certain and (values.is_constant or is_joining)


def _is_doubtful(heading: str, values: ColumnValues, certainty: Certainty) -> bool:
    """Return True if the values of a column with an unknown heading may say who left."""
    if heading == COLOUR_HEADING:
        return certainty is not Certainty.SETTLED
    words = normalise_heading(heading)
    is_named = NO_HEADING.fullmatch(heading) is None
    divides = values.divides_people if is_named else values.is_code
    is_reason = values.empty > 0 and values.filled > 0 and names_reason(heading)
    if is_reason or (may_be_code(heading) and values.is_code) or values.names_subscribers:
        return True
    if certainty is Certainty.SETTLED and not ABOUT_MAIL.search(words) and not ABOUT_STAYING.search(words):
        return False
    has_all = values.is_constant and all(is_yes(one) and not one.strip().isdigit() for one in values.distinct)
    is_refused = (
        values.is_constant and all(map(is_no, values.distinct)) and ABOUT_MAIL.search(words) is not None
    )
    is_divided = certainty is Certainty.STRICT and (divides or has_all)
    return is_divided or is_refused or values.is_yes_or_no or values.denies or values.is_end_date
