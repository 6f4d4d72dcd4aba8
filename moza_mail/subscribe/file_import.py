"""Import the rows of a subscriber file onto a list."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any, NamedTuple

from moza_mail.model.mailing_list import MailingList
from moza_mail.model.subscriber import AddResult, ImportPreview, NewSubscriber
from moza_mail.store import Store
from moza_mail.subscribe.first_lines import FirstLines
from moza_mail.subscriber_file import RejectedRow

BATCH_ROWS = 5000
"""The number of people in one transaction; with more people, a running mailing would wait too long."""
WINDOW_ROWS = 4 * BATCH_ROWS
"""The number of rows that are sorted by address before they are stored."""
READ_ROWS = 500
"""The number of rows that are read before other tasks of the event loop may run."""
REFUSED = "refused"

Row = NewSubscriber | RejectedRow
AddPeople = Callable[[Sequence[NewSubscriber]], Coroutine[Any, Any, list[AddResult]]]


class ImportedRow(NamedTuple):
    """The result of one row: a value of AddResult, or REFUSED with a reason.

    earlier_line: the number of the first line with the same address; 0 if no earlier line has it.
    """

    line: int
    address: str
    result: str
    reason: str = ""
    earlier_line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSettings:
    """Options of an import.

    source: the name of the file, stored with each subscription.
    on_row: called with each row, in the order of the file, once it is stored.
    dry_run: report what would happen, and store nothing.
    preview: the state of a dry run over several files; None to begin a new dry run.
    """

    source: str
    now: datetime
    on_row: Callable[[ImportedRow], None] = lambda _: None
    dry_run: bool = False
    preview: ImportPreview | None = None

    @staticmethod
    def begin_preview(files: Sequence[Iterable[Row]]) -> ImportPreview:
        """Begin a dry run over the rows of several files. The rows are iterated once."""
        return ImportPreview(repeated=_find_repeated(chain.from_iterable(files)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """The number of rows by result, and the number of rows that repeat an earlier address."""

    counts: dict[str, int]
    repeated: int = 0

    @property
    def refused(self) -> int:
        """Number of rows that could not be used."""
        return self.counts[REFUSED]


async def import_rows(
    store: Store, rows: Iterable[Row], mailing_list: MailingList, settings: ImportSettings
) -> ImportReport:
    """Add the people of a file to a list, each with the state and the consent in their row.

    Importing a file twice changes nothing, so an interrupted import can be repeated. `rows` are iterated
    once, in a dry run twice. They are divided into windows of many rows: while one window is stored, the next
    window is read.
    """
    preview = (settings.preview or settings.begin_preview([rows])) if settings.dry_run else None
    if preview is None:
        await store.subscribers.save_list(mailing_list)

    async def add(people: Sequence[NewSubscriber]) -> list[AddResult]:
        slug = mailing_list.slug
        if preview is not None:
            return await store.subscribers.preview_add(people, list_slug=slug, preview=preview)
        source = f"import {settings.source}"
        return await store.subscribers.add(people, list_slug=slug, source=source, now=settings.now)

    counts: Counter[str] = Counter()
    first_lines = FirstLines()
    repeated = 0
    async for window, results in _store_windows(iter(rows), add):
        for row in _pair_rows_with_results(window, results, first_lines):
            counts[row.result] += 1
            repeated += bool(row.earlier_line)
            settings.on_row(row)
        # Free this window before a third one is read, because the next window is in memory already.
        del window, results
    words = (*(result.value for result in AddResult), REFUSED)
    return ImportReport(counts={word: counts[word] for word in words}, repeated=repeated)


def _find_repeated(rows: Iterable[Row]) -> frozenset[str]:
    """Return the address keys that more than one row has."""
    first_lines = FirstLines()
    repeated: set[str] = set()
    remaining = iter(rows)
    number = 0
    while window := list(islice(remaining, WINDOW_ROWS)):
        people = [row for row in window if isinstance(row, NewSubscriber)]
        # Number the rows across all files, because line numbers occur in each file.
        keys = [(person.address.key, number + place) for place, person in enumerate(people, start=1)]
        number += len(keys)
        earlier = first_lines.find_earlier(keys)
        repeated.update(key for key, place in keys if place in earlier)
    return frozenset(repeated)


async def _store_windows(
    rows: Iterator[Row], add: AddPeople
) -> AsyncGenerator[tuple[list[Row], list[AddResult]]]:
    """Store the rows in windows of WINDOW_ROWS; yield each window with its results.

    While a window is stored, the next window is read.
    """
    window = await _read_window(rows)
    while window:
        task = asyncio.create_task(_add_by_address(window, add))
        next_window = await _read_window(rows)
        yield window, await task
        window = next_window


async def _read_window(rows: Iterator[Row]) -> list[Row]:
    window: list[Row] = []
    while len(window) < WINDOW_ROWS and (part := list(islice(rows, READ_ROWS))):
        window += part
        await asyncio.sleep(0)
    return window


async def _add_by_address(window: list[Row], add: AddPeople) -> list[AddResult]:
    """Add the people of a window in batches of neighbouring addresses.

    Return the results in the order of the rows. A batch of neighbouring addresses changes only one part of
    the address index. A batch in the order of the file would change nearly all of it. If rows have the same
    address, they are added in the order of the file.
    """
    people = [row for row in window if isinstance(row, NewSubscriber)]
    order = sorted(range(len(people)), key=[person.address.key for person in people].__getitem__)
    results: dict[int, AddResult] = {}
    for start in range(0, len(order), BATCH_ROWS):
        batch = sorted(order[start : start + BATCH_ROWS])
        results.update(zip(batch, await add([people[index] for index in batch]), strict=True))
    return [results[index] for index in range(len(people))]


def _pair_rows_with_results(
    window: list[Row], results: Iterable[AddResult], first_lines: FirstLines
) -> Iterator[ImportedRow]:
    """Yield the result of each row."""
    remaining = iter(results)
    people = [(row.address.key, row.line) for row in window if isinstance(row, NewSubscriber)]
    earlier_lines = first_lines.find_earlier(people)
    for row in window:
        if isinstance(row, RejectedRow):
            yield ImportedRow(row.line, row.address, REFUSED, row.reason)
            continue
        earlier = earlier_lines.get(row.line, 0)
        reason = f"the same address as on line {earlier}" if earlier else ""
        yield ImportedRow(row.line, str(row.address), next(remaining).value, reason, earlier)
