"""Slot: the moment of the week at which a list is mailed, by the clock on the wall of a place."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self
from zoneinfo import ZoneInfo

from moza_mail.i18n import gettext as _

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SCHEDULE = re.compile(r"([a-z]{3})\s+(\d{1,2}):(\d{2})(?:\s+([A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*))?")
SCHEDULE_EXAMPLE = "wed 09:00 Europe/Amsterdam"
WEEK = timedelta(days=7)


def local_to_utc(day: date, clock: time, zone: tzinfo) -> datetime:
    """The moment in UTC of a time on the wall (RFC 5545, 3.3.5).

    One that comes twice, when summer time ends, means the first; one that does not come at all, when it begins, is read
    with the offset from before: 02:30 is half an hour after what would have been 2 o'clock, so 03:30.
    """
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def parse_time_zone(name: str) -> ZoneInfo:
    """A time zone by its name in the IANA database; raise ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(_("there is no time zone {name!r}; one is Europe/Amsterdam", name=name)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDateTime:
    """A time on the wall on one day, where that is said; without a zone it is that of the project."""

    day: date
    time: time
    zone: tzinfo | None = None

    def to_utc(self, default: tzinfo) -> datetime:
        """The moment in UTC."""
        return local_to_utc(self.day, self.time, self.zone or default)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklySchedule:
    """A weekday (0 is Monday), a time of the clock, and whose clock it is."""

    weekday: int
    time: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, default: ZoneInfo) -> Self:
        """Read `wed 09:00 Europe/Amsterdam`; without a zone it is the `default`. Raises ValueError."""
        found = SCHEDULE.fullmatch(text.strip())
        if not found or found[1] not in WEEKDAYS:
            raise ValueError(
                f"must be a day, a time and a zone such as {SCHEDULE_EXAMPLE!r}; the days are {', '.join(WEEKDAYS)}"
            )
        if int(found[2]) > 23 or int(found[3]) > 59:
            raise ValueError(f"{found[2]}:{found[3]} is no time of the day")
        where = parse_time_zone(found[4]) if found[4] else default
        return cls(weekday=WEEKDAYS.index(found[1]), time=time(int(found[2]), int(found[3])), zone=where)

    def send_time_for(self, day: date) -> datetime:
        """The moment at which an issue of that day is mailed: the first of this slot on the day or after it."""
        return local_to_utc(day + timedelta(days=(self.weekday - day.weekday()) % 7), self.time, self.zone)

    def next_send_times(self, moment: datetime, count: int) -> list[datetime]:
        """The next moments of this slot behind a moment."""
        day = moment.astimezone(self.zone).date() - WEEK
        moments: list[datetime] = []
        while len(moments) < count:
            found = self.send_time_for(day)
            if found > moment:
                moments.append(found)
            day += WEEK
        return moments

    def __str__(self) -> str:
        return f"{WEEKDAYS[self.weekday]} {self.time:%H:%M} {self.zone.key}"
