"""Suppressions: addresses that no list may mail, and the history of those that a person removed."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.address import Address
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.subscriber import Suppression
from moza_mail.store import rows
from moza_mail.store.audit_writer import add_entry, find_hasher
from moza_mail.store.bulk import among
from moza_mail.store.paging import PAGE, split_into_pages
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import erasures, insert, removed_suppressions, subscribers, suppressions
from moza_mail.store.transactions import Transactions

SUPPRESSED_BEFORE_ERASURE = "the address was suppressed when its person was erased"


class Suppressions:
    """Suppressed addresses. They need not be a subscriber's, and case does not matter."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def add(self, suppression: Suppression) -> None:
        """Suppress an address on all lists. If it is suppressed already, nothing changes."""
        await self._transactions.write(suppress, suppression)

    async def remove(self, address: Address, reason: str, *, now: datetime) -> Suppression | None:
        """Move a suppression into the history; None if there is none.

        Earlier bounces of the address do not count any more.
        """
        return await self._transactions.write(_remove, address, reason, now)

    async def find(self, address: Address) -> Suppression | None:
        """Return the suppression of an address, also of an erased person's."""
        return await self._transactions.read(find_suppression, address)

    async def list_removed(self, address: Address) -> tuple[Suppression, ...]:
        """Return the removed suppressions of an address, oldest first."""
        return await self._transactions.read(list_removed, address)

    async def count_from_mailing(self, mailing_id: int) -> int:
        """Count the addresses that were suppressed for a reply or report to this mailing."""
        return await self._transactions.read(count_from_mailing, mailing_id)

    async def iter_from_mailing(self, mailing_id: int) -> AsyncGenerator[Suppression]:
        """Return the suppressions for a reply or report to this mailing."""
        after = ""
        while page := await self._transactions.read(_select_from_mailing, mailing_id, after):
            for suppression in page:
                yield suppression
            after = page[-1].address.key


def is_suppressed(key: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that an address key is suppressed."""
    return sa.exists().where(suppressions.c.address_key == key)


def suppress(
    connection: sa.Connection, suppression: Suppression, *, actor: str = "", mailing_id: int | None = None
) -> None:
    """Suppress an address under the lock on people. `mailing_id`: the mailing whose reply or report was the reason."""
    lock_people(connection)
    insert_suppression(connection, suppression, actor=actor, mailing_id=mailing_id)


def insert_suppression(
    connection: sa.Connection, suppression: Suppression, *, actor: str, mailing_id: int | None
) -> None:
    """Suppress an address without taking the lock on people."""
    values: Mapping[str, Any] = {
        "address_key": suppression.address.key,
        "address": str(suppression.address),
        "reason": suppression.reason,
        "created_at": suppression.created_at,
        "evidence": suppression.evidence,
        "mailing_id": mailing_id,
    }
    inserted = insert(connection, suppressions).values(values).on_conflict_do_nothing()
    if connection.execute(inserted.returning(suppressions.c.reason)).first():
        entry = AuditEntry(
            occurred_at=suppression.created_at,
            action=AuditAction.SUPPRESS,
            actor=actor,
            subscriber_id=_find_subscriber_id(connection, suppression.address),
            mailing_id=mailing_id,
            # Without the evidence, which is a person's own words or a server's about them.
            detail=suppression.reason.value,
        )
        add_entry(connection, entry, suppression.address)


def _find_subscriber_id(connection: sa.Connection, address: Address) -> int | None:
    return connection.scalar(sa.select(subscribers.c.id).where(subscribers.c.address_key == address.key))


def find_suppression(connection: sa.Connection, address: Address) -> Suppression | None:
    """Return the suppression of an address, also of an erased person's."""
    found = connection.execute(sa.select(suppressions).where(suppressions.c.address_key == address.key))
    row = found.first()
    return rows.suppression(row) if row else _find_erased(connection, address)


def _find_erased(connection: sa.Connection, address: Address) -> Suppression | None:
    hasher = find_hasher(connection)
    if hasher is None:
        return None
    query = sa.select(erasures).where(
        erasures.c.address_hash == hasher.hash_address(address), erasures.c.suppression_reason.is_not(None)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Suppression(
        address=address,
        reason=row.suppression_reason,
        created_at=row.erased_at,
        evidence=SUPPRESSED_BEFORE_ERASURE,
    )


def _remove(connection: sa.Connection, address: Address, reason: str, now: datetime) -> Suppression | None:
    lock_people(connection)
    deleted = (
        sa.delete(suppressions).where(suppressions.c.address_key == address.key).returning(*suppressions.c)
    )
    row = connection.execute(deleted).mappings().first()
    if row is None:
        return None
    values = {**row, "removed_at": now, "removal_reason": reason}
    connection.execute(sa.insert(removed_suppressions).values(values))
    subscriber_id = _find_subscriber_id(connection, address)
    entry = AuditEntry(
        occurred_at=now,
        action=AuditAction.UNSUPPRESS,
        subscriber_id=subscriber_id,
        detail=row["reason"].value,
    )
    add_entry(connection, entry, address)
    return rows.removed_suppression(values)


def list_removed(connection: sa.Connection, address: Address) -> tuple[Suppression, ...]:
    """Return the removed suppressions of an address, oldest first."""
    query = (
        sa.select(removed_suppressions)
        .where(removed_suppressions.c.address_key == address.key)
        .order_by(removed_suppressions.c.id)
    )
    return tuple(rows.removed_suppression(row) for row in connection.execute(query).mappings())


def count_from_mailing(connection: sa.Connection, mailing_id: int) -> int:
    """Count the addresses that were suppressed for a reply or report to a mailing."""
    query = sa.select(sa.func.count()).where(suppressions.c.mailing_id == mailing_id)
    return connection.execute(query).scalar_one()


def _select_from_mailing(connection: sa.Connection, mailing_id: int, after: str) -> list[Suppression]:
    """Return one page with address keys > `after`."""
    query = sa.select(suppressions).where(
        suppressions.c.mailing_id == mailing_id, suppressions.c.address_key > after
    )
    found = connection.execute(query.order_by(suppressions.c.address_key).limit(PAGE))
    return [rows.suppression(row) for row in found]


def select_erased(connection: sa.Connection, keys: Iterable[str]) -> set[str]:
    """Return the address keys whose person was erased and did not sign up again. Raise StoreError without the secret."""
    if connection.execute(sa.select(erasures.c.erased_at).limit(1)).first() is None:
        return set()
    hasher = find_hasher(connection)
    if hasher is None:
        raise StoreError(
            "the store was opened without the project's secret, so erased people are not recognised"
        )
    key_of = {hasher.hash_key(key): key for key in keys}
    query = sa.select(erasures.c.address_hash)
    return {
        key_of[address_hash]
        for part in split_into_pages(key_of)
        for address_hash in connection.scalars(query.where(among(connection, erasures.c.address_hash, part)))
    }


def forget_erasure(connection: sa.Connection, subscriber_id: int) -> None:
    """Delete the hash of an earlier erasure, because the person signed up again. The audit log still has the erasure."""
    key = connection.scalar(sa.select(subscribers.c.address_key).where(subscribers.c.id == subscriber_id))
    if key and select_erased(connection, [key]) and (hasher := find_hasher(connection)):
        connection.execute(sa.delete(erasures).where(erasures.c.address_hash == hasher.hash_key(key)))
