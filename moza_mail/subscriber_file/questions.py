"""Ask a person what the values of a column mean, with answers to paste into a shell."""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from moza_mail.errors import locate, make_printable
from moza_mail.i18n import gettext as _
from moza_mail.subscriber_file.answers import IGNORE
from moza_mail.subscriber_file.dates import parse_date
from moza_mail.subscriber_file.encoding import SubscriberFileError
from moza_mail.subscriber_file.headings import ColumnRole, normalise_heading
from moza_mail.subscriber_file.inversions import mentions_consent
from moza_mail.subscriber_file.readings import ANY_VALUE, STATE_OF_ROLE
from moza_mail.subscriber_file.row_state import (
    RowState,
    denies_consent,
    find_state,
    is_no,
    is_yes,
    mentions_leaving,
)

MAX_EXAMPLES = 5
MAX_PROPOSALS = 10
MAX_VALUE_LENGTH = 100
NOT_SHELL_SAFE = re.compile(r"[\"$`\\!]")
WANTS_MAIL = re.compile(r"mail|news|nieuws|bericht|bulletin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The values of a column whose meaning a person must give.

    is_complete: True if `values` has all values that are not clear.
    """

    index: int
    heading: str
    role: ColumnRole
    values: tuple[str, ...]
    is_complete: bool


def quote(text: str) -> str:
    """Return a text in quotes, as a shell reads it."""
    return shlex.quote(text) if NOT_SHELL_SAFE.search(text) else f'"{text}"'


def ask(questions: Sequence[Question], source: str) -> SubscriberFileError:
    """Return the error that asks what the columns say about mail, and proposes an answer to each value."""
    parts = [_("`{column}` ({values})", column=one.heading, values=_shorten(one.values)) for one in questions]
    columns = reduce(lambda first, second: _("{first}, {second}", first=first, second=second), parts)
    return SubscriberFileError(
        locate(
            _(
                "it is not clear what these columns say about mail: {columns}",
                columns=make_printable(columns),
            ),
            source,
        ),
        hint=_(
            "Say what each value means, and check each proposal: {answers} (the states are confirmed, unconfirmed, unsubscribed, suppressed,"
            " bounced, complained, and ignore; `*` is any value). If a column says nothing about mail: {ignore}",
            answers=make_printable(" ".join(_propose(questions))),
            ignore=make_printable(" ".join(f"--ignore {quote(one.heading)}" for one in questions)),
        ),
    )


def remark_error(remark: str, source: str) -> SubscriberFileError:
    """Return the error for a remark between the addresses, such as `Unsubscribed:` above a group."""
    return SubscriberFileError(
        locate(
            _("`{text}` is no plain address, and may say that people left", text=make_printable(remark[:60])),
            source,
        ),
        hint=_("Move the people who left to a file of their own, delete this text, and import both files."),
    )


def _propose(questions: Sequence[Question]) -> Iterable[str]:
    for one in questions:
        heading, values = one.heading, one.values
        if _needs_any_value(values):
            state = propose_state(heading, one.role, values[0])
            # One answer for values of all kinds must not confirm anybody.
            state = RowState.UNCONFIRMED if state == RowState.CONFIRMED else state
            yield f"--status {quote(f'{heading}:{ANY_VALUE}={state}')}"
            continue
        for value in values[:MAX_PROPOSALS]:
            yield f"--status {quote(f'{heading}:{value.strip()}={propose_state(heading, one.role, value)}')}"


def _needs_any_value(values: Sequence[str]) -> bool:
    """Return True if the values cannot be typed one by one: dates, long texts and texts of several lines."""
    is_long = any(len(value) > MAX_VALUE_LENGTH or not value.strip().isprintable() for value in values)
    return is_long or (parse_date(values[0]) is not None and all(map(parse_date, values)))


def propose_state(heading: str, role: ColumnRole, value: str) -> str:
    """Return the most likely state for a value, or `ignore`.

    `confirmed` is proposed only for a plain yes under a heading about mail that is not inverted.
    """
    known = find_state(value)
    if known not in {None, RowState.CONFIRMED}:
        return str(known)
    if role in STATE_OF_ROLE:
        return IGNORE if is_no(value) else str(STATE_OF_ROLE[role])
    if role is ColumnRole.UNCLEAR:
        return IGNORE if is_no(value) else str(RowState.UNCONFIRMED)
    words = normalise_heading(heading)
    wants_mail = mentions_consent(words) or WANTS_MAIL.search(words)
    if is_no(value) and not wants_mail:
        # A no to an unknown question, such as `VIP`. Unlike `unsubscribed`, a later import can change this state.
        return str(RowState.UNCONFIRMED)
    if is_no(value) or denies_consent(value) or mentions_leaving(value) or parse_date(value):
        return str(RowState.UNSUBSCRIBED)
    is_positive = known is RowState.CONFIRMED or (is_yes(value) and not value.strip().isdigit())
    return str(RowState.CONFIRMED if is_positive and wants_mail else RowState.UNCONFIRMED)


def _shorten(values: Sequence[str]) -> str:
    shown = ", ".join(value.strip()[:30] for value in values[:MAX_EXAMPLES])
    return f"{shown}, ..." if len(values) > MAX_EXAMPLES else shown
