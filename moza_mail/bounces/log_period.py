"""Find the period that the log of a relay covers, from the times of its lines about mail."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from moza_mail.bounces.relay_log import ACCEPTED, MAX_LINE_LENGTH
from moza_mail.model.relay_log import LogPeriod

# Lines of Postfix and Exim. Lines of other programs count if they report acceptance and have an address or a Message-ID.
POSTFIX = re.compile(r"\bpostfix\S*/\w+\[\d+\]: ")
EXIM = re.compile(r"\s\w{6}-\w{6,11}-\w{2,4} (?:<=|=>|->|==|\*\*|Completed)")
ADDRESS = re.compile(r"[^\s<>@]@[^\s<>@]")
ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?\s?(Z|[+-]\d\d:?\d\d)?")
SYSLOG_TIME = re.compile(r"([A-Z][a-z]{2})\s+(\d{1,2}) (\d\d:\d\d:\d\d)\s")
SYSLOG_PREFIX = re.compile(r"<\d{1,3}>(?:1 )?")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAY = timedelta(days=1)


def read_log_period(lines: Iterable[str], now: datetime) -> LogPeriod | None:
    """Return the period from the earliest to the latest line about mail.

    Returns None if no such line has a time. A time without a zone may be local time of this machine or UTC. The period
    then begins at the later of the two, so that it never begins before the log. A time without a year is the
    most recent one that is at most a day in the future.
    """
    first: datetime | None = None
    last: datetime | None = None
    beginning = ""
    for raw in lines:
        line = SYSLOG_PREFIX.sub("", raw[:MAX_LINE_LENGTH], count=1)
        # Most lines have the same second as the line before, and need no parsing.
        if line[:25] == beginning or not _is_about_mail(line):
            continue
        beginning = line[:25]
        if (moment := _parse_time(line, now)) is None:
            continue
        earliest = moment if moment.tzinfo else max(moment.astimezone(UTC), moment.replace(tzinfo=UTC))
        latest = moment.astimezone(UTC)
        first = min(first or earliest, earliest)
        last = max(last or latest, latest)
    return LogPeriod(first=first.astimezone(UTC), last=last) if first and last else None


def _is_about_mail(line: str) -> bool:
    return bool(POSTFIX.search(line) or EXIM.search(line) or (ADDRESS.search(line) and ACCEPTED.search(line)))


def _parse_time(line: str, now: datetime) -> datetime | None:
    """Return the time at the beginning of a line; None if the line has no time.

    A time without a zone is returned as a naive datetime.
    """
    try:
        if found := ISO_TIME.match(line):
            return datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or ''}")
        if found := SYSLOG_TIME.match(line):
            month = MONTHS.index(found[1]) + 1
            parts = f"{month:02}-{int(found[2]):02}T{found[3]}"
            years = (now.year + 1, now.year, now.year - 1)
            moments = [moment for year in years if (moment := _parse_date(f"{year}-{parts}"))]
            return next((moment for moment in moments if moment.astimezone(UTC) < now + DAY), None)
    except ValueError:
        return None
    return None


def _parse_date(text: str) -> datetime | None:
    """Return a naive time; None if it does not exist, such as 29 February in most years."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
