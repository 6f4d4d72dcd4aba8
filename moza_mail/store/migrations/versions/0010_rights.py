"""Who was erased, by pseudonym, and which mailings no longer name their readers."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table, and add the column; null says that readers may still be named."""
    op.create_table(
        "erasures",
        sa.Column("pseudonym", sa.Text, primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("suppressed", sa.String(20)),
    )
    op.add_column("mailings", sa.Column("cleared_at", sa.String(32)))
