"""Write the audit log: entries are collected during a transaction and inserted at its end."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.audit_seal import seal_entry
from moza_mail.model.timestamps import format_utc
from moza_mail.store.audit_check import verify_rows
from moza_mail.store.audit_head import (
    SEALED,
    create_head,
    find_last_number,
    find_seal,
    read_head,
    seal_again,
    write_head,
)
from moza_mail.store.audit_triggers import create_triggers
from moza_mail.store.bulk import inserting
from moza_mail.store.database import Database
from moza_mail.store.postgres.advisory import lock_audit_log
from moza_mail.store.schema import audit_log, insert, properties

ENTRY = tuple(audit_log.c[name] for name in SEALED)
INSERT = inserting(audit_log, "id", *SEALED, "seal")
INFO_KEY = "audit_writer"
FINGERPRINT = "fingerprint"
MOVED_TO = "moved_to"
"""The property that marks a store as copied to another database, and no longer in use."""
RESTORE_HINT = (
    "Restore the old secret (MOZA_MAIL_SECRET, or subscribers/secret from your backup): only with it do the links that were"
    " mailed still work, and are erased people recognised. If it is lost for good, run `moza-mail privacy adopt-secret`."
)


@dataclass(slots=True, kw_only=True)
class AuditWriter:
    """Collects the audit entries of the open transaction, and inserts them at its end.

    actor: the account that an entry names by default.
    hasher: the keyed hash of addresses.
    any_secret: accept a secret that is not the store's own.
    """

    actor: str
    hasher: AddressHasher | None = None
    any_secret: bool = False
    pending: list[AuditEntry] = field(default_factory=list)

    @contextmanager
    def writing(self, database: Database) -> Generator[sa.Connection]:
        """Run a writing transaction, and insert its audit entries at the end."""
        with database.writing() as connection:
            self.pending.clear()
            connection.info[INFO_KEY] = self
            yield connection
            # The lock of the audit log is taken last, so its holder waits for no other lock.
            if self.pending:
                self._insert_pending(connection)

    @contextmanager
    def reading(self, database: Database) -> Generator[sa.Connection]:
        """Run a read-only transaction."""
        with database.reading() as connection:
            connection.info[INFO_KEY] = self
            yield connection

    def check_secret(self, database: Database) -> None:
        """Check that the secret is the store's own; raise StoreError if it is not.

        If the store has no fingerprint of a secret yet, record the fingerprint of this secret. Also raise
        StoreError if the store was copied to another database.
        """
        with database.reading() as connection:
            moved_to = connection.scalar(sa.select(properties.c.value).where(properties.c.name == MOVED_TO))
        if moved_to:
            raise StoreError(
                _("this store was copied to {target} and is no longer used", target=moved_to),
                hint=_('Set store = "{target}" in moza-mail.toml.', target=moved_to),
            )
        if self.hasher is None or self.any_secret:
            return
        fingerprint = self.hasher.fingerprint
        with database.reading() as connection:
            found = stored_fingerprint(connection)
        if not found:
            with database.writing() as connection:
                inserted = insert(connection, properties).values(name=FINGERPRINT, value=fingerprint)
                connection.execute(inserted.on_conflict_do_nothing())
                create_head(connection, self.hasher)
                found = stored_fingerprint(connection)
        if found != fingerprint:
            raise StoreError(
                f"{database.name} was created with another secret than the configured secret",
                hint=RESTORE_HINT,
            )

    def _insert_pending(self, connection: sa.Connection) -> None:
        lock_audit_log(connection)
        hasher = self.hasher
        head = read_head(connection, hasher) if hasher else None
        last = find_last_number(connection)
        # A head that is missing or forged is not replaced here, so that verification detects the problem.
        seal = head.seal if head else find_seal(connection, last) or ""
        rows = []
        for number, entry in enumerate(self.pending, start=max(last, head.last if head else 0) + 1):
            values = [getattr(entry, name) for name in SEALED]
            raw = [format_utc(entry.occurred_at), *values[1:]]
            seal = seal_entry(hasher, number, seal, raw) if hasher else ""
            rows.append((number, *values, seal))
        INSERT.run(connection, rows)
        if hasher and head:
            head = replace(head, last=rows[-1][0], seal=seal, rows=head.rows + len(rows))
            write_head(connection, hasher, head)
        self.pending.clear()


def add_entry(connection: sa.Connection, entry: AuditEntry, about: Address | None = None) -> None:
    """Insert an audit entry at the end of this transaction. Its default actor is the account.

    about: the address of the person; only its hash is stored.
    """
    writer: AuditWriter = connection.info[INFO_KEY]
    address_hash = writer.hasher.hash_address(about) if about and writer.hasher else entry.address_hash
    writer.pending.append(replace(entry, actor=entry.actor or writer.actor, address_hash=address_hash))


def find_hasher(connection: sa.Connection) -> AddressHasher | None:
    """Return the keyed hash of addresses; None if the store was opened without the secret."""
    writer: AuditWriter = connection.info[INFO_KEY]
    return writer.hasher


def require_hasher(connection: sa.Connection) -> AddressHasher:
    """Return the keyed hash of addresses; raise StoreError if the secret is missing."""
    hasher = find_hasher(connection)
    if hasher is None:
        raise StoreError(
            "the store was opened without the project's secret, which this needs to find a person"
        )
    return hasher


def stored_fingerprint(connection: sa.Connection) -> str:
    """Return the fingerprint of the store's secret; "" if the store has no secret yet."""
    return connection.scalar(sa.select(properties.c.value).where(properties.c.name == FINGERPRINT)) or ""


def adopt_secret(connection: sa.Connection, now: datetime) -> bool:
    """Replace the store's secret by the current one and seal the audit log again.

    If the two secrets are the same, a log with problems is sealed again. Return False if there is nothing to
    do. A new audit entry records the last seal from before the change.
    """
    hasher = require_hasher(connection)
    is_same = stored_fingerprint(connection) == hasher.fingerprint
    lock_audit_log(connection)
    check = verify_rows(connection, hasher)
    if is_same and check.is_intact:
        return False
    inserted = insert(connection, properties).values(name=FINGERPRINT, value=hasher.fingerprint)
    connection.execute(
        inserted.on_conflict_do_update(index_elements=["name"], set_={"value": inserted.excluded.value})
    )
    last = find_last_number(connection)
    detail = f"entries up to {last}, seal {find_seal(connection, last) or 'none'}, sealed again"
    if is_same:
        detail += "; " + "; ".join(f"{one.kind} {one.first}-{one.last}" for one in check.problems)
    else:
        detail += " with another secret"
    seal_again(connection, hasher)
    create_triggers(connection)
    add_entry(connection, AuditEntry(occurred_at=now, action=AuditAction.SECRET, detail=detail))
    return True
