"""Choose the headings of an issue: its own title, or the name of its list (pure)."""

import re
from dataclasses import dataclass
from datetime import date

from moza_mail.model.issue import Issue
from moza_mail.render.short_dates import is_day_name

TOKEN = re.compile(r"\d+|[^\W\d_]+|[^\s\w]")
PUNCTUATION = frozenset(",.:;|/()-–—·'’")
# Words that say no more than that this is an issue of a newsletter.
PLAIN_WORDS = frozenset(
    [
        "a",
        "an",
        "das",
        "de",
        "der",
        "die",
        "dit",
        "du",
        "for",
        "het",
        "in",
        "issue",
        "la",
        "le",
        "letter",
        "news",
        "newsletter",
        "nieuws",
        "of",
        "the",
        "van",
        "voor",
    ]
)
KIND_WORD = re.compile(
    r"(?:dag|week|maand|kwartaal|nieuws)?(?:brief|bericht|bulletin|flits|mail|post|update)"
)
WEEK_WORDS = frozenset(["week", "wk", "woche", "semaine"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Masthead:
    """The headings above an issue.

    title: the main heading.
    name: the name of the list above the title; empty if the title contains it.
    is_own: True for the issue's own title, False if the title is the name of the list.
    """

    title: str
    name: str = ""
    is_own: bool = True


def make_masthead(issue: Issue, list_title: str) -> Masthead:
    """Return the headings above an issue.

    The title is the list's name, unless the issue's title says more than name and date.
    """
    if list_title and _is_name_and_date(issue.title, list_title, issue):
        return Masthead(title=list_title, is_own=False)
    has_name = not list_title or _words(list_title) <= _words(issue.title)
    return Masthead(title=issue.title, name="" if has_name else list_title)


def _is_name_and_date(title: str, name: str, issue: Issue) -> bool:
    if any(day != issue.date for day in issue.title_dates):
        return False
    words = _words(title)
    numbers = _numbers(issue.date, has_week=bool(words & WEEK_WORDS))
    return all(
        int(word) in numbers
        if word.isdecimal()
        else word in PLAIN_WORDS | PUNCTUATION | WEEK_WORDS
        or KIND_WORD.fullmatch(word) is not None
        or is_day_name(word, [issue.date], issue.lang)
        for word in words - _words(name)
    )


def _numbers(day: date, *, has_week: bool) -> set[int]:
    numbers = {day.day, day.month, day.year}
    return numbers | {day.isocalendar().week} if has_week else numbers


def _words(text: str) -> set[str]:
    return {token.casefold() for token in TOKEN.findall(text)}
