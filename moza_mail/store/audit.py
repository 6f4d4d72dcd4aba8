"""The audit trail as it is read: all of it or what is about one address, and whether its seals hold."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from moza_mail.model.address import Address
from moza_mail.model.address_hash import Pseudonyms
from moza_mail.model.audit import Act, Entry
from moza_mail.store.audit_log import ENTRY
from moza_mail.store.schema import audit, subscribers
from moza_mail.store.subscribers import PAGE


def entries(
    connection: sa.Connection, about: tuple[Address, Pseudonyms] | None, since: datetime | None, after: int
) -> list[tuple[int, Entry]]:
    """One page of the trail with their numbers, oldest first, behind a number; all of it, or what is about one address."""
    query = sa.select(audit.c.id, *ENTRY).where(audit.c.id > after)
    if since is not None:
        query = query.where(audit.c.at >= since)
    if about is not None:
        query = query.where(_is_about(connection, *about))
    found = connection.execute(query.order_by(audit.c.id).limit(PAGE))
    return [(row.id, _entry(row)) for row in found]


def _is_about(connection: sa.Connection, address: Address, known_by: Pseudonyms) -> sa.ColumnElement[bool]:
    """Whether an entry is about an address: by its pseudonym, or by the number of a subscriber who has it, or had it."""
    pseudonym = known_by.of(address)
    numbers = set(
        connection.scalars(sa.select(subscribers.c.id).where(subscribers.c.address_key == address.key))
    )
    had = sa.select(audit.c.subscriber).where(audit.c.pseudonym == pseudonym, audit.c.subscriber.is_not(None))
    numbers |= set(connection.scalars(had.distinct()))
    return (audit.c.pseudonym == pseudonym) | audit.c.subscriber.in_(numbers)


def _entry(row: Any) -> Entry:
    return Entry(**{column.name: getattr(row, column.name) for column in ENTRY})


def begun(connection: sa.Connection) -> tuple[int, str]:
    """The entry from which the seals can be checked: where the present secret was adopted; -1 for from the first on."""
    query = sa.select(audit.c.id, audit.c.seal).where(audit.c.act == Act.SECRET).order_by(audit.c.id.desc())
    row = connection.execute(query.limit(1)).first()
    return (row.id, row.seal) if row else (-1, "")


def checked(connection: sa.Connection, known_by: Pseudonyms, after: int, seal: str) -> tuple[int, str, bool]:
    """Check the seals of one page behind a number: where it ends, the seal there, and whether the chain holds so far.

    Behind -1 the first entry is believed: what stood before it may have been removed when its time was over.
    """
    query = (
        sa.select(audit.c.id, *ENTRY, audit.c.seal).where(audit.c.id > after).order_by(audit.c.id).limit(PAGE)
    )
    for row in connection.execute(query):
        if after >= 0 and row.seal != known_by.seal(seal, _entry(row).sealed_text()):
            return row.id, row.seal, False
        after, seal = row.id, row.seal
    return after, seal, True
