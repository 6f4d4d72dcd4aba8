"""Dates in a text as they would be written for another day: `14 januari 2026` becomes `21 januari 2026`."""

import re
from datetime import date

from moza_mail.model.issue import Event, to_plain_text
from moza_mail.parse import dates

# How a month or a weekday is called, by language, in full and cut short; where two agree the issue's language decides.
FULL = {
    "nl": (
        "januari februari maart april mei juni juli augustus september oktober november december",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    ),
    "en": (
        "January February March April May June July August September October November December",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    ),
}
SHORT = {
    "nl": ("jan feb mrt apr mei jun jul aug sep okt nov dec", "ma di wo do vr za zo"),
    "en": ("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", "Mon Tue Wed Thu Fri Sat Sun"),
}
ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
NUMERIC = re.compile(r"(\d{1,2})([-/])(\d{1,2})[-/](\d{4})")
TOKEN = re.compile(r"\d{4}|['‘’]\d{2}\b|(\d{1,2})(e|de|ste|st|nd|rd|th)?\b|[^\W\d]+")
WEEK = re.compile(r"\b(week\s+)(\d{1,2})\b", re.IGNORECASE)
NUMBER = re.compile(r"(#|\b(?:nr|no)\.?\s*|\b(?:nummer|number|editie|issue)\s+)(\d{1,5})\b", re.IGNORECASE)


def english(lang: str) -> bool:
    """Whether what is not Dutch is called as in English."""
    return not lang.lower().startswith("nl")


def format_date(day: date, lang: str) -> str:
    """A day as a title has it: `21 januari 2026`."""
    months = FULL["en" if english(lang) else "nl"][0].split()
    return f"{day.day} {months[day.month - 1]} {day.year}"


def redate(text: str, old: date, new: date, lang: str) -> str:
    """The text with each date that means `old` in the same form for `new`; when none does, with its only date."""
    found = [when for when in dates.find(text, old) if len(when.days) == 1]
    meant = [when for when in found if when.days[0] == old] or (found if len(found) == 1 else [])
    for when in reversed(meant):
        text = text[: when.start] + _rewritten(text[when.start : when.stop], new, lang) + text[when.stop :]
    return text


def renumber(text: str, new: date) -> str:
    """The text with `#12` or `nr. 12` one higher, and `week 3` the week of the new day (ISO 8601)."""
    text = WEEK.sub(lambda found: f"{found[1]}{new.isocalendar().week}", text)
    return NUMBER.sub(lambda found: f"{found[1]}{int(found[2]) + 1}", text)


def _rewritten(written: str, new: date, lang: str) -> str:
    if ISO.search(written):
        return ISO.sub(new.isoformat(), written)
    if found := NUMERIC.search(written):
        wide = 2 if len(found[1]) == len(found[3]) == 2 else 1
        day = f"{new.day:0{wide}}{found[2]}{new.month:0{wide}}{found[2]}{new.year}"
        return written[: found.start()] + day + written[found.end() :]
    return TOKEN.sub(lambda found: _token(found, new, lang), written)


def _token(found: re.Match[str], new: date, lang: str) -> str:
    word = found.group()
    if found[1]:
        day = f"{new.day:02}" if found[1].startswith("0") else str(new.day)
        return day + _ordinal(new.day, found[2] or "")
    if word.isdecimal():
        return str(new.year)
    if word[1:].isdecimal():
        return f"{word[0]}{new.year % 100:02}"
    lower = word.lower()
    if lower in dates.MONTHS:
        return _named(word, lang, 0, new.month - 1)
    return _named(word, lang, 1, new.weekday()) if lower in dates.WEEKDAYS else word


def _ordinal(day: int, written: str) -> str:
    if written not in {"st", "nd", "rd", "th"}:
        return written
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _named(word: str, lang: str, kind: int, index: int) -> str:
    """The name of another month or weekday, in the language and length of this one."""
    tongues = ("en", "nl") if english(lang) else ("nl", "en")
    for names in (FULL, SHORT):
        for tongue in tongues:
            known = names[tongue][kind].split()
            if word.lower() in map(str.lower, known):
                return _like(word, known[index])
    return _like(word, SHORT[tongues[0]][kind].split()[index])


def _like(word: str, name: str) -> str:
    if word.isupper():
        return name.upper()
    return name[0].upper() + name[1:] if word[0].isupper() else name[0].lower() + name[1:]


def replace_date(row: str, event: Event, issued: date, mark: str) -> str:
    """The row of an event with `mark` where its date stands, and without what follows: that was about the day that is over."""
    title = to_plain_text(event.title)
    found = dates.find(row, issued)
    fitting = [when for when in found if when.days == event.dates]
    for when in reversed(fitting):
        before, behind = row[: when.start], row[when.stop :]
        if title in _bare(before):
            closed = before.count("(") == before.count(")")
            return (
                before.rstrip() + f" {mark}"
                if closed
                else f"{before[: before.rindex('(')].rstrip()} - {mark}"
            )
        if title in _bare(behind):
            head = re.sub(r"\s*\([^()]*\)\s*$", "", behind.lstrip(" :,;|-–—"))
            return f"{before}{head} - {mark}"
    return f"{_marker(row)}{title} - {mark}"


def _bare(row: str) -> str:
    return re.sub(r"\]\([^)]*\)|[*_\[\]`]", "", row)


def _marker(row: str) -> str:
    found = re.match(r"\s*(?:[*+-]|\d{1,9}[.)])\s+", row)
    return found.group() if found else ""
