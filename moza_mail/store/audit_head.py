"""Read and write the sealed head of the audit log, and seal the log again."""

from collections.abc import Iterator
from dataclasses import replace

import sqlalchemy as sa

from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.audit_seal import AuditHead, SealedRow, seal_entry
from moza_mail.store.bulk import updating
from moza_mail.store.paging import PAGE
from moza_mail.store.schema import audit_log, insert, metadata, properties

HEAD_PROPERTY = "audit_head"
SEALED = (
    "occurred_at",
    "actor",
    "action",
    "list_slug",
    "subscriber_id",
    "address_hash",
    "mailing_id",
    "detail",
)
"""The columns that a seal covers, besides the number."""
# The columns without conversion, because another program may have stored values that cannot be converted.
RAW = tuple(sa.type_coerce(audit_log.c[name], sa.types.NullType()).label(name) for name in SEALED)
SET_SEAL = updating(
    {"number": audit_log.c.id, "new_seal": audit_log.c.seal},
    lambda given: (
        sa.update(audit_log).where(audit_log.c.id == given["number"]).values(seal=given["new_seal"])
    ),
)


def read_head(connection: sa.Connection, hasher: AddressHasher) -> AuditHead | None:
    """Return the sealed head; None if it is missing or its seal is wrong."""
    text = connection.scalar(sa.select(properties.c.value).where(properties.c.name == HEAD_PROPERTY))
    return AuditHead.from_text(str(text or ""), hasher)


def write_head(connection: sa.Connection, hasher: AddressHasher, head: AuditHead) -> None:
    """Replace the sealed head. The transaction must hold the lock of the audit log."""
    inserted = insert(connection, properties).values(name=HEAD_PROPERTY, value=head.to_text(hasher))
    connection.execute(
        inserted.on_conflict_do_update(index_elements=["name"], set_={"value": inserted.excluded.value})
    )


def create_head(connection: sa.Connection, hasher: AddressHasher) -> None:
    """Create the head of a new store.

    A store that has rows but no head has lost its head. It does not get a new one.
    """
    tables = [table for table in metadata.sorted_tables if table is not properties]
    if not any(
        connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() for table in tables
    ):
        inserted = insert(connection, properties).values(
            name=HEAD_PROPERTY, value=AuditHead().to_text(hasher)
        )
        connection.execute(inserted.on_conflict_do_nothing())


def find_last_number(connection: sa.Connection) -> int:
    """Return the number of the newest audit entry; 0 if there is none."""
    return connection.scalar(sa.select(sa.func.max(audit_log.c.id))) or 0


def find_seal(connection: sa.Connection, number: int) -> str | None:
    """Return the stored seal of an entry; None if there is no such entry."""
    return connection.scalar(sa.select(audit_log.c.seal).where(audit_log.c.id == number))


def iter_rows(connection: sa.Connection, after: int | None = None) -> Iterator[list[SealedRow]]:
    """Yield the rows of the audit log in pages, in the order of their numbers.

    after: yield only rows with higher numbers; None for all rows. All rows include rows with a number below 1, which only
        another program can have inserted.
    """
    while True:
        query = sa.select(audit_log.c.id, audit_log.c.seal, *RAW)
        where = sa.true() if after is None else audit_log.c.id > after
        found = connection.execute(query.where(where).order_by(audit_log.c.id).limit(PAGE)).all()
        if not found:
            return
        yield [SealedRow(number=row[0], seal=row[1], values=tuple(row[2:])) for row in found]
        after = found[-1][0]


def seal_again(connection: sa.Connection, hasher: AddressHasher) -> AuditHead:
    """Seal every entry again with the current secret, and return the new head.

    The entries keep their numbers. Later checks do not report the numbers that are missing now.
    """
    first = connection.scalar(sa.select(sa.func.min(audit_log.c.id)))
    head = AuditHead(last=(first or 1) - 1, deleted=(first or 1) - 1)
    for page in iter_rows(connection):
        seals = []
        for row in page:
            seal = seal_entry(hasher, row.number, head.seal, row.values)
            seals.append((row.number, seal))
            head = replace(head, last=row.number, seal=seal, rows=head.rows + 1)
        SET_SEAL.run(connection, seals)
    write_head(connection, hasher, head)
    return head
