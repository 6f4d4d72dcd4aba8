"""Inspect a store without creating, migrating or locking it."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from moza_mail.errors import StoreError
from moza_mail.model.health import StoreStatus
from moza_mail.store.schema import HEAD

# The time of the last change.
NEWEST = """
SELECT max(at) FROM (
  SELECT max(created_at) AS at FROM mailings
  UNION ALL SELECT max(created_at) FROM subscriptions
  UNION ALL SELECT max(changed_at) FROM deliveries
) AS moments
"""
VERSION = "SELECT version_num FROM alembic_version"


async def inspect_store(url: str) -> StoreStatus:
    """Inspect the store of a URL; raise StoreError if it cannot be reached or read."""
    if url.startswith("sqlite:///"):
        return await asyncio.to_thread(_inspect_file, Path(url.removeprefix("sqlite:///")))
    return await asyncio.to_thread(_inspect_server, url)


def _inspect_file(path: Path) -> StoreStatus:
    if not path.exists() or path.stat().st_size == 0:
        return StoreStatus(path=path, known_schema=HEAD)
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=15)
        ) as connection:
            schema = str(connection.execute(VERSION).fetchone()[0])
            (first,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            newest = connection.execute(NEWEST).fetchone()[0]
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
    )


def _inspect_server(url: str) -> StoreStatus:
    import sqlalchemy as sa

    from moza_mail.store.postgres.database import PostgresDatabase

    with closing(PostgresDatabase.without_migrating(url)) as database, database.reading() as connection:
        if "alembic_version" not in sa.inspect(connection).get_table_names():
            return StoreStatus(path=None, known_schema=HEAD)
        schema = connection.execute(sa.text(VERSION)).scalar()
        newest = connection.execute(sa.text(NEWEST)).scalar()
    return StoreStatus(
        path=None,
        known_schema=HEAD,
        exists=True,
        schema=str(schema),
        last_change=datetime.fromisoformat(newest) if newest else None,
    )
