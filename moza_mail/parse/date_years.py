"""Derive the year of a date that is written without one, and list the days of a range."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

HALF_YEAR = timedelta(days=183)
MAX_RANGE = timedelta(days=366)


class DayProblem(StrEnum):
    """The reason why a written date does not mean one certain day."""

    NO_SUCH_DAY = "no_such_day"
    ORDER = "order"
    BACKWARD = "backward_days"


class _BackwardRangeError(ValueError):
    """A range of days ends before it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayMark:
    """A day as written.

    joint: the relation to the previous day in the same text: `range` for the end of a range, `set` for another
        single day, empty for the first day.
    """

    joint: str = ""
    day: int
    month: int | None = None
    year: int | None = None
    weekday: int | None = None
    is_ambiguous: bool = False
    is_short: bool = False


DayMarks = tuple[DayMark, ...]


def resolve_days(marks: DayMarks, issued: date) -> tuple[tuple[date, ...], DayProblem | None]:
    """Return a pair: the calendar days of a written date such as `3-5 May`, and the problem.

    The days are in order, earliest first, and the problem is None. If the days are not certain, the pair has no days.
    """
    if any(mark.is_ambiguous for mark in marks):
        return (), DayProblem.ORDER
    try:
        dated = _add_years(marks, issued)
        days: set[date] = set()
        for index, (joint, day) in enumerate(dated):
            days.add(day)
            if joint == "range":
                days.update(_days_from(dated[index - 1][1], day))
        return tuple(sorted(days)), None
    except _BackwardRangeError:
        return (), DayProblem.BACKWARD
    except ValueError:
        return (), DayProblem.NO_SUCH_DAY


def _days_from(first: date, last: date) -> list[date]:
    """Return the days of a range except the last one."""
    if last < first:
        raise _BackwardRangeError
    if last - first > MAX_RANGE:
        raise ValueError("a range that is too long")
    return [first + timedelta(days=more) for more in range((last - first).days)]


def _add_years(marks: DayMarks, issued: date) -> list[tuple[str, date]]:
    """Return the date of each day, with its relation to the previous day.

    A day without a written year gets the year that fits the next day, or else the date of the issue.
    """
    out: list[tuple[str, date]] = []
    after: date | None = None
    has_year = any(mark.year for mark in marks)
    last_year = next((mark.year for mark in reversed(marks) if mark.year), None)
    for mark in reversed(marks):
        month = mark.month or 0
        if mark.year:
            dated = date(mark.year, month, mark.day)
        elif after and has_year:
            year = after.year if (month, mark.day) <= (after.month, after.day) else after.year - 1
            dated = date(year, month, mark.day)
        elif last_year:
            dated = date(last_year, month, mark.day)
        else:
            dated = nearest_date(mark.day, month, issued)
        out.append((mark.joint, dated))
        after = dated
    out.reverse()
    if has_year:
        return out
    forward = [(joint, _not_before(day, out[0][1])) for joint, day in out]
    return _move_to_current(forward, issued)


def _move_to_current(days: list[tuple[str, date]], issued: date) -> list[tuple[str, date]]:
    """Move a range to the previous year if the moved range contains the date of the issue.

    In an issue of 1 January, `30 december t/m 2 januari` began two days earlier.
    """
    earlier = [
        (joint, day.replace(year=day.year - 1)) for joint, day in days if (day.month, day.day) != (2, 29)
    ]
    in_progress = len(earlier) == len(days) and earlier[0][1] <= issued <= earlier[-1][1]
    return earlier if in_progress else days


def _not_before(day: date, first: date) -> date:
    """Return `day`, moved to the next year if it is more than half a year before `first`."""
    return day if day >= first or (first - day) < HALF_YEAR else day.replace(year=day.year + 1)


def nearest_date(day: int, month: int, issued: date) -> date:
    """Return the date of a day and month, in the year of the issue or the next year.

    The next year is meant if the day is more than half a year before the issue, or if it exists only in the next year.
    """
    for year in (issued.year, issued.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if issued - found <= HALF_YEAR:
            return found
    return date(issued.year, month, day)
