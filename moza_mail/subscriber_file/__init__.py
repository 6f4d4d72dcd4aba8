"""Read subscribers from CSV files, workbooks and plain lists of addresses."""

from moza_mail.subscriber_file.encoding import PeopleError, Writing, writing
from moza_mail.subscriber_file.formula_guard import guarded, unguarded
from moza_mail.subscriber_file.subscribers import LONGEST_VALUE, NAMES, Asked, Columns, People, may_be_kept
from moza_mail.subscriber_file.table import Refused

__all__ = [
    "LONGEST_VALUE",
    "NAMES",
    "Asked",
    "Columns",
    "People",
    "PeopleError",
    "Refused",
    "Writing",
    "guarded",
    "may_be_kept",
    "unguarded",
    "writing",
]
