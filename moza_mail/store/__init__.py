"""Store: the subscribers and the ledger, behind one door."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from moza_mail.errors import StoreError
from moza_mail.model.address_hash import Pseudonyms
from moza_mail.model.health import StoreSeen
from moza_mail.model.threshold import USUAL, Thresholds
from moza_mail.store.protocol import Audience, Chosen, Erased, Person, Store

if TYPE_CHECKING:
    from moza_mail.store.audit_log import Trail

__all__ = ["Audience", "Chosen", "Erased", "Person", "Store", "account", "look", "open_store"]


async def look(url: str) -> StoreSeen:
    """See how the store of a URL is without changing it; raise StoreError when it cannot be reached or read."""
    from moza_mail.store import health

    return await health.look(url)


def account() -> str:
    """The account this process runs under."""
    from moza_mail.store import sender

    return sender.account()


async def open_store(
    url: str,
    *,
    actor: str = "",
    pseudonyms: Pseudonyms | None = None,
    any_secret: bool = False,
    thresholds: Thresholds = USUAL,
) -> Store:
    """Open the store of a URL and bring its tables to this version.

    What is changed in it is noted in its audit trail as done by `actor` (the account of this process when it is not given).
    `pseudonyms` stand there for addresses. They are made with the project's secret, and StoreError is raised when the store
    was begun with another, unless `any_secret` (which is for `adopt_secret`). Without them entries name numbers alone and have no seal, and nobody can be erased.

    `sqlite:////absolute/path.db`: a file that is not there is made (mode 0600), and so is its folder.
    `postgresql://user@host:port/database?sslmode=verify-full`: the database must be there, its encoding UTF-8; the options are
    libpq's, and so is where the password comes from (PGPASSWORD, ~/.pgpass, a service file): never the URL. The connection
    must be the server's own, or a pooler's that keeps sessions whole, for a sender lives as long as its session.

    `thresholds` say how often an address must fail before it is suppressed.

    The store belongs to the running event loop; close it at the end. Raise StoreError when it cannot be opened,
    SchemaOutdated when a newer moza-mail wrote it.
    """
    trail = _trail(actor, pseudonyms, any_secret=any_secret)
    scheme, _, rest = url.partition("://")
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        from moza_mail.store.database import DatabaseStore
        from moza_mail.store.postgres.database import Postgres

        return await DatabaseStore.open(partial(Postgres.open, url), trail, thresholds)
    # The URL is not repeated: it may hold a password.
    if scheme != "sqlite" or not rest.startswith("//") or "\0" in rest or rest.endswith("/"):
        raise StoreError(
            "The store's URL does not name a SQLite file or a PostgreSQL database.",
            hint='Set store = "sqlite:///subscribers/moza-mail.db" in moza-mail.toml.',
        )
    from moza_mail.store.database import DatabaseStore
    from moza_mail.store.sqlite.database import Sqlite

    return await DatabaseStore.open(partial(Sqlite.open, Path(rest[1:])), trail, thresholds)


def _trail(actor: str, pseudonyms: Pseudonyms | None, *, any_secret: bool) -> "Trail":
    from moza_mail.store.audit_log import Trail

    return Trail(actor=actor or account(), pseudonyms=pseudonyms, any_secret=any_secret)
