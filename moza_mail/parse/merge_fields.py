"""Recognise merge fields in the text of an issue, and refuse misplaced ones."""

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

# Mail programs turn a bare address into a link. A merge field right after one of these texts would be a part of the link.
UNFINISHED_ADDRESS = re.compile(r"(?:://|www\.|mailto:|tel:|\]\()\S*\Z", re.IGNORECASE)
# Markdown percent-encodes the braces in a URL.
BRACES = re.compile(r"\{\{|%7B%7B", re.IGNORECASE)
MAX_ADDRESS = 2000
HINT = _(
    "{example} In a table, write \\| for |. Put braces that recipients should see between backticks.",
    example=MERGE_FIELD_EXAMPLE,
)
IN_ADDRESS = _(
    "a merge field may not be part of an address: a personal link tells the site which recipient follows it"
)


class MisplacedMergeFieldError(Exception):
    """A merge field in a place where none is allowed.

    message: the problem, as a clause for a longer sentence.
    """

    def __init__(self, message: Translatable, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def install_merge_fields(markdown: "MarkdownIt") -> None:
    """Make the Markdown parser read `{{ ... }}` as one token of type `field`."""
    # Shortcodes also begin with `{{`, so their rule comes first.
    markdown.inline.ruler.after("shortcode", "field", _read_token)


def _read_token(state: "StateInline", silent: bool) -> bool:
    if not state.src.startswith("{{", state.pos):
        return False
    line_end = state.src.find("\n", state.pos, state.posMax)
    row = state.src[state.pos : line_end if line_end >= 0 else state.posMax]
    close = row.find("}}")
    written = row[: close + 2] if close >= 0 else row
    if not silent:
        state.push("field", "", 0).content = written
    state.pos += len(written)
    return True


def has_merge_field(url: str) -> bool:
    """Return True if a URL or title contains the beginning of a merge field."""
    return BRACES.search(url) is not None


def find_field_after_address(inlines: Inlines) -> MergeField | None:
    """Return the first merge field that would become part of an address before it.

    None if there is no such field.
    """
    before = ""
    for inline in _leaves(inlines):
        if isinstance(inline, MergeField) and UNFINISHED_ADDRESS.search(before):
            return inline
        text = "\n" if isinstance(inline, LineBreak) else to_plain_text((inline,))
        # An address has no white space, so only the last word before a merge field can be part of an address.
        before = (before + text if not text[-1:].isspace() else "").rpartition(" ")[2][-MAX_ADDRESS:]
    return None


def _leaves(inlines: Inlines) -> Iterator[Inline]:
    for inline in inlines:
        if isinstance(inline, Strong | Emphasis | Strike | Link):
            yield from _leaves(inline.children)
        else:
            yield inline


def refuse_merge_fields(inlines: Inlines, where: Translatable) -> None:
    """Raise an error for a merge field in text that is the same for all recipients."""
    for found in collect_merge_fields(inlines):
        raise MisplacedMergeFieldError(_("{where} may not contain a merge field", where=where), found.line)


def require_defaults(inlines: Inlines) -> None:
    """Raise an error for a merge field without a default in the text of an event."""
    for found in collect_merge_fields(inlines):
        if found.default is None:
            raise MisplacedMergeFieldError(
                _(
                    "a merge field in the agenda needs a default, because the calendar file is the same for all"
                ),
                found.line,
            )


def check_merge_fields(issue: Issue, attributes: Collection[str], text: str = "") -> None:
    """Raise IssueError for the merge fields that the list does not have.

    attributes: the attributes of the list. A merge field must be one of these attributes or `name`.
    text: the text of the issue's file; the error quotes the line with the merge field.
    """
    allowed = (NAME_FIELD, *attributes)
    rows = text.split("\n")
    IssueError.raise_together(
        IssueError(
            _("there is no merge field `{field}`", field=field.name),
            source=issue.source,
            line=field.line,
            quoted=rows[field.line - 1] if 0 < field.line <= len(rows) else "",
            hint=_(
                "The merge fields of the list are: {known}. Add others to `attributes` in subscribers/lists.toml.",
                known=", ".join(allowed),
            ),
        )
        for field in issue.merge_fields
        if field.name not in allowed
    )
