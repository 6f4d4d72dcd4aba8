"""Dates and times as people write them in an agenda, in Dutch and English.

One date is days and a month (`19 en 20 januari`, `23 t/m 25 november`, `January 15`), an ISO date or `14-01-2026`; several joined
ones make a range or a set. A time may follow. No library reads these forms without mistakes; this grammar knows
no others and gives nothing for what it does not know.
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
# No date needs more signs between its words, nor more days; without a bound a long row would take time by its square.
SPACES = 20
MOST = 30
LONGEST_WRITTEN = 150
HALF_YEAR = timedelta(days=183)
LONGEST = timedelta(days=366)
LONGEST_AGO = timedelta(days=270)


def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern in which no space goes on for ever, whatever the case of its letters."""
    bounded = pattern.replace(r"\s*", rf"\s{{0,{SPACES}}}").replace(r"\s+", rf"\s{{1,{SPACES}}}")
    return re.compile(bounded, re.IGNORECASE)


_month = r"(?:" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_weekday = r"(?:(?:" + "|".join(sorted(WEEKDAYS, key=len, reverse=True)) + r")\b\.?,?\s+)?"
_number = r"\d{1,2}(?:e|de|ste|st|nd|rd|th)?\b(?![:.]\d)"
_day = rf"{_weekday}(?:de\s+|the\s+)?(?<![\w#.:/-]){_number}"
_next_day = rf"{_weekday}(?:de\s+|the\s+)?(?<![#.:]){_number}"
_range = r"(?:\s*(?:t/m|\bt\.?e\.?m\.?\b|\btot en met\b|\btot\b|\bto\b|\bthrough\b|\buntil\b)\s*|(?<=\w)[-–—](?=\w))"
_set = r"(?:\s*(?:,\s*(?:en|and)\b|,|&|\+|\ben\b|\band\b|\bof\b|\bor\b|(?<=\s)/(?=\s))\s*)"
_joint = rf"(?:{_range}|{_set})"
# `'27` is a year too: read past, a day of the year after would land in this one.
_year = r"(?:,?\s+(?:\d{4}\b(?![:.]\d)|['‘’]\d{2}\b))?"
WITH_YEAR = re.compile(r"\d{4}|['‘’]\d{2}")
_days = rf"{_day}(?:{_joint}{_next_day}){{0,{MOST}}}"
_one = (
    rf"(?:{_days}\s+(?:of\s+)?{_month}{_year}|{_weekday}{_month}\s+{_days}{_year}"
    r"|(?<![\d/-])\d{4}-\d{2}-\d{2}\b|(?<![\d/-])\d{1,2}[-/]\d{1,2}[-/]\d{4}\b)"
)
# `donderdag 20 november`, `Thursday, November 20`: a weekday and the number of its day.
NAMED = _compiled(
    rf"\b(?=[dfmstvwz])({'|'.join(sorted(WEEKDAYS, key=len, reverse=True))})\b\.?,?\s+(?:de\s+|the\s+)?(?:{_month}\s+)?(\d{{1,2}})"
)
# What belongs to the date and not to the title before it.
_opening = (
    r"(?:\b(?:op|on|vanaf|van|from|per|tot en met|t/m|tot|until|uiterlijk(?:\s+op)?|rond|before|by)\s+)?"
)
# Where none of these letters and no digit stands, no date can begin, which is told sooner than by trying each word.
DATES = _compiled(rf"(?=[abdfjmnoprstuvwz\d]){_opening}{_one}(?:{_joint}{_one}){{0,{MOST}}}")
HYPHENS = ("-", "–", "—")

