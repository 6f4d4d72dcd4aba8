"""What the law gives a person, as the store does it: all that is held of them, and that nothing is any more."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.address import Address
from moza_mail.model.address_hash import Pseudonyms
from moza_mail.model.retention import Periods, Retained
from moza_mail.store import audit_log, erasure, personal_data, retention
from moza_mail.store.engine import Database
from moza_mail.store.protocol import Erased
from moza_mail.store.retention import Page

Run = Callable[..., Awaitable[Any]]


class DatabaseRights:
    """See Rights in protocol.py for what each method does."""

    def __init__(self, database: Database, read: Run, write: Run, run: Run) -> None:
        self._database = database
        self._read = read
        self._write = write
        self._run = run

    async def everything(self, address: Address) -> Mapping[str, list[dict[str, Any]]]:  # noqa: D102
        found: dict[str, list[dict[str, Any]]] = await self._read(_everything, address)
        return found

    async def erase(self, address: Address, *, now: datetime) -> Erased | None:  # noqa: D102
        counts = await self._write(erasure.erase, address, now)
        if counts is None:
            return None
        told: Counter[str] = Counter(counts)
        while left := await self._read(erasure.leftovers, address):
            told.update(await self._write(erasure.scrub, address, left, now))
        remains, complete = await self._run(lambda: self._database.purge(address.key))
        return Erased(
            rows={table: count for table, count in told.items() if count},
            at=await self._read(_erased_at, address),
            issues=tuple(await self._read(erasure.in_issues, address)),
            remains=remains,
            complete=complete,
        )

    async def retain(self, periods: Periods, *, now: datetime, dry_run: bool) -> Retained:  # noqa: D102
        befores = {kind: periods.before(kind, now) for kind in ("deliveries", "bounces", "sign_ups", "audit")}
        still_open = await self._read(retention.still_open, befores["deliveries"])
        if dry_run:
            return Retained(taken=await self._read(retention.foreseen, befores), still_open=still_open)
        taken = {
            "deliveries": 0,
            "bounces": await self._swept(retention.shorten, befores["bounces"], ""),
            "confirmations": await self._swept(retention.forget_letters, befores["sign_ups"], 0),
            "sign_ups": await self._swept(retention.forget_sign_ups, befores["sign_ups"], 0),
            "audit": await self._swept(retention.forget_entries, befores["audit"], 0),
        }
        for mailing in await self._read(retention.old_mailings, befores["deliveries"]):
            clear = partial(_clear, mailing, now)
            taken["deliveries"] += await self._swept(clear, befores["deliveries"], 0)
        if any(taken.values()):
            await self._write(retention.note, taken, now)
        remains, complete = await self._run(lambda: self._database.purge(""))
        return Retained(taken=taken, still_open=still_open, remains=remains, complete=complete)

    async def _swept(self, sweep: Callable[..., Page], before: datetime, after: Any) -> int:
        """How many rows a sweep took away, page by page; others have their turn between two."""
        taken = 0
        while after is not None:
            page: Page = await self._write(sweep, before, after)
            taken, after = taken + page.taken, page.after
        return taken


def _clear(mailing: int, now: datetime, connection: sa.Connection, before: datetime, after: int) -> Page:
    return retention.clear(connection, mailing, before, after, now)


def _known_by(connection: sa.Connection) -> Pseudonyms:
    known_by = audit_log.pseudonyms(connection)
    if known_by is None:
        raise StoreError(
            "The store was opened without the project's secret, by which people are found in it."
        )
    return known_by


def _everything(connection: sa.Connection, address: Address) -> dict[str, list[dict[str, Any]]]:
    return personal_data.everything(connection, address, _known_by(connection))


def _erased_at(connection: sa.Connection, address: Address) -> datetime | None:
    return erasure.erased_at(connection, _known_by(connection).of(address))
