"""Store: the subscribers and the ledger, behind one door."""

from functools import partial
from pathlib import Path

from moza_mail.errors import StoreError
from moza_mail.store.protocol import Audience, Person, Store

__all__ = ["Audience", "Person", "Store", "open_store"]


async def open_store(url: str) -> Store:
    """Open the store of a URL and bring its tables to this version.

    `sqlite:////absolute/path.db`: a file that is not there is made (mode 0600), and so is its folder.
    `postgresql://user@host:port/database?sslmode=verify-full`: the database must be there, its encoding UTF-8; the options are
    libpq's, and so is where the password comes from (PGPASSWORD, ~/.pgpass, a service file): never the URL. The connection
    must be the server's own, or a pooler's that keeps sessions whole, for a sender lives as long as its session.

    The store belongs to the running event loop; close it at the end. Raise StoreError when it cannot be opened,
    SchemaOutdated when a newer moza-mail wrote it.
    """
    scheme, _, rest = url.partition("://")
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        from moza_mail.store.database import DatabaseStore
        from moza_mail.store.postgres import Postgres

        return await DatabaseStore.open(partial(Postgres.open, url))
    # The URL is not repeated: it may hold a password.
    if scheme != "sqlite" or not rest.startswith("//") or "\0" in rest or rest.endswith("/"):
        raise StoreError(
            "The store's URL does not name a SQLite file or a PostgreSQL database.",
            hint='Set store = "sqlite:///subscribers/moza-mail.db" in moza-mail.toml.',
        )
    from moza_mail.store.database import DatabaseStore
    from moza_mail.store.sqlite import Sqlite

    return await DatabaseStore.open(partial(Sqlite.open, Path(rest[1:])))
