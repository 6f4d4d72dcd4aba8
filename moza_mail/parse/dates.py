"""Find dates and times as authors write them, in Dutch, English, German and French.

A date is one or more days and a month (`19 en 20 januari`, `23 t/m 25 november`, `January 15`), an ISO date, or `14-01-2026`.
Several dates can form a range or a set, and a time may follow. No library reads all these forms correctly. This grammar
reads only these forms, and ignores all others.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from moza_mail.parse.date_tokens import Kind, Token, tokenize
from moza_mail.parse.date_words import ARTICLES, MONTHS, OPENINGS, TIME_LEADS, WEEKDAYS
from moza_mail.parse.date_years import DayMark, DayMarks, DayProblem, resolve_days
from moza_mail.parse.times import FoundTimes, TimeParser, TimeProblem, refuse_backward_times

__all__ = ["MONTHS", "WEEKDAYS", "DateContext", "FoundDate", "FoundTimes", "find_dates"]

MAX_DAYS = 31
MAX_TOKENS_OF_TIME = 8
MAX_AGE_WITHOUT_YEAR = timedelta(days=270)
YEARS = range(1990, 2100)
# English dates with numbers have the month first in some countries, so `3/2/2026` has two meanings.
DAY_FIRST_ENGLISH = ("en-gb", "en-ie", "en-au", "en-nz", "en-za", "en-in")
HAS_DIGIT = re.compile(r"\d")
NEVER_DATES = frozenset({(24, 7)})


@dataclass(frozen=True, slots=True, kw_only=True)
class DateContext:
    """The date and language of the issue, which decide what a date in its text means."""

    issued: date
    lang: str = "nl"

    @property
    def is_day_first(self) -> bool:
        """Return True for a language in which `3/2/2026` means 3 February, not 2 March."""
        lang = self.lang.lower()
        return not lang.startswith("en") or lang.startswith(DAY_FIRST_ENGLISH)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDate:
    """A date in a line.

    start, stop: the range of characters of the date and its times.
    days: the days in order; empty if `problem` says why they are not certain.
    weekdays: the weekdays as written, each with the day of the month that follows it.
    has_year: True if a year is written.
    is_short: True if written as `14/2`.
    """

    start: int
    stop: int
    days: tuple[date, ...]
    times: FoundTimes | None = None
    weekdays: tuple[tuple[int, int], ...] = ()
    has_year: bool = False
    is_short: bool = False
    problem: DayProblem | None = None


# Cached, because the parser, the agenda and the checks ask for the dates of the same lines.
@lru_cache(maxsize=512)
def find_dates(text: str, context: DateContext) -> tuple[FoundDate, ...]:
    """Find all dates in a line, in order.

    The year of a date without one is derived from the date of the issue.
    """
    if not HAS_DIGIT.search(text):
        return ()
    return tuple(_LineParser(text.replace("\u00a0", " "), context).find())


def find_times(text: str, context: DateContext) -> FoundTimes | None:
    """Find the first time, or range of times, after `om`, `at` or a similar word."""
    line = text.replace("\u00a0", " ")
    tokens = tokenize(line, context.lang)
    parser = TimeParser(line, tokens, context.lang)
    for index, token in enumerate(tokens):
        if token.text in TIME_LEADS and (found := parser.times_at(index, needs_lead=True)):
            return found
    return None


def find_leading_times(text: str, context: DateContext) -> FoundTimes | None:
    """Find the time, or range of times, at the beginning of a line."""
    line = text.replace("\u00a0", " ")
    tokens = tokenize(line, context.lang)
    return TimeParser(line, tokens, context.lang).times_at(0) if tokens else None


def find_wrong_weekdays(
    text: str, dates: Sequence[FoundDate], context: DateContext, *, is_upcoming: bool
) -> list[tuple[str, date]]:
    """Return each date in a line that has a wrong weekday: its text, and the day it means.

    is_upcoming: the line is about the future, as in the agenda. In other lines, a weekday that fits the same date a year
        earlier is right too.
    """
    found: list[tuple[str, date]] = []
    for one in dates:
        past = () if is_upcoming or one.has_year else _past_year(one.days, context.issued)
        for weekday, number in one.weekdays:
            meant = [day for day in one.days if day.day == number]
            possible = {day.weekday() for day in (*meant, *past) if day.day == number}
            if meant and weekday not in possible:
                found.append((text[one.start : one.stop].strip(), meant[0]))
    return found


def _past_year(days: tuple[date, ...], issued: date) -> list[date]:
    """Return the days moved to a year earlier.

    A moved day is left out if it is so long ago that an author would write its year.
    """
    before = [day.replace(year=day.year - 1) for day in days if (day.month, day.day) != (2, 29)]
    return [day for day in before if issued - day <= MAX_AGE_WITHOUT_YEAR]


class _LineParser:
    """Parses the dates of one line."""

    def __init__(self, line: str, context: DateContext) -> None:
        self.line = line
        self.context = context
        self.tokens = tokenize(line, context.lang)
        self.times = TimeParser(line, self.tokens, context.lang)
        self.kind, self.text = self.times.kind_at, self.times.text_at

    def find(self) -> Iterator[FoundDate]:
        index = 0
        while index < len(self.tokens):
            marks, after = self.dates_at(index)
            if marks:
                found = self.make_date(index, after, marks)
                yield found
                while after < len(self.tokens) and self.tokens[after].start < found.stop:
                    after += 1
                index = after
            else:
                index += 1

    def dates_at(self, index: int) -> tuple[DayMarks, int]:
        """Return the days of the date that begins at a token, and the index of the next token.

        The first value is empty if no date begins at the token.
        """
        marks, after = self.one_at(index)
        while marks and len(marks) <= MAX_DAYS:
            joint, begin = self.joint_at(after)
            more, end = self.one_at(begin) if joint else ((), after)
            if not more or (joint == "set" and self.is_comma(after) and more[0].is_short):
                break
            marks = (*marks, replace(more[0], joint=joint), *more[1:])
            after = end
        return marks, after

    def is_comma(self, index: int) -> bool:
        return self.text(index) == ","

    def one_at(self, index: int) -> tuple[DayMarks, int]:
        """Parse days with a month (`3 and 4 May`), or one numeric date.

        Returns the days and the index of the next token.
        """
        begin, weekday = self.skip_weekday(index)
        match self.kind(begin):
            case Kind.FULL_DATE:
                return (self.full_date(self.tokens[begin], weekday),), begin + 1
            case Kind.DAY_AND_MONTH:
                return self.short_date(index, begin, weekday)
            case Kind.MONTH:
                days, after = self.days_at(begin + 1, after_month=True)
                days = (
                    (replace(days[0], weekday=weekday), *days[1:]) if days and weekday is not None else days
                )
                return self.with_month(days, self.tokens[begin].values[0], after)
            case _:
                days, after = self.days_at(index, after_month=False)
                if days and self.text(after) == "of":
                    after += 1
                if not days or self.kind(after) is not Kind.MONTH:
                    return (), index
                return self.with_month(days, self.tokens[after].values[0], after + 1)

    def with_month(self, days: DayMarks, month: int, after: int) -> tuple[DayMarks, int]:
        if not days:
            return (), after
        year: int | None = None
        at = after + 1 if self.is_comma(after) else after
        if self.kind(at) is Kind.YEAR:
            written = self.tokens[at].values[0]
            if written in YEARS or (written >= 1000 and self.kind(at + 1) is not Kind.WORD):
                year, after = written, at + 1
        return tuple(replace(day, month=month, year=year) for day in days), after

    def skip_weekday(self, index: int) -> tuple[int, int | None]:
        """Skip a weekday such as `dinsdag` or `Tuesday,`, and an article after it."""
        weekday: int | None = None
        if self.kind(index) is Kind.WEEKDAY:
            weekday = self.tokens[index].values[0]
            index += 2 if self.is_comma(index + 1) else 1
        if self.text(index) in ARTICLES and self.kind(index + 1) in {Kind.NUMBER, Kind.FULL_DATE, Kind.MONTH}:
            index += 1
        return index, weekday

    def full_date(self, token: Token, weekday: int | None) -> DayMark:
        day, month, year = token.values
        is_ambiguous = False
        if not self.context.is_day_first and token.text[:4].isdecimal() is False and "." not in token.text:
            if month > 12 >= day:
                day, month = month, day
            else:
                is_ambiguous = day <= 12 and day != month
        return DayMark(day=day, month=month, year=year, weekday=weekday, is_ambiguous=is_ambiguous)

    def short_date(self, index: int, begin: int, weekday: int | None) -> tuple[DayMarks, int]:
        """Return the days of `21/22 juni`, or the date `14/2`.

        `14/2` is a date only where it cannot be a fraction.
        """
        day, month = self.tokens[begin].values
        if self.kind(begin + 1) is Kind.MONTH:
            days = (DayMark(day=day, weekday=weekday), DayMark(joint="set", day=month))
            return self.with_month(days, self.tokens[begin + 1].values[0], begin + 2)
        is_alone = self.kind(begin + 1) not in {Kind.WORD, Kind.NUMBER}
        if not is_alone or (weekday is None and not self.is_beginning(index)) or (day, month) in NEVER_DATES:
            return (), index
        is_ambiguous = False
        if not self.context.is_day_first:
            if month > 12 >= day:
                day, month = month, day
            else:
                is_ambiguous = day <= 12
        mark = DayMark(day=day, month=month, weekday=weekday, is_ambiguous=is_ambiguous, is_short=True)
        return (mark,), begin + 1

    def is_beginning(self, index: int) -> bool:
        """Return True if the token is not directly after the words of a title.

        Such a token is at the beginning of the line, after a separator, or after a word such as `op`.
        """
        if index == 0:
            return True
        before = self.tokens[index - 1]
        if before.kind is Kind.HYPHEN:
            return before.gap > 0 and self.tokens[index].gap > 0
        return before.text in {":", "|", "(", "["} or before.text in OPENINGS

    def days_at(self, index: int, *, after_month: bool) -> tuple[DayMarks, int]:
        """Return one or more days without their month."""
        if after_month and self.kind(index) is Kind.DAY_AND_MONTH:
            day, next_day = self.tokens[index].values
            return (DayMark(day=day), DayMark(joint="set", day=next_day)), index + 1
        first, after = self.day_at(index)
        if first is None or (after_month and self.times.clock_at(after - 1)):
            return (), index
        marks = [first]
        while len(marks) <= MAX_DAYS:
            joint, begin = self.joint_at(after)
            more, end = self.day_at(begin) if joint else (None, after)
            if more is None or not self.can_join(index, after, begin, after_month=after_month):
                break
            marks.append(replace(more, joint=joint))
            after = end
        return tuple(marks), after

    def day_at(self, index: int) -> tuple[DayMark | None, int]:
        begin, weekday = self.skip_weekday(index)
        if self.kind(begin) is not Kind.NUMBER or self.text(begin - 1) == "#":
            return None, index
        if begin and self.tokens[begin].gap == 0 and self.tokens[begin - 1].text in {":", ".", "#"}:
            return None, index
        return DayMark(day=self.tokens[begin].values[0], weekday=weekday), begin + 1

    def can_join(self, first: int, joint: int, begin: int, *, after_month: bool) -> bool:
        """Return True if the number at `begin` is another day of the same date.

        Otherwise the number is a time or part of other text.
        """
        if not after_month:
            is_spaced = self.kind(joint) is Kind.HYPHEN and self.tokens[joint].gap and self.tokens[begin].gap
            has_weekday = self.kind(first) is Kind.WEEKDAY
            return not is_spaced or has_weekday or self.is_beginning(first)
        number = begin if self.kind(begin) is Kind.NUMBER else begin + 1
        if self.times.times_at(begin):
            return False
        if self.kind(number + 1) is Kind.WORD and self.text(number + 1) not in TIME_LEADS | OPENINGS:
            return False
        return not self.is_comma(joint) or joint + 1 != begin or self.is_enumeration(number + 1)

    def is_enumeration(self, index: int) -> bool:
        """Return True if text such as `, 24 and 25` follows a number.

        Then that number is a day too.
        """
        for _ in range(MAX_DAYS):
            joint, begin = self.joint_at(index)
            if joint != "set" or self.kind(begin) is not Kind.NUMBER:
                return False
            if not (self.is_comma(index) and index + 1 == begin):
                return True
            index = begin + 1
        return False

    def joint_at(self, index: int) -> tuple[str, int]:
        """Return how the token at `index` continues a date, and the index of the next day.

        `range` for `3-5 May`, `set` for `3 and 5 May`, empty if the date ends here.
        """
        match self.kind(index):
            case Kind.HYPHEN:
                return "range", index + 1
            case Kind.RANGE:
                if (
                    self.text(index) == "tot"
                    and self.text(index + 1) == "en"
                    and self.text(index + 2) == "met"
                ):
                    return "range", index + 3
                return "range", index + (2 if self.kind(index + 1) is Kind.RANGE else 1)
            case Kind.SET:
                is_pair = self.is_comma(index) and self.kind(index + 1) is Kind.SET
                return "set", index + (2 if is_pair else 1)
            case _:
                return "", index

    def make_date(self, index: int, after: int, marks: DayMarks) -> FoundDate:
        days, problem = resolve_days(marks, self.context.issued)
        found = FoundDate(
            start=self.tokens[self.opening_before(index)].start,
            stop=self.tokens[after - 1].stop,
            days=days,
            weekdays=tuple((mark.weekday, mark.day) for mark in marks if mark.weekday is not None),
            has_year=any(mark.year for mark in marks),
            is_short=any(mark.is_short for mark in marks),
            problem=problem,
        )
        return self.add_times(found, index, after)

    def opening_before(self, index: int) -> int:
        """Return the index of the first opening word of a date; `index` if there is none.

        Opening words are `op`, `uiterlijk op` or `tot en met` directly before the date.

        index: the first token of the date itself.
        """
        before = [self.text(index - step) for step in (1, 2, 3)]
        if before[0] == "met" and before[1:] == ["en", "tot"]:
            return index - 3
        if before[0] not in OPENINGS or (before[0] == "am" and not self.context.lang.startswith("de")):
            return index
        return index - 2 if before[:2] == ["op", "uiterlijk"] else index - 1

    def add_times(self, found: FoundDate, index: int, after: int) -> FoundDate:
        times = self.times_after(after) or self.times_before(index, found.start)
        if times is None:
            return found
        times = refuse_backward_times(times, len(found.days))
        if times.zone_name in {"cet", "mez", "cest", "mesz"} and not _is_right_season(times, found.days):
            times = replace(times, start_time=None, end_time=None, problem=TimeProblem.ZONE)
        start, stop = min(found.start, times.start), max(found.stop, times.stop)
        return replace(found, start=start, stop=stop, times=times)

    def times_after(self, after: int) -> FoundTimes | None:
        begin = after
        if self.text(begin) in {",", "|"} or (self.kind(begin) is Kind.HYPHEN and self.tokens[begin].gap):
            begin += 1
        if self.is_comma(after) and self.kind(begin) is Kind.HYPHEN:
            begin += 1
        if found := self.times.times_at(begin):
            return found
        if (
            self.text(begin) == "("
            and (found := self.times.times_at(begin + 1))
            and self.text(found.next_token) == ")"
        ):
            close = self.tokens[found.next_token]
            return replace(
                found, start=self.tokens[begin].start, stop=close.stop, next_token=found.next_token + 1
            )
        return None

    def times_before(self, index: int, start: int) -> FoundTimes | None:
        """Return the times that end just before a date, as in `14:00, 3 februari`."""
        first = self.opening_before(index)
        end = first - 1 if first and self.is_comma(first - 1) else first
        for begin in range(max(0, end - MAX_TOKENS_OF_TIME), end):
            found = self.times.times_at(begin)
            if found and found.next_token == end and found.stop <= start:
                return found
        return None


def _is_right_season(times: FoundTimes, days: tuple[date, ...]) -> bool:
    """Return True if the zone as written (winter or summer time) is in use on these days.

    The season is that of Central Europe.
    """
    in_summer = [bool(datetime.combine(day, time(12), tzinfo=times.zone).dst()) for day in days if times.zone]
    return all(summer == (times.zone_name in {"cest", "mesz"}) for summer in in_summer)
