"""Parse the file of an issue into an `Issue`.

Only this package knows in how many different ways authors write the same thing.
"""

from typing import TYPE_CHECKING

from moza_mail.lazy import import_on_first_use
from moza_mail.model.agenda_headings import AGENDA_HEADINGS

if TYPE_CHECKING:
    from moza_mail.parse.front_matter import FrontMatter, read_front_matter
    from moza_mail.parse.front_matter_keys import KNOWN_KEYS
    from moza_mail.parse.issue import (
        MAX_CHARACTERS,
        normalize_line_endings,
        parse_issue,
        parse_issue_header,
    )
    from moza_mail.parse.merge_fields import check_merge_fields
    from moza_mail.parse.pasted_html import read_pasted_html

__all__ = [
    "AGENDA_HEADINGS",
    "KNOWN_KEYS",
    "MAX_CHARACTERS",
    "FrontMatter",
    "check_merge_fields",
    "normalize_line_endings",
    "parse_issue",
    "parse_issue_header",
    "read_front_matter",
    "read_pasted_html",
]

__getattr__ = import_on_first_use(
    __name__,
    front_matter="FrontMatter read_front_matter",
    front_matter_keys="KNOWN_KEYS",
    issue="MAX_CHARACTERS normalize_line_endings parse_issue parse_issue_header",
    merge_fields="check_merge_fields",
    pasted_html="read_pasted_html",
)
