"""Recognise an issue that was sent before under another name."""

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from moza_mail.model.mailing import SentIssue

URL = re.compile(r"https?://\S+")
WORD = re.compile(r"\w+")
# Of six real weeklies of one team, no two had more than 52 % of their words in common.
MUCH_ALIKE = 0.9


class Likeness(StrEnum):
    """In which way two issues are alike, strongest first."""

    TEXT = "text"
    WORDS = "words"
    TITLE = "title"
    DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierIssue:
    """An issue that was sent, and its likeness to one that is about to be sent."""

    issue: SentIssue
    likeness: Likeness


def compare_issues(one: SentIssue, other: SentIssue) -> Likeness | None:
    """Return the strongest likeness of two issues; None if they differ.

    URLs are not compared, because they contain the slug. A title counts only if it has a number in it: many newsletters have the
    same title every week.
    """
    texts = [URL.sub("", issue.text) for issue in (one, other)]
    if texts[0] == texts[1]:
        return Likeness.TEXT
    if _share_words(*texts) >= MUCH_ALIKE:
        return Likeness.WORDS
    titles = [" ".join(issue.issue_title.casefold().split()) for issue in (one, other)]
    if titles[0] == titles[1] and re.search(r"\d", titles[0]):
        return Likeness.TITLE
    return Likeness.DATE if one.issue_date and one.issue_date == other.issue_date else None


def _share_words(one: str, other: str) -> float:
    """Return the share of the longer text's words that are in both texts, between 0 and 1."""
    first, second = (Counter(WORD.findall(text.casefold())) for text in (one, other))
    longest = max(first.total(), second.total())
    return (first & second).total() / longest if longest else 1.0