_clock = r"\d{1,2}[:.]\d{2}(?!\d)(?:\s*[ap]\.?m\b\.?)?|\d{1,2}\s*[ap]\.?m\b\.?|\d{1,2}(?=\s*(?:uur|u)\b)"
_hour = rf"(?:{_clock}|\d{{1,2}}(?=\s*(?:tot|-|–|to|until|en|and|t/m)\s*(?:{_clock})))"
_lead = r"(?:\bom\b|\bat\b|\bvanaf\b|\bvan\b|\bfrom\b|\btussen\b|\bbetween\b)"
_until = r"(?:tot|t/m|to|until|till|en|and|[-–—])"
_times = rf"(?P<from>{_hour})(?:\s*(?:uur|u)\b)?(?:\s*{_until}\s*(?P<to>{_clock}|\d{{1,2}}))?(?:\s*(?:uur|u|hrs?|h)\b\.?)?"
NEAR_TIMES = _compiled(
    rf"\s*(?:,|[-–—]\s)?\s*{_lead}?\s*{_times}|\s*\(\s*{_lead}?\s*{_times.replace('P<', 'P<in_')}\s*\)"
)
FAR_TIMES = _compiled(rf",?\s*{_lead}\s*{_times}")
# Looking for a date in a long line takes time, and most lines hold no number at all.
DIGIT = re.compile(r"\d")
APART = re.compile(r"\s\d")
CLOCK = _compiled(r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:([ap])\.?m)?")
_TOKEN = _compiled(
    rf"(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})|(?P<numeric>\d{{1,2}}[-/]\d{{1,2}}[-/]\d{{4}})|(?P<year>\b\d{{4}}\b|['‘’]\d{{2}}\b)|(?P<day>\d{{1,2}})"
    rf"|(?P<month>\b{_month})|(?P<range>{_range}|\s[-–—]\s)|(?P<set>{_set})|(?P<word>[^\W\d]+|.)"
)


@dataclass(frozen=True, slots=True)
class When:
    """A date found in a line: where it stands, its days in order (empty when impossible), and its times."""

    start: int
    stop: int
    days: tuple[date, ...]
    starts: time | None = None
    ends: time | None = None


def find(text: str, issued: date) -> list[When]:
    """Every date in a line, in order; a year that is not written follows from the day the issue is dated."""
    found: list[When] = []
    if not DIGIT.search(text):
        return found
    line = text.replace("\u00a0", " ")
    for match in DATES.finditer(line):
        start = _earlier_start(line, match.start())
        while found and found[-1].start >= start:
            found.pop()
        days = read_days(line[start : match.end()], issued)
        found.append(_with_times(line, When(start, match.end(), days)))
    return found


def _earlier_start(line: str, start: int) -> int:
    """Where the date begins when a spaced hyphen joins it to a day before it."""
    if line[max(0, start - SPACES) : start].rstrip()[-1:] not in HYPHENS:
        return start
    for pattern in _opened():
        if opened := pattern.search(line, max(0, start - LONGEST_WRITTEN), start):
            return opened.start(1)
    return start


