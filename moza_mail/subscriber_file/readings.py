"""Decide from one cell, and the role of its column, if a person may be mailed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from moza_mail.subscriber_file.dates import parse_date
from moza_mail.subscriber_file.headings import ColumnRole
from moza_mail.subscriber_file.row_state import (
    RowState,
    denies_consent,
    find_state,
    is_empty,
    is_no,
    is_yes,
    normalise,
)

ANY_VALUE = "*"
"""Matches every value that is not empty, in the answers of a person and in the words of a service."""
STATE_OF_ROLE = {
    ColumnRole.UNSUBSCRIBED: RowState.UNSUBSCRIBED,
    ColumnRole.SUPPRESSED: RowState.SUPPRESSED,
    ColumnRole.BOUNCED: RowState.BOUNCED,
    ColumnRole.COMPLAINED: RowState.COMPLAINED,
}
MIN_CONSENT_WORDS = 2
DELIVERY_STATUS = re.compile(r"[45]\.\d{1,3}\.\d{1,3}")
"""An enhanced status code (RFC 3463), which a list of bounces has as its status."""
HARMLESS_BOUNCES = frozenset(
    [
        "soft",
        "soft bounce",
        "soft bounced",
        "temporary",
        "tijdelijk",
        "transient",
        "ok",
        "good",
        "goed",
        "valid",
        "keine bounces",
        "kein bounce",
        "no bounces",
        "no bounce",
        "not bounced",
        "geen bounces",
        "geen bounce",
        "niet gebounced",
        "aucun rebond",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The meaning of a cell.

    state: None if the cell says nothing about mailing the person.
    is_words: True if the cell contains the words of the consent.
    """

    state: RowState | None = None
    date: datetime | None = None
    is_words: bool = False
    is_readable: bool = True


NOTHING = Reading()
UNREADABLE = Reading(is_readable=False)


@dataclass(slots=True, kw_only=True)
class CellReader:
    """Read the cells of one column, each distinct value once.

    words: the states of normalised values, from a person's answers or the service's own words; None if the
        value says nothing about mail.
    has_reasons: any text counts as yes, as in a column `bounce reason`.
    takes_any_words: any text is a consent, as in the column `consent` of our own export.
    """

    role: ColumnRole
    words: Mapping[str, RowState | None] = field(default_factory=lambda: MappingProxyType({}))
    month_first: bool = False
    has_reasons: bool = False
    takes_any_words: bool = False
    _known: dict[str, Reading] = field(default_factory=dict)

    def read(self, text: str) -> Reading:
        """Return the meaning of a cell; `is_readable` is False if a person must explain the cell."""
        reading = self._known.get(text)
        if reading is None:
            reading = self._read(text.strip())
            if self.takes_any_words and reading.state is RowState.CONFIRMED:
                reading = replace(reading, is_words=True)
            # Dates are not kept: each row may have another date, so they would fill the memory.
            if reading.date is None and len(self._known) < 1000:
                self._known[text] = reading
        return reading

    def _read(self, text: str) -> Reading:
        if self.words:
            word = normalise(text)
            if word in self.words:
                return Reading(state=self.words[word])
            if ANY_VALUE in self.words and not is_empty(text):
                return Reading(state=self.words[ANY_VALUE], date=self._parse(text))
        if self.role in STATE_OF_ROLE:
            return self._read_negative(text, STATE_OF_ROLE[self.role])
        if self.role in {ColumnRole.STATUS, ColumnRole.OPTIONAL_STATUS}:
            return self._read_status(text)
        if self.role in {ColumnRole.CONSENT_DATE, ColumnRole.CREATED}:
            date = self._parse(text)
            # A word for a state shows that the column does not only contain dates.
            names_state = date is None and find_state(text) not in {None, RowState.CONFIRMED}
            return UNREADABLE if names_state else Reading(date=date)
        return self._read_positive(text)

    def _parse(self, text: str) -> datetime | None:
        return parse_date(text, month_first=self.month_first)

    def _read_status(self, text: str) -> Reading:
        if is_empty(text):
            return NOTHING if self.role is ColumnRole.OPTIONAL_STATUS else Reading(state=RowState.UNCONFIRMED)
        if state := find_state(text):
            return Reading(state=state)
        if DELIVERY_STATUS.fullmatch(text):
            return Reading(state=RowState.BOUNCED)
        # A number is a code, and 0 and 1 mean different things to different services.
        is_code = text.isdigit() and self.role is ColumnRole.STATUS
        if is_yes(text) and not is_code:
            return Reading(state=RowState.CONFIRMED)
        if is_no(text) and not is_code:
            return Reading(state=RowState.UNSUBSCRIBED)
        return UNREADABLE

    def _read_negative(self, text: str, state: RowState) -> Reading:
        if is_empty(text) or is_no(text) or (text.isdigit() and int(text) == 0):
            return NOTHING
        if date := self._parse(text):
            return Reading(state=state, date=date)
        if normalise(text) in HARMLESS_BOUNCES:
            return NOTHING
        # A number of bounces or complaints.
        if text.isdigit() and self.role in {ColumnRole.BOUNCED, ColumnRole.COMPLAINED}:
            return Reading(state=state)
        if is_yes(text) or self.has_reasons:
            return Reading(state=max(state, find_state(text) or state, key=lambda one: one.severity))
        found = find_state(text)
        if found is RowState.CONFIRMED:
            return NOTHING
        if found is None:
            return UNREADABLE
        # `pending` in a column about leaving says nothing clear, and `opt-out` in one about bounces is no bounce.
        return UNREADABLE if found is RowState.UNCONFIRMED else Reading(state=found)

    def _read_positive(self, text: str) -> Reading:
        if is_empty(text):
            return Reading(state=RowState.UNCONFIRMED)
        if is_yes(text):
            return Reading(state=RowState.CONFIRMED)
        if is_no(text):
            is_verification = self.role is ColumnRole.VERIFIED
            return Reading(state=RowState.UNCONFIRMED if is_verification else RowState.UNSUBSCRIBED)
        if date := self._parse(text):
            return Reading(state=RowState.CONFIRMED, date=date)
        if state := find_state(text):
            return Reading(state=state)
        return self._read_consent(text) if self.role is ColumnRole.CONSENT else UNREADABLE

    def _read_consent(self, text: str) -> Reading:
        if denies_consent(text):
            return Reading(state=RowState.UNSUBSCRIBED)
        if len(text.split()) >= MIN_CONSENT_WORDS or (self.takes_any_words and len(text) > 3):
            return Reading(state=RowState.CONFIRMED, is_words=True)
        return UNREADABLE
