"""Segments: which part of its list a mailing went to."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add a column; null, as in what is there already, says that it went to all of the list."""
    op.add_column("mailings", sa.Column("segment", sa.JSON))
