"""Bringing people in whose consent was given elsewhere, and handing a list out."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from moza_mail import sending, subscriber_file
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.segment import SubscriberFilter
from moza_mail.model.subscriber import (
    AddResult,
    ExportedSubscriber,
    ImportPreview,
    NewSubscriber,
    Subscriber,
    Subscription,
)
from moza_mail.store import Store
from moza_mail.subscribe.first_lines import FirstLines

CHUNK = 5000
"""People in one commit; more would keep a sender waiting for its turn."""
WINDOW = 4 * CHUNK
"""Rows that are put in order of their addresses before they are stored."""
PIECE = 500
"""Rows that are read before the store has a turn of the event loop."""
REFUSED = "refused"

Rows = Iterable[NewSubscriber | subscriber_file.RejectedRow]


class Fate(NamedTuple):
    """What became of one row of a file, and why: `became` is an Arrival's word, or `refused`.

    `earlier` is the line on which the same address stood before, 0 when it did not.
    """

    line: int
    address: str
    became: str
    reason: str = ""
    earlier: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """How an import goes about it: `source` names the file, `told` hears of each row, in order, when it is stored.

    With `dry_run` nothing is stored, and all is told as it would be.
    """

    source: str
    now: datetime
    told: Callable[[Fate], None] = lambda _: None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did: how many rows became what, and how many name somebody whom an earlier row names."""

    fates: dict[str, int]
    doubles: int = 0

    @property
    def refused(self) -> int:
        """How many rows could not be used."""
        return self.fates[REFUSED]


async def import_people(store: Store, rows: Rows, mailing_list: MailingList, how: Import) -> ImportReport:
    """Bring the people of a file onto a list, confirmed by the consent recorded with each.

    Good rows go in, bad ones are told with their line. `rows` are gone through once, in a dry run twice, as a stream: some thousand
    people are stored while the next are read. Doing it twice changes nothing, so an import that was cut off is done again.
    """
    preview = ImportPreview(repeated=_find_repeated(rows)) if how.dry_run else None
    if preview is None:
        await store.subscribers.save_list(mailing_list)

    async def stored(people: Sequence[NewSubscriber]) -> list[AddResult]:
        slug = mailing_list.slug
        if preview is not None:
            return await store.subscribers.preview_add(people, list_slug=slug, preview=preview)
        source = f"import {how.source}"
        return await store.subscribers.add(people, list_slug=slug, source=source, now=how.now)

    counted: Counter[str] = Counter()
    first_lines = FirstLines()
    doubles = 0
    async for window, arrivals in _ahead(iter(rows), stored):
        for fate in _fates(window, arrivals, first_lines):
            counted[fate.became] += 1
            doubles += bool(fate.earlier)
            how.told(fate)
        # Two windows are in memory from here on, the one that is stored and the one that is read; let it be no third.
        del window, arrivals
    return ImportReport(
        fates={word: counted[word] for word in (*(arrival.value for arrival in AddResult), REFUSED)},
        doubles=doubles,
    )


def _find_repeated(rows: Rows) -> frozenset[str]:
    """Return the address keys of more than one row."""
    first_lines = FirstLines()
    repeated: set[str] = set()
    remaining = iter(rows)
    while window := list(islice(remaining, WINDOW)):
        people = [row for row in window if isinstance(row, NewSubscriber)]
        earlier = first_lines.find_earlier([(row.address.key, row.line) for row in people])
        repeated.update(row.address.key for row in people if row.line in earlier)
    return frozenset(repeated)


Window = list[NewSubscriber | subscriber_file.RejectedRow]
Stored = Callable[[Sequence[NewSubscriber]], Coroutine[Any, Any, list[AddResult]]]


async def _ahead(
    rows: Iterator[NewSubscriber | subscriber_file.RejectedRow], stored: Stored
) -> AsyncGenerator[tuple[Window, list[AddResult]]]:
    """Each window with what became of its people; while one is stored the next is read."""
    window = await _window(rows)
    while window:
        storing = asyncio.create_task(_by_address(window, stored))
        ahead = await _window(rows)
        yield window, await storing
        window = ahead


async def _window(rows: Iterator[NewSubscriber | subscriber_file.RejectedRow]) -> Window:
    """The next rows."""
    window: Window = []
    while len(window) < WINDOW and (piece := list(islice(rows, PIECE))):
        window += piece
        await asyncio.sleep(0)
    return window


async def _by_address(window: Window, stored: Stored) -> list[AddResult]:
    """Store the people of a window, and give what became of each in the order of their rows.

    Those of neighbouring addresses go in one commit: it then writes a part of the index of addresses, where people as they come
    would have every commit write nearly all of it. Of one address a later row is stored later.
    """
    people = [row for row in window if isinstance(row, NewSubscriber)]
    places = sorted(range(len(people)), key=[person.address.key for person in people].__getitem__)
    became: dict[int, AddResult] = {}
    for first in range(0, len(places), CHUNK):
        part = sorted(places[first : first + CHUNK])
        became.update(zip(part, await stored([people[place] for place in part]), strict=True))
    return [became[place] for place in range(len(people))]


def _fates(window: Window, arrivals: Iterable[AddResult], first_lines: FirstLines) -> Iterator[Fate]:
    """What became of each row."""
    became = iter(arrivals)
    lines = first_lines.find_earlier(
        [(row.address.key, row.line) for row in window if isinstance(row, NewSubscriber)]
    )
    for row in window:
        if isinstance(row, subscriber_file.RejectedRow):
            yield Fate(row.line, row.address, REFUSED, row.reason)
            continue
        earlier = lines.get(row.line, 0)
        reason = f"the same address as on line {earlier}" if earlier else ""
        yield Fate(row.line, str(row.address), next(became).value, reason, earlier)


async def add(
    store: Store, newcomer: NewSubscriber, mailing_list: MailingList, *, now: datetime
) -> AddResult:
    """Bring one person onto a list, confirmed by the consent recorded with them."""
    await store.subscribers.save_list(mailing_list)
    (arrival,) = await store.subscribers.add(
        [newcomer],
        list_slug=mailing_list.slug,
        source="subscribers add",
        now=now,
    )
    return arrival


async def export_people(
    store: Store, mailing_list: MailingList, *, is_mailable: bool, now: datetime
) -> AsyncGenerator[ExportedSubscriber]:
    """Yield the subscribers of a list after logging the access: all of them, or those who may be mailed."""
    accessed = "those who may be mailed" if is_mailable else "everyone of the list"
    await sending.log_access(store, accessed, now=now, list_slug=mailing_list.slug)
    async for one in store.subscribers.iter_exported(mailing_list.slug, is_mailable=is_mailable):
        yield one


async def look_through(
    store: Store, mailing_list: MailingList, chosen: SubscriberFilter, asked: str, *, now: datetime
) -> AsyncGenerator[tuple[Subscriber, Subscription]]:
    """Those of a list who are chosen; that somebody looks at them is noted first, with what was `asked`, in which no person's value stands."""
    await sending.log_access(store, asked, now=now, list_slug=mailing_list.slug)
    async for one in store.subscribers.iter_list(mailing_list.slug, chosen):
        yield one
