"""Rules on links that were written and did not come out whole."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from moza_mail.check.hostnames import short
from moza_mail.check.rule import Case, Family, Rule
from moza_mail.check.runs import OBJECT, Run, objects, runs, shown
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Link, links, plain

_rule = partial(Rule, family=Family.LINKS)

MARKUP = _rule(name="link-markup", severity=Severity.ERROR)
BRACKETS = _rule(name="unbalanced-brackets", severity=Severity.WARNING)
UNLINKED = _rule(name="unlinked-url", severity=Severity.WARNING)

RULES = (MARKUP, BRACKETS, UNLINKED)

# How much is quoted of a text around what is wrong in it.
BEFORE, BEHIND = 30, 50
TYPED = re.compile(r"(?:https?://|\bwww\.)[^\s<>\"]*[^\s<>\".,;:!?)\]\u201d\u2019]", re.IGNORECASE)
LEFTOVER = re.compile(
    r"\]\("
    rf"|\]\s\((?:{OBJECT}|https?:|www\.|mailto:|/\w)"
    rf"|\)\[(?:{OBJECT}|https?:|www\.)"
    r"|\[(?=[^\[\]\n]*[^\W\d])[^\[\]\n]*\]\[[^\[\]\n]*\]"
    r"|<(?:https?:|www\.|a\s+href)",
    re.IGNORECASE,
)
FOOTNOTE = re.compile(r"\^[^\s\[\]]{1,40}")


def judge(case: Case) -> Iterator[Finding]:
    """What did not become a link, or not all of it."""
    for run in runs(case.issue):
        yield from _markup(case, run)
        for link in links(run.inlines):
            yield from _cut(case, link)
            yield from _footnote(case, link)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A run as plain text, and where its lines end."""

    text: str
    line: int
    ends: tuple[int, ...]

    @classmethod
    def of(cls, run: Run) -> "_Place":
        text = shown(run.inlines)
        ends = tuple(position for position, sign in enumerate(text) if sign == "\n")
        return cls(text=text, line=run.line, ends=ends)

    def at(self, position: int) -> int:
        """The line of the file on which a position stands."""
        return self.line + bisect_left(self.ends, position)

    def around(self, position: int) -> str:
        """What stands about a position, with dots for a link."""
        before = self.text[max(0, position - BEFORE) : position].rpartition("\n")[2]
        behind = self.text[position : position + BEHIND].partition("\n")[0]
        return (before + behind).replace(OBJECT, "...").strip()


def _markup(case: Case, run: Run) -> Iterator[Finding]:
    """What was meant as a link and did not become one, and brackets that are left over."""
    place = _Place.of(run)
    lines: set[int] = set()
    for found in LEFTOVER.finditer(place.text):
        line = place.at(found.start())
        if line not in lines:
            lines.add(line)
            yield MARKUP.found(
                case,
                line,
                _(
                    "this did not become a link, and readers see it as it stands: {text!r}",
                    text=place.around(found.start()),
                ),
                fix=_("Write [words](https://...): nothing between ] and (, and each bracket closed."),
            )
    for found in TYPED.finditer(place.text):
        if place.at(found.start()) not in lines:
            yield UNLINKED.found(
                case,
                place.at(found.start()),
                _("the address {address} is no link", address=short(found.group())),
                fix=_("Make words a link to it: [words](https://...)."),
            )
    yield from _brackets(case, place, run, lines)


def _brackets(case: Case, place: _Place, run: Run, broken: set[int]) -> Iterator[Finding]:
    there = objects(run.inlines)
    round_, square = 0, []
    for position, sign in enumerate(place.text):
        link = next(there, None) if sign == OBJECT else None
        round_ = max(0, round_ + (sign == "(") - (sign == ")"))
        if sign == "[":
            square.append(position)
        elif sign == "]" and square:
            square.pop()
        elif sign == "]":
            square.append(position)
            break
        if link and not round_ and place.text[position + 1 : position + 2] == ")":
            yield BRACKETS.found(
                case,
                place.at(position),
                _(
                    "behind the link {link} stands a bracket too many: the link may have been cut",
                    link=short(link.url),
                ),
                fix=_(
                    "Take the bracket out, or, when it belongs to the link, write %28 for ( and %29 for )."
                ),
            )
    lonely = {place.at(position) for position in square} - broken
    for line in sorted(lonely) if run.is_whole else ():
        yield BRACKETS.found(
            case,
            line,
            _("a square bracket has no other half"),
            fix=_("Close it, or take it out; a link is written [words](https://...)."),
        )


def _cut(case: Case, link: Link) -> Iterator[Finding]:
    url = link.url
    if url.count("(") != url.count(")"):
        yield BRACKETS.found(
            case,
            link.line,
            _("the link {link} has a bracket that is not closed, or one too many", link=short(url)),
            fix=_("See whether the link was cut; in a link write %28 for ( and %29 for )."),
        )


def _footnote(case: Case, link: Link) -> Iterator[Finding]:
    """`[^1]` with a single word below it (`[^1]: word`) is a link to that word by Markdown's rules, and the note is gone."""
    words = plain(link.children)
    if FOOTNOTE.fullmatch(words):
        yield MARKUP.found(
            case,
            link.line,
            _(
                "the footnote {words} became a link to {link}, and readers see no note",
                words=words,
                link=short(link.url),
            ),
            fix=_("Footnotes are not known here: say it in the sentence, or write [words](https://...)."),
        )
