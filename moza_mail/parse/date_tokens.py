"""Divide a line into the tokens of dates and times."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from moza_mail.parse.date_words import (
    ENGLISH_WORDS,
    FRENCH_WEEKDAYS,
    HOUR_UNITS,
    HYPHENS,
    MERIDIEMS,
    MONTHS,
    ORDINALS,
    RANGE_WORDS,
    SET_WORDS,
    WEEKDAYS,
)

# A token after more spaces does not belong to the same date or time.
MAX_SPACES = 20


class Kind(Enum):
    """The kind of a token."""

    NUMBER = auto()
    YEAR = auto()
    FULL_DATE = auto()
    DAY_AND_MONTH = auto()
    CLOCK = auto()
    MONTH = auto()
    WEEKDAY = auto()
    RANGE = auto()
    HYPHEN = auto()
    SET = auto()
    WORD = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a line.

    values: the numbers that the piece means. Depending on the kind, these are one number; the number of a month or
        weekday; day, month and year; or hour and minute.
    text: in lower case, without a full stop after it.
    gap: the number of spaces before the piece.
    """

    kind: Kind
    start: int
    stop: int
    text: str
    values: tuple[int, ...] = ()
    gap: int = 0


_BEFORE = r"(?<![\w/-])(?<!\d[.:,])"
TOKEN = re.compile(
    rf"(?P<iso>{_BEFORE}\d{{4}}(?:-\d\d-\d\d(?:T(?=\d)|(?![\w-]))|/\d{{1,2}}/\d{{1,2}}(?![\w/-])))"
    rf"|(?P<numeric>{_BEFORE}\d{{1,2}}(?:-\d{{1,2}}-\d{{4}}|/\d{{1,2}}/(?:\d{{4}}|\d\d)|\.\s?\d{{1,2}}\.\s?\d{{4}})(?![\w/-]))"
    rf"|(?P<slash>{_BEFORE}\d{{1,2}}/\d{{1,2}}(?![\w/]))"
    rf"|(?P<clock>(?:(?<![\w.:#])|(?<=\dT))\d{{1,2}}(?::\d\d(?::\d\d)?|\.\d\d)(?!\d|[.:]\d))"
    r"|(?P<short_year>(?<!\w)['‘’]\d\d(?!\w))"
    r"|(?P<until>t/m|t\.?e\.?m\.(?!\w))"
    r"|(?P<meridiem>[ap]\.m\b\.?)"
    r"|(?P<word>[\w]+)\.?"
    r"|(?P<other>\S)",
    re.IGNORECASE,
)
# In German `24.01.` is a day and a month; elsewhere it is a time at the end of a sentence.
GERMAN_TOKEN = re.compile(
    rf"(?P<dotted>{_BEFORE}(?:0?[1-9]|[12]\d|3[01])\.\s?(?:0?[1-9]|1[0-2])\.(?![\w/.-]|\s?\d{{4}}))|{TOKEN.pattern}",
    re.IGNORECASE,
)
CHUNK = re.compile(r"(\d+)(\D*)$")
HOUR_CHUNK = re.compile(r"(\d{1,2})[hu](\d\d)?$")


# Cached, because several functions read the same line: for its dates, its times and its mistakes.
@lru_cache(maxsize=64)
def tokenize(line: str, lang: str) -> tuple[Token, ...]:
    """Return the tokens of a line. Every character except white space is in one token."""
    tokens: list[Token] = []
    for match in (GERMAN_TOKEN if lang == "de" else TOKEN).finditer(line):
        gap = match.start() - (tokens[-1].stop if tokens else 0)
        tokens += _classify(match, gap, lang)
    return tuple(tokens)


