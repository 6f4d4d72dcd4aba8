"""Recognise an issue that was sent before under another name."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from moza_mail.model.issue import Code, CodeBlock, Heading, Issue, Text
from moza_mail.model.mailing import SentIssue

URL = re.compile(r"https?://\S+")
WORD = re.compile(r"\w+")
# Of six real weeklies of one team, no two had more than 52 % of their words in common.
MUCH_ALIKE = 0.9
# A text with fewer words is often only an introduction that is the same every week, above an agenda that changes.
FEWEST_WORDS = 20


class Likeness(StrEnum):
    """The ways in which two issues can be alike, the strongest first."""

    TEXT = "text"
    WORDS = "words"
    TITLE = "title"
    DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierIssue:
    """An issue that was sent, and its likeness to the issue that is about to be sent."""

    issue: SentIssue
    likeness: Likeness


def compare_issues(one: SentIssue, other: SentIssue) -> Likeness | None:
    """Return the strongest likeness of two issues; None if they differ.

    URLs are not compared, because they contain the slug. Words of the agenda and of headings are not compared one by one, because
    many newsletters repeat them every week. For the same reason, a title counts only if it has a number in it.
    """
    texts = [URL.sub("", issue.text) for issue in (one, other)]
    if texts[0] == texts[1]:
        return Likeness.TEXT
    if _share_words(one.news, other.news) >= MUCH_ALIKE:
        return Likeness.WORDS
    titles = [" ".join(issue.issue_title.casefold().split()) for issue in (one, other)]
    if titles[0] == titles[1] and re.search(r"\d", titles[0]):
        return Likeness.TITLE
    return Likeness.DATE if one.issue_date and one.issue_date == other.issue_date else None


def _share_words(one: str, other: str) -> float:
    """Return the share of the longer text's words that are in both texts, between 0 and 1; 0 for short texts."""
    first, second = (Counter(WORD.findall(text.casefold())) for text in (one, other))
    longest = max(first.total(), second.total())
    return (first & second).total() / longest if longest >= FEWEST_WORDS else 0.0


def collect_news(issue: Issue) -> str:
    """Return the text of an issue without its agenda, its headings and its URLs."""
    return " ".join(
        text for section in issue.sections if not section.is_agenda for text in _iter_texts(section.blocks)
    )


def _iter_texts(part: Any) -> Iterator[str]:
    match part:
        case Heading():
            return
        case Text() | Code() | CodeBlock():
            yield part.text
        case tuple():
            for one in part:
                yield from _iter_texts(one)
        case _:
            for name in getattr(type(part), "__dataclass_fields__", ()):
                yield from _iter_texts(getattr(part, name))
