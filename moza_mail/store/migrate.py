"""Create the tables of a new database, and update the tables of an older moza-mail."""

from collections.abc import Callable

import sqlalchemy as sa

from moza_mail.errors import SchemaTooNew, StoreError
from moza_mail.store.audit_triggers import create_triggers
from moza_mail.store.schema import HEAD, metadata

# Each change of the tables after version 0001, by the version that it leads to, in order. A released change stays as it is.
MIGRATIONS: dict[str, Callable[[sa.Connection], None]] = {}


def find_version(connection: sa.Connection, name: str) -> str:
    """Return the version of a database; "" if it is empty.

    Raise SchemaTooNew if a newer moza-mail wrote the database, and StoreError if another program did.

    name: the database's name in errors.
    """
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        return ""
    if "schema_version" not in tables:
        raise StoreError(
            f"{name} is a database of another program, not of moza-mail",
            hint="Set another file as `store` in moza-mail.toml.",
        )
    found = str(connection.exec_driver_sql("SELECT version FROM schema_version").scalar_one())
    if found > HEAD:
        raise SchemaTooNew(
            f"{name} was written by a newer moza-mail (its schema is {found}, this one knows {HEAD})",
            hint="Install the newer moza-mail. Nothing was changed.",
        )
    return found


def upgrade(connection: sa.Connection, found: str) -> None:
    """Create the tables, or run the missing migrations, in the connection's open transaction.

    found: the version that `find_version` returned.
    """
    if not found:
        if connection.dialect.name == "postgresql":
            from moza_mail.store.postgres.options import add_options

            add_options()
        metadata.create_all(connection, checkfirst=False)
        create_triggers(connection)
        connection.exec_driver_sql("CREATE TABLE schema_version (version TEXT NOT NULL)")
        connection.execute(sa.text("INSERT INTO schema_version VALUES (:version)"), {"version": HEAD})
        return
    for version, migration in MIGRATIONS.items():
        if version > found:
            migration(connection)
    connection.execute(sa.text("UPDATE schema_version SET version = :version"), {"version": HEAD})
