"""Read a day or a time that a person typed in an option."""

from contextlib import suppress
from datetime import datetime

DUTCH_FORMATS = ("%d-%m-%Y", "%d-%m-%Y %H:%M")


def parse_typed_time(text: str | datetime) -> datetime | None:
    """Return the time; None if the text is not a day or a time. A day counts as its first moment.

    The result has a zone only if the text has one. A time is returned unchanged.
    """
    if isinstance(text, datetime):
        return text
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    for pattern in DUTCH_FORMATS:
        with suppress(ValueError):
            return datetime.strptime(text, pattern)  # noqa: DTZ007  # the command adds the zone
    return None
