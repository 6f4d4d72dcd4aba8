"""Check the Markdown of links for text that was meant as a link, and for cut-off links."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from moza_mail.check.hostnames import shorten
from moza_mail.check.passages import OBJECT_CHARACTER, Passage, find_passages, text_without_markup
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import Translatable
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
)

_rule = partial(Rule, category=RuleCategory.LINKS)

MARKUP = _rule(name="link-markup", severity=Severity.ERROR)
BRACKETS = _rule(name="unbalanced-brackets", severity=Severity.WARNING)

RULES = (MARKUP, BRACKETS)

# How many characters a finding quotes before and after a problem.
QUOTE_BEFORE, QUOTE_AFTER = 30, 50
BROKEN_LINK = re.compile(
    r"\]\("
    rf"|\]\s\((?:{OBJECT_CHARACTER}|https?:|www\.|mailto:|/\w)"
    rf"|\)\[(?:{OBJECT_CHARACTER}|https?:|www\.)"
    r"|\[(?=[^\[\]\n]*[^\W\d])[^\[\]\n]*\]\[[^\[\]\n]*\]"
    r"|<(?:https?:|www\.|a\s+href)",
    re.IGNORECASE,
)

# A file of the author's own in the target of a link or image. Parentheses may be part of its name: `team (1).jpg`.
FILE_TARGET = re.compile(
    r"\]\((?!https?:|www\.|mailto:)((?:[^()<>\n]|\([^()\n]*\)){1,200}\.\w{2,4})\)", re.IGNORECASE
)


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield links that Markdown did not recognise completely."""
    for passage in find_passages(context.issue):
        place = _LinkedText.from_passage(passage)
        yield from _check_markup(context, place)
        for link in collect_links(place.inlines):
            yield from _check_url_brackets(context, link)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LinkedText:
    """A passage as plain text, with the positions of its line ends.

    Each link is replaced by OBJECT_CHARACTER.
    """

    inlines: Inlines
    text: str
    line: int
    line_ends: tuple[int, ...]
    is_fragment: bool

    @classmethod
    def from_passage(cls, passage: Passage) -> "_LinkedText":
        between = (Text(text=" "),) if passage.label else ()
        inlines = (*passage.label, *between, *passage.inlines)
        text = text_without_markup(inlines, links_as_objects=True)
        ends = tuple(position for position, character in enumerate(text) if character == "\n")
        return cls(
            inlines=inlines, text=text, line=passage.line, line_ends=ends, is_fragment=passage.is_fragment
        )

    def line_at(self, position: int) -> int:
        """Return the line of the file at a position in the text."""
        return self.line + bisect_left(self.line_ends, position)

    def quote_at(self, position: int) -> str:
        """Quote the text around a position, with dots for each link."""
        before = self.text[max(0, position - QUOTE_BEFORE) : position].rpartition("\n")[2]
        after = self.text[position : position + QUOTE_AFTER].partition("\n")[0]
        return (before + after).replace(OBJECT_CHARACTER, "...").strip()


def _check_markup(context: CheckContext, passage: _LinkedText) -> Iterator[Finding]:
    """Yield text that was meant as a link, and brackets that do not match."""
    lines: set[int] = set()
    for found in BROKEN_LINK.finditer(passage.text):
        line = passage.line_at(found.start())
        if line not in lines:
            lines.add(line)
            yield MARKUP.report(
                context,
                line,
                _(
                    "this did not become a link, and recipients see it as typed: {text!r}",
                    text=passage.quote_at(found.start()),
                ),
                fix=_fix_markup(passage.text, found.start()),
            )
    yield from _check_brackets(context, passage, lines)


def _fix_markup(text: str, position: int) -> Translatable:
    """Return how to repair the link or image whose `]` is at a position in the text."""
    target = FILE_TARGET.match(text, position)
    if target and " " in target[1].strip():
        return _("Put a file name with spaces between < and >: (<{name}>).", name=target[1].strip())
    return _("Write [words](https://...) with nothing between ] and (, and close each bracket.")


def _check_brackets(
    context: CheckContext, passage: _LinkedText, reported_lines: set[int]
) -> Iterator[Finding]:
    replaced = _replaced_links(passage.inlines)
    round_, square = 0, []
    for position, character in enumerate(passage.text):
        link = next(replaced, None) if character == OBJECT_CHARACTER else None
        round_ = max(0, round_ + (character == "(") - (character == ")"))
        if character == "[":
            square.append(position)
        elif character == "]" and square:
            square.pop()
        elif character == "]":
            square.append(position)
            break
        if link and not round_ and passage.text[position + 1 : position + 2] == ")":
            yield BRACKETS.report(
                context,
                passage.line_at(position),
                _(
                    "after the link {link} there is one bracket too many, so the link may be cut off",
                    link=shorten(link.url),
                ),
                fix=_("Remove the bracket. If it belongs to the link, write %28 for ( and %29 for )."),
            )
    unmatched = {passage.line_at(position) for position in square} - reported_lines
    for line in () if passage.is_fragment else sorted(unmatched):
        yield BRACKETS.report(
            context,
            line,
            _("a square bracket has no partner"),
            fix=_("Close it, or remove it. A link looks like this: [words](https://...)."),
        )


def _replaced_links(inlines: Inlines) -> Iterator[Link | None]:
    """Yield the link that each OBJECT_CHARACTER replaces.

    An OBJECT_CHARACTER for an image, code, emoji or merge field gives None.
    """
    for inline in inlines:
        match inline:
            case Strong() | Emphasis() | Strike():
                yield from _replaced_links(inline.children)
            case Link():
                yield inline
            case Text() | LineBreak():
                pass
            case _:
                yield None


def _check_url_brackets(context: CheckContext, link: Link) -> Iterator[Finding]:
    url = link.url
    if url.count("(") != url.count(")"):
        yield BRACKETS.report(
            context,
            link.line,
            _("the link {link} has a bracket that is not closed, or one too many", link=shorten(url)),
            fix=_("Check whether the link is cut off. In a link, write %28 for ( and %29 for )."),
        )
