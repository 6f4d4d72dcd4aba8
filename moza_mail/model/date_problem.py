"""Dates in an issue that are wrong or uncertain."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongWeekday:
    """A date written with the wrong weekday, and the day that was meant."""

    written: str
    day: date
    line: int


class DateProblemKind(StrEnum):
    """The reason why a date or time in the text is wrong or ambiguous.

    MONTH: the name of the month is misspelt.
    NO_SUCH_DAY, NO_SUCH_TIME: the day is not in the calendar, or the time is not on the clock.
    BACKWARD_DAYS, BACKWARD_TIMES: the last day or time is before the first.
    ORDER: the numbers can be day and month, or month and day.
    SHORT: `14/2` was read as a day and month, although it can be a fraction.
    ZONE: the time zone has more than one meaning.
    BARE_HOUR: the number after `at` or `om` is perhaps an hour.
    HOUR: the hour can be in the morning or in the afternoon.
    """

    MONTH = "month"
    NO_SUCH_DAY = "no_such_day"
    NO_SUCH_TIME = "no_such_time"
    BACKWARD_DAYS = "backward_days"
    BACKWARD_TIMES = "backward_times"
    ORDER = "order"
    SHORT = "short"
    ZONE = "zone"
    HOUR = "hour"
    BARE_HOUR = "bare_hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class DateProblem:
    """A date or time in an issue that is wrong or uncertain.

    written: the date or time as the author wrote it.
    """

    kind: DateProblemKind
    written: str
    line: int
