"""Parse times as authors write them.

Examples are `14:00`, `2-3:30 pm`, `van 9 tot 10 uur`, `half drie 's middags` and `18:00 UTC`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, time, timedelta, timezone, tzinfo
from enum import StrEnum

from moza_mail.parse.date_tokens import MAX_SPACES, Kind, Token
from moza_mail.parse.date_words import (
    AMBIGUOUS_ZONES,
    CENTRAL_EUROPE,
    CITIES,
    DAY_PARTS,
    DUTCH_NUMBERS,
    HOUR_UNITS,
    HOURS_IN_WORDS,
    MERIDIEMS,
    TIME_LEADS,
    UNTIL_WORDS,
    ZONES,
    load_zone,
)

ZONE = re.compile(
    r"\s{0,3}\(?(?:(?P<offset>(?:UTC|GMT)?\s?[+−-]\d{1,2}(?::?[0-5]\d)?)(?![\w-])"
    r"|(?P<iana>[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?)(?!\w)"
    r"|(?P<name>[A-Za-z]{1,8})(?:\s[Tt]ime)?(?!\w))\)?"
)
CITY = re.compile(r"\s{0,3}[(,]\s?(?P<city>[A-Za-z]+(?: [A-Za-z]+)?)\)?(?!\w)")
# The hours that are usually meant in the afternoon, when `2 uur` is written without `'s middags`.
UNCERTAIN_HOURS = range(1, 7)
# An event that ends at this time or earlier can have begun on the day before. So can one of at most half a day.
EARLY_MORNING = time(6)
HALF_DAY_MINUTES = 12 * 60
TWELVE_HOUR_UNITS = frozenset(["uur", "u", "uhr", "hrs", "hr"])


class TimeProblem(StrEnum):
    """The reason why the meaning of a written time is not certain."""

    HOUR = "hour"
    ZONE = "zone"
    BACKWARD = "backward_times"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTimes:
    """Times in a line, with their place and their zone.

    start, stop: the range of characters.
    next_token: the index of the token after the times.
    start_time: None if `problem` says why the time is not certain.
    zone: the time zone, None if none is written.
    zone_name: the zone as written, in lower case.
    """

    start: int
    stop: int
    next_token: int
    start_time: time | None
    end_time: time | None = None
    zone: tzinfo | None = None
    zone_name: str = ""
    problem: TimeProblem | None = None


def refuse_backward_times(found: FoundTimes, day_count: int) -> FoundTimes:
    """Return times without a meaning if they end before they begin, else the times unchanged.

    An event that lasts several days, or until the early morning, may end at an earlier hour than it begins.
    """
    start, end = found.start_time, found.end_time
    if day_count != 1 or start is None or end is None or end > start or end <= EARLY_MORNING:
        return found
    if start.hour * 60 + start.minute - end.hour * 60 - end.minute >= HALF_DAY_MINUTES:
        return found
    return replace(found, start_time=None, end_time=None, problem=TimeProblem.BACKWARD)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clock:
    """One time as written.

    meridiem: 0 for am, 12 for pm, None if neither is written.
    is_explicit: True if written with minutes, a unit or am/pm. A number alone is a time only in a range.
    """

    hour: int
    minute: int = 0
    meridiem: int | None = None
    is_explicit: bool = True
    is_uncertain: bool = False
    next_token: int

    def to_time(self) -> time | None:
        hour = self.hour
        if self.meridiem is not None:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + self.meridiem
        return time(hour, self.minute) if hour < 24 and self.minute < 60 else None


class TimeParser:
    """Finds times among the tokens of one line."""

    def __init__(self, line: str, tokens: Sequence[Token], lang: str) -> None:
        self.line = line
        self.tokens = tokens
        self.lang = lang
        self.texts = [token.text if token.gap <= MAX_SPACES else "" for token in tokens]

    def text_at(self, index: int) -> str:
        """Return the text of a token.

        Empty if there is no such token, or if too many spaces separate it from the token before it.
        """
        return self.texts[index] if 0 <= index < len(self.texts) else ""

    def kind_at(self, index: int) -> Kind | None:
        """Return the kind of a token; None where `text_at` is empty."""
        return self.tokens[index].kind if 0 <= index < len(self.texts) and self.texts[index] else None

    def times_at(self, index: int, *, needs_lead: bool = False) -> FoundTimes | None:
        """Return the times that begin at a token.

        needs_lead: accept the times only if a word such as `om` is before them.
        """
        begin = self._skip_lead(index)
        if needs_lead and begin == index:
            return None
        first = self.clock_at(begin) or self._bare_at(begin)
        if first is None:
            return None
        last = self._last_clock(first)
        if not first.is_explicit and (last is None or not last.is_explicit):
            return None
        first, last = _share_meridiem(first, last)
        found = self._make_times(index, first, last)
        return self._add_second_zone(self._add_zone(found)) if found else None

    def _skip_lead(self, index: int) -> int:
        if self.text_at(index) == "à" and self.text_at(index + 1) == "partir":
            return index + 3
        return index + 1 if self.text_at(index) in TIME_LEADS else index

    def _last_clock(self, first: _Clock) -> _Clock | None:
        index = first.next_token
        if (
            self.text_at(index) == "tot"
            and self.text_at(index + 1) == "en"
            and self.text_at(index + 2) == "met"
        ):
            index += 2
        elif not (self.kind_at(index) is Kind.HYPHEN or self.text_at(index) in UNTIL_WORDS | {"t/m"}):
            return None
        return self.clock_at(index + 1) or self._bare_at(index + 1)

    def _bare_at(self, index: int) -> _Clock | None:
        if self.kind_at(index) is not Kind.NUMBER:
            return None
        return _Clock(hour=self.tokens[index].values[0], is_explicit=False, next_token=index + 1)

    def clock_at(self, index: int) -> _Clock | None:
        """Return the time at a token if it is clearly a time; None for a number alone.

        A clear time has minutes, a unit, am or pm, or is written in words.
        """
        kind, text = self.kind_at(index), self.text_at(index)
        if kind is Kind.CLOCK:
            hour, minute = self.tokens[index].values
            is_short = self.lang.startswith("en") and not text.startswith("0")
            clock = _Clock(
                hour=hour,
                minute=minute,
                is_uncertain=is_short and hour in UNCERTAIN_HOURS,
                next_token=index + 1,
            )
            return self._add_day_part(self._add_unit(clock))
        if kind is Kind.NUMBER:
            clock = _Clock(hour=self.tokens[index].values[0], is_explicit=False, next_token=index + 1)
            found = self._add_unit(clock)
            return self._add_day_part(found) if found.is_explicit else None
        if text in HOURS_IN_WORDS:
            return _Clock(hour=HOURS_IN_WORDS[text], next_token=index + 1)
        return self._words_at(index) if self.lang.startswith("nl") else None

    def _words_at(self, index: int) -> _Clock | None:
        """Return a Dutch time in words, such as `half drie` or `kwart over 4`."""
        offset, at = {"half": (-30, 1), "kwart": (15, 2)}.get(self.text_at(index), (0, 0))
        if not at:
            return None
        if at == 2:
            if self.text_at(index + 1) not in {"over", "voor"}:
                return None
            offset = 15 if self.text_at(index + 1) == "over" else -15
        text = self.text_at(index + at)
        hour = DUTCH_NUMBERS.get(text, int(text) if text.isdecimal() and len(text) < 3 else 0)
        if not 1 <= hour <= 12:
            return None
        hours, minute = divmod(hour % 12 * 60 + offset, 60)
        clock = _Clock(hour=hours % 12 or 12, minute=minute, is_uncertain=True, next_token=index + at + 1)
        return self._add_day_part(clock)

    def _add_unit(self, clock: _Clock) -> _Clock:
        text = self.text_at(clock.next_token)
        if text in MERIDIEMS:
            return replace(
                clock,
                meridiem=MERIDIEMS[text],
                is_explicit=True,
                is_uncertain=False,
                next_token=clock.next_token + 1,
            )
        if text in HOUR_UNITS:
            uncertain = not clock.is_explicit and text in TWELVE_HOUR_UNITS and clock.hour in UNCERTAIN_HOURS
            return replace(clock, is_explicit=True, is_uncertain=uncertain, next_token=clock.next_token + 1)
        return clock

    def _add_day_part(self, clock: _Clock) -> _Clock:
        index = clock.next_token
        if self.text_at(index) in {"'", "’", "‘"} and self.text_at(index + 1) == "s":
            index += 2
        elif self.text_at(index) in {"in", "de"}:
            index += 2 if self.text_at(index + 1) == "de" else 1
        part = self.text_at(index)
        if part not in DAY_PARTS or clock.hour > 12:
            return clock
        is_late = part in {"nachts", "nacht"} and 9 <= clock.hour < 12
        meridiem = 12 if is_late else DAY_PARTS[part]
        return replace(clock, meridiem=meridiem, is_uncertain=False, next_token=index + 1)

    def _make_times(self, index: int, first: _Clock, last: _Clock | None) -> FoundTimes | None:
        start_time = first.to_time()
        is_midnight = last is not None and (last.hour, last.minute, last.meridiem) == (24, 0, None)
        end_time = time(0) if is_midnight else last.to_time() if last else None
        if start_time is None or (last and end_time is None):
            return None
        next_token = last.next_token if last else first.next_token
        is_uncertain = first.is_uncertain or (last is not None and last.is_uncertain)
        if last and last.meridiem is None and last.hour not in UNCERTAIN_HOURS and first.hour >= 7:
            is_uncertain = False
        found = FoundTimes(
            start=self.tokens[index].start,
            stop=self.tokens[next_token - 1].stop,
            next_token=next_token,
            start_time=start_time,
            end_time=end_time,
        )
        return (
            replace(found, start_time=None, end_time=None, problem=TimeProblem.HOUR)
            if is_uncertain
            else found
        )

    def _add_zone(self, found: FoundTimes) -> FoundTimes:
        match = ZONE.match(self.line, found.stop)
        if match is None:
            return found
        zone, stop, is_ambiguous = self._read_zone(match)
        if zone is None and not is_ambiguous:
            return found
        written = self.line[match.start() : stop]
        stop -= written.count(")") > written.count("(")
        next_token = found.next_token
        while next_token < len(self.tokens) and self.tokens[next_token].start < stop:
            next_token += 1
        name = (match["name"] or "").lower()
        problem = TimeProblem.ZONE if is_ambiguous else found.problem
        changed = replace(found, stop=stop, next_token=next_token, zone=zone, zone_name=name, problem=problem)
        return replace(changed, start_time=None, end_time=None) if problem else changed

    def _read_zone(self, match: re.Match[str]) -> tuple[tzinfo | None, int, bool]:
        """Return a zone, the position where its text ends, and True if its name is ambiguous."""
        name, stop = match["name"] or "", match.end()
        if match["offset"]:
            return _parse_offset(match["offset"]), stop, False
        if match["iana"]:
            return load_zone(match["iana"]), stop, False
        if name.lower() in ZONES and name.isupper():
            return (UTC if ZONES[name.lower()] == "UTC" else load_zone(CENTRAL_EUROPE)), stop, False
        if name.lower() not in AMBIGUOUS_ZONES or not name[0].isupper():
            return None, stop, False
        city = CITY.match(self.line, stop)
        if city and city["city"].lower() in CITIES:
            return load_zone(CITIES[city["city"].lower()]), city.end(), False
        offset = ZONE.match(self.line, stop)
        if offset and offset["offset"]:
            return _parse_offset(offset["offset"]), offset.end(), False
        return None, stop, True

    def _add_second_zone(self, found: FoundTimes) -> FoundTimes:
        """Let the found range of text include the same time in a second zone, if one follows.

        Examples are `6 PM PT/9 PM ET` and `14:00 CET (13:00 UTC)`.
        """
        if self.text_at(found.next_token) not in {"/", "("} or not (found.zone or found.problem):
            return found
        other = self.times_at(found.next_token + 1)
        if other is None or not (other.zone or other.problem):
            return found
        if found.problem and not other.problem:
            return replace(other, start=found.start)
        return replace(found, stop=other.stop, next_token=other.next_token)


def _share_meridiem(first: _Clock, last: _Clock | None) -> tuple[_Clock, _Clock | None]:
    """Complete a range in which only one time has am or pm, such as `2-3:30 pm`.

    The other time gets the meridiem that makes the range run forwards.
    """
    if last is None or (first.meridiem is None) == (last.meridiem is None):
        return first, last
    known, other = (first, last) if last.meridiem is None else (last, first)
    if not 1 <= other.hour <= 12:
        return first, last
    meridiem = known.meridiem or 0
    first_hour, last_hour = first.hour % 12 * 60 + first.minute, last.hour % 12 * 60 + last.minute
    shared = meridiem if first_hour < last_hour else 12 - meridiem
    changed = replace(other, meridiem=shared, is_uncertain=False)
    return (first, changed) if other is last else (changed, last)


def _parse_offset(text: str) -> tzinfo | None:
    found = re.search(r"([+−-])(\d{1,2})(?::?(\d\d))?", text)
    if not found or int(found[2]) > 14:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(offset if found[1] == "+" else -offset)
