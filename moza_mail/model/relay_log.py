"""Findings in the log of a relay."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceProof:
    """A log line that proves that the relay accepted a message.

    queue_id: empty if the line has none.
    """

    message_id: str
    queue_id: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPeriod:
    """The period that the log of a relay covers: the times of its earliest and its latest line about mail."""

    first: datetime
    last: datetime