@cache
def _opened() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A date, and a day, with a spaced hyphen behind it; made when one is met, for that takes as long as reading an issue.

    The hyphen joins days only where no title can end in a number: `: 23 - 25 november`, but not `Connect #2 - 5 februari`.
    """
    day = rf"(?:^|[:|–—-]\s+)({_weekday}\d{{1,2}}|{_one})\s+[-–—]\s+$"
    return _compiled(rf"({_one})\s+[-–—]\s+$"), _compiled(day)


def _with_times(line: str, when: When) -> When:
    match = NEAR_TIMES.match(line, when.stop)
    if not match:
        return when
    given = match.groupdict()
    times = read_times(given["from"] or given["in_from"], given["to"] or given["in_to"])
    return When(when.start, match.end(), when.days, *times) if times else when


def find_times(text: str) -> tuple[int, int, time, time | None] | None:
    """A time further on, marked by a word (`om 14:00`): its two positions and its times."""
    match = FAR_TIMES.search(text)
    times = read_times(match["from"], match["to"]) if match else None
    return (match.start(), match.end(), *times) if match and times else None


def read_times(first: str, last: str | None) -> tuple[time, time | None] | None:
    """Clock times of `9:00`, `14.30`, `2 pm`, `9`; None when the hour does not exist."""
    starts, ends = _clock_time(first), _clock_time(last) if last else None
    if starts is None or (last and ends is None):
        return None
    return starts, ends


def _clock_time(text: str) -> time | None:
    match = CLOCK.match(text)
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3]:
        hour = hour % 12 + (12 if match[3].lower() == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def read_days(text: str, issued: date) -> tuple[date, ...]:
    """Every day of `19 en 20 januari` and its like, in order; empty when one of them does not exist."""
    try:
        marks = _dated(_marks(text), issued)
        days: set[date] = set()
        for index, (joint, day) in enumerate(marks):
            days.add(day)
            if joint == "range":
                days.update(_between(marks[index - 1][1], day))
        return tuple(sorted(days))
    except ValueError:
        return ()


def misnamed(text: str, issued: date, *, is_ahead: bool) -> list[tuple[str, date]]:
    """Each date of a line that is written with a weekday that is not its own: as written, and the day that is meant.

    A line of the agenda is about what is ahead (`is_ahead`), another one may also tell of the year behind us.
    """
    found: list[tuple[str, date]] = []
    if not (APART.search(text) and NAMED.search(text)):
        return found
    for when in find(text, issued):
        written = text[when.start : when.stop]
        past = () if is_ahead or WITH_YEAR.search(written) else _behind(when.days, issued)
        for name, number in NAMED.findall(written):
            meant = [day for day in when.days if day.day == int(number)]
            fits = {day.weekday() for day in (*meant, *past) if day.day == int(number)}
            if meant and WEEKDAYS[name.lower()] not in fits:
                found.append((written.strip(), meant[0]))
    return found


def _behind(days: tuple[date, ...], issued: date) -> list[date]:
    """The same days in the year before, as far as a text would speak of them without their year."""
    before = [day.replace(year=day.year - 1) for day in days if (day.month, day.day) != (2, 29)]
    return [day for day in before if issued - day <= LONGEST_AGO]


def _between(first: date, last: date) -> list[date]:
    if last < first or last - first > LONGEST:
        raise ValueError("a range that runs backwards or too long")
    return [first + timedelta(days=more) for more in range((last - first).days)]


Mark = tuple[str, int, int | None, int | None]


def _marks(text: str) -> list[Mark]:
    """(how it is joined to the one before, day, month, year) for each day, in the order written."""
    marks: list[Mark] = []
    joint, ahead = "", 0
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
                marks.append((joint, int(value), ahead or None, None))
            case "month":
                number = MONTHS[value.rstrip(".").lower()]
                if any(month is None for _, _, month, _ in marks):
                    marks = [(how, day, month or number, year) for how, day, month, year in marks]
                else:
                    ahead = number
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


def _dated(marks: list[Mark], issued: date) -> list[tuple[str, date]]:
    """Give every mark its year: the one written, else the one that the date behind it or the issue asks for."""
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
            dated = nearest(day, month, issued)
        out.append((joint, dated))
        after = dated
    out.reverse()
    if any(mark[3] for mark in marks):
        return out
    forward = [(joint, _not_before(day, out[0][1])) for joint, day in out]
    return _under_way(forward, issued)


def _under_way(days: list[tuple[str, date]], issued: date) -> list[tuple[str, date]]:
    """`30 december t/m 2 januari` in an issue of 1 January has begun two days ago, and does not lie a year ahead."""
    before = [
        (joint, day.replace(year=day.year - 1)) for joint, day in days if (day.month, day.day) != (2, 29)
    ]
    is_now = len(before) == len(days) and before[0][1] <= issued <= before[-1][1]
    return before if is_now else days


def _not_before(day: date, first: date) -> date:
    """A set or range runs forward: `30 december t/m 2 januari` ends in the next year."""
    return day if day >= first or (first - day) < HALF_YEAR else day.replace(year=day.year + 1)


def nearest(day: int, month: int, issued: date) -> date:
    """The day in the issue's year, or in the next when that lies more than half a year back (or does not exist)."""
    for year in (issued.year, issued.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if issued - found <= HALF_YEAR:
            return found
    return date(issued.year, month, day)
