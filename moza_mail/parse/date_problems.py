"""Find dates and times in an issue that are wrong or have more than one meaning."""

import itertools
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from moza_mail.model.date_problem import DateProblem, DateProblemKind
from moza_mail.parse.date_tokens import Kind, Token, tokenize
from moza_mail.parse.date_words import MONTHS, TIME_LEADS, UNTIL_WORDS
from moza_mail.parse.date_years import DayProblem
from moza_mail.parse.dates import DateContext, FoundDate, find_times
from moza_mail.parse.times import TimeProblem, refuse_backward_times

# These two patterns remove markup. Bullets, addresses and code are not text, and emphasis may separate a day from its month.
BULLET = re.compile(r"^[\s>]*(?:(?:[*+-]|\d{1,3}[.)])\s+)*(?:#{1,6}\s+)?")
NOT_TEXT = re.compile(
    r"(?<=\])\([^()]*(?:\([^()]*\)[^()]*)*\)|<[^<>]*>|https?://\S+|`[^`]*`|\{\{.*?\}\}|[*_~]"
)
HAS_DIGIT = re.compile(r"\d")
MONTH_NAMES = tuple(name for name in MONTHS if len(name) > 3)
# Words that come before an hour. Other words for times also come before other numbers, such as `van` in `van 10 organisaties`.
HOUR_LEADS = frozenset(["at", "om", "um", "à", "@", "vanaf", "from", "ab"])
MAX_HOUR = 24
MIN_MISSPELT = 4
# Words that are not misspelt months, although only a letter or two differ from the name of a month.
NOT_MONTHS = frozenset(
    [
        "maar",
        "maat",
        "maal",
        "mars",
        "mais",
        "mails",
        "mail",
        "meis",
        "mens",
        "juli's",
        "mark",
        "part",
        "avis",
        "march",
    ]
)
KINDS = {
    DayProblem.NO_SUCH_DAY: DateProblemKind.NO_SUCH_DAY,
    DayProblem.ORDER: DateProblemKind.ORDER,
    DayProblem.BACKWARD: DateProblemKind.BACKWARD_DAYS,
    TimeProblem.BACKWARD: DateProblemKind.BACKWARD_TIMES,
    TimeProblem.ZONE: DateProblemKind.ZONE,
    TimeProblem.HOUR: DateProblemKind.HOUR,
}


def plain_row(row: str) -> str:
    """Return a line of Markdown without bullets, addresses, code and emphasis."""
    return NOT_TEXT.sub("", BULLET.sub("", row, count=1))


def find_date_problems(
    text: str, found: Sequence[FoundDate], context: DateContext, *, line: int, is_agenda: bool
) -> Iterator[DateProblem]:
    """Yield the wrong and uncertain dates of a line.

    found: the dates in the line.
    is_agenda: the line is part of an agenda, where times are checked too.
    """
    for one in found:
        written = text[one.start : one.stop].strip()
        if one.problem:
            yield DateProblem(kind=KINDS[one.problem], written=written, line=line)
        elif is_agenda and one.times and one.times.problem:
            written = text[one.times.start : one.times.stop].strip(" ,")
            yield DateProblem(kind=KINDS[one.times.problem], written=written, line=line)
        elif is_agenda and one.is_short and "/" in written:
            yield DateProblem(kind=DateProblemKind.SHORT, written=written, line=line)
    times = find_times(text, context) if is_agenda and found and not found[-1].times else None
    times = refuse_backward_times(times, len(found[-1].days)) if times else None
    if times and times.problem:
        written = text[times.start : times.stop].strip(" ,")
        yield DateProblem(kind=KINDS[times.problem], written=written, line=line)
    if HAS_DIGIT.search(text):
        tokens = tokenize(text, context.lang)
        yield from _find_typos(text, tokens, line, is_agenda=is_agenda)
        if is_agenda and found and not found[-1].times and not times:
            yield from _find_bare_hours(text, tokens, found, line)


def _find_bare_hours(
    text: str, tokens: Sequence[Token], found: Sequence[FoundDate], line: int
) -> Iterator[DateProblem]:
    """Yield each phrase such as `at 10` or `van 9 tot 10` that may be a time.

    The phrase is at the end of the text or of a part of it.
    """
    for index, (lead, token) in enumerate(itertools.pairwise(tokens)):
        is_range = _is_range_of_hours(tokens[index : index + 4])
        stop = index + (4 if is_range else 2)
        after = tokens[stop] if stop < len(tokens) else None
        is_last = after is None or (after.kind is Kind.OTHER and after.text in "(,;.)")
        is_hour = is_range or (lead.text in HOUR_LEADS and _may_be_hour(token))
        if is_hour and is_last and not any(one.start < token.start < one.stop for one in found):
            written = text[lead.start : tokens[stop - 1].stop].rstrip(".")
            yield DateProblem(kind=DateProblemKind.BARE_HOUR, written=written, line=line)


def _may_be_hour(token: Token) -> bool:
    return token.kind is Kind.NUMBER and token.values[0] <= MAX_HOUR


def _is_range_of_hours(tokens: Sequence[Token]) -> bool:
    """Return True for the four tokens of a phrase such as `van 9 tot 10`."""
    if len(tokens) < 4:
        return False
    lead, first, until, last = tokens
    is_joined = until.kind is Kind.HYPHEN or until.text in UNTIL_WORDS
    return lead.text in TIME_LEADS and is_joined and _may_be_hour(first) and _may_be_hour(last)


def _find_typos(text: str, tokens: Sequence[Token], line: int, *, is_agenda: bool) -> Iterator[DateProblem]:
    for before, token, after in zip((None, *tokens), tokens, (*tokens[1:], None), strict=False):
        is_day = token.kind is Kind.NUMBER and 1 <= token.values[0] <= 31
        if is_day and after and after.kind is Kind.WORD and is_misspelt_month(after.text):
            written = text[token.start : after.stop]
            yield DateProblem(kind=DateProblemKind.MONTH, written=written, line=line)
        is_wrong_clock = token.kind is Kind.CLOCK and ":" in token.text and not _is_time(token)
        if is_wrong_clock and (is_agenda or (before and before.text in TIME_LEADS)):
            yield DateProblem(kind=DateProblemKind.NO_SUCH_TIME, written=token.text, line=line)


def _is_time(token: Token) -> bool:
    hour, minute = token.values
    return minute < 60 and (hour < 24 or (hour, minute) == (24, 0))


@lru_cache(maxsize=1024)
def is_misspelt_month(word: str) -> bool:
    """Return True if a word is nearly the name of a month, such as `febrari`."""
    if len(word) < MIN_MISSPELT or word in NOT_MONTHS or word in MONTHS:
        return False
    for name in MONTH_NAMES:
        allowed = 2 if len(name) > 6 and len(word) > 5 else 1
        if word[0] == name[0] and abs(len(word) - len(name)) <= allowed and _distance(word, name) <= allowed:
            return True
    return False


def _distance(one: str, other: str) -> int:
    """Return the number of edits that change one word into the other.

    An edit adds, removes or replaces a letter, or swaps two adjacent letters.
    """
    two_above: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        current = [row]
        for column, target in enumerate(other, start=1):
            cost = min(above[column] + 1, current[-1] + 1, above[column - 1] + (letter != target))
            is_swap = row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == target
            current.append(min(cost, two_above[column - 2] + 1) if is_swap else cost)
        two_above, above = above, current
    return above[-1]
