"""Dates in an issue that are wrong or uncertain."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongWeekday:
    """A date as written, with a weekday that differs from that of the day it means."""

    written: str
    day: date
    line: int


class DateProblemKind(StrEnum):
    """Why a date or time as written is wrong, or has more than one meaning.

    MONTH: the name of the month is misspelt.
    NO_SUCH_DAY, NO_SUCH_TIME: the calendar or the clock does not have it.
    ORDER: it can be day and month, or month and day.
    SHORT: a day and month as `14/2`, which is read as a date although it can be a fraction.
    ZONE: the time zone has more than one meaning.
    HOUR: the hour can be in the morning or in the afternoon.
    """

    MONTH = "month"
    NO_SUCH_DAY = "no_such_day"
    NO_SUCH_TIME = "no_such_time"
    ORDER = "order"
    SHORT = "short"
    ZONE = "zone"
    HOUR = "hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class DateProblem:
    """A date or time as written that is wrong or uncertain."""

    kind: DateProblemKind
    written: str
    line: int
