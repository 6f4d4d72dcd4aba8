"""Bring a database to the version this moza-mail knows; Alembic is loaded only when it is behind."""

from pathlib import Path

import sqlalchemy as sa

from moza_mail.errors import SchemaTooNew, StoreError
from moza_mail.store.schema import HEAD


def version(connection: sa.Connection, name: str) -> str:
    """The version a database was left in, empty when it is new; `name` is what an error calls it.

    Raise SchemaOutdated when a newer moza-mail wrote it, StoreError when something else did.
    """
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        return ""
    found = None
    if "alembic_version" in tables:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if found is None or not found.isdecimal():
        raise StoreError(
            f"{name} is a database of something other than moza-mail.",
            hint="Name another file in `store` of moza-mail.toml.",
        )
    if found > HEAD:
        raise SchemaTooNew(
            f"{name} was written by a newer moza-mail (its tables are {found}, this one knows {HEAD}).",
            hint="Install the newer moza-mail; nothing was changed.",
        )
    return str(found)


def upgrade(connection: sa.Connection) -> None:
    """Run every migration that is missing, inside the connection's open transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = Path(__file__).parent / "migrations"
    # configparser reads a lone % as the start of an interpolation.
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
