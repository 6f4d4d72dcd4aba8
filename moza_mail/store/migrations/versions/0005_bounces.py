"""Bounces: what reports said after a message was accepted, each report once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.String(20)


def upgrade() -> None:
    """Create the table; its rows are only ever added."""
    op.create_table(
        "bounces",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("delivery", NUMBER, sa.ForeignKey("deliveries.id")),
        sa.Column("proof", WORD),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("bounces_delivery", "bounces", ["delivery"])
