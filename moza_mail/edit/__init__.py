"""Change parts of an issue's text without changing any other byte."""

from typing import TYPE_CHECKING

from moza_mail.lazy import import_on_first_use

if TYPE_CHECKING:
    from moza_mail.edit.front_matter import set_front_matter_value
    from moza_mail.edit.line_endings import restore_line_endings
    from moza_mail.edit.next_issue import (
        NextIssue,
        NextIssueSettings,
        make_next_issue,
        next_file_stem,
        next_issue_date,
    )
    from moza_mail.edit.outline import move_part, read_outline
    from moza_mail.edit.redate import format_date
    from moza_mail.edit.write_markdown import html_to_markdown

__all__ = [
    "NextIssue",
    "NextIssueSettings",
    "format_date",
    "html_to_markdown",
    "make_next_issue",
    "move_part",
    "next_file_stem",
    "next_issue_date",
    "read_outline",
    "restore_line_endings",
    "set_front_matter_value",
]

__getattr__ = import_on_first_use(
    __name__,
    front_matter="set_front_matter_value",
    line_endings="restore_line_endings",
    next_issue="NextIssue NextIssueSettings make_next_issue next_file_stem next_issue_date",
    outline="move_part read_outline",
    redate="format_date",
    write_markdown="html_to_markdown",
)
