"""Merge fields: what a mailing's slots stand for, and the values that each delivery was frozen with."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add a column to each; null, as in what is there already, says that there are no fields."""
    op.add_column("mailings", sa.Column("fields", sa.JSON))
    op.add_column("deliveries", sa.Column("merge_values", sa.JSON))
