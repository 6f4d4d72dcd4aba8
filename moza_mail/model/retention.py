"""How long what is held of people is kept, and what the end of a time took away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How long each kind is kept, in days; the defaults are those of the documentation.

    `deliveries`: whom a message went to and what was said of it. `bounces`: what a report said, and its letter. `sign_ups`: one
    that was never confirmed. `audit`: an entry of the audit trail.
    """

    deliveries: int = 90
    bounces: int = 30
    sign_ups: int = 14
    audit: int = 1826

    def before(self, kind: str, now: datetime) -> datetime:
        """What is older than this moment has had its time."""
        return now - timedelta(days=getattr(self, kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What was taken away, by kind; `still_open` are old deliveries that wait for a human and are kept for them.

    `remains` and `complete` are as of an Erased.
    """

    taken: Mapping[str, int]
    still_open: int = 0
    remains: str = ""
    complete: bool = True
