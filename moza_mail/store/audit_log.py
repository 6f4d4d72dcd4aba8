"""The audit log: who did what to whom, and when.

Each entry has a seal over itself and the seal of the previous entry, so that changed or removed entries are
detected.
"""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.audit_seal import AuditAnchor, AuditCheck
from moza_mail.store.audit_check import verify_rows
from moza_mail.store.audit_head import RAW, SEALED
from moza_mail.store.audit_writer import add_entry, adopt_secret, require_hasher
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
        """Return all entries, or the entries about one address, even of an erased person."""
        after = 0
        while page := await self._transactions.read(_select_page, about, since, after):
            for _number, entry in page:
                yield entry
            after = page[-1][0]

    async def find_last_time(self) -> datetime | None:
        """Return the time of the newest entry; None if the log is empty."""
        return await self._transactions.read(_find_last_time)

    async def verify(self, anchors: Sequence[AuditAnchor] = (), *, is_quick: bool = False) -> AuditCheck:
        """Verify the log, and compare it with anchors, which are seals kept outside the database.

        is_quick: verify the seals of the newest entries only. Deleted entries are still detected.
        """

        def verify(connection: sa.Connection) -> AuditCheck:
            return verify_rows(connection, require_hasher(connection), anchors, is_quick=is_quick)

        return await self._transactions.read(verify)

    async def adopt_secret(self, *, now: datetime) -> bool:
        """Replace the store's secret by the secret that it was opened with (see `any_secret`).

        If the two secrets are the same, a log with problems is sealed again. Return False if there is nothing
        to do. If the new secret differs, links in earlier mails stop working, and people who were erased
        earlier are no longer recognised.
        """
        return await self._transactions.write(adopt_secret, now)


def _find_last_time(connection: sa.Connection) -> datetime | None:
    newest = sa.select(audit_log.c.occurred_at).order_by(audit_log.c.id.desc()).limit(1)
    return connection.scalar(newest)


def _select_page(
    connection: sa.Connection, about: Address | None, since: datetime | None, after: int
) -> list[tuple[int, AuditEntry]]:
    """Return one page of entries with id > `after`."""
    query = sa.select(audit_log.c.id, *RAW).where(audit_log.c.id > after)
    if since is not None:
        query = query.where(audit_log.c.occurred_at >= since)
    if about is not None:
        query = query.where(_is_about(connection, about, require_hasher(connection)))
    found = connection.execute(query.order_by(audit_log.c.id).limit(PAGE))
    return [(row[0], _entry(row)) for row in found]


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
    try:
        values = dict(zip(SEALED, row[1:], strict=True))
        values["occurred_at"] = datetime.fromisoformat(values["occurred_at"])
        return AuditEntry(**{**values, "action": AuditAction(values["action"])})
    except (TypeError, ValueError):
        raise StoreError(
            _("another program has written entry {number} of the audit log", number=row[0]),
            hint=_("See what was changed: moza-mail privacy audit --verify"),
        ) from None
