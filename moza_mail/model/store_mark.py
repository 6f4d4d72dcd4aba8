"""Detect that a store was replaced by another one or an older copy, or restored from a backup."""

from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Self

from moza_mail.model.relay_log import LogPeriod
from moza_mail.model.send_time import LocalDateTime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreMark:
    """The identity and the age of a store.

    store_id: a random text, made when the store was created. Copies of the store have the same text.
    generation: grows at the beginning and the end of each run that sends, before each group of messages, and at each backup.
        A copy with a lower number is older, and does not know who was mailed since.
    """

    store_id: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreGap:
    """The period between a backup and its restore.

    The store does not know the messages that were sent in this period.

    start: the time of the last change in the backup.
    end: the time of the restore.
    is_open: True until a person has stated which issues were sent in that period. Until then nothing is sent.
    assumed_through: issues dated up to this day count as sent, although the store does not know them.
    """

    start: datetime
    end: datetime
    is_open: bool = True
    assumed_through: date | None = None

    def without(self, period: LogPeriod | None) -> Self:
        """Return the part of the gap that a log does not cover. If the log covers all of it, the gap is no longer open."""
        if period is None:
            return self
        if period.first <= self.start:
            return replace(
                self, start=max(self.start, min(period.last, self.end)), is_open=period.last < self.end
            )
        return replace(self, end=period.first) if period.last >= self.end > period.first else self

    def assume_sent(self, until: datetime, zone: tzinfo) -> Self:
        """Return the gap after a person's statement that every issue up to a time was sent.

        zone: the time zone of the issues' dates.
        """
        through = until.astimezone(zone).date()
        return replace(self, is_open=until < self.end, assumed_through=through)

    def counts_as_sent(self, day: date | None, send_at: LocalDateTime | None) -> bool:
        """Return True if an issue that the store does not know counts as sent.

        An issue may have been sent long after its date, or at its own send time before its date. An issue without a date may
        have been sent at any time.
        """
        through = self.assumed_through
        return through is not None and (
            day is None or day <= through or (send_at is not None and send_at.day <= through)
        )
