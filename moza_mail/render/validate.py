"""Refuse issues that cannot be mailed, before a template or the MJML engine sees them."""

from collections.abc import Iterator
from datetime import date, time
from types import MappingProxyType
from typing import Any

from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import Issue
from moza_mail.model.merge_field import MERGE_FIELD_EXAMPLE, MergeFieldError, split_merge_fields
from moza_mail.model.message import PLACEHOLDER
from moza_mail.model.send_time import LocalDateTime
from moza_mail.model.unmailable import UNMAILABLE, find_unmailable

# Each list counts as two levels (list and item). The MJML engine crashes at a few thousand levels, and Python's stack
# overflows at a few hundred.
MAX_DEPTH = 60
# Types in an issue that contain no text.
TYPES_WITHOUT_TEXT = {int, bool, date, time, LocalDateTime, MappingProxyType, type(None)}


def validate_issue(issue: Issue) -> None:
    """Raise IssueError, with the nearest line, for text that cannot be mailed.

    A text cannot be mailed if it contains a control character, one of our own placeholders or a `{{` that is
    not a merge field, or if it is nested too deeply.
    """
    for line_of_text in (issue.title, issue.subject, issue.summary):
        try:
            tuple(split_merge_fields(line_of_text))
        except MergeFieldError as error:
            raise IssueError(
                error.reason, source=issue.source, quoted=line_of_text, hint=MERGE_FIELD_EXAMPLE
            ) from None
    for value, depth, line in _walk(issue):
        if depth > MAX_DEPTH:
            raise IssueError(
                _(
                    "lists, quotes or emphasis are nested more than {max_depth} levels deep",
                    max_depth=MAX_DEPTH,
                ),
                source=issue.source,
                line=line,
                hint=_("Write it with less nesting."),
            )
        if isinstance(value, str):
            _validate_text(value, issue, line)


def _validate_text(text: str, issue: Issue, line: int) -> None:
    if found := find_unmailable(text):
        raise IssueError(
            _("a control character ({found}) cannot be mailed", found=found),
            source=issue.source,
            line=line,
            quoted=UNMAILABLE.sub("\N{REPLACEMENT CHARACTER}", text),
        )
    if PLACEHOLDER.search(text):
        raise IssueError(
            _("https://slot.invalid/ is reserved for the personal links of recipients"),
            source=issue.source,
            line=line,
            quoted=text,
        )


def _walk(issue: Issue) -> Iterator[tuple[Any, int, int]]:
    """Yield every part and text of the issue with its depth and line, without recursion."""
    waiting: list[tuple[Any, int, int]] = [(issue, 0, 1)]
    while waiting:
        value, depth, line = waiting.pop()
        yield value, depth, line
        if isinstance(value, str):
            continue
        if isinstance(value, tuple):
            waiting.extend([(part, depth, line) for part in reversed(value)])
        elif hasattr(value, "__slots__") and depth <= MAX_DEPTH:
            line = getattr(value, "line", 0) or line
            parts = [getattr(value, name) for name in value.__slots__]
            waiting.extend(
                [(part, depth + 1, line) for part in parts if type(part) not in TYPES_WITHOUT_TEXT]
            )