def _classify(match: re.Match[str], gap: int, lang: str) -> list[Token]:
    text, start, stop = match.group(), match.start(), match.end()
    lower = text.lower()
    match match.lastgroup:
        case "iso":
            year, month, day = map(int, re.split("[-/]", lower.removesuffix("t")))
            return [Token(Kind.FULL_DATE, start, stop, lower, (day, month, year), gap)]
        case "numeric":
            day, month, year = (int(part) for part in re.split(r"[-/.]", lower))
            values = (day, month, year + 2000 if year < 100 else year)
            return [Token(Kind.FULL_DATE, start, stop, lower, values, gap)]
        case "slash" | "dotted":
            day, month = map(int, re.split(r"[/.]", lower.removesuffix(".")))
            return [Token(Kind.DAY_AND_MONTH, start, stop, lower, (day, month), gap)]
        case "clock":
            hour, minute, *_ = (int(part) for part in re.split("[:.]", lower))
            return [Token(Kind.CLOCK, start, stop, lower, (hour, minute), gap)]
        case "short_year":
            return [Token(Kind.YEAR, start, stop, lower, (2000 + int(lower[1:]),), gap)]
        case "until":
            return [Token(Kind.RANGE, start, stop, "t/m", (), gap)]
        case "meridiem":
            return [Token(Kind.WORD, start, stop, lower.rstrip("."), (), gap)]
        case "word":
            return _classify_word(text, start, gap, lang)
        case _:
            kind = Kind.HYPHEN if text in HYPHENS else Kind.SET if text in "&,+/" else Kind.OTHER
            return [Token(kind, start, stop, lower, (), gap)]


def _classify_word(text: str, start: int, gap: int, lang: str) -> list[Token]:
    bare = text.rstrip(".")
    lower, stop = bare.lower(), start + len(bare)
    after = start + len(text)
    if lower[0].isdecimal():
        return _classify_number(lower, start, after, gap)
    if lang == "fr" and lower in FRENCH_WEEKDAYS:
        return [Token(Kind.WEEKDAY, start, after, lower, (FRENCH_WEEKDAYS[lower],), gap)]
    if lower in MONTHS and not (lang == "en" and lower in ENGLISH_WORDS and bare[0].islower()):
        return [Token(Kind.MONTH, start, after, lower, (MONTHS[lower],), gap)]
    if lower in WEEKDAYS:
        return [Token(Kind.WEEKDAY, start, after, lower, (WEEKDAYS[lower],), gap)]
    if lower in RANGE_WORDS or lower in SET_WORDS:
        kind = Kind.RANGE if lower in RANGE_WORDS else Kind.SET
        return [Token(kind, start, stop, lower, (), gap)]
    return [Token(Kind.WORD, start, stop, lower, (), gap)]


def _classify_number(lower: str, start: int, after: int, gap: int) -> list[Token]:
    """Return the tokens of a number and of any text right after it, as in `28september`."""
    end = start + len(lower)
    if (found := HOUR_CHUNK.fullmatch(lower)) and found[2]:
        return [Token(Kind.CLOCK, start, end, lower, (int(found[1]), int(found[2])), gap)]
    chunk = CHUNK.match(lower)
    if chunk is None:
        return [Token(Kind.OTHER, start, end, lower, (), gap)]
    digits, suffix = chunk[1], chunk[2]
    middle = start + len(digits)
    if not suffix:
        if len(digits) == 4:
            return [Token(Kind.YEAR, start, end, lower, (int(digits),), gap)]
        kind = Kind.NUMBER if len(digits) <= 2 else Kind.OTHER
        return [Token(kind, start, after, lower, (int(digits),), gap)]
    number = Token(Kind.NUMBER, start, middle, digits, (int(digits),), gap)
    if len(digits) > 2:
        return [Token(Kind.OTHER, start, end, lower, (), gap)]
    if suffix in ORDINALS:
        return [Token(Kind.NUMBER, start, end, lower, (int(digits),), gap)]
    if suffix in MONTHS:
        return [number, Token(Kind.MONTH, middle, after, suffix, (MONTHS[suffix],))]
    if suffix in HOUR_UNITS or suffix in MERIDIEMS:
        return [number, Token(Kind.WORD, middle, end, suffix)]
    return [Token(Kind.OTHER, start, end, lower, (), gap)]
