"""Data requests: a copy of a person's data, and its erasure (GDPR art. 15, 17 and 20)."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address
from moza_mail.model.address_search import AddressFinder
from moza_mail.model.retention import ErasureResult
from moza_mail.store import erasure
from moza_mail.store.address_leftovers import find_issues, find_leftovers
from moza_mail.store.audit_writer import require_hasher
from moza_mail.store.personal_data import collect_rows
from moza_mail.store.transactions import Transactions


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
        counts = await self._transactions.write(erasure.erase, address, now)
        if counts is None:
            return None
        rows: Counter[str] = Counter(counts)
        while leftovers := await self._transactions.read(find_leftovers, address):
            rows.update(await self._transactions.write(erasure.scrub, address, leftovers, now))
        spellings = AddressFinder(address).spellings()
        purge = await self._transactions.run(lambda: self._transactions.database.purge(spellings))
        return ErasureResult(
            rows={table: count for table, count in rows.items() if count},
            erased_at=await self._transactions.read(_find_erased_at, address),
            issues=tuple(await self._transactions.read(find_issues, address)),
            remains=purge.remains,
            is_complete=purge.is_complete,
        )


def _find_erased_at(connection: sa.Connection, address: Address) -> datetime | None:
    return erasure.find_erased_at(connection, require_hasher(connection).hash_address(address))
