"""Messages that can be translated, and their translations."""

from moza_mail.i18n.message import (
    Translatable,
    describe_error,
    describe_os_error,
    gettext,
    index_by_text,
    join_texts,
    ngettext,
)

__all__ = [
    "Translatable",
    "describe_error",
    "describe_os_error",
    "gettext",
    "index_by_text",
    "join_texts",
    "ngettext",
]
