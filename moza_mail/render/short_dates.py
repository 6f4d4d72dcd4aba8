"""Write the days of an event in short.

Examples: `donderdag` and `15 jan`, `ma en di` and `19–20 jan`.
"""

import itertools
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

from moza_mail.i18n.formats import format_date, format_interval, format_skeleton, load_locale
from moza_mail.render.locale import ThemeLocale

# Authors also write the names of months and days in a language other than that of the issue.
LANGUAGES = ("nl", "en", "de", "fr")
NAME_PATTERNS = ("MMMM", "MMM", "EEEE", "EEE", "EEEEEE")


def format_weekdays(days: Sequence[date], locale: ThemeLocale) -> str:
    """Return the weekdays of an event.

    A single weekday is written in full, several are abbreviated.
    """
    if not days:
        return ""
    full = [format_date(day, "EEEE", locale.locale) for day in days]
    if len(set(full)) == 1:
        return full[0]
    short = [format_date(day, "EEE", locale.locale).rstrip(".") for day in days]
    if len(days) == 2:
        return locale.translate("both", first=short[0], last=short[1])
    is_one_week = _are_consecutive(days) and len(days) <= 7
    return locale.translate("through", first=short[0], last=short[-1]) if is_one_week else ""


def format_days(days: Sequence[date], issue_date: date, locale: ThemeLocale) -> str:
    """Return the dates of an event in short, with the year if it is not the year of the issue."""
    if not days:
        return ""
    skeleton = "MMMd" if all(day.year == issue_date.year for day in days) else "yMMMd"
    if len(days) > 1 and _are_consecutive(days):
        return format_interval(days[0], days[-1], skeleton, locale.locale)
    written = [format_skeleton(skeleton, day, locale.locale) for day in days]
    first = [
        f"{day.day}" if _repeats_month(day, days[-1], text) else text
        for day, text in zip(days[:-1], written, strict=False)
    ]
    last = written[-1]
    return locale.translate("both", first=", ".join(first), last=last) if first else last


def _repeats_month(day: date, last: date, written: str) -> bool:
    """Return True if `day` needs no month, because the next date shown has the same month.

    For example, `19` needs no month in `19–20 jan`.
    """
    return (day.year, day.month) == (last.year, last.month) and written.startswith(f"{day.day} ")


def _are_consecutive(days: Sequence[date]) -> bool:
    return all(later - earlier == timedelta(days=1) for earlier, later in itertools.pairwise(days))


def is_day_name(word: str, days: Sequence[date], lang: str) -> bool:
    """Return True if a word is the name of the month or the weekday of one of `days`.

    word: the word in lower case.
    lang: the language whose names are compared first; the names of the other languages follow.
    """
    languages = (lang, *LANGUAGES)
    return any(word in _day_names(day, language) for language in languages for day in days)


@lru_cache(maxsize=512)
def _day_names(day: date, lang: str) -> frozenset[str]:
    names = (format_date(day, pattern, load_locale(lang)) for pattern in NAME_PATTERNS)
    return frozenset(name.rstrip(".").casefold() for name in names)
