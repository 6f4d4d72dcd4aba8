"""Standby servers: find out whether a failover could lose commits."""

import sqlalchemy as sa

# A role without special rights sees these rows too, though not their details.
STANDBYS = "SELECT count(*) FROM pg_stat_replication"
KEEPS_REMOTE_APPLY = """
SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)
"""
TIMELINE = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"


def read_timeline(connection: sa.Connection) -> str:
    """Return the server's timeline; empty if the server does not report it.

    The timeline changes when a standby becomes the primary.
    """
    try:
        return str(connection.exec_driver_sql(TIMELINE).scalar_one())
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return ""


def commit_durably(connection: sa.Connection) -> None:
    """Make each commit wait for the disk, even if the role's default does not.

    A stricter default is kept.
    """
    connection.exec_driver_sql(KEEPS_REMOTE_APPLY)


def is_synchronous(connection: sa.Connection) -> bool:
    """Return True if a commit also waits for a standby."""
    return bool(connection.exec_driver_sql("SHOW synchronous_standby_names").scalar())


def count_unsafe_standbys(connection: sa.Connection) -> int:
    """Count the standbys that may lack the last commits. SQLite has none."""
    if connection.dialect.name != "postgresql" or is_synchronous(connection):
        return 0
    return int(connection.exec_driver_sql(STANDBYS).scalar_one())
