"""Change the text of an issue and keep every other byte."""

from moza_mail.edit.front_matter import body_line, keys, set_front_matter_value, values
from moza_mail.edit.line_endings import restore_line_endings
from moza_mail.edit.next_issue import (
    NextIssue,
    NextIssueSettings,
    make_next_issue,
    next_file_stem,
    next_issue_date,
)
from moza_mail.edit.outline import OutlinePart, PartKind, PartPosition, Siblings, move_part, read_outline
from moza_mail.edit.redate import format_date, redate, renumber, replace_date
from moza_mail.edit.source_map import AgendaEntry, EntryList, SectionSource, SourceMap, map_source

__all__ = [
    "AgendaEntry",
    "EntryList",
    "NextIssue",
    "NextIssueSettings",
    "OutlinePart",
    "PartKind",
    "PartPosition",
    "SectionSource",
    "Siblings",
    "SourceMap",
    "body_line",
    "format_date",
    "keys",
    "make_next_issue",
    "map_source",
    "move_part",
    "next_file_stem",
    "next_issue_date",
    "read_outline",
    "redate",
    "renumber",
    "replace_date",
    "restore_line_endings",
    "set_front_matter_value",
    "values",
]
