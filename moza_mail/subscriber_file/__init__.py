"""Read subscribers from CSV files, exported sheets and plain lists of addresses."""

from moza_mail.subscriber_file.answers import ColumnAnswers, names_to_keep, read_answers
from moza_mail.subscriber_file.column_plan import ColumnPlan
from moza_mail.subscriber_file.encoding import FileEncoding, SubscriberFileError, detect_encoding
from moza_mail.subscriber_file.formula_guard import guard_formula, unguard_formula
from moza_mail.subscriber_file.subscribers import (
    COLUMN_NAMES_HINT,
    MAX_VALUE_LENGTH,
    SubscriberFile,
    SubscriberFileOptions,
    is_attribute_name,
)
from moza_mail.subscriber_file.table import RejectedRow

__all__ = [
    "COLUMN_NAMES_HINT",
    "MAX_VALUE_LENGTH",
    "ColumnAnswers",
    "ColumnPlan",
    "FileEncoding",
    "RejectedRow",
    "SubscriberFile",
    "SubscriberFileError",
    "SubscriberFileOptions",
    "detect_encoding",
    "guard_formula",
    "is_attribute_name",
    "names_to_keep",
    "read_answers",
    "unguard_formula",
]
