"""Read subscribers from CSV files, exported sheets and plain lists of addresses."""

from moza_mail.subscriber_file.answers import ColumnAnswers, read_answers
from moza_mail.subscriber_file.encoding import FileEncoding, SubscriberFileError, detect_encoding
from moza_mail.subscriber_file.formula_guard import guard_formula
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
    "FileEncoding",
    "RejectedRow",
    "SubscriberFile",
    "SubscriberFileError",
    "SubscriberFileOptions",
    "detect_encoding",
    "guard_formula",
    "is_attribute_name",
    "read_answers",
]
