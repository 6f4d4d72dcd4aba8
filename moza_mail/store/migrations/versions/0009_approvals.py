"""Approvals: who approved what, when; and notices, so that what cron meets every minute is told once."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(32)


def upgrade() -> None:
    """Create both tables; no mailing of before was approved."""
    op.create_table(
        "approvals",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("issue_slug", sa.Text, nullable=False),
        sa.Column("list_slug", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("withdrawn_by", sa.Text, nullable=False),
        sa.Column("withdrawn_at", MOMENT),
    )
    op.create_index("approvals_issue", "approvals", ["issue_slug", "list_slug"])
    op.create_table(
        "notices",
        sa.Column("what", sa.Text, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
    )
