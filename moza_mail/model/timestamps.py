"""Moments: every stored time is an aware UTC datetime, checked at birth."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

DURATION = re.compile(r"(\d{1,4})\s*([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def require_utc(*moments: datetime | None) -> None:
    """Raise ValueError for a moment that is naive or not in UTC."""
    for moment in moments:
        if moment is not None and moment.utcoffset() != timedelta(0):
            raise ValueError(f"not an aware UTC time: {moment!r}")


@lru_cache(maxsize=64)  # a chunk of rows bears one moment
def format_utc(moment: datetime) -> str:
    """A moment as text that sorts as time does: 2026-01-14T08:00:00.000000+00:00; raise ValueError when it is not UTC."""
    require_utc(moment)
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `30m`, `2h` or `3d`; raise ValueError for anything else."""
    found = DURATION.fullmatch(text.strip())
    if not found:
        raise ValueError("must be a time such as 90s, 30m, 2h or 3d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
