"""The options of tables and indexes that only PostgreSQL has.

They are not part of schema.py, because SQLAlchemy would import the dialect of PostgreSQL for each command.
"""

from moza_mail.model.mailing import DeliveryState
from moza_mail.store.schema import deliveries, metadata


def add_options() -> None:
    """Add the options to the tables, before the tables are created."""
    # Each row is written three times. The free space lets its next versions stay on the same page.
    deliveries.dialect_kwargs["postgresql_with"] = {"fillfactor": 70}
    for table in metadata.tables.values():
        for index in table.indexes:
            condition = index.dialect_kwargs.get("sqlite_where")
            if index.name == "deliveries_state":
                # PostgreSQL adds each version of a row to every index that includes the row. Leaving out accepted
                # deliveries saves most of this work at the end of a delivery. Queries for accepted deliveries read all
                # rows of the mailing.
                condition = deliveries.c.state != DeliveryState.ACCEPTED
            if condition is not None:
                index.dialect_kwargs["postgresql_where"] = condition
