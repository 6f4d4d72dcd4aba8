"""Send times: local times of an issue, and the weekly schedule of a list."""

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
    """Convert a local time to UTC (RFC 5545, 3.3.5).

    When summer time ends, a time can occur twice; the first one is used. When summer time begins, some times do not occur; such
    a time is read with the offset before the change, so 02:30 becomes 03:30.
    """
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def parse_time_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; raise ValueError if it does not exist."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(
            _("there is no time zone `{name}`; write one such as Europe/Amsterdam", name=name)
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDateTime:
    """A local day and time.

    zone: None for the time zone of the project.
    """

    day: date
    time: time
    zone: tzinfo | None = None

    def to_utc(self, default: tzinfo) -> datetime:
        """Return the time in UTC.

        default: the time zone to use if there is no `zone`.
        """
        return local_to_utc(self.day, self.time, self.zone or default)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklySchedule:
    """The weekday (0 is Monday) and local time at which a list is mailed."""

    weekday: int
    time: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, default: ZoneInfo) -> Self:
        """Parse `wed 09:00 Europe/Amsterdam`; raise ValueError if it is wrong.

        default: the time zone, if the text has none.
        """
        found = SCHEDULE.fullmatch(text.strip())
        if not found or found[1] not in WEEKDAYS:
            raise ValueError(
                _(
                    "must be a day, a time and a time zone such as `{example}`; the days are {days}",
                    example=SCHEDULE_EXAMPLE,
                    days=", ".join(WEEKDAYS),
                )
            )
        if int(found[2]) > 23 or int(found[3]) > 59:
            raise ValueError(_("has a time that does not exist: {time}", time=f"{found[2]}:{found[3]}"))
        zone = parse_time_zone(found[4]) if found[4] else default
        return cls(weekday=WEEKDAYS.index(found[1]), time=time(int(found[2]), int(found[3])), zone=zone)

    def send_time_for(self, day: date) -> datetime:
        """Return when an issue of this day is sent: the first scheduled time on that day or later."""
        return local_to_utc(day + timedelta(days=(self.weekday - day.weekday()) % 7), self.time, self.zone)

    def next_send_times(self, moment: datetime, count: int) -> list[datetime]:
        """Return the next scheduled times after a moment."""
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
