"""Change parts of an issue's text without changing any other byte."""

from moza_mail.edit.front_matter import set_front_matter_value
from moza_mail.edit.line_endings import restore_line_endings
from moza_mail.edit.next_issue import (
    NextIssue,
    NextIssueSettings,
    make_next_issue,
    next_file_stem,
    next_issue_date,
)
from moza_mail.edit.outline import OutlinePart, PartPosition, move_part, read_outline
from moza_mail.edit.redate import format_date

__all__ = [
    "NextIssue",
    "NextIssueSettings",
    "OutlinePart",
    "PartPosition",
    "format_date",
    "make_next_issue",
    "move_part",
    "next_file_stem",
    "next_issue_date",
    "read_outline",
    "restore_line_endings",
    "set_front_matter_value",
]
