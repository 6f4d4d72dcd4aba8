"""Ask a person what the values of a column mean, with answers to paste into a shell."""

import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from moza_mail.errors import locate, make_printable
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.subscriber_file.answers import IGNORE
from moza_mail.subscriber_file.dates import parse_date
from moza_mail.subscriber_file.encoding import SubscriberFileError
from moza_mail.subscriber_file.headings import (
    ADDED_HEADINGS,
    ColumnRole,
    is_about_privacy,
    is_remark,
    names_newsletter,
    normalise_heading,
)
from moza_mail.subscriber_file.inversions import mentions_consent
from moza_mail.subscriber_file.readings import ANY_VALUE, CHANNEL, STATE_OF_ROLE, UNREADABLE, CellReader
from moza_mail.subscriber_file.row_state import (
    RowState,
    begins_with_yes,
    denies_consent,
    find_state,
    is_no,
    is_yes,
    mentions_leaving,
    normalise,
)

MAX_EXAMPLES = 8
MAX_SHOWN_LENGTH = 30
MAX_NOTE = 60
MAX_LINES = 5
MAX_PROPOSALS = 10
MAX_VALUE_LENGTH = 100
NOT_SHELL_SAFE = re.compile(r"[\"$`\\!]")
WANTS_MAIL = re.compile(r"mail|news|nieuws|bericht|bulletin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The values of a column whose meaning a person must give.

    is_complete: True if `values` has all values that are not clear.
    shown: descriptions of the column's values for the person, most frequent first.
    is_unrelated: True if nothing in an unknown column looks as if it were about mail.
    """

    index: int
    heading: str
    role: ColumnRole
    values: tuple[str, ...]
    is_complete: bool
    shown: tuple[Translatable | str, ...] = ()
    is_unrelated: bool = False


UNKNOWN_ROLES = frozenset({ColumnRole.OTHER, ColumnRole.UNRELATED, ColumnRole.SOURCE})


def is_unrelated(heading: str, role: ColumnRole, values: Iterable[str]) -> bool:
    """Return True for an unknown column in which no value can be an answer, a state, a date or a remark about leaving."""
    is_known = is_remark(heading) or heading in ADDED_HEADINGS
    return role in UNKNOWN_ROLES and not is_known and not any(map(_says_something, values))


def _says_something(value: str) -> bool:
    is_answer = is_yes(value) or is_no(value) or parse_date(value) is not None
    return is_answer or find_state(value) is not None or denies_consent(value) or mentions_leaving(value)


def describe_values(
    counts: Mapping[str, int], reader: CellReader | None, unread: Collection[str]
) -> tuple[str, ...]:
    """Return the most frequent values of a column, each with its count and with the state that it is read as.

    unread: the values that a person must explain.
    """
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    found = []
    for value, count in ordered[:MAX_EXAMPLES]:
        reading = reader.read(value) if reader and value.strip() not in unread else UNREADABLE
        meaning = f" = {reading.state or IGNORE}" if reading.is_readable else ""
        found.append(f"{count} × {make_printable(value.strip()[:MAX_SHOWN_LENGTH])}{meaning}")
    return (*found, "...") if len(ordered) > MAX_EXAMPLES else tuple(found)


def _list(parts: Sequence[Translatable | str]) -> Translatable | str:
    """Return the parts with a comma between them."""
    return reduce(lambda first, second: _("{first}, {second}", first=first, second=second), parts)


def show_lines(question: Question, extra: Mapping[str, Mapping[int, str]]) -> Question:
    """Show line numbers in a question about a column of `extra`.

    The columns of `extra` are not in the file itself. A question about another column is returned unchanged.
    """
    cells = extra.get(question.heading)
    if cells is None:
        return question
    lines: dict[str, list[str]] = {}
    for line, text in cells.items():
        lines.setdefault(text.strip(), []).append(str(line))
    shown: list[Translatable | str] = []
    for value in question.values[:MAX_EXAMPLES]:
        found = lines.get(value, [])
        numbers = ", ".join(found[:MAX_LINES]) + (", ..." if len(found) > MAX_LINES else "")
        shown.append(_("{value}: line {lines}", value=make_printable(value[:MAX_NOTE]), lines=numbers))
    return replace(question, shown=tuple(shown))


def quote(text: str) -> str:
    """Quote a text so that a shell reads it as one argument."""
    return shlex.quote(text) if NOT_SHELL_SAFE.search(text) else f'"{text}"'


def make_question_error(questions: Sequence[Question], source: str) -> SubscriberFileError:
    """Return the error that asks what the columns say about mail, and proposes an answer to each value."""
    parts = [
        _(
            "`{column}` ({values})",
            column=make_printable(one.heading),
            values=_list(one.shown or [make_printable(value) for value in one.values]),
        )
        for one in questions
    ]
    columns = _list(parts)
    others = [
        f"--ignore {quote(one.heading)}"
        if not one.is_unrelated
        else f"--status {quote(f'{one.heading}:{one.values[0].strip()}={RowState.UNSUBSCRIBED}')}"
        for one in questions
    ]
    return SubscriberFileError(
        locate(
            _(
                "it is not clear what these columns say about mail: {columns}",
                columns=columns,
            ),
            source,
        ),
        hint=_(
            "Say what each value means, and check each proposal: {answers} (the states are confirmed, unconfirmed, unsubscribed, suppressed,"
            " bounced, complained, and ignore; `*` is any value). If a proposal is wrong, write for example: {others}",
            answers=make_printable(" ".join(_propose(questions))),
            others=make_printable(" ".join(others)),
        ),
    )


def make_remark_error(remark: str, source: str, line: int) -> SubscriberFileError:
    """Return the error for a remark between the addresses, such as `Unsubscribed:` above a group."""
    return SubscriberFileError(
        locate(
            _(
                "`{text}` is not just a mail address, and may mean that people left",
                text=make_printable(remark[:60]),
            ),
            source,
            line,
        ),
        hint=_("Move the people who left to a separate file, delete this text, and import both files."),
    )


def _propose(questions: Sequence[Question]) -> Iterable[str]:
    for one in questions:
        heading, values = one.heading, one.values
        if one.is_unrelated:
            yield f"--ignore {quote(heading)}"
            continue
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
    if role in UNKNOWN_ROLES and normalise(value) in CHANNEL:
        return IGNORE
    agrees = begins_with_yes(value)
    if role is ColumnRole.UNCLEAR:
        is_about_mail = is_about_privacy(heading) or names_newsletter(heading)
        is_yes_to_mail = is_about_mail and agrees and not value.strip().isdigit()
        return IGNORE if is_no(value) else str(RowState.CONFIRMED if is_yes_to_mail else RowState.UNCONFIRMED)
    words = normalise_heading(heading)
    wants_mail = mentions_consent(words) or WANTS_MAIL.search(words)
    if role in UNKNOWN_ROLES and not wants_mail and (agrees or is_no(value)):
        # An unknown question, such as `VIP`. A later import can change this state, unlike `unsubscribed`.
        return str(RowState.UNCONFIRMED) if is_no(value) else IGNORE
    if is_no(value) or denies_consent(value) or mentions_leaving(value) or parse_date(value):
        return str(RowState.UNSUBSCRIBED)
    is_positive = known is RowState.CONFIRMED or (agrees and not value.strip().isdigit())
    return str(RowState.CONFIRMED if is_positive and wants_mail else RowState.UNCONFIRMED)
