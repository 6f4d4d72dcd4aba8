"""Find dates and times as authors write them in an agenda, in Dutch and English.

A date is one or more days and a month (`19 en 20 januari`, `23 t/m 25 november`, `January 15`), an ISO date, or `14-01-2026`.
Several dates can form a range or a set, and a time may follow. No library reads all these forms correctly. This grammar
knows only these forms, and finds no date in any other.
"""

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januari january jan", "februari february feb", "maart march mrt mar", "april apr", "mei may", "juni june jun",
            "juli july jul", "augustus august aug", "september sept sep", "oktober october okt oct", "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "maandag monday ma mon", "dinsdag tuesday di tue tues", "woensdag wednesday wo wed",
            "donderdag thursday do thu thur thurs", "vrijdag friday vr fri", "zaterdag saturday za sat", "zondag sunday zo sun",
        )
    )
    for name in names.split()
}  # fmt: skip
# Limits of one date as written. Without them, the time for a long row would grow with the square of its length.
MAX_SPACES = 20
MAX_DAYS = 30
MAX_WRITTEN_LENGTH = 150
HALF_YEAR = timedelta(days=183)
MAX_RANGE = timedelta(days=366)
MAX_AGE_WITHOUT_YEAR = timedelta(days=270)


def _compile(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that ignores case and limits the length of white space."""
    bounded = pattern.replace(r"\s*", rf"\s{{0,{MAX_SPACES}}}").replace(r"\s+", rf"\s{{1,{MAX_SPACES}}}")
    return re.compile(bounded, re.IGNORECASE)


_month = r"(?:" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_weekday = r"(?:(?:" + "|".join(sorted(WEEKDAYS, key=len, reverse=True)) + r")\b\.?,?\s+)?"
_number = r"\d{1,2}(?:e|de|ste|st|nd|rd|th)?\b(?![:.]\d)"
_day = rf"{_weekday}(?:de\s+|the\s+)?(?<![\w#.:/-]){_number}"
_next_day = rf"{_weekday}(?:de\s+|the\s+)?(?<![#.:]){_number}"
_range = r"(?:\s*(?:t/m|\bt\.?e\.?m\.?\b|\btot en met\b|\btot\b|\bto\b|\bthrough\b|\buntil\b)\s*|(?<=\w)[-–—](?=\w))"
_set = r"(?:\s*(?:,\s*(?:en|and)\b|,|&|\+|\ben\b|\band\b|\bof\b|\bor\b|(?<=\s)/(?=\s))\s*)"
_joint = rf"(?:{_range}|{_set})"
# `'27` is a year too: if ignored, the date would be in the year of the issue.
_year = r"(?:,?\s+(?:\d{4}\b(?![:.]\d)|['‘’]\d{2}\b))?"
WITH_YEAR = re.compile(r"\d{4}|['‘’]\d{2}")
_days = rf"{_day}(?:{_joint}{_next_day}){{0,{MAX_DAYS}}}"
_one = (
    rf"(?:{_days}\s+(?:of\s+)?{_month}{_year}|{_weekday}{_month}\s+{_days}{_year}"
    r"|(?<![\d/-])\d{4}-\d{2}-\d{2}\b|(?<![\d/-])\d{1,2}[-/]\d{1,2}[-/]\d{4}\b)"
)
# `donderdag 20 november`, `Thursday, November 20`: a weekday and the day of the month.
WEEKDAY_AND_DAY = _compile(
    rf"\b(?=[dfmstvwz])({'|'.join(sorted(WEEKDAYS, key=len, reverse=True))})\b\.?,?\s+(?:de\s+|the\s+)?(?:{_month}\s+)?(\d{{1,2}})"
)
# Words that belong to the date and not to the title before it.
_opening = (
    r"(?:\b(?:op|on|vanaf|van|from|per|tot en met|t/m|tot|until|uiterlijk(?:\s+op)?|rond|before|by)\s+)?"
)
# The lookahead is for speed: a date can begin only with a digit or one of these letters.
DATES = _compile(rf"(?=[abdfjmnoprstuvwz\d]){_opening}{_one}(?:{_joint}{_one}){{0,{MAX_DAYS}}}")
HYPHENS = ("-", "–", "—")

_clock = r"\d{1,2}[:.]\d{2}(?!\d)(?:\s*[ap]\.?m\b\.?)?|\d{1,2}\s*[ap]\.?m\b\.?|\d{1,2}(?=\s*(?:uur|u)\b)"
_hour = rf"(?:{_clock}|\d{{1,2}}(?=\s*(?:tot|-|–|to|until|en|and|t/m)\s*(?:{_clock})))"
_lead = r"(?:\bom\b|\bat\b|\bvanaf\b|\bvan\b|\bfrom\b|\btussen\b|\bbetween\b)"
_until = r"(?:tot|t/m|to|until|till|en|and|[-–—])"
_times = rf"(?P<from>{_hour})(?:\s*(?:uur|u)\b)?(?:\s*{_until}\s*(?P<to>{_clock}|\d{{1,2}}))?(?:\s*(?:uur|u|hrs?|h)\b\.?)?"
NEAR_TIMES = _compile(
    rf"\s*(?:,|[-–—]\s)?\s*{_lead}?\s*{_times}|\s*\(\s*{_lead}?\s*{_times.replace('P<', 'P<in_')}\s*\)"
)
FAR_TIMES = _compile(rf",?\s*{_lead}\s*{_times}")
# Checked first for speed: most lines contain no number at all.
DIGIT = re.compile(r"\d")
SPACE_AND_DIGIT = re.compile(r"\s\d")
CLOCK = _compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:([ap])\.?m)?")
_TOKEN = _compile(
    rf"(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})|(?P<numeric>\d{{1,2}}[-/]\d{{1,2}}[-/]\d{{4}})|(?P<year>\b\d{{4}}\b|['‘’]\d{{2}}\b)|(?P<day>\d{{1,2}})"
    rf"|(?P<month>\b{_month})|(?P<range>{_range}|\s[-–—]\s)|(?P<set>{_set})|(?P<word>[^\W\d]+|.)"
)


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a line: the characters it takes, its days in order, and its times.

    `days` is empty if one of them does not exist.
    """

    start: int
    stop: int
    days: tuple[date, ...]
    start_time: time | None = None
    end_time: time | None = None


def find_dates(text: str, issued: date) -> list[FoundDate]:
    """Find all dates in a line, in order.

    A date without a year gets it from `issued`, the date of the issue.
    """
    found: list[FoundDate] = []
    if not DIGIT.search(text):
        return found
    line = text.replace("\u00a0", " ")
    for match in DATES.finditer(line):
        start = _earlier_start(line, match.start())
        while found and found[-1].start >= start:
            found.pop()
        days = parse_days(line[start : match.end()], issued)
        found.append(_add_times(line, FoundDate(start, match.end(), days)))
    return found


def _earlier_start(line: str, start: int) -> int:
    """Return the start of a range that is written with a hyphen between spaces."""
    if line[max(0, start - MAX_SPACES) : start].rstrip()[-1:] not in HYPHENS:
        return start
    for pattern in _range_beginnings():
        if found := pattern.search(line, max(0, start - MAX_WRITTEN_LENGTH), start):
            return found.start(1)
    return start


@cache
def _range_beginnings() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns for a date, and for a day, before a hyphen between spaces.

    The hyphen joins days only if no title can end in the number: in `: 23 - 25 november`, not in `Connect #2 - 5 februari`.
    """
    # Compiled at the first use, because that takes as long as parsing an issue.
    day = rf"(?:^|[:|–—-]\s+)({_weekday}\d{{1,2}}|{_one})\s+[-–—]\s+$"
    return _compile(rf"({_one})\s+[-–—]\s+$"), _compile(day)


def _add_times(line: str, found: FoundDate) -> FoundDate:
    match = NEAR_TIMES.match(line, found.stop)
    if not match:
        return found
    given = match.groupdict()
    times = parse_times(given["from"] or given["in_from"], given["to"] or given["in_to"])
    return FoundDate(found.start, match.end(), found.days, *times) if times else found


def find_times(text: str) -> tuple[int, int, time, time | None] | None:
    """Find a time after `om`, `at` or a similar word.

    Returns its start and stop positions, its start time and its end time.
    """
    match = FAR_TIMES.search(text)
    times = parse_times(match["from"], match["to"]) if match else None
    return (match.start(), match.end(), *times) if match and times else None


def parse_times(first: str, last: str | None) -> tuple[time, time | None] | None:
    """Parse times such as `9:00`, `14.30`, `2 pm` or `9`, None if an hour does not exist."""
    start_time, end_time = _parse_time(first), _parse_time(last) if last else None
    if start_time is None or (last and end_time is None):
        return None
    return start_time, end_time


def _parse_time(text: str) -> time | None:
    match = CLOCK.match(text)
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3]:
        hour = hour % 12 + (12 if match[3].lower() == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def parse_days(text: str, issued: date) -> tuple[date, ...]:
    """Return all days of a date such as `19 en 20 januari`; empty if one does not exist."""
    try:
        dated = _add_years(_parse_marks(text), issued)
        days: set[date] = set()
        for index, (joint, day) in enumerate(dated):
            days.add(day)
            if joint == "range":
                days.update(_days_from(dated[index - 1][1], day))
        return tuple(sorted(days))
    except ValueError:
        return ()


def find_wrong_weekdays(text: str, issued: date, *, is_upcoming: bool) -> list[tuple[str, date]]:
    """Find the dates in a line with a wrong weekday: each as written, and the day it means.

    is_upcoming: the line is about the future, as in the agenda. Other text may mean a date in the past year.
    """
    found: list[tuple[str, date]] = []
    if not (SPACE_AND_DIGIT.search(text) and WEEKDAY_AND_DAY.search(text)):
        return found
    for one in find_dates(text, issued):
        written = text[one.start : one.stop]
        past = () if is_upcoming or WITH_YEAR.search(written) else _past_year(one.days, issued)
        for name, number in WEEKDAY_AND_DAY.findall(written):
            meant = [day for day in one.days if day.day == int(number)]
            possible = {day.weekday() for day in (*meant, *past) if day.day == int(number)}
            if meant and WEEKDAYS[name.lower()] not in possible:
                found.append((written.strip(), meant[0]))
    return found


def _past_year(days: tuple[date, ...], issued: date) -> list[date]:
    """Return the same days a year earlier, if recent enough to be written without a year."""
    before = [day.replace(year=day.year - 1) for day in days if (day.month, day.day) != (2, 29)]
    return [day for day in before if issued - day <= MAX_AGE_WITHOUT_YEAR]


def _days_from(first: date, last: date) -> list[date]:
    """Return the days of a range, without the last one."""
    if last < first or last - first > MAX_RANGE:
        raise ValueError("a range that runs backwards or is too long")
    return [first + timedelta(days=more) for more in range((last - first).days)]


DayMark = tuple[str, int, int | None, int | None]
"""A written day: how it is joined to the one before it (`range`, `set` or empty), day, month and year."""


def _parse_marks(text: str) -> list[DayMark]:
    """Parse the days of a date, in the order written."""
    marks: list[DayMark] = []
    joint, leading_month = "", 0
    for match in _TOKEN.finditer(text):
        value = match.group()
        match match.lastgroup:
            case "iso":
                year, month, day = map(int, value.split("-"))
                marks.append((joint, day, month, year))
            case "numeric":
                day, month, year = map(int, re.split("[-/]", value))
                marks.append((joint, day, month, year))
            case "day":
                marks.append((joint, int(value), leading_month or None, None))
            case "month":
                number = MONTHS[value.rstrip(".").lower()]
                if any(month is None for _, _, month, _ in marks):
                    marks = [(how, day, month or number, year) for how, day, month, year in marks]
                else:
                    leading_month = number
            case "year":
                written = int(value) if value.isdecimal() else 2000 + int(value[1:])
                marks = [
                    (how, day, month, year or (written if month == marks[-1][2] else None))
                    for how, day, month, year in marks
                ]
            case "range" | "set":
                joint = str(match.lastgroup)
            case _:
                pass
    return marks


def _add_years(marks: list[DayMark], issued: date) -> list[tuple[str, date]]:
    """Add the year to each day: as written, else from the next date, else from the issue."""
    out: list[tuple[str, date]] = []
    after: date | None = None
    for joint, day, month, year in reversed(marks):
        if month is None:
            raise ValueError("a day without a month")
        if year:
            dated = date(year, month, day)
        elif after and any(mark[3] for mark in marks):
            dated = date(
                after.year if (month, day) <= (after.month, after.day) else after.year - 1, month, day
            )
        else:
            dated = nearest_date(day, month, issued)
        out.append((joint, dated))
        after = dated
    out.reverse()
    if any(mark[3] for mark in marks):
        return out
    forward = [(joint, _not_before(day, out[0][1])) for joint, day in out]
    return _move_to_current(forward, issued)


def _move_to_current(days: list[tuple[str, date]], issued: date) -> list[tuple[str, date]]:
    """Move a range a year back if it is then in progress on the date of the issue.

    In an issue of 1 January, `30 december t/m 2 januari` began two days ago.
    """
    earlier = [
        (joint, day.replace(year=day.year - 1)) for joint, day in days if (day.month, day.day) != (2, 29)
    ]
    in_progress = len(earlier) == len(days) and earlier[0][1] <= issued <= earlier[-1][1]
    return earlier if in_progress else days


def _not_before(day: date, first: date) -> date:
    """Move a day to the next year if it lies long before `first`."""
    return day if day >= first or (first - day) < HALF_YEAR else day.replace(year=day.year + 1)


def nearest_date(day: int, month: int, issued: date) -> date:
    """Return the day in the year of the issue, or in the next year.

    The next year is meant if the day lies more than half a year before the issue, or does not exist in that year.
    """
    for year in (issued.year, issued.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if issued - found <= HALF_YEAR:
            return found
    return date(issued.year, month, day)
