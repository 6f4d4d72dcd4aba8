"""Data requests: a copy of a person's data, and its erasure (GDPR art. 15, 17 and 20)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address
from moza_mail.model.address_search import AddressSetFinder
from moza_mail.model.retention import ErasureResult
from moza_mail.store import erasure
from moza_mail.store.address_leftovers import find_issues, find_leftovers
from moza_mail.store.audit_writer import require_hasher
from moza_mail.store.personal_data import collect_rows
from moza_mail.store.transactions import Transactions

MAX_PEOPLE = 50
"""The number of people whose rows are erased in one transaction. A running send waits for each transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedRows:
    """The result of erasing the rows of several people.

    counts: the number of rows changed in each table.
    being_mailed: people who are not erased yet, because a message to them is being sent.
    """

    counts: Counter[str]
    being_mailed: tuple[Address, ...]


class DataRequests:
    """Export and erasure by address. The store must be opened with the project's secret."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def collect(self, address: Address) -> Mapping[str, list[dict[str, Any]]]:
        """Return all rows about an address by table, audit entries included.

        Each row has all its columns, by name.
        """
        return await self._transactions.read(collect_rows, address)

    async def erase(self, address: Address, *, now: datetime) -> ErasureResult | None:
        """Erase a person from every table and from the database's files.

        Return None while a message to them is being sent. Their deliveries stay without personal data, so
        that counts do not change. Deliveries not sent yet are skipped. A keyed hash of the address stays, so
        that no import adds them again. If a part of the erasure was not possible, erasing again completes it.
        """
        erased = await self.erase_rows([address], now=now)
        if erased.being_mailed:
            return None
        result = await self.erase_leftovers([address], erased.counts, now=now)
        return replace(result, erased_at=await self._transactions.read(_find_erased_at, address))

    async def erase_rows(self, addresses: Sequence[Address], *, now: datetime) -> ErasedRows:
        """Erase the rows about people, in transactions of MAX_PEOPLE people.

        Call `erase_leftovers` next, to remove their addresses from other rows.
        """
        counts: Counter[str] = Counter()
        being_mailed: list[Address] = []
        for first in range(0, len(addresses), MAX_PEOPLE):
            part = addresses[first : first + MAX_PEOPLE]
            for address, erased in zip(
                part, await self._transactions.write(_erase_each, part, now), strict=True
            ):
                if erased is None:
                    being_mailed.append(address)
                else:
                    counts.update(erased)
        return ErasedRows(counts=counts, being_mailed=tuple(being_mailed))

    async def erase_leftovers(
        self, addresses: Sequence[Address], erased: Counter[str], *, now: datetime
    ) -> ErasureResult:
        """Remove erased people from the texts of other rows and from the database's files.

        All people are searched for at once.

        erased: the number of rows that `erase_rows` changed in each table.
        """
        finder, rows = AddressSetFinder(addresses), Counter(erased)
        while leftovers := await self._transactions.read(find_leftovers, finder):
            for address, found in leftovers.items():
                rows.update(await self._transactions.write(erasure.scrub, address, found, now))
        purge = await self._transactions.run(lambda: self._transactions.database.purge(finder.spellings()))
        return ErasureResult(
            rows={table: count for table, count in rows.items() if count},
            erased_at=None,
            issues=tuple(await self._transactions.read(find_issues, finder)),
            remains=purge.remains,
            is_complete=purge.is_complete,
        )


def _find_erased_at(connection: sa.Connection, address: Address) -> datetime | None:
    return erasure.find_erased_at(connection, require_hasher(connection).hash_address(address))


def _erase_each(
    connection: sa.Connection, addresses: Sequence[Address], now: datetime
) -> list[erasure.Counts | None]:
    return [erasure.erase(connection, address, now) for address in addresses]
