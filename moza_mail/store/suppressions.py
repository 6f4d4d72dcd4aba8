"""Suppressions: addresses that no list may mail.

A held suppression has no effect until a person decides. The suppressions that a person removed are kept as
history.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.address import Address
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.bounce import BounceKind
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.provider import find_provider
from moza_mail.model.subscriber import Suppression, SuppressionQuery, SuppressionReason
from moza_mail.model.verdict import Verdict
from moza_mail.store import rows
from moza_mail.store.audit_writer import add_entry, find_hasher
from moza_mail.store.bulk import among
from moza_mail.store.mass_verdicts import MassDecision, accept_verdicts, count_failure
from moza_mail.store.paging import PAGE, split_into_pages
from moza_mail.store.postgres.advisory import lock_people
from moza_mail.store.schema import (
    bounces,
    deliveries,
    domain,
    erasures,
    insert,
    mailings,
    removed_suppressions,
    subscribers,
    suppressions,
)
from moza_mail.store.transactions import Transactions

SUPPRESSED_BEFORE_ERASURE = "the address was suppressed when its person was erased"


class Suppressions:
    """Suppressed addresses. An address need not be a subscriber's, and case does not matter."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def add(self, suppression: Suppression) -> None:
        """Suppress an address on all lists. If it is suppressed already, nothing changes."""
        await self._transactions.write(suppress, suppression)

    async def remove(self, address: Address, reason: str, *, now: datetime) -> Suppression | None:
        """Move a suppression into the history and return it; None if there is none.

        Earlier bounces of the address do not count any more.

        reason: the reason for the removal, kept in the history.
        """
        return await self._transactions.write(_remove, address, reason, now)

    async def remove_all(self, addresses: Sequence[Address], reason: str, *, now: datetime) -> int:
        """Remove many suppressions, all or none; return how many there were."""
        return await self._transactions.write(_remove_all, addresses, reason, now)

    async def find(self, address: Address) -> Suppression | None:
        """Return the suppression of an address, even if its person was erased."""
        return await self._transactions.read(find_suppression, address)

    async def list_removed(self, address: Address) -> tuple[Suppression, ...]:
        """Return the removed suppressions of an address, oldest first."""
        return await self._transactions.read(list_removed, address)

    async def count_from_mailing(self, mailing_id: int) -> int:
        """Count the addresses that a reply or report about this mailing suppressed."""
        return await self._transactions.read(count_from_mailing, mailing_id)

    async def count_held(self, mailing_id: int) -> dict[tuple[str, Verdict], int]:
        """Count the held suppressions of a mailing by provider and verdict."""
        return await self._transactions.read(_count_held, mailing_id)

    async def find_held_examples(self, mailing_id: int) -> list[Suppression]:
        """Return one held suppression of the mailing for each provider and verdict."""
        return await self._transactions.read(_find_held_examples, mailing_id)

    async def decide_held(
        self, mailing_id: int, *, accept: bool, domain: str, reason: str, now: datetime
    ) -> int:
        """Suppress the held addresses of a mailing, or release them; return how many.

        accept: True to suppress them.
        domain: only addresses at the provider of this domain; "" for all.
        reason: the reason for a release, kept in the history.
        """
        return await self._transactions.write(_decide_held, mailing_id, accept, domain, reason, now)

    async def release_held(self, *, now: datetime) -> int:
        """Release held addresses for which the relay accepted a later message; return how many.

        The message must be older than 72 hours, without a report of a bounce or a complaint.
        """
        return await self._transactions.write(_release_held, now)

    async def find_matching(self, query: SuppressionQuery) -> list[Suppression]:
        """Return the suppressions that match the query and may be removed together.

        Complaints and manual suppressions never match.
        """
        return await self._transactions.read(_find_matching, query)

    async def iter_from_mailing(self, mailing_id: int) -> AsyncGenerator[Suppression]:
        """Return the suppressions that a reply or report about this mailing caused."""
        after = ""
        while page := await self._transactions.read(_select_from_mailing, mailing_id, after):
            for suppression in page:
                yield suppression
            after = page[-1].address.key


