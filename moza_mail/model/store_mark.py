"""Recognise that a store is another store, an older copy, or restored from a backup."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreMark:
    """The identity and the age of a store.

    store_id: a random text, made when the store was created. Copies have the same one.
    generation: grows at the beginning and the end of each run that sends, and at each backup. A copy with a lower number is
        older, and does not know who was mailed since.
    """

    store_id: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreGap:
    """The period between a backup and its restore.

    The store does not know the messages that were sent in this period.

    start: the last change in the backup.
    end: the time of the restore.
    is_open: True until a person has stated which issues were sent in that period. Until then nothing is sent.
    assumed_until: issues dated between `start` and this time count as sent, although the store does not know them.
    """

    start: datetime
    end: datetime
    is_open: bool = True
    assumed_until: datetime | None = None
