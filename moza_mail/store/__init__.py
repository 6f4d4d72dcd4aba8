"""Store: the subscribers and the ledger, behind one door."""

from pathlib import Path

from moza_mail.errors import StoreError
from moza_mail.store.protocol import Audience, Person, Store

__all__ = ["Audience", "Person", "Store", "open_store"]


async def open_store(url: str) -> Store:
    """Open the store of a URL, `sqlite:////absolute/path.db`, and bring its tables to this version.

    A file that is not there is made (mode 0600), and so is its folder. The store belongs to the running event loop;
    close it at the end. Raise StoreError when it cannot be opened, SchemaOutdated when a newer moza-mail wrote it.
    """
    scheme, _, rest = url.partition("://")
    # Only the scheme is repeated: a URL may hold a password.
    if scheme.partition("+")[0] in {"postgresql", "postgres"}:
        raise StoreError(
            "A store on PostgreSQL is not supported yet.",
            hint='Set store = "sqlite:///subscribers/moza-mail.db" in moza-mail.toml.',
        )
    if scheme != "sqlite" or not rest.startswith("//") or "\0" in rest or rest.endswith("/"):
        raise StoreError(
            "The store's URL does not name a SQLite file.",
            hint='Set store = "sqlite:///subscribers/moza-mail.db" in moza-mail.toml.',
        )
    from moza_mail.store.database import DatabaseStore

    return await DatabaseStore.open(Path(rest[1:]))
