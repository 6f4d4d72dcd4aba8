"""The audit log: who did what to whom, and when.

Each entry has a seal over itself and the seal of the previous entry, so that changed or removed entries are
detected.
"""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.audit import AuditAction, AuditCheck, AuditEntry
from moza_mail.store.audit_writer import ENTRY, add_entry, adopt_secret, require_hasher
from moza_mail.store.paging import PAGE
from moza_mail.store.schema import audit_log, subscribers
from moza_mail.store.transactions import Transactions


class AuditLog:
    """The audit entries, oldest first.

    Store methods that change a person or a mailing add their own audit entry.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def add(self, entry: AuditEntry, about: Address | None = None) -> None:
        """Add an entry for an action that changes nothing else in the store.

        about: the address of the person; only its hash is stored.
        """
        await self._transactions.write(add_entry, entry, about)

    async def iter_entries(
        self, about: Address | None = None, since: datetime | None = None
    ) -> AsyncGenerator[AuditEntry]:
        """Return all entries, or those about one address, even of an erased person."""
        after = 0
        while page := await self._transactions.read(_select_page, about, since, after):
            for _, entry in page:
                yield entry
            after = page[-1][0]

    async def verify(self) -> AuditCheck:
        """Check the seals of all entries since the secret was last replaced."""
        after, seal = await self._transactions.read(_find_start)
        while True:
            last_id = after
            after, seal, is_intact = await self._transactions.read(_check_page, after, seal)
            if after == last_id or not is_intact:
                return AuditCheck(is_intact=is_intact, entry_id=max(after, 0), seal=seal)

    async def adopt_secret(self, *, now: datetime) -> bool:
        """Replace the store's secret by the one it was opened with (see `any_secret`).

        Return False if the two are the same. Links in earlier mails stop working, and people who were erased
        earlier are no longer recognised.
        """
        return await self._transactions.write(adopt_secret, now)


def _select_page(
    connection: sa.Connection, about: Address | None, since: datetime | None, after: int
) -> list[tuple[int, AuditEntry]]:
    """Return one page of entries with id > `after`."""
    query = sa.select(audit_log.c.id, *ENTRY).where(audit_log.c.id > after)
    if since is not None:
        query = query.where(audit_log.c.occurred_at >= since)
    if about is not None:
        query = query.where(_is_about(connection, about, require_hasher(connection)))
    found = connection.execute(query.order_by(audit_log.c.id).limit(PAGE))
    return [(row.id, _entry(row)) for row in found]


def _is_about(connection: sa.Connection, address: Address, hasher: AddressHasher) -> sa.ColumnElement[bool]:
    """Return the condition for entries about an address.

    These entries have the hash of the address, or the id of a subscriber who has or had the address.
    """
    address_hash = hasher.hash_address(address)
    ids = set(connection.scalars(sa.select(subscribers.c.id).where(subscribers.c.address_key == address.key)))
    earlier = sa.select(audit_log.c.subscriber_id).where(
        audit_log.c.address_hash == address_hash, audit_log.c.subscriber_id.is_not(None)
    )
    ids |= set(connection.scalars(earlier.distinct()))
    return (audit_log.c.address_hash == address_hash) | audit_log.c.subscriber_id.in_(ids)


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(**{column.name: getattr(row, column.name) for column in ENTRY})


def _find_start(connection: sa.Connection) -> tuple[int, str]:
    """Return the id and seal of the entry that last replaced the secret; id -1 if none did."""
    query = (
        sa.select(audit_log.c.id, audit_log.c.seal)
        .where(audit_log.c.action == AuditAction.SECRET)
        .order_by(audit_log.c.id.desc())
    )
    row = connection.execute(query.limit(1)).first()
    return (row.id, row.seal) if row else (-1, "")


def _check_page(connection: sa.Connection, after: int, seal: str) -> tuple[int, str, bool]:
    """Check one page of entries with id > `after`.

    Return the last id, its seal, and whether all seals are right. If `after` is -1, the first seal is
    trusted, because retention may have deleted the entries before it.
    """
    hasher = require_hasher(connection)
    query = (
        sa.select(audit_log.c.id, *ENTRY, audit_log.c.seal)
        .where(audit_log.c.id > after)
        .order_by(audit_log.c.id)
        .limit(PAGE)
    )
    for row in connection.execute(query):
        if after >= 0 and row.seal != hasher.make_seal(seal, _entry(row).text_to_seal()):
            return row.id, row.seal, False
        after, seal = row.id, row.seal
    return after, seal, True
