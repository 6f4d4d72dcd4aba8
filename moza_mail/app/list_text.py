"""Describe a list of subscribers in columns of text."""

from collections.abc import Iterator, Sequence
from itertools import islice

from moza_mail.app.list_subscribers import ListedSubscriber
from moza_mail.model.mailing_list import MailingList

MAX_WIDTH = 40
"""The largest width of a column, in characters."""


def list_as_lines(mailing_list: MailingList, shown: Sequence[ListedSubscriber]) -> Iterator[str]:
    """Yield a line of column names, and a line for each subscriber.

    Attributes without any value are left out.
    """
    names = [
        name for name in mailing_list.attributes if any(one.subscriber.attributes.get(name) for one in shown)
    ]
    rows = [("email", "name", "state", "since", *names)]
    for one in shown:
        person, state = one.subscriber, one.subscription.state.value
        attributes = (person.attributes.get(name, "") for name in names)
        rows.append((str(person.address), person.name, state, f"{one.since:%Y-%m-%d}", *attributes))
    return _align([[_shorten(cell) for cell in row] for row in rows])


def _shorten(cell: str) -> str:
    """Return a value without control characters, cut to the width of a column."""
    safe = "".join(
        character if character.isprintable() else "\ufffd" for character in islice(cell, MAX_WIDTH + 1)
    )
    return safe if len(safe) <= MAX_WIDTH else f"{safe[: MAX_WIDTH - 1]}…"


def _align(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
