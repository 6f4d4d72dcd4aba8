"""The first tables: lists, subscribers, subscriptions, suppressions, mailings, deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# A migration never imports schema.py: it must build tomorrow what it built today.
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(32)
WORD = sa.String(20)


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "lists",
        sa.Column("slug", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
    )
    op.create_table(
        "subscribers",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("address_key", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "suppressions",
        sa.Column("address_key", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("reason", WORD, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
    )
    _subscriptions()
    _mailings()
    _deliveries()


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("list_slug", sa.Text, sa.ForeignKey("lists.slug"), primary_key=True),
        sa.Column("subscriber", NUMBER, sa.ForeignKey("subscribers.id"), primary_key=True),
        sa.Column("state", WORD, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT),
        sa.Column("unsubscribed_at", MOMENT),
        sqlite_with_rowid=False,
    )
    op.create_index("subscriptions_subscriber", "subscriptions", ["subscriber"])


def _mailings() -> None:
    op.create_table(
        "mailings",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("issue_slug", sa.Text, nullable=False),
        sa.Column("issue_title", sa.Text, nullable=False),
        sa.Column("list_slug", sa.Text, sa.ForeignKey("lists.slug"), nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("preheader", sa.Text, nullable=False),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("lang", sa.Text, nullable=False),
        sa.Column("attachments", sa.JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.UniqueConstraint("issue_slug", "list_slug", name="mailings_once"),
        sqlite_autoincrement=True,
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("mailing", NUMBER, sa.ForeignKey("mailings.id"), nullable=False),
        sa.Column("subscriber", NUMBER, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_attempt", MOMENT),
        sa.Column("skip_reason", WORD),
        sa.Column("reply", sa.Text, nullable=False, server_default=""),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("phase", WORD),
        sa.Column("queue_id", sa.Text, nullable=False, server_default=""),
        sa.Column("changed_at", MOMENT),
        sa.UniqueConstraint("mailing", "subscriber", name="deliveries_once"),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("deliveries_state", "deliveries", ["mailing", "state", "id"])
    due = sa.text("state = 'deferred'")
    op.create_index(
        "deliveries_due",
        "deliveries",
        ["mailing", "next_attempt", "id"],
        sqlite_where=due,
        postgresql_where=due,
    )
