"""Senders, and which of them has a delivery, so that several may share a mailing."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table of senders and name the sender in each delivery."""
    op.create_table(
        "senders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("process", NUMBER, nullable=False),
        sa.Column("since", sa.String(32), nullable=False),
        sqlite_autoincrement=True,
    )
    op.add_column("deliveries", sa.Column("sender", sa.Integer))
