"""Confirmations: sign-ups that wait for their link to be used, each with the mail that brings it; and a reader's language."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(32)
WORD = sa.String(20)


def upgrade() -> None:
    """Create the table; nobody who is there already has chosen a language."""
    op.add_column("subscribers", sa.Column("lang", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "confirmations",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("subscriber", NUMBER, sa.ForeignKey("subscribers.id"), nullable=False),
        sa.Column("list_slug", sa.Text, sa.ForeignKey("lists.slug"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("lang", sa.Text, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("void_at", MOMENT),
        sa.Column("state", WORD, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("reply", sa.Text, nullable=False, server_default=""),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("phase", WORD),
        sa.Column("queue_id", sa.Text, nullable=False, server_default=""),
        sa.Column("skip_reason", WORD),
        sa.Column("changed_at", MOMENT),
        sa.Column("sender", sa.Integer),
        sqlite_autoincrement=True,
    )
    op.create_index("confirmations_subscriber", "confirmations", ["subscriber"])
    op.create_index("confirmations_due", "confirmations", ["state", "due_at", "id"])
