"""The tables, for SQLite and PostgreSQL.

A change of these tables needs a migration in migrate.py. Times are stored as UTC text of fixed width
(model/timestamps.py, format_utc). Such text sorts in time order and is readable in any SQL shell, and
SQLite has no type for times. Enums are stored as the text of their StrEnum.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from moza_mail.model.audit import AuditAction
from moza_mail.model.bounce import BounceKind, BounceProof
from moza_mail.model.mailing import DeliveryState, SkipReason
from moza_mail.model.reply import Phase
from moza_mail.model.subscriber import SubscriptionState, SuppressionReason
from moza_mail.model.timestamps import format_utc
from moza_mail.model.verdict import Verdict

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

HEAD = "0001"
"""The version of these tables: the newest one in migrate.MIGRATIONS, 0001 if there is none."""


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime, stored as text."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002  (SQLAlchemy's signature)
        """Convert a time to text."""
        return None if value is None else format_utc(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002  (SQLAlchemy's signature)
        """Convert text to a time."""
        return None if value is None else datetime.fromisoformat(value)


def enum_type(kind: type[StrEnum]) -> sa.Enum:
    """Return the column type of a StrEnum.

    The column has no CHECK constraint. So a new member needs no migration of the table.
    """
    return sa.Enum(
        kind,
        native_enum=False,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )


to_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
"""Convert to JSON with one encoder; `json.dumps` makes a new one for each value."""


def text_map_to_json(texts: Mapping[str, str]) -> str:
    """Convert a mapping of texts to JSON, twice as fast as `json.dumps`.

    An import of a million people converts a million such mappings.
    """
    pairs = [f"{encode_basestring(name)}: {encode_basestring(texts[name])}" for name in sorted(texts)]
    return "{" + ", ".join(pairs) + "}"


JSON = sa.JSON(none_as_null=True)
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
metadata = sa.MetaData()

lists = sa.Table(
    "lists",
    metadata,
    sa.Column("slug", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
)

subscribers = sa.Table(
    "subscribers",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("address_key", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    # The language that the subscriber chose; empty to use the language of each list.
    sa.Column("lang", sa.Text, nullable=False, server_default=""),
    # The id is part of Message-IDs and links, so the id of an erased person is never used again.
    sqlite_autoincrement=True,
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("list_slug", sa.Text, sa.ForeignKey("lists.slug"), primary_key=True),
    sa.Column("subscriber_id", ID, sa.ForeignKey("subscribers.id"), primary_key=True),
    sa.Column("state", enum_type(SubscriptionState), nullable=False),
    sa.Column("consent", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("confirmed_at", UtcTime),
    sa.Column("unsubscribed_at", UtcTime),
    sa.Index("subscriptions_subscriber", "subscriber_id"),
    sqlite_with_rowid=False,
)

# Filled-in forms. A form only adds a row here, so its response takes the same time for every address; the sender of confirmations
# handles the rows. A handled row keeps only its stamp, so that nobody can send the form twice.
sign_up_requests = sa.Table(
    "sign_up_requests",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("stamp", sa.Text, nullable=False, unique=True),
    sa.Column("list_slug", sa.Text, sa.ForeignKey("lists.slug"), nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("address_key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("consent", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    # Null while the request waits.
    sa.Column("handled_at", UtcTime),
    sa.Index("sign_up_requests_handled", "handled_at", "id"),
)

confirmations = sa.Table(
    "confirmations",
    metadata,
    sa.Column("id", ID, primary_key=True),
    # An erasure deletes this row before the person.
    sa.Column("subscriber_id", ID, sa.ForeignKey("subscribers.id"), nullable=False),
    sa.Column("list_slug", sa.Text, sa.ForeignKey("lists.slug"), nullable=False),
    # The digest of the mailbox, for its limit of mails (model/mailbox.py).
    sa.Column("mailbox", sa.String(32), nullable=False),
    # The data of the sign-up form. It is not used before the person has confirmed the address.
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("consent", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    # When the person unsubscribed after this sign-up. From then on, the link has no effect.
    sa.Column("voided_at", UtcTime),
    # The mail, with the columns of a delivery; `due_at` is the earliest time of the next attempt.
    sa.Column("state", enum_type(DeliveryState), nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reply", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("phase", enum_type(Phase)),
    sa.Column("queue_id", sa.Text, nullable=False, server_default=""),
    sa.Column("skip_reason", enum_type(SkipReason)),
    sa.Column("changed_at", UtcTime),
    sa.Column("sender_id", sa.Integer),
    sa.Index("confirmations_subscriber", "subscriber_id"),
    sa.Index("confirmations_mailbox", "mailbox", "created_at"),
    sa.Index("confirmations_due", "state", "due_at", "id"),
    # The id is part of links, so it is never used twice.
    sqlite_autoincrement=True,
)

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("address_key", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("reason", enum_type(SuppressionReason), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    # The mailing whose reply or report was the reason; null for another reason.
    sa.Column("mailing_id", ID),
    sa.Column("verdict", enum_type(Verdict)),
    sa.Column("provider", sa.Text),
    # Set while a person must decide: the address may still be mailed.
    sa.Column("held_at", UtcTime),
    sa.Index("suppressions_mailing", "mailing_id", "address_key"),
)

# The suppressions that a person has removed. Rows are added, and never changed.
removed_suppressions = sa.Table(
    "removed_suppressions",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("address_key", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("reason", enum_type(SuppressionReason), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("mailing_id", ID),
    sa.Column("verdict", enum_type(Verdict)),
    sa.Column("provider", sa.Text),
    sa.Column("held_at", UtcTime),
    sa.Column("removed_at", UtcTime, nullable=False),
    sa.Column("removal_reason", sa.Text, nullable=False),
    sa.Index("removed_suppressions_address", "address_key", "removed_at"),
)

# How many readers a provider has in a mailing, for providers with more than a few.
mailing_providers = sa.Table(
    "mailing_providers",
    metadata,
    sa.Column("mailing_id", ID, sa.ForeignKey("mailings.id"), primary_key=True),
    sa.Column("provider", sa.Text, primary_key=True),
    sa.Column("readers", sa.Integer, nullable=False),
)

# How many of these readers fail with one verdict, and the decision about them.
provider_verdicts = sa.Table(
    "provider_verdicts",
    metadata,
    sa.Column("mailing_id", ID, sa.ForeignKey("mailings.id"), primary_key=True),
    sa.Column("provider", sa.Text, primary_key=True),
    sa.Column("verdict", enum_type(Verdict), primary_key=True),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),
)

rate_limits = sa.Table(
    "rate_limits",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("rate", sa.Text, nullable=False),
    sa.Column("full_at", UtcTime, nullable=False),
)

mailings = sa.Table(
    "mailings",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("issue_slug", sa.Text, nullable=False),
    sa.Column("issue_title", sa.Text, nullable=False),
    # The date in the front matter; null for an issue without one.
    sa.Column("issue_date", sa.String(10)),
    sa.Column("list_slug", sa.Text, sa.ForeignKey("lists.slug"), nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("preheader", sa.Text, nullable=False),
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # The text without the agenda and the headings, which is compared with that of later issues.
    sa.Column("news", sa.Text, nullable=False),
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("attachments", sa.JSON, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("merge_fields", JSON),
    # When the last of its deliveries lost its address; null while some may have one.
    sa.Column("anonymised_at", UtcTime),
    # A copy of the segment that gets the mailing; null for the whole list.
    sa.Column("segment", JSON),
    # `send --due` skips the mailing until this time, because a quota is used up or a reply refused us, the sender.
    sa.Column("paused_until", UtcTime),
    sa.UniqueConstraint("issue_slug", "list_slug", name="mailings_once"),
    sqlite_autoincrement=True,
)

senders = sa.Table(
    "senders",
    metadata,
    # PostgreSQL's advisory locks take a number of this width.
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("process_id", ID, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    # The number of the sender's last commit, which only PostgreSQL needs (postgres/commit.py).
    sa.Column("last_commit", ID, nullable=False, server_default="0"),
    # The id distinguishes dead senders from living ones, so it is never used twice.
    sqlite_autoincrement=True,
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("mailing_id", ID, sa.ForeignKey("mailings.id"), nullable=False),
    # No foreign key: the row outlives a person who is erased.
    sa.Column("subscriber_id", ID, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", enum_type(DeliveryState), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt", UtcTime),
    sa.Column("skip_reason", enum_type(SkipReason)),
    sa.Column("reply", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("phase", enum_type(Phase)),
    sa.Column("verdict", enum_type(Verdict)),
    # When the first attempt was deferred: retries end 48 hours later.
    sa.Column("first_attempt_at", UtcTime),
    sa.Column("queue_id", sa.Text, nullable=False, server_default=""),
    # When the state last changed; null before the first change, which saves 32 MB in a million rows.
    sa.Column("changed_at", UtcTime),
    # The sender that claimed the delivery last; null if it did not hold the sender lock.
    sa.Column("sender_id", sa.Integer),
    # The attributes that the mailing's merge fields use; null if they use none.
    sa.Column("merge_values", JSON),
    sa.UniqueConstraint("mailing_id", "subscriber_id", name="deliveries_once"),
)

bounces = sa.Table(
    "bounces",
    metadata,
    # The digest of the report, so that a report that is read twice counts once.
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("kind", enum_type(BounceKind), nullable=False),
    # Null for a report without effect, such as a holiday reply, if its message is unknown.
    sa.Column("delivery_id", ID, sa.ForeignKey("deliveries.id")),
    sa.Column("proof", enum_type(BounceProof)),
    sa.Column("verdict", enum_type(Verdict)),
    sa.Column("reply", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Index("bounces_delivery", "delivery_id"),
)

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("issue_slug", sa.Text, nullable=False),
    sa.Column("list_slug", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("approved_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("withdrawn_by", sa.Text, nullable=False),
    sa.Column("withdrawn_at", UtcTime),
    sa.Index("approvals_issue", "issue_slug", "list_slug"),
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("reported_at", UtcTime, nullable=False),
)

# Hashes of erased people's addresses, so that no import adds them again.
erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("address_hash", sa.Text, primary_key=True),
    sa.Column("erased_at", UtcTime, nullable=False),
    # Why their address was suppressed at the erasure; null if it was not.
    sa.Column("suppression_reason", enum_type(SuppressionReason)),
)

properties = sa.Table(
    "properties",
    metadata,
    # `fingerprint` identifies the secret of the address hashes. Entries of `audit_log` before `audit_kept_since` may be deleted.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

# Append-only: triggers (audit_triggers.py) refuse every other change.
audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("occurred_at", UtcTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", enum_type(AuditAction), nullable=False),
    sa.Column("list_slug", sa.Text, nullable=False),
    # No foreign keys, because an entry outlives its subject.
    sa.Column("subscriber_id", ID),
    sa.Column("address_hash", sa.Text, nullable=False),
    sa.Column("mailing_id", ID),
    sa.Column("detail", sa.Text, nullable=False),
    # An HMAC over the entry and the previous seal; empty if the store was opened without the secret.
    sa.Column("seal", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)


def literal_state(state: DeliveryState) -> sa.ColumnElement[DeliveryState]:
    """Return a state as a literal in the SQL, so that the planner can choose a partial index.

    With a parameter instead, SQLite would prepare the statement again for each new value.
    """
    return sa.literal_column(f"'{state}'", deliveries.c.state.type)


def is_in(state: DeliveryState) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a delivery has this state, written as a literal."""
    return deliveries.c.state == literal_state(state)