def is_suppressed(key: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the address with this key is suppressed."""
    return sa.exists().where(suppressions.c.address_key == key, suppressions.c.held_at.is_(None))


def suppress(
    connection: sa.Connection,
    suppression: Suppression,
    *,
    actor: str = "",
    mailing_id: int | None = None,
    verdict: Verdict | None = None,
) -> bool:
    """Suppress an address, with the lock on people held; see `insert_suppression`."""
    lock_people(connection)
    return insert_suppression(connection, suppression, actor=actor, mailing_id=mailing_id, verdict=verdict)


def insert_suppression(
    connection: sa.Connection,
    suppression: Suppression,
    *,
    actor: str,
    mailing_id: int | None,
    verdict: Verdict | None = None,
) -> bool:
    """Suppress an address; return False if the suppression is held for a decision instead.

    The caller has the lock on people. If too many addresses at one provider fail with the same verdict in one mailing, this
    suppression and the earlier ones for that verdict are held. An existing suppression that is not held does not change.

    actor: the account for the audit entry; empty for the account of this process.
    mailing_id, verdict: set if a reply or report caused the suppression.
    """
    existing = connection.execute(
        sa.select(suppressions.c.held_at).where(suppressions.c.address_key == suppression.address.key)
    ).first()
    if existing and existing.held_at is None:
        return True
    decision, is_first = MassDecision.NONE, False
    if mailing_id is not None and verdict is not None:
        decision, is_first = count_failure(connection, mailing_id, verdict, suppression.address.domain)
    is_held = decision is MassDecision.HELD
    if existing and is_held:
        return False
    values: dict[str, Any] = {
        "address_key": suppression.address.key,
        "address": str(suppression.address),
        "reason": suppression.reason,
        "created_at": suppression.created_at,
        "evidence": suppression.evidence,
        "mailing_id": mailing_id,
        "verdict": verdict,
        "provider": find_provider(suppression.address.domain),
        "held_at": suppression.created_at if is_held else None,
    }
    # An effective suppression, such as one for a complaint or by a person, replaces one that is held.
    statement = insert(connection, suppressions).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["address_key"], set_=values))
    entry = AuditEntry(
        occurred_at=suppression.created_at,
        action=AuditAction.SUPPRESS,
        actor=actor,
        subscriber_id=_find_subscriber_id(connection, suppression.address),
        mailing_id=mailing_id,
        # The evidence is left out, because it is a person's own words, or a server's words about the person.
        detail=f"{suppression.reason.value}{', held' if is_held else ''}",
    )
    add_entry(connection, entry, suppression.address)
    if is_first:
        earlier = sa.update(suppressions).where(
            suppressions.c.mailing_id == mailing_id,
            suppressions.c.verdict == verdict,
            suppressions.c.provider == values["provider"],
            suppressions.c.held_at.is_(None),
        )
        connection.execute(earlier.values(held_at=suppression.created_at))
    return not is_held


def _find_subscriber_id(connection: sa.Connection, address: Address) -> int | None:
    return connection.scalar(sa.select(subscribers.c.id).where(subscribers.c.address_key == address.key))


def find_suppression(connection: sa.Connection, address: Address) -> Suppression | None:
    """Return the suppression of an address, even if its person was erased."""
    is_this = suppressions.c.address_key == address.key
    found = connection.execute(sa.select(suppressions).where(is_this, suppressions.c.held_at.is_(None)))
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


def _remove_all(connection: sa.Connection, addresses: Iterable[Address], reason: str, now: datetime) -> int:
    return sum(_remove(connection, address, reason, now) is not None for address in addresses)


def lift_after_sign_up(
    connection: sa.Connection, subscriber_id: int, signed_up_at: datetime, now: datetime
) -> bool:
    """Remove the suppression of a person who confirmed a sign-up.

    Return True if a suppression was removed.
    A complaint stays, and so does a suppression that somebody added by hand after the sign-up.
    """
    text = connection.scalar(sa.select(subscribers.c.address).where(subscribers.c.id == subscriber_id))
    address = rows.address(text or "")
    is_this = sa.and_(suppressions.c.address_key == address.key, suppressions.c.held_at.is_(None))
    found = connection.execute(
        sa.select(suppressions.c.reason, suppressions.c.created_at).where(is_this)
    ).first()
    if found is None or found.reason is SuppressionReason.COMPLAINT:
        return False
    if found.reason is SuppressionReason.MANUAL and found.created_at > signed_up_at:
        return False
    return _remove(connection, address, "the owner of the address confirmed a sign-up", now) is not None


def _count_held(connection: sa.Connection, mailing_id: int) -> dict[tuple[str, Verdict], int]:
    columns = (suppressions.c.provider, suppressions.c.verdict)
    query = sa.select(*columns, sa.func.count()).where(
        suppressions.c.mailing_id == mailing_id, suppressions.c.held_at.is_not(None)
    )
    found = connection.execute(query.group_by(*columns).order_by(*columns))
    return {(provider, verdict): count for provider, verdict, count in found}


def _decide_held(
    connection: sa.Connection, mailing_id: int, accept: bool, at_domain: str, reason: str, now: datetime
) -> int:
    lock_people(connection)
    held = [suppressions.c.mailing_id == mailing_id, suppressions.c.held_at.is_not(None)]
    if at_domain:
        held.append(suppressions.c.provider == find_provider(at_domain))
    if accept:
        accept_verdicts(connection, mailing_id, find_provider(at_domain) if at_domain else "")
        return connection.execute(sa.update(suppressions).where(*held).values(held_at=None)).rowcount
    addresses = connection.scalars(sa.select(suppressions.c.address).where(*held)).all()
    return _remove_all(connection, map(rows.address, addresses), reason, now)


def _find_held_examples(connection: sa.Connection, mailing_id: int) -> list[Suppression]:
    """Return one held suppression of the mailing for each provider and verdict."""
    first = (
        sa.select(sa.func.min(suppressions.c.address_key))
        .where(suppressions.c.mailing_id == mailing_id, suppressions.c.held_at.is_not(None))
        .group_by(suppressions.c.provider, suppressions.c.verdict)
    )
    query = sa.select(suppressions).where(suppressions.c.address_key.in_(first))
    found = connection.execute(query.order_by(suppressions.c.provider, suppressions.c.verdict))
    return [rows.suppression(row) for row in found]


RELEASE_AFTER = timedelta(hours=72)
SAYS_UNDELIVERED = (BounceKind.HARD, BounceKind.SOFT, BounceKind.POLICY, BounceKind.COMPLAINT)


def _release_held(connection: sa.Connection, now: datetime) -> int:
    lock_people(connection)
    is_later = sa.or_(
        deliveries.c.mailing_id > suppressions.c.mailing_id,
        # The later message may belong to the same mailing, if a person decided to mail refused recipients again.
        sa.and_(
            deliveries.c.mailing_id == suppressions.c.mailing_id,
            deliveries.c.changed_at > suppressions.c.created_at,
        ),
    )
    is_reported = sa.exists().where(
        bounces.c.delivery_id == deliveries.c.id, bounces.c.kind.in_(SAYS_UNDELIVERED)
    )
    later = (
        sa.exists()
        .where(
            subscribers.c.address_key == suppressions.c.address_key,
            # Listing the mailings lets the index on (mailing, subscriber) find one row of each, without a full scan.
            deliveries.c.mailing_id.in_(sa.select(mailings.c.id)),
            deliveries.c.subscriber_id == subscribers.c.id,
            # The second condition is for letters beyond ASCII, which SQLite's lower() leaves as they are.
            (sa.func.lower(deliveries.c.address) == suppressions.c.address_key)
            | (deliveries.c.address == subscribers.c.address),
            deliveries.c.state == DeliveryState.ACCEPTED,
            is_later,
            deliveries.c.changed_at < now - RELEASE_AFTER,
            ~is_reported,
        )
        .correlate(suppressions)
    )
    held = sa.select(suppressions.c.address).where(suppressions.c.held_at.is_not(None), later)
    addresses = connection.scalars(held).all()
    reason = "a later message was accepted and did not bounce"
    return _remove_all(connection, map(rows.address, addresses), reason, now)


def _find_matching(connection: sa.Connection, query: SuppressionQuery) -> list[Suppression]:
    conditions: list[sa.ColumnElement[bool]] = [
        suppressions.c.held_at.is_(None),
        suppressions.c.reason.in_((SuppressionReason.HARD_BOUNCE, SuppressionReason.SOFT_BOUNCES)),
    ]
    if query.mailing_id is not None:
        conditions.append(suppressions.c.mailing_id == query.mailing_id)
    if query.since is not None:
        conditions.append(suppressions.c.created_at >= query.since)
    if query.domain:
        conditions.append(domain(suppressions.c.address, connection) == query.domain.lower())
    if query.reply:
        conditions.append(suppressions.c.evidence.contains(query.reply, autoescape=True))
    found = connection.execute(
        sa.select(suppressions).where(*conditions).order_by(suppressions.c.address_key)
    )
    return [rows.suppression(row) for row in found]


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
    query = sa.select(sa.func.count()).where(
        suppressions.c.mailing_id == mailing_id, suppressions.c.held_at.is_(None)
    )
    return connection.execute(query).scalar_one()


def _select_from_mailing(connection: sa.Connection, mailing_id: int, after: str) -> list[Suppression]:
    """Return one page of a mailing's suppressions with address keys > `after`."""
    query = sa.select(suppressions).where(
        suppressions.c.mailing_id == mailing_id,
        suppressions.c.held_at.is_(None),
        suppressions.c.address_key > after,
    )
    found = connection.execute(query.order_by(suppressions.c.address_key).limit(PAGE))
    return [rows.suppression(row) for row in found]


def select_erased(connection: sa.Connection, keys: Iterable[str]) -> set[str]:
    """Return the address keys of people who were erased and did not sign up again.

    Raise StoreError if anybody was erased and the store was opened without the secret.
    """
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
    """Delete the hash of an erased person, because they signed up again.

    If the address was suppressed at the erasure, it is suppressed again. The audit log keeps the entry of the erasure.
    """
    row = connection.execute(
        sa.select(subscribers.c.address_key, subscribers.c.address).where(subscribers.c.id == subscriber_id)
    ).first()
    if row is None or not select_erased(connection, [row.address_key]):
        return
    kept, hasher = _find_erased(connection, rows.address(row.address)), find_hasher(connection)
    if hasher is not None:
        is_this = erasures.c.address_hash == hasher.hash_key(row.address_key)
        connection.execute(sa.delete(erasures).where(is_this))
    if kept is not None:
        insert_suppression(connection, kept, actor="", mailing_id=None)
