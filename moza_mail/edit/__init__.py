"""Change the text of an issue and keep every other byte."""

from moza_mail.edit.front_matter import body_line, keys, values, with_value
from moza_mail.edit.line_endings import restored
from moza_mail.edit.next_issue import Following, Terms, file_stem, following, next_date
from moza_mail.edit.outline import Family, Kind, Piece, Place, moved, outline
from moza_mail.edit.redate import in_words, redated, renumbered, unset
from moza_mail.edit.source_map import Entry, Layout, Part, Run, layout

__all__ = [
    "Entry",
    "Family",
    "Following",
    "Kind",
    "Layout",
    "Part",
    "Piece",
    "Place",
    "Run",
    "Terms",
    "body_line",
    "file_stem",
    "following",
    "in_words",
    "keys",
    "layout",
    "moved",
    "next_date",
    "outline",
    "redated",
    "renumbered",
    "restored",
    "unset",
    "values",
    "with_value",
]
