"""Suppressions that were lifted: what they were, when and why they ended."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(32)


def upgrade() -> None:
    """Create the table; its rows are only ever added."""
    op.create_table(
        "lifted",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("address_key", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("mailing", NUMBER),
        sa.Column("lifted_at", MOMENT, nullable=False),
        sa.Column("lifted_because", sa.Text, nullable=False),
    )
    op.create_index("lifted_address", "lifted", ["address_key", "lifted_at"])
