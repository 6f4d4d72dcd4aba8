"""The audit trail in the store: what a transaction does is noted while it is done, and written last in that transaction."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.address import Address
from moza_mail.model.address_hash import Pseudonyms
from moza_mail.model.audit import Act, Entry
from moza_mail.store.bulk import inserting
from moza_mail.store.engine import Database
from moza_mail.store.postgres.advisory import alone_with_trail
from moza_mail.store.schema import audit, insert, properties

NAMES = ("at", "actor", "act", "list_slug", "subscriber", "pseudonym", "mailing", "detail", "seal")
WRITTEN = inserting(audit, *NAMES)
ENTRY = tuple(audit.c[name] for name in NAMES[:-1])
LAST = sa.select(audit.c.seal).order_by(audit.c.id.desc()).limit(1)
HERE = "trail"
FINGERPRINT = "fingerprint"
PUT_BACK = (
    "Put the old one back (MOZA_MAIL_SECRET, or subscribers/secret from your backup): by it alone are known the links that were"
    " mailed and those who were erased. If it is lost for good: moza-mail privacy adopt-secret"
)


@dataclass(slots=True, kw_only=True)
class Trail:
    """Who is at work in a store, and what they did in the transaction that is open."""

    actor: str
    pseudonyms: Pseudonyms | None = None
    any_secret: bool = False
    pending: list[Entry] = field(default_factory=list)

    @contextmanager
    def writing(self, database: Database) -> Generator[sa.Connection]:
        """One transaction that writes, with the entries of what was done in it."""
        with database.writing() as connection:
            self.pending.clear()
            connection.info[HERE] = self
            yield connection
            # Last, so that who holds the lock of the trail waits for no other.
            if self.pending:
                self._write(connection)

    @contextmanager
    def reading(self, database: Database) -> Generator[sa.Connection]:
        """One transaction that only reads."""
        with database.reading() as connection:
            connection.info[HERE] = self
            yield connection

    def recognise(self, database: Database) -> None:
        """Hold the secret to the one the store was begun with, or begin with it; raise StoreError when it is another."""
        if self.pseudonyms is None or self.any_secret:
            return
        mine = self.pseudonyms.fingerprint
        with database.reading() as connection:
            found = fingerprint(connection)
        if not found:
            with database.writing() as connection:
                begun = insert(connection, properties).values(name=FINGERPRINT, value=mine)
                connection.execute(begun.on_conflict_do_nothing())
                found = fingerprint(connection)
        if found != mine:
            raise StoreError(
                f"{database.name} was begun with another secret than the one that is set.", hint=PUT_BACK
            )

    def _write(self, connection: sa.Connection) -> None:
        alone_with_trail(connection)
        before = connection.scalar(LAST) or ""
        rows = []
        for entry in self.pending:
            before = self.pseudonyms.seal(before, entry.sealed_text()) if self.pseudonyms else ""
            rows.append((*(getattr(entry, name) for name in NAMES[:-1]), before))
        WRITTEN.run(connection, rows)
        self.pending.clear()


def note(connection: sa.Connection, entry: Entry, about: Address | None = None) -> None:
    """Have an entry written with this transaction, by whoever is at work when it names no actor; `about` is never stored."""
    trail: Trail = connection.info[HERE]
    pseudonym = trail.pseudonyms.of(about) if about and trail.pseudonyms else entry.pseudonym
    trail.pending.append(replace(entry, actor=entry.actor or trail.actor, pseudonym=pseudonym))


def pseudonyms(connection: sa.Connection) -> Pseudonyms | None:
    """What makes the pseudonyms of the store; None when it was opened without the secret."""
    trail: Trail = connection.info[HERE]
    return trail.pseudonyms


def fingerprint(connection: sa.Connection) -> str:
    """Which secret the store was begun with; empty when none was used yet."""
    return connection.scalar(sa.select(properties.c.value).where(properties.c.name == FINGERPRINT)) or ""


def adopt(connection: sa.Connection, now: datetime) -> bool:
    """Go on with the secret that is at hand; False when it is the store's already. The seals begin anew with the entry of it."""
    known_by = pseudonyms(connection)
    if known_by is None or fingerprint(connection) == known_by.fingerprint:
        return False
    made = insert(connection, properties).values(name=FINGERPRINT, value=known_by.fingerprint)
    connection.execute(
        made.on_conflict_do_update(index_elements=["name"], set_={"value": made.excluded.value})
    )
    note(connection, Entry(at=now, act=Act.SECRET, detail="another secret from here on"))
    return True
