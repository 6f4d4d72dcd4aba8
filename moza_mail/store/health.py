"""Inspect a store without creating, migrating or locking it."""

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moza_mail.errors import StoreError
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.audit_seal import AuditCheck, AuditHead, AuditProblem, ProblemKind
from moza_mail.model.health import StoreStatus
from moza_mail.store.schema import HEAD

if TYPE_CHECKING:
    import sqlalchemy as sa

# Find the time of the last change.
NEWEST = """
SELECT max(at) FROM (
  SELECT max(created_at) AS at FROM mailings
  UNION ALL SELECT max(created_at) FROM subscriptions
  UNION ALL SELECT max(changed_at) FROM deliveries
) AS moments
"""
PROPERTIES = "SELECT name, value FROM properties"
VERSION = "SELECT version FROM schema_version"


async def inspect_store(url: str, hasher: AddressHasher | None = None) -> StoreStatus:
    """Inspect the store of a URL; raise StoreError if it cannot be reached or read."""
    if url.startswith("sqlite:///"):
        return await asyncio.to_thread(_inspect_file, Path(url.removeprefix("sqlite:///")), hasher)
    return await asyncio.to_thread(_inspect_server, url, hasher)


def _inspect_file(path: Path, hasher: AddressHasher | None) -> StoreStatus:
    if not path.exists() or path.stat().st_size == 0:
        return StoreStatus(path=path, known_schema=HEAD)
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=15)
        ) as connection:
            schema = str(connection.execute(VERSION).fetchone()[0])
            (first,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            newest = connection.execute(NEWEST).fetchone()[0]
            check = _verify_file(connection, hasher) if schema == HEAD and hasher else None
            properties = dict(connection.execute(PROPERTIES).fetchall())
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} cannot be read: {error}", hint="Restore a backup, and keep the file that is there."
        ) from None
    except TypeError:
        raise StoreError(f"{path} is a database of another program, not of moza-mail") from None
    return StoreStatus(
        path=path,
        known_schema=HEAD,
        exists=True,
        schema=schema,
        damage="" if first == "ok" else str(first),
        last_change=datetime.fromisoformat(newest) if newest else None,
        audit_check=check,
        **_read_identity(properties),
    )


def _read_identity(properties: Mapping[str, str]) -> dict[str, Any]:
    return {
        "store_id": properties.get("store_id", ""),
        "generation": int(properties.get("generation", 0)),
        "fingerprint": properties.get("fingerprint", ""),
    }


def _verify_file(connection: sqlite3.Connection, hasher: AddressHasher) -> AuditCheck | None:
    import sqlalchemy as sa

    engine = sa.create_engine("sqlite://", creator=lambda: connection, poolclass=sa.pool.StaticPool)
    try:
        with engine.connect() as opened:
            return _verify_audit_log(opened, hasher)
    except sa.exc.SQLAlchemyError as error:
        raise StoreError(f"the audit log cannot be read: {str(error).splitlines()[0]}") from None


def _verify_audit_log(connection: "sa.Connection", hasher: AddressHasher) -> AuditCheck | None:
    """Return the result of verifying the audit log; None for a store that was never used."""
    from moza_mail.store.audit_check import verify_rows
    from moza_mail.store.audit_writer import stored_fingerprint

    fingerprint = stored_fingerprint(connection)
    if fingerprint == hasher.fingerprint:
        return verify_rows(connection, hasher)
    if not fingerprint:
        return None
    return AuditCheck(head=AuditHead(), problems=(AuditProblem(kind=ProblemKind.SECRET),))


def _inspect_server(url: str, hasher: AddressHasher | None) -> StoreStatus:
    import sqlalchemy as sa

    from moza_mail.store.postgres.database import PostgresDatabase
    from moza_mail.store.postgres.replication import count_unsafe_standbys

    with closing(PostgresDatabase.without_migrating(url)) as database, database.reading() as connection:
        if "schema_version" not in sa.inspect(connection).get_table_names():
            return StoreStatus(path=None, known_schema=HEAD)
        schema = connection.execute(sa.text(VERSION)).scalar()
        newest = connection.execute(sa.text(NEWEST)).scalar()
        check = _verify_audit_log(connection, hasher) if schema == HEAD and hasher else None
        rows = connection.execute(sa.text(PROPERTIES))
        properties = {str(name): str(value) for name, value in rows}
        standbys = count_unsafe_standbys(connection)
    return StoreStatus(
        path=None,
        known_schema=HEAD,
        exists=True,
        schema=str(schema),
        unsafe_standbys=standbys,
        last_change=datetime.fromisoformat(newest) if newest else None,
        audit_check=check,
        **_read_identity(properties),
    )
