"""Decide what a row says about a person: their state, and the evidence for it.

The evidence is quoted in the words of the file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from moza_mail.subscriber_file.answers import IGNORE
from moza_mail.subscriber_file.column_plan import Column, ColumnPlan
from moza_mail.subscriber_file.headings import NEGATIVE, POSITIVE, ColumnRole, normalise_heading
from moza_mail.subscriber_file.questions import Question, propose_state
from moza_mail.subscriber_file.readings import Reading
from moza_mail.subscriber_file.row_state import RowState, is_empty

OWN_COLUMNS = frozenset({"consent", "state", "created at", "confirmed at", "unsubscribed at"})
"""Headings of our own export: the consent is already complete there."""
EMPTY_CELL = "(empty)"
CONSENT_WORDS = ("optin", "opted in", "consent", "toestemming", "permiss", "einwillig", "confirm")
EXPLICIT = frozenset({ColumnRole.PERMISSION, ColumnRole.CONSENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class RowVerdict:
    """The state of a person according to a row.

    state: None if nothing in the file says that the person may be mailed.
    words: the evidence: the consent, or the reason why the person must not be mailed.
    since: when the person consented or left.
    """

    state: RowState | None
    words: str = ""
    since: datetime | None = None


class RowJudge:
    """Decides from each row of a file if the person in the row may be mailed."""

    def __init__(self, plan: ColumnPlan, file_state: RowState | None, consent: str) -> None:
        """Prepare the columns.

        file_state: the state of all people in the file, if it has one.
        consent: what the people in the file consented to; used only if no column is about consent.
        """
        self._readers = plan.find(*POSITIVE, *NEGATIVE, ColumnRole.CONSENT_DATE)
        self._sources = plan.find(ColumnRole.SOURCE)
        self._has_positive = bool(plan.find(*(POSITIVE - {ColumnRole.OPTIONAL_STATUS})))
        self._created = plan.find(ColumnRole.CREATED)
        self._file_state = file_state
        self._service = plan.service if plan.is_subscribed else ""
        self._consent = "" if plan.find(*EXPLICIT) else consent
        # Mailchimp writes a time of confirmation also for a contact that somebody imported.
        self._joining = EXPLICIT | ({ColumnRole.VERIFIED} if plan.service == "Mailchimp" else set())
        self.is_constant = not self._readers and not self._created and file_state is None

    def judge(self, row: Sequence[str]) -> RowVerdict:
        """Return the verdict on a row that has a value for each column."""
        readings = [
            (column, column.reader.read(row[column.index])) for column in self._readers if column.reader
        ]
        states: list[tuple[RowState, Column | None]] = [
            (reading.state, column) for column, reading in readings if reading.state
        ]
        if state := self._state_of_dates(readings):
            states.append(state)
        if self._file_state:
            states.append((self._file_state, None))
        worst = max((state for state, _ in states), key=lambda one: one.severity, default=None)
        if worst is None and (self._consent or self._service):
            worst = RowState.CONFIRMED
        if worst is None:
            return RowVerdict(state=None)
        if worst is RowState.CONFIRMED:
            return self._make_confirmed_verdict(row, readings)
        columns = [column for state, column in states if state is worst and column]
        dates = [
            reading.date
            for column, reading in readings
            if reading.state is worst and reading.date is not None
        ]
        words = _quote(columns, row) or "; ".join(f"{column.heading}: (empty)" for column in columns)
        return RowVerdict(state=worst, words=words, since=min(dates, default=None))

    def lacks_opt_in(self, row: Sequence[str]) -> bool:
        """Return True if a row has a date of joining, but no date in the column for opt-in dates."""
        readings = [
            (column, column.reader.read(row[column.index])) for column in self._readers if column.reader
        ]
        opt_ins = [reading for column, reading in readings if column.role is ColumnRole.CONSENT_DATE]
        agreed = [(column, one) for column, one in readings if one.state is RowState.CONFIRMED]
        return (
            bool(opt_ins and agreed)
            and all(one.date is None for one in opt_ins)
            and not any("" in column.reader.words for column, _ in readings if column.reader)
            and all(column.role in self._joining and one.date for column, one in agreed)
            and self.judge(row).state is RowState.CONFIRMED
        )

    def _state_of_dates(self, readings: Sequence[tuple[Column, Reading]]) -> tuple[RowState, Column] | None:
        """Return the state that follows from the sign-up dates, with the column that gave it.

        Return None if there is no such column, or if another column can say yes.
        """
        dates = [(column, reading) for column, reading in readings if column.role is ColumnRole.CONSENT_DATE]
        if not dates or self._has_positive:
            return None
        given = next((column for column, reading in dates if reading.date), None)
        return (RowState.CONFIRMED, given) if given else (RowState.UNCONFIRMED, dates[0][0])

    def _make_confirmed_verdict(
        self, row: Sequence[str], readings: Sequence[tuple[Column, Reading]]
    ) -> RowVerdict:
        dated = [
            (column, reading.date)
            for column, reading in readings
            if reading.date and column.role not in NEGATIVE
        ]
        dated += [
            (column, date)
            for column in self._created
            if column.reader and (date := column.reader.read(row[column.index]).date)
        ]
        dated.sort(key=lambda one: _date_rank(one[0]))
        since = dated[0][1] if dated else None
        own = next(
            (row[column.index].strip() for column, reading in readings if reading.is_words), self._consent
        )
        quoted = [
            column
            for column, reading in readings
            if reading.state is RowState.CONFIRMED and not reading.is_words
        ]
        if not own or self._is_foreign(quoted):
            dates = [column for column, _ in dated[:1] if column not in quoted]
            words = _quote([*([] if own else quoted), *dates, *self._sources], row)
            own = "; ".join(filter(None, (own, words)))
        return RowVerdict(state=RowState.CONFIRMED, words=own or self._service, since=since)

    @staticmethod
    def _is_foreign(columns: Sequence[Column]) -> bool:
        return any(normalise_heading(column.heading) not in OWN_COLUMNS for column in columns)


def find_missing_opt_in(
    judge: RowJudge, rows: Iterable[Sequence[str]], column: Column | None
) -> list[Question]:
    """Return the question about the rows that lack an opt-in; empty if there are no such rows.

    column: the first column for the date of opt-in. None if the file has no such column, or if the name of the file
        already says that all people are subscribers.
    """
    # A cell with a year of this century is not empty; nearly all cells are skipped by that.
    if column is None or not (
        count := sum(judge.lacks_opt_in(row) for row in rows if not row[column.index].startswith("20"))
    ):
        return []
    shown = (f"{count} × {EMPTY_CELL}",)
    question = Question(
        index=column.index,
        heading=column.heading,
        role=column.role,
        values=("",),
        is_complete=True,
        shown=shown,
    )
    return [question]


def find_open_questions(
    judge: RowJudge, rows: Iterable[Sequence[str]], questions: Sequence[Question]
) -> list[Question]:
    """Return the questions whose answers can change the verdict on a row, each with only the values that matter.

    For example, a remark needs no answer if another column of the row says that the person left.
    """
    values = [frozenset(value.strip() for value in one.values) for one in questions]
    found: list[dict[str, None]] = [{} for _ in questions]
    for row in rows:
        state: RowState | None = None
        is_judged = False
        for one, known, matters in zip(questions, values, found, strict=True):
            value = row[one.index].strip() if one.index < len(row) else ""
            if value not in known or value in matters:
                continue
            if not is_judged:
                state, is_judged = judge.judge(row).state, True
            if state is None or state.severity < _severity(propose_state(one.heading, one.role, value)):
                matters[value] = None
    return [
        replace(one, values=tuple(matters)) if one.is_complete else one
        for one, matters in zip(questions, found, strict=True)
        if matters or not one.is_complete
    ]


def _severity(state: str) -> int:
    """Return the severity of a proposed state, but at least the severity of `unsubscribed`.

    A question about a row is left out if the row's own state is at least as serious as the result. So questions
    remain about all rows except those of people who left.
    """
    proposed = RowState.UNSUBSCRIBED if state == IGNORE else RowState(state)
    return max(proposed, RowState.UNSUBSCRIBED, key=lambda one: one.severity).severity


def _date_rank(column: Column) -> int:
    if column.role is ColumnRole.VERIFIED:
        return 0
    if column.role is ColumnRole.CREATED:
        return 3
    words = normalise_heading(column.heading)
    return 1 if any(word in words for word in CONSENT_WORDS) else 2


def _quote(columns: Sequence[Column], row: Sequence[str]) -> str:
    """Return the headings and values of columns; empty values are left out."""
    return "; ".join(
        f"{column.heading}: {row[column.index].strip()}"
        for column in columns
        if not is_empty(row[column.index])
    )
