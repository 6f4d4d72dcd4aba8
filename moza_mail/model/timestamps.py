"""Times and durations; every stored time is an aware UTC datetime."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from moza_mail.i18n import gettext as _

DURATION = re.compile(r"(\d{1,4})\s*([smhd])")
# Messages contain times in UTC, which are printed in local time.
SHOWN_TIME = re.compile(r"\b(\d{4}-[01]\d-[0-3]\d [0-2]\d:[0-5]\d)(:[0-5]\d)? UTC\b")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def require_utc(*moments: datetime | None) -> None:
    """Raise ValueError if a time is naive or not in UTC."""
    for moment in moments:
        if moment is not None and moment.utcoffset() != timedelta(0):
            raise ValueError(f"not an aware UTC time: {moment!r}")


@lru_cache(maxsize=64)  # the rows of a batch share one time
def format_utc(moment: datetime) -> str:
    """Format a time as text that sorts chronologically; raise ValueError if it is not UTC.

    The form is 2026-01-14T08:00:00.000000+00:00.
    """
    require_utc(moment)
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse_duration(text: str) -> timedelta:
    """Parse `90s`, `30m`, `2h` or `3d`; raise ValueError for anything else."""
    found = DURATION.fullmatch(text.strip())
    if not found:
        raise ValueError(_("must be a duration such as 90s, 30m, 2h or 3d"))
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def format_duration(duration: timedelta) -> str:
    """Return `45 s`, `3 min 20 s` or `2 h 5 min`."""
    seconds = round(duration.total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def localize_times(text: str, zone: tzinfo) -> str:
    """Replace each time such as `2026-01-14 08:00 UTC` in a message by the local time, with its zone."""

    def localize(found: re.Match[str]) -> str:
        seconds = ":%S" if found[2] else ""
        moment = datetime.fromisoformat(f"{found[1]}{found[2] or ''}+00:00").astimezone(zone)
        return moment.strftime(f"%Y-%m-%d %H:%M{seconds} %Z")

    return SHOWN_TIME.sub(localize, text)
