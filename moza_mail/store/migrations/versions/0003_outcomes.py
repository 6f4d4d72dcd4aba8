"""Which mailing's reply suppressed an address, and how far the rates of a relay are used up."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Name the mailing in each suppression, and create the table of rates."""
    op.add_column("suppressions", sa.Column("mailing", NUMBER))
    op.create_index("suppressions_mailing", "suppressions", ["mailing", "address_key"])
    op.create_table(
        "rates",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("rate", sa.Text, nullable=False),
        sa.Column("full_at", sa.String(32), nullable=False),
    )
