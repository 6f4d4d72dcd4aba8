"""Read dates as other programs export them. A date without a time zone is taken as UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januari january januar janvier",
            "feb februari february februar fevrier",
            "mar mrt maart march marz mars",
            "apr april avril",
            "may mei mai",
            "jun juni june juin",
            "jul juli july juillet",
            "aug augustus august aout",
            "sep sept september septembre",
            "oct okt oktober october octobre",
            "nov november novembre",
            "dec dez december dezember decembre",
        ),
        start=1,
    )
    for name in names.split()
}
ZONE = r"(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d(?: UTC)?)?"
TIME = rf"(?:(?:T|,? |, )(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?(?: ?(?P<half>[AaPp][Mm]))? ?{ZONE})?"
YEAR_FIRST = re.compile(rf"(?P<year>(?:19|20)\d\d)[-/.](?P<month>\d\d?)[-/.](?P<day>\d\d?){TIME}")
YEAR_LAST = re.compile(rf"(?P<day>\d\d?)[-/.](?P<month>\d\d?)[-/.](?P<year>(?:19|20)?\d\d){TIME}")
NAMED_MONTH = re.compile(
    rf"(?P<day>\d\d?)[ .-]+(?P<name>[A-Za-zéûäÉ]{{3,9}})\.?,?[ -]+(?P<year>(?:19|20)\d\d){TIME}"
)
MONTH_BEFORE_DAY = re.compile(rf"(?P<name>[A-Za-z]{{3,9}})\.? (?P<day>\d\d?),? (?P<year>(?:19|20)\d\d){TIME}")
UNIX_SECONDS = re.compile(r"1\d{9}(?:\d{3})?")
"""Seconds or milliseconds since 1970, between 2001 and 2033."""
MAX_DATE_LENGTH = 60
LAST_TWO_DIGIT_YEAR = 69


@lru_cache(maxsize=4096)
def parse_date(text: str, *, month_first: bool = False) -> datetime | None:
    """Return the date and time that a text gives; None if it is not a date.

    month_first: read 01/02/2024 as 2 January, as programs from the United States write it.
    """
    text = text.strip()
    if not 6 <= len(text) <= MAX_DATE_LENGTH:
        return None
    if UNIX_SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    for pattern in (YEAR_FIRST, YEAR_LAST, NAMED_MONTH, MONTH_BEFORE_DAY):
        if found := pattern.fullmatch(text):
            return _to_moment(found, month_first=month_first and pattern is YEAR_LAST)
    return None


def _to_moment(found: re.Match[str], *, month_first: bool) -> datetime | None:
    parts = found.groupdict()
    name = (parts.get("name") or "").lower().translate(str.maketrans("éûä", "eua"))
    day, year = int(parts["day"]), int(parts["year"])
    month = MONTHS.get(name, 0) if name else int(parts["month"])
    # Only one of the two orders is possible if one number is above 12.
    if not name and (month > 12 or (month_first and day <= 12)):
        day, month = month, day
    if year < 100:
        year += 2000 if year <= LAST_TWO_DIGIT_YEAR else 1900
    hour = int(parts["hour"] or 0)
    if parts["half"]:
        hour = hour % 12 + (12 if parts["half"].lower() == "pm" else 0)
    try:
        moment = datetime(
            year,
            month,
            day,
            hour,
            int(parts["minute"] or 0),
            int(parts["second"] or 0),
            tzinfo=_parse_zone(parts["zone"]),
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _parse_zone(text: str | None) -> timezone:
    if not text or text[0] not in "+-":
        return UTC
    digits = text.removesuffix(" UTC").replace(":", "")
    offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return timezone(-offset if digits[0] == "-" else offset)
