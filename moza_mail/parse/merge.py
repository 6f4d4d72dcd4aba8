"""Merge fields in an issue's text: found before Markdown takes their quotes and bars, and refused where none may be."""

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from moza_mail.errors import IssueError
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import (
    Emphasis,
    Inline,
    Inlines,
    Issue,
    LineBreak,
    Link,
    Strike,
    Strong,
    collect_merge_fields,
    to_plain_text,
)
from moza_mail.model.merge_field import MERGE_FIELD_EXAMPLE, NAME_FIELD, MergeField

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

# A value behind one of these is part of an address: mail programs make a link of a bare one.
ADDRESS = re.compile(r"(?:://|www\.|mailto:|tel:|\]\()\S*\Z", re.IGNORECASE)
# Markdown writes what it reads as an address with its braces coded.
BRACES = re.compile(r"\{\{|%7B%7B", re.IGNORECASE)
HINT = _(
    "{example} In a table write \\| for |. Put braces that are meant for the reader between backticks.",
    example=MERGE_FIELD_EXAMPLE,
)
NO_ADDRESS = _(
    "a field may not stand in an address: a link of the reader's own tells the site who follows it"
)


class Misplaced(Exception):
    """A field where none may stand: `line`, and why as a clause."""

    def __init__(self, message: Translatable, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def install(markdown: "MarkdownIt") -> None:
    """Teach the parser that `{{ ... }}` is one token, `field`; shortcodes have been looked for before."""
    markdown.inline.ruler.after("shortcode", "field", _rule)


def _rule(state: "StateInline", silent: bool) -> bool:
    if not state.src.startswith("{{", state.pos):
        return False
    ends = state.src.find("\n", state.pos, state.posMax)
    row = state.src[state.pos : ends if ends >= 0 else state.posMax]
    close = row.find("}}")
    written = row[: close + 2] if close >= 0 else row
    if not silent:
        state.push("field", "", 0).content = written
    state.pos += len(written)
    return True


def in_address(url: str) -> bool:
    """Whether an address holds the beginning of a field."""
    return BRACES.search(url) is not None


def behind_address(inlines: Inlines) -> MergeField | None:
    """The first field that follows an address without a space, and so would be part of it."""
    before = ""
    for inline in _leaves(inlines):
        if isinstance(inline, MergeField) and ADDRESS.search(before):
            return inline
        before += "\n" if isinstance(inline, LineBreak) else to_plain_text((inline,))
    return None


def _leaves(inlines: Inlines) -> Iterator[Inline]:
    for inline in inlines:
        if isinstance(inline, Strong | Emphasis | Strike | Link):
            yield from _leaves(inline.children)
        else:
            yield inline


def refuse(inlines: Inlines, where: Translatable) -> None:
    """Raise Misplaced when there is a field in what everyone gets alike."""
    for found in collect_merge_fields(inlines):
        raise Misplaced(_("{where} may not hold a field", where=where), found.line)


def refuse_undefaulted(inlines: Inlines) -> None:
    """Raise Misplaced for a field without a default in an event: a calendar file is the same for all."""
    for found in collect_merge_fields(inlines):
        if found.default is None:
            raise Misplaced(
                _("a field in the agenda needs a default, which stands in the calendar"), found.line
            )


def check_merge_fields(issue: Issue, names: Collection[str], text: str = "") -> None:
    """Raise IssueError for the first field that is neither `name` nor one of the list's; `text` is the issue's file."""
    allowed = (NAME_FIELD, *names)
    for field in issue.merge_fields:
        if field.name not in allowed:
            rows = text.split("\n")
            raise IssueError(
                _("there is no field `{field}`", field=field.name),
                source=issue.source,
                line=field.line,
                quoted=rows[field.line - 1] if 0 < field.line <= len(rows) else "",
                hint=_(
                    "The list's fields are: {known}. Others come with `attributes` in subscribers/lists.toml.",
                    known=", ".join(allowed),
                ),
            )
