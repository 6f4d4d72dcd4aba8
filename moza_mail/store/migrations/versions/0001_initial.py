"""All tables, and the triggers that keep the audit log from being changed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from moza_mail.store.audit_triggers import create_triggers

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.String(32)
WORD = sa.String(20)


def upgrade() -> None:
    """Create every table."""
    _people()
    _confirmations()
    _suppressions()
    _mailings()
    _deliveries()
    _approvals()
    _audit_log()


def _people() -> None:
    op.create_table(
        "lists",
        sa.Column("slug", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
    )
    op.create_table(
        "subscribers",
        sa.Column("id", ID, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("address_key", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("lang", sa.Text, nullable=False, server_default=""),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "subscriptions",
        sa.Column("list_slug", sa.Text, sa.ForeignKey("lists.slug"), primary_key=True),
        sa.Column("subscriber_id", ID, sa.ForeignKey("subscribers.id"), primary_key=True),
        sa.Column("state", WORD, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME),
        sa.Column("unsubscribed_at", TIME),
        sqlite_with_rowid=False,
    )
    op.create_index("subscriptions_subscriber", "subscriptions", ["subscriber_id"])


def _confirmations() -> None:
    op.create_table(
        "sign_up_requests",
        sa.Column("id", ID, primary_key=True),
        sa.Column("stamp", sa.Text, nullable=False, unique=True),
        sa.Column("list_slug", sa.Text, sa.ForeignKey("lists.slug"), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("address_key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("lang", sa.Text, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("handled_at", TIME),
    )
    op.create_index("sign_up_requests_handled", "sign_up_requests", ["handled_at", "id"])
    op.create_table(
        "confirmations",
        sa.Column("id", ID, primary_key=True),
        sa.Column("subscriber_id", ID, sa.ForeignKey("subscribers.id"), nullable=False),
        sa.Column("list_slug", sa.Text, sa.ForeignKey("lists.slug"), nullable=False),
        sa.Column("mailbox", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("lang", sa.Text, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("voided_at", TIME),
        sa.Column("due_at", TIME, nullable=False),
        *_attempt_columns(),
        sqlite_autoincrement=True,
    )
    op.create_index("confirmations_subscriber", "confirmations", ["subscriber_id"])
    op.create_index("confirmations_mailbox", "confirmations", ["mailbox", "created_at"])
    op.create_index("confirmations_due", "confirmations", ["state", "due_at", "id"])


def _attempt_columns() -> tuple[sa.Column[Any], ...]:
    """Return the columns that confirmations and deliveries share."""
    return (
        sa.Column("state", WORD, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("reply", sa.Text, nullable=False, server_default=""),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("phase", WORD),
        sa.Column("queue_id", sa.Text, nullable=False, server_default=""),
        sa.Column("skip_reason", WORD),
        sa.Column("changed_at", TIME),
        sa.Column("sender_id", sa.Integer),
    )


def _suppressions() -> None:
    op.create_table(
        "suppressions",
        sa.Column("address_key", sa.Text, primary_key=True),
        *_suppression_columns(),
    )
    op.create_index("suppressions_mailing", "suppressions", ["mailing_id", "address_key"])
    op.create_table(
        "removed_suppressions",
        sa.Column("id", ID, primary_key=True),
        sa.Column("address_key", sa.Text, nullable=False),
        *_suppression_columns(),
        sa.Column("removed_at", TIME, nullable=False),
        sa.Column("removal_reason", sa.Text, nullable=False),
    )
    op.create_index("removed_suppressions_address", "removed_suppressions", ["address_key", "removed_at"])
    op.create_table(
        "erasures",
        sa.Column("address_hash", sa.Text, primary_key=True),
        sa.Column("erased_at", TIME, nullable=False),
        sa.Column("suppression_reason", WORD),
    )


def _suppression_columns() -> tuple[sa.Column[Any], ...]:
    """Return the columns that present and removed suppressions share."""
    return (
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("reason", WORD, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("mailing_id", ID),
        sa.Column("verdict", WORD),
        sa.Column("provider", sa.Text),
        sa.Column("held_at", TIME),
    )


def _mailings() -> None:
    op.create_table(
        "mailings",
        sa.Column("id", ID, primary_key=True),
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
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("merge_fields", sa.JSON),
        sa.Column("anonymised_at", TIME),
        sa.Column("segment", sa.JSON),
        sa.Column("paused_until", TIME),
        sa.UniqueConstraint("issue_slug", "list_slug", name="mailings_once"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "mailing_providers",
        sa.Column("mailing_id", ID, sa.ForeignKey("mailings.id"), primary_key=True),
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("readers", sa.Integer, nullable=False),
    )
    op.create_table(
        "provider_verdicts",
        sa.Column("mailing_id", ID, sa.ForeignKey("mailings.id"), primary_key=True),
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("verdict", WORD, primary_key=True),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
    )
    op.create_table(
        "senders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("process_id", ID, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rate_limits",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("rate", sa.Text, nullable=False),
        sa.Column("full_at", TIME, nullable=False),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", ID, primary_key=True),
        sa.Column("mailing_id", ID, sa.ForeignKey("mailings.id"), nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("next_attempt", TIME),
        *_attempt_columns(),
        sa.Column("verdict", WORD),
        sa.Column("first_attempt_at", TIME),
        sa.Column("merge_values", sa.JSON),
        sa.UniqueConstraint("mailing_id", "subscriber_id", name="deliveries_once"),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "deliveries_state",
        "deliveries",
        ["mailing_id", "state", "id"],
        postgresql_where=sa.text("state <> 'accepted'"),
    )
    deferred = sa.text("state = 'deferred'")
    op.create_index(
        "deliveries_due",
        "deliveries",
        ["mailing_id", "next_attempt", "id"],
        sqlite_where=deferred,
        postgresql_where=deferred,
    )
    op.create_table(
        "bounces",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("delivery_id", ID, sa.ForeignKey("deliveries.id")),
        sa.Column("proof", WORD),
        sa.Column("verdict", WORD),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
    )
    op.create_index("bounces_delivery", "bounces", ["delivery_id"])


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", ID, primary_key=True),
        sa.Column("issue_slug", sa.Text, nullable=False),
        sa.Column("list_slug", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("approved_by", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("withdrawn_by", sa.Text, nullable=False),
        sa.Column("withdrawn_at", TIME),
    )
    op.create_index("approvals_issue", "approvals", ["issue_slug", "list_slug"])
    op.create_table(
        "notices",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("reported_at", TIME, nullable=False),
    )


def _audit_log() -> None:
    op.create_table(
        "properties",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", ID, primary_key=True),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", WORD, nullable=False),
        sa.Column("list_slug", sa.Text, nullable=False),
        sa.Column("subscriber_id", ID),
        sa.Column("address_hash", sa.Text, nullable=False),
        sa.Column("mailing_id", ID),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    for name, column, condition in (
        ("audit_log_subscriber", "subscriber_id", "subscriber_id IS NOT NULL"),
        ("audit_log_address_hash", "address_hash", "address_hash != ''"),
    ):
        where = sa.text(condition)
        op.create_index(name, "audit_log", [column], sqlite_where=where, postgresql_where=where)
    create_triggers(op.get_bind())
