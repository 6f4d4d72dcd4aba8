"""Rules on links that were written and did not come out whole."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from moza_mail.check.hostnames import short
from moza_mail.check.passages import OBJECT, Passage, find_passages, plain_text
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import (
    Emphasis,
    Inlines,
    LineBreak,
    Link,
    Strike,
    Strong,
    Text,
    collect_links,
    to_plain_text,
)

_rule = partial(Rule, category=RuleCategory.LINKS)

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


def judge(case: CheckContext) -> Iterator[Finding]:
    """What did not become a link, or not all of it."""
    for passage in find_passages(case.issue):
        place = _Place.of(passage)
        yield from _markup(case, place)
        for link in collect_links(place.inlines):
            yield from _cut(case, link)
            yield from _footnote(case, link)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A passage as plain text, and where its lines end."""

    inlines: Inlines
    text: str
    line: int
    ends: tuple[int, ...]
    is_fragment: bool

    @classmethod
    def of(cls, passage: Passage) -> "_Place":
        between = (Text(text=" "),) if passage.label else ()
        inlines = (*passage.label, *between, *passage.inlines)
        text = plain_text(inlines, links_as_objects=True)
        ends = tuple(position for position, sign in enumerate(text) if sign == "\n")
        return cls(inlines=inlines, text=text, line=passage.line, ends=ends, is_fragment=passage.is_fragment)

    def at(self, position: int) -> int:
        """The line of the file on which a position stands."""
        return self.line + bisect_left(self.ends, position)

    def around(self, position: int) -> str:
        """What stands about a position, with dots for a link."""
        before = self.text[max(0, position - BEFORE) : position].rpartition("\n")[2]
        behind = self.text[position : position + BEHIND].partition("\n")[0]
        return (before + behind).replace(OBJECT, "...").strip()


def _markup(case: CheckContext, place: _Place) -> Iterator[Finding]:
    """What was meant as a link and did not become one, and brackets that are left over."""
    lines: set[int] = set()
    for found in LEFTOVER.finditer(place.text):
        line = place.at(found.start())
        if line not in lines:
            lines.add(line)
            yield MARKUP.report(
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
            yield UNLINKED.report(
                case,
                place.at(found.start()),
                _("the address {address} is no link", address=short(found.group())),
                fix=_("Make words a link to it: [words](https://...)."),
            )
    yield from _brackets(case, place, lines)


def _brackets(case: CheckContext, place: _Place, broken: set[int]) -> Iterator[Finding]:
    there = _objects(place.inlines)
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
            yield BRACKETS.report(
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
    for line in () if place.is_fragment else sorted(lonely):
        yield BRACKETS.report(
            case,
            line,
            _("a square bracket has no other half"),
            fix=_("Close it, or take it out; a link is written [words](https://...)."),
        )


def _objects(inlines: Inlines) -> Iterator[Link | None]:
    """Yield for each OBJECT of the text the link that it replaces, or None."""
    for inline in inlines:
        match inline:
            case Strong() | Emphasis() | Strike():
                yield from _objects(inline.children)
            case Link():
                yield inline
            case Text() | LineBreak():
                pass
            case _:
                yield None


def _cut(case: CheckContext, link: Link) -> Iterator[Finding]:
    url = link.url
    if url.count("(") != url.count(")"):
        yield BRACKETS.report(
            case,
            link.line,
            _("the link {link} has a bracket that is not closed, or one too many", link=short(url)),
            fix=_("See whether the link was cut; in a link write %28 for ( and %29 for )."),
        )


def _footnote(case: CheckContext, link: Link) -> Iterator[Finding]:
    """`[^1]` with a single word below it (`[^1]: word`) is a link to that word by Markdown's rules, and the note is gone."""
    words = to_plain_text(link.children)
    if FOOTNOTE.fullmatch(words):
        yield MARKUP.report(
            case,
            link.line,
            _(
                "the footnote {words} became a link to {link}, and readers see no note",
                words=words,
                link=short(link.url),
            ),
            fix=_("Footnotes are not known here: say it in the sentence, or write [words](https://...)."),
        )
