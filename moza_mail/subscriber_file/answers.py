"""Answers to questions about the columns of a file, from the person who imports it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from moza_mail.i18n import gettext as _
from moza_mail.subscriber_file.encoding import SubscriberFileError
from moza_mail.subscriber_file.headings import ColumnRole, attribute_names, find_role, normalise_heading
from moza_mail.subscriber_file.row_state import RowState, normalise

WHOLE_FILE = "*"
"""The column of an answer about all rows of a file."""
IGNORE = "ignore"
STATE_HINT = _(
    "Write --status COLUMN:VALUE=STATE. The states are confirmed, unconfirmed, unsubscribed, suppressed, bounced,"
    " complained, and ignore for a value that says nothing about mail."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnAnswers:
    """The answers of a person about the columns of a file.

    columns: headings by name (`email`, `name`, `lang`, `consent` or an attribute).
    status: states by normalised heading and value; None if the value says nothing about mail.
    ignored: normalised headings of columns that say nothing about mail.
    attributes: names of attributes to store, if the file has them.
    service: the name of the service that made the file.
    """

    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    status: Mapping[str, Mapping[str, RowState | None]] = field(default_factory=lambda: MappingProxyType({}))
    ignored: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    service: str = ""

    @property
    def is_about_leavers(self) -> bool:
        """True if the operator answered that nobody in the file may be mailed."""
        return self.status.get(WHOLE_FILE, {}).get(WHOLE_FILE) not in {None, RowState.CONFIRMED}

    def find_unused(self, headings: Iterable[str]) -> str:
        """Return the first heading in the answers that the file does not have; "" if none."""
        known = {WHOLE_FILE, *map(normalise_heading, headings)}
        found = [heading for heading in self.status if heading in known]

        def is_used(heading: str) -> bool:
            # An answer with two colons may mean several headings, and is stored under each of them. Only one must exist.
            is_part = any(
                f"{heading} ".startswith(f"{one} ") or one.startswith(f"{heading} ") for one in found
            )
            return heading in known or (heading in self.status and is_part)

        return next((heading for heading in (*self.status, *self.ignored) if not is_used(heading)), "")


def parse_status(texts: Iterable[str]) -> dict[str, dict[str, RowState | None]]:
    """Parse answers such as `Status:X7=unsubscribed`, or `*=bounced` for all rows.

    Raise SubscriberFileError if an answer cannot be parsed.
    """
    parsed: dict[str, dict[str, RowState | None]] = {}
    for text in texts:
        place, equals, word = text.rpartition("=")
        state = word.strip().lower()
        places = [(WHOLE_FILE, WHOLE_FILE)] if place.strip() == WHOLE_FILE else list(_split_place(place))
        if not places:
            raise SubscriberFileError(_("--status {text}: there is no column", text=text), hint=STATE_HINT)
        if not equals or state not in {IGNORE, *RowState}:
            raise SubscriberFileError(_("--status {text}: there is no state", text=text), hint=STATE_HINT)
        for heading, value in places:
            parsed.setdefault(heading, {})[value] = None if state == IGNORE else RowState(state)
    return parsed


def _split_place(place: str) -> Iterator[tuple[str, str]]:
    """Yield each heading and value that `COLUMN:VALUE` may mean; the heading and the value may have colons too."""
    parts = place.split(":")
    for count in range(1, len(parts)):
        if heading := normalise_heading(":".join(parts[:count])):
            yield heading, normalise(":".join(parts[count:]))


def names_to_keep(headings: Iterable[str]) -> frozenset[str]:
    """Return the attribute names of the columns to store.

    headings: the columns that a person wants to keep. Raise SubscriberFileError if one of them must never be stored.
    """
    names: set[str] = set()
    for heading in headings:
        if find_role(heading) is ColumnRole.PRIVATE:
            raise SubscriberFileError(
                _("--keep {column}: IP addresses and tracking data are never stored", column=heading),
                hint=_("Leave the option out."),
            )
        found = attribute_names(heading)
        if not found:
            raise SubscriberFileError(
                _("--keep {column}: this cannot be the name of an attribute", column=heading),
                hint=_('Give it a name: --map organisatie="{column}"', column=heading),
            )
        names.update(found)
    return frozenset(names)


def read_answers(
    *,
    columns: Mapping[str, str],
    status: Iterable[str],
    ignored: Iterable[str],
    kept: Iterable[str],
    declared: Iterable[str],
    service: str,
) -> ColumnAnswers:
    """Parse the answers that a person typed.

    Raise SubscriberFileError for an answer that cannot be parsed.

    kept: headings of columns to store.
    declared: names of the attributes that the list declares.
    """
    return ColumnAnswers(
        columns=columns,
        status=parse_status(status),
        ignored=frozenset(map(normalise_heading, ignored)),
        attributes=frozenset(declared) | names_to_keep(kept),
        service=service,
    )