def is_of(sender_id: int | sa.ColumnElement[int] | None) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a delivery was claimed by one sender.

    sender_id: the id of the sender; None for a sender without the sender lock.
    """
    return deliveries.c.sender_id.is_not_distinct_from(sender_id)


def shared(name: str, column: sa.Column[Any]) -> sa.BindParameter[Any]:
    """Return an SQL parameter of the column's type, whose value is the same for all rows."""
    return sa.bindparam(name, type_=column.type)


def domain(address: sa.ColumnElement[str], connection: sa.Connection) -> sa.ColumnElement[str]:
    """Return SQL for the domain of a stored address, which has exactly one @."""
    if connection.dialect.name == "postgresql":
        return sa.func.split_part(address, "@", 2)
    return sa.func.substr(address, sa.func.instr(address, "@") + 1)


# postgres/options.py adds the conditions for PostgreSQL. One index serves claims, recovery and paging, because it has the ids of
# each state in order.
sa.Index("deliveries_state", deliveries.c.mailing_id, deliveries.c.state, deliveries.c.id)
sa.Index(
    "deliveries_due",
    deliveries.c.mailing_id,
    deliveries.c.next_attempt,
    deliveries.c.id,
    sqlite_where=deliveries.c.state == DeliveryState.DEFERRED,
)
sa.Index(
    "audit_log_subscriber",
    audit_log.c.subscriber_id,
    sqlite_where=audit_log.c.subscriber_id.is_not(None),
)
sa.Index("audit_log_address_hash", audit_log.c.address_hash, sqlite_where=audit_log.c.address_hash != "")


def insert(connection: sa.Connection, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
    """Return the dialect's own INSERT, which supports ON CONFLICT."""
    # The dialect of PostgreSQL takes a fifth of the import of SQLAlchemy, and most stores are files.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
