"""Migrate a database to the version of this moza-mail.

Alembic is imported only if the database is older.
"""

from pathlib import Path

import sqlalchemy as sa

from moza_mail.errors import SchemaTooNew, StoreError
from moza_mail.store.schema import HEAD

MIGRATIONS = Path(__file__).parent / "migrations"


def find_version(connection: sa.Connection, name: str) -> str:
    """Return the version of a database; "" if it is empty.

    Raise SchemaTooNew if a newer moza-mail wrote it, StoreError if another program did.
    name: the database's name in errors.
    """
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        return ""
    found = None
    if "alembic_version" in tables:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if found is None or not found.isdecimal():
        raise StoreError(
            f"{name} is a database of another program, not of moza-mail",
            hint="Set another file as `store` in moza-mail.toml.",
        )
    if found > HEAD:
        raise SchemaTooNew(
            f"{name} was written by a newer moza-mail (its schema is {found}, this one knows {HEAD})",
            hint="Install the newer moza-mail. Nothing was changed.",
        )
    return str(found)


def upgrade(connection: sa.Connection) -> None:
    """Run the missing migrations in the connection's open transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    # configparser reads a single % as the start of an interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
