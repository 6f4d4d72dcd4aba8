"""Rewrite the dates in a text: `14 januari 2026` becomes `21 januari 2026`."""

import re
from datetime import date

from moza_mail.edit.source_map import MARKER, content_column
from moza_mail.model.issue import Event, to_plain_text
from moza_mail.parse import dates
from moza_mail.parse.dates import DateContext

# The months and weekdays of each language. Some names exist in both; then the language of the issue decides.
FULL_NAMES = {
    "nl": (
        "januari februari maart april mei juni juli augustus september oktober november december",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    ),
    "en": (
        "January February March April May June July August September October November December",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    ),
    "de": (
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    ),
    "fr": (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
    ),
}
SHORT_NAMES = {
    "nl": ("jan feb mrt apr mei jun jul aug sep okt nov dec", "ma di wo do vr za zo"),
    "en": ("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", "Mon Tue Wed Thu Fri Sat Sun"),
    "de": ("Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez", "Mo Di Mi Do Fr Sa So"),
    "fr": ("janv févr mars avr mai juin juil août sept oct nov déc", "lun mar mer jeu ven sam dim"),
}
# A longer name is a full name and not an abbreviation. This also holds for variants such as `Jänner` and `Sonnabend`.
MAX_SHORT_NAME = 4
ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
NUMERIC = re.compile(r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})")
TOKEN = re.compile(r"\d{4}|['‘’]\d{2}\b|(\d{1,2})(er|e|de|ste|st|nd|rd|th)?\b|[^\W\d]+")
WEEK = re.compile(r"\b(week\s+)(\d{1,2})\b", re.IGNORECASE)
NUMBER = re.compile(r"(#|\b(?:nr|no)\.?\s*|\b(?:nummer|number|editie|issue)\s+)(\d{1,5})\b", re.IGNORECASE)


def format_date(day: date, lang: str) -> str:
    """Format a day as in a title: `21 januari 2026`, `21. Januar 2026`, `1er janvier 2026`."""
    language = _names_language(lang)
    months = FULL_NAMES[language][0].split()
    mark = "." if language == "de" else "er" if language == "fr" and day.day == 1 else ""
    return f"{day.day}{mark} {months[day.month - 1]} {day.year}"


def redate(text: str, old: date, new: date, lang: str) -> str:
    """Replace each date in the text that means `old` by `new`, in the same form.

    If no date means `old` and the text contains exactly one date, replace that date.
    """
    found = [one for one in dates.find_dates(text, DateContext(issued=old, lang=lang)) if len(one.days) == 1]
    meant = [one for one in found if one.days[0] == old] or (found if len(found) == 1 else [])
    for one in reversed(meant):
        text = text[: one.start] + _rewrite(text[one.start : one.stop], new, lang) + text[one.stop :]
    return text


def _names_language(lang: str) -> str:
    """Return the language for the names of months: `lang` if it is known, else English."""
    language = lang.partition("-")[0].lower()
    return language if language in FULL_NAMES else "en"


def renumber(text: str, new: date) -> str:
    """Add one to numbers such as `#12`, and change `week 3` to the ISO week of the new day."""
    text = WEEK.sub(lambda found: f"{found[1]}{new.isocalendar().week}", text)
    return NUMBER.sub(lambda found: f"{found[1]}{int(found[2]) + 1}", text)


def _rewrite(written: str, new: date, lang: str) -> str:
    if ISO.search(written):
        return ISO.sub(new.isoformat(), written)
    if found := NUMERIC.search(written):
        wide = 2 if len(found[1]) == len(found[3]) == 2 else 1
        day = f"{new.day:0{wide}}{found[2]}{new.month:0{wide}}{found[2]}{new.year}"
        return written[: found.start()] + day + written[found.end() :]
    return TOKEN.sub(lambda found: _rewrite_token(found, new, lang), written)


def _rewrite_token(found: re.Match[str], new: date, lang: str) -> str:
    word = found.group()
    if found[1]:
        day = f"{new.day:02}" if found[1].startswith("0") else str(new.day)
        return day + _ordinal(new.day, found[2] or "", lang)
    if word.isdecimal():
        return str(new.year)
    if word[1:].isdecimal():
        return f"{word[0]}{new.year % 100:02}"
    lower = word.lower()
    if lower in dates.MONTHS:
        return _replace_name(word, lang, 0, new.month - 1)
    return _replace_name(word, lang, 1, new.weekday()) if lower in dates.WEEKDAYS else word


def _ordinal(day: int, written: str, lang: str) -> str:
    if written == "er" or (not written and _names_language(lang) == "fr" and day == 1):
        return "er" if day == 1 else ""
    if written not in {"st", "nd", "rd", "th"}:
        return written
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _replace_name(word: str, lang: str, kind: int, index: int) -> str:
    """Return another month or weekday in the language of `word`, in full or short like `word`.

    kind: 0 for months, 1 for weekdays.
    """
    own = _names_language(lang)
    languages = (own, *(language for language in FULL_NAMES if language != own))
    for names in (FULL_NAMES, SHORT_NAMES):
        for language in languages:
            known = names[language][kind].split()
            if word.lower() in map(str.lower, known):
                return _match_case(word, known[index])
    names = SHORT_NAMES if len(word) <= MAX_SHORT_NAME else FULL_NAMES
    return _match_case(word, names[own][kind].split()[index])


def _match_case(word: str, name: str) -> str:
    if word.isupper():
        return name.upper()
    return name[0].upper() + name[1:] if word[0].isupper() else name[0].lower() + name[1:]


def replace_date(row: str, event: Event, context: DateContext, mark: str) -> str:
    """Replace the date of an event by `mark`, and delete the note after the date."""
    title = to_plain_text(event.title)
    found = dates.find_dates(row, context)
    matching = [one for one in found if one.days == event.dates]
    for one in reversed(matching):
        before, after = row[: one.start], row[one.stop :]
        if title in _without_markup(before):
            closed = before.count("(") == before.count(")")
            return (
                before.rstrip() + f" {mark}"
                if closed
                else f"{before[: before.rindex('(')].rstrip()} - {mark}"
            )
        if title in _without_markup(after):
            head = re.sub(r"\s*\([^()]*\)\s*$", "", after.lstrip(" :,;|-–—"))
            return f"{before}{head} - {mark}"
    bullet = row[: content_column(row)] if MARKER.match(row) else ""
    return f"{bullet}{title} - {mark}"


def _without_markup(row: str) -> str:
    return re.sub(r"\]\([^)]*\)|[*_\[\]`]", "", row)
