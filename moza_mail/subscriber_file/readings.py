"""Decide from one cell, and the role of its column, if a person may be mailed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from moza_mail.subscriber_file.dates import parse_date
from moza_mail.subscriber_file.headings import ColumnRole
from moza_mail.subscriber_file.inversions import (
    Inversion,
    describes_consent,
    find_inversion,
    names_other_basis,
)
from moza_mail.subscriber_file.row_state import (
    MAX_STATE_LENGTH,
    RowState,
    contradicts_itself,
    denies_consent,
    find_state,
    is_empty,
    is_no,
    is_yes,
    mentions_leaving,
    normalise,
)

ANY_VALUE = "*"
"""Matches every value that is not empty, in the answers of a person and in the words of a service."""
STATE_OF_ROLE = {
    ColumnRole.UNCONFIRMED: RowState.UNCONFIRMED,
    ColumnRole.UNSUBSCRIBED: RowState.UNSUBSCRIBED,
    ColumnRole.SUPPRESSED: RowState.SUPPRESSED,
    ColumnRole.BOUNCED: RowState.BOUNCED,
    ColumnRole.COMPLAINED: RowState.COMPLAINED,
}
CHANNEL_ROLES = frozenset(
    {ColumnRole.PERMISSION, ColumnRole.CONSENT, ColumnRole.UNSUBSCRIBED, ColumnRole.SUPPRESSED}
)
MIN_CONSENT_WORDS = 2
MIN_WORD_LENGTH = 3
CHANNEL = frozenset(["email", "e mail", "mail", "email marketing"])
OTHER_CHANNEL = frozenset(["sms", "sms marketing", "whatsapp", "push", "phone", "telefoon", "post"])
"""Channels of a consent or a block, as Klaviyo and Brevo write them."""
SUBSCRIBED = re.compile(
    r"subscri|aangemeld|ingeschreven|abonn|angemeldet|eingetragen|inscrit|opt ?in|opted in|deliverable|sendable|mailable|soft"
)
"""Words that say clearly, in a column about leaving, that somebody has not left."""
REFUSAL = re.compile(r"5\d\d[ -]")
"""A reply code for a permanent failure (RFC 5321), as mail servers write it before a reason."""
BETWEEN_CHANNELS = re.compile(r"\s*[|,;]\s*")
LINK = re.compile(r"https?://", re.IGNORECASE)
QUOTED = re.compile(r'"([^"]*)"')
ALLOWED = frozenset(
    ["allow", "allowed", "toestaan", "toegestaan", "zulassen", "erlaubt", "autoriser", "autorise"]
)
"""Words of Microsoft Dynamics under a heading such as `Do not allow Emails`."""
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


def _is_subscribed(text: str) -> bool:
    return SUBSCRIBED.search(normalise(text)) is not None


def _is_pending(text: str) -> bool:
    """Return True for a short text that says that something is awaited, such as `wacht op klik`."""
    return len(text) <= MAX_STATE_LENGTH and find_inversion(normalise(text)) is Inversion.PENDING


def read_code(meaning: str) -> RowState | None:
    """Return the state of a code that a heading explains, as in `Nieuwsbrief (1=ja, 2=nee)`."""
    if is_yes(meaning):
        return RowState.CONFIRMED
    return RowState.UNSUBSCRIBED if is_no(meaning) else find_state(meaning)


def find_worst_state(text: str) -> RowState | None:
    """Return the most serious state that a text in JSON names, such as `[{"reason": "HARD_BOUNCE"}]`.

    Return None for another text, and for JSON in which nobody left.
    """
    if text[:1] not in {"[", "{"}:
        return None
    states = [state for word in QUOTED.findall(text) if (state := find_state(word))]
    worst = max(states, key=lambda one: one.severity, default=RowState.CONFIRMED)
    return None if worst is RowState.CONFIRMED else worst


@dataclass(slots=True, kw_only=True)
class CellReader:
    """Read the cells of one column, each distinct value once.

    words: the states of normalised values, from a person's answers or the service's own words; None if the
        value says nothing about mail.
    has_reasons: any text counts as yes, as in a column `bounce reason`.
    takes_any_words: even a single word counts as the words of a consent, as in a column `consent`.
    is_foreign: True for the status of something else, such as an account. There, `active` is not a consent, but `subscribed`
        is one.
    is_account: True for an account or a membership. There, somebody who is not active has left.
    only_answers: the heading says nothing, so each yes, no, date and state needs an answer in `words`.
    knows_texts: used with `only_answers`. Texts of all other kinds say nothing about mail, and need no answer.
    is_own: any text is a consent, because the file is our own export, with the state in another column.
    """

    role: ColumnRole
    words: Mapping[str, RowState | None] = field(default_factory=lambda: MappingProxyType({}))
    month_first: bool = False
    has_reasons: bool = False
    takes_any_words: bool = False
    is_own: bool = False
    only_answers: bool = False
    knows_texts: bool = False
    is_foreign: bool = False
    is_account: bool = False
    _known: dict[str, Reading] = field(default_factory=dict)

    def read(self, text: str) -> Reading:
        """Return the meaning of a cell.

        `is_readable` of the result is False if a person must explain the cell.
        """
        reading = self._known.get(text)
        if reading is None:
            reading = self._read(text.strip())
            is_said = _is_subscribed(text) or normalise(text) in self.words
            if self.is_foreign and reading.state is RowState.CONFIRMED and not is_said:
                reading = NOTHING
            if self.takes_any_words and reading.state is RowState.CONFIRMED:
                reading = replace(reading, is_words=True)
            # Dates are not kept: each row may have another date, so they would fill the memory.
            if reading.date is None and len(self._known) < 1000:
                self._known[text] = reading
        return reading

    def _read(self, text: str) -> Reading:
        if answered := self._read_answered(text):
            return answered
        if self.only_answers and not is_empty(text):
            return self._read_unanswered(text)
        if self.is_own and not is_empty(text):
            return Reading(state=RowState.CONFIRMED, is_words=True)
        if self.role is ColumnRole.PRECONDITION:
            return self._read_precondition(text)
        if self.role in CHANNEL_ROLES and (channels := self._read_channels(text)):
            return channels
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

    def _read_answered(self, text: str) -> Reading | None:
        """Read a value that means the same in a column of any role; return None for other texts.

        Such a value is one that `words` explains, a link, or JSON with a state.
        """
        word = normalise(text) if self.words else ""
        if word in self.words:
            return Reading(state=self.words[word])
        if ANY_VALUE in self.words and not is_empty(text):
            return Reading(state=self.words[ANY_VALUE], date=self._parse(text))
        if LINK.match(text):
            return NOTHING
        state = find_worst_state(text)
        return Reading(state=state) if state else None

    def _read_unanswered(self, text: str) -> Reading:
        state = find_state(text)
        if state and state is not RowState.CONFIRMED:
            return Reading(state=state)
        is_answer = state or is_yes(text) or is_no(text) or denies_consent(text) or mentions_leaving(text)
        return UNREADABLE if is_answer or not self.knows_texts or self._parse(text) else NOTHING

    def _parse(self, text: str) -> datetime | None:
        return parse_date(text, month_first=self.month_first)

    def _read_channels(self, text: str) -> Reading | None:
        """Read a list of channels, such as `email_marketing|sms_marketing`; None for another text."""
        channels = {normalise(part) for part in BETWEEN_CHANNELS.split(text)}
        if not channels <= CHANNEL | OTHER_CHANNEL:
            return None
        if self.role in STATE_OF_ROLE:
            return Reading(state=STATE_OF_ROLE[self.role]) if channels & CHANNEL else NOTHING
        return Reading(state=RowState.CONFIRMED if channels & CHANNEL else RowState.UNCONFIRMED)

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
        return Reading(state=RowState.UNCONFIRMED) if _is_pending(text) else UNREADABLE

    def _read_negative(self, text: str, state: RowState) -> Reading:
        if is_empty(text) or (text.isdigit() and int(text) == 0):
            return NOTHING
        if is_no(text) and not contradicts_itself(text):
            return NOTHING
        if date := self._parse(text):
            return Reading(state=state, date=date)
        if normalise(text) in HARMLESS_BOUNCES or normalise(text) in ALLOWED:
            return NOTHING
        # The number counts bounces or complaints.
        if text.isdigit() and self.role in {ColumnRole.BOUNCED, ColumnRole.COMPLAINED}:
            return Reading(state=state)
        if state is RowState.BOUNCED and REFUSAL.match(text):
            return Reading(state=state)
        if is_yes(text) or self.has_reasons:
            return Reading(state=max(state, find_state(text) or state, key=lambda one: one.severity))
        found = find_state(text)
        if (
            found is RowState.CONFIRMED
            and state is not RowState.UNCONFIRMED
            and SUBSCRIBED.search(normalise(text))
        ):
            return NOTHING
        # `active` may mean that a block is active, and `pending` is not clear in a column about leaving.
        is_clear = found not in {None, RowState.CONFIRMED, RowState.UNCONFIRMED} or found is state
        return Reading(state=found) if is_clear else UNREADABLE

    def _read_precondition(self, text: str) -> Reading:
        """Read a cell that says if an address works or an account is active, which is not a consent to mail."""
        if is_empty(text):
            return Reading(state=RowState.UNCONFIRMED)
        if is_no(text):
            return Reading(state=RowState.UNSUBSCRIBED if self.is_account else RowState.UNCONFIRMED)
        if is_yes(text) or self._parse(text) or find_state(text) is RowState.CONFIRMED:
            return NOTHING
        return (
            NOTHING
            if normalise(text) in HARMLESS_BOUNCES
            else Reading(state=find_state(text))
            if find_state(text)
            else UNREADABLE
        )

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
        if self.role is ColumnRole.CONSENT:
            return self._read_consent(text)
        return Reading(state=RowState.UNCONFIRMED) if _is_pending(text) else UNREADABLE

    def _read_consent(self, text: str) -> Reading:
        words = normalise(text)
        if names_other_basis(words):
            return Reading(state=RowState.UNCONFIRMED)
        if denies_consent(text):
            return Reading(state=RowState.UNSUBSCRIBED)
        if find_inversion(words) is not Inversion.NONE:
            return UNREADABLE
        is_long = len(text.split()) >= MIN_CONSENT_WORDS or (
            self.takes_any_words and len(text) > MIN_WORD_LENGTH
        )
        if is_long and describes_consent(words):
            return Reading(state=RowState.CONFIRMED, is_words=True)
        return UNREADABLE
