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
from moza_mail.store.bulk import inserting
from moza_mail.store.database import Database
from moza_mail.store.postgres.advisory import lock_audit_log
from moza_mail.store.schema import audit_log, insert, properties

COLUMNS = (
    "occurred_at",
    "actor",
    "action",
    "list_slug",
    "subscriber_id",
    "address_hash",
    "mailing_id",
    "detail",
    "seal",
)
ENTRY = tuple(audit_log.c[name] for name in COLUMNS[:-1])
INSERT = inserting(audit_log, *COLUMNS)
LAST_SEAL = sa.select(audit_log.c.seal).order_by(audit_log.c.id.desc()).limit(1)
INFO_KEY = "audit_writer"
FINGERPRINT = "fingerprint"
MOVED_TO = "moved_to"
"""The property of a store that was copied to another database, and is used no more."""
RESTORE_HINT = (
    "Restore the old secret (MOZA_MAIL_SECRET, or subscribers/secret from your backup): only with it do the links that were"
    " mailed still work, and are erased people recognised. If it is lost for good, run `moza-mail privacy adopt-secret`."
)


@dataclass(slots=True, kw_only=True)
class AuditWriter:
    """The audit entries of the open transaction, with the account and the address hasher."""

    actor: str
    hasher: AddressHasher | None = None
    any_secret: bool = False
    pending: list[AuditEntry] = field(default_factory=list)

    @contextmanager
    def writing(self, database: Database) -> Generator[sa.Connection]:
        """Run a writing transaction and insert its entries last."""
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

        A store that has no secret yet stores the fingerprint of this one. Also raise StoreError if the store
        was copied to another database.
        """
        with database.reading() as connection:
            moved_to = connection.scalar(sa.select(properties.c.value).where(properties.c.name == MOVED_TO))
        if moved_to:
            raise StoreError(
                _("this store was copied to {target}, and is used no more", target=moved_to),
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
                found = stored_fingerprint(connection)
        if found != fingerprint:
            raise StoreError(
                f"{database.name} was created with another secret than the one that is set",
                hint=RESTORE_HINT,
            )

    def _insert_pending(self, connection: sa.Connection) -> None:
        lock_audit_log(connection)
        seal = connection.scalar(LAST_SEAL) or ""
        rows = []
        for entry in self.pending:
            seal = self.hasher.make_seal(seal, entry.text_to_seal()) if self.hasher else ""
            rows.append((*(getattr(entry, name) for name in COLUMNS[:-1]), seal))
        INSERT.run(connection, rows)
        self.pending.clear()


def add_entry(connection: sa.Connection, entry: AuditEntry, about: Address | None = None) -> None:
    """Insert an audit entry at the end of this transaction. Its default actor is the account.

    about: the address of the person; only its hash is stored.
    """
    writer: AuditWriter = connection.info[INFO_KEY]
    address_hash = writer.hasher.hash_address(about) if about and writer.hasher else entry.address_hash
    writer.pending.append(replace(entry, actor=entry.actor or writer.actor, address_hash=address_hash))


def find_hasher(connection: sa.Connection) -> AddressHasher | None:
    """Return the store's keyed hash; None if it was opened without the secret."""
    writer: AuditWriter = connection.info[INFO_KEY]
    return writer.hasher


def require_hasher(connection: sa.Connection) -> AddressHasher:
    """Return the store's keyed hash; raise StoreError if it was opened without the secret."""
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
    """Replace the store's secret by the current one; return False if they are the same.

    The chain of seals starts again.
    """
    hasher = find_hasher(connection)
    if hasher is None or stored_fingerprint(connection) == hasher.fingerprint:
        return False
    inserted = insert(connection, properties).values(name=FINGERPRINT, value=hasher.fingerprint)
    connection.execute(
        inserted.on_conflict_do_update(index_elements=["name"], set_={"value": inserted.excluded.value})
    )
    add_entry(
        connection,
        AuditEntry(occurred_at=now, action=AuditAction.SECRET, detail="another secret from here on"),
    )
    return True
