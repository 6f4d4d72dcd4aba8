"""The audit trail, which the database itself keeps from being changed, and the store's own properties."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSED = "the audit trail is only ever added to"
KEPT_SINCE = "coalesce((SELECT value FROM properties WHERE name = 'audit_kept_since'), '')"
REFUSE = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
TAKEN = "EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)"
SQLITE = (
    f"CREATE TRIGGER audit_changed BEFORE UPDATE ON audit {REFUSE}",
    f"CREATE TRIGGER audit_removed BEFORE DELETE ON audit WHEN OLD.at >= {KEPT_SINCE} {REFUSE}",
    # INSERT OR REPLACE takes a row away without asking the trigger of DELETE.
    f"CREATE TRIGGER audit_replaced BEFORE INSERT ON audit WHEN {TAKEN} {REFUSE}",
)
RAISE = f"RAISE EXCEPTION '{REFUSED}';"
FUNCTION = "RETURNS trigger LANGUAGE plpgsql AS"
POSTGRES = (
    f"CREATE FUNCTION audit_refused() {FUNCTION} $$ BEGIN {RAISE} END $$",
    f"CREATE FUNCTION audit_removal() {FUNCTION} $$ BEGIN IF OLD.at >= {KEPT_SINCE} THEN {RAISE} END IF; RETURN OLD; END $$",
    "CREATE TRIGGER audit_changed BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refused()",
    "CREATE TRIGGER audit_removed BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_removal()",
    "CREATE TRIGGER audit_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refused()",
)


def upgrade() -> None:
    """Create both tables, and what refuses any change of an entry but its removal when its time is over."""
    op.create_table(
        "properties",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("list_slug", sa.Text, nullable=False),
        sa.Column("subscriber", NUMBER),
        sa.Column("pseudonym", sa.Text, nullable=False),
        sa.Column("mailing", NUMBER),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    for column, where in (("subscriber", "subscriber IS NOT NULL"), ("pseudonym", "pseudonym != ''")):
        clause = sa.text(where)
        op.create_index(f"audit_{column}", "audit", [column], sqlite_where=clause, postgresql_where=clause)
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRES:
        op.execute(statement)
