"""The triggers that make the audit log append-only, and a check that they are in place.

The triggers refuse to change an entry, or to delete an entry that retention still keeps. Only the seals may
change, because a new secret needs new seals. Verification detects a wrong seal.
"""

import sqlalchemy as sa

REFUSED = "the audit log is only ever added to"
KEPT_SINCE = "coalesce((SELECT value FROM properties WHERE name = 'audit_kept_since'), '')"
CONTENT = "id, occurred_at, actor, action, list_slug, subscriber_id, address_hash, mailing_id, detail"
REFUSE = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
EXISTS = "EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)"
SQLITE_TRIGGERS = {
    "audit_log_update": f"CREATE TRIGGER audit_log_update BEFORE UPDATE OF {CONTENT} ON audit_log {REFUSE}",
    "audit_log_delete": f"CREATE TRIGGER audit_log_delete BEFORE DELETE ON audit_log WHEN OLD.occurred_at >= {KEPT_SINCE} {REFUSE}",
    # INSERT OR REPLACE deletes a row without firing the trigger of DELETE.
    "audit_log_replace": f"CREATE TRIGGER audit_log_replace BEFORE INSERT ON audit_log WHEN {EXISTS} {REFUSE}",
}
RAISE = f"RAISE EXCEPTION '{REFUSED}';"
IF_RECENT = f"IF OLD.occurred_at >= {KEPT_SINCE} THEN {RAISE} END IF;"
FUNCTION = "RETURNS trigger LANGUAGE plpgsql AS"
FUNCTIONS = {
    "audit_log_refuse": f" BEGIN {RAISE} END ",
    "audit_log_refuse_recent": f" BEGIN {IF_RECENT} RETURN OLD; END ",
}
REFUSE_ALL, REFUSE_RECENT = FUNCTIONS
POSTGRES_TRIGGERS = {
    "audit_log_update": (f"BEFORE UPDATE OF {CONTENT} ON audit_log FOR EACH ROW", REFUSE_ALL),
    "audit_log_delete": ("BEFORE DELETE ON audit_log FOR EACH ROW", REFUSE_RECENT),
    "audit_log_truncate": ("BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT", REFUSE_ALL),
}
FOUND_IN_SQLITE = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_log'"
# Triggers of foreign keys are internal. `O` and `A` fire for an ordinary session, `D` and `R` do not.
FOUND_IN_POSTGRES = """
SELECT t.tgname, pg_get_triggerdef(t.oid, true), p.proname, p.prosrc, t.tgenabled::text FROM pg_trigger t
JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = 'audit_log'::regclass AND NOT t.tgisinternal
"""


def create_triggers(connection: sa.Connection) -> None:
    """Create the triggers, replacing existing ones."""
    for name in _find_names(connection):
        on_table = " ON audit_log" if connection.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"{on_table}')
    if connection.dialect.name != "postgresql":
        for statement in SQLITE_TRIGGERS.values():
            connection.exec_driver_sql(statement)
        return
    for name, body in FUNCTIONS.items():
        connection.exec_driver_sql(f"CREATE OR REPLACE FUNCTION {name}() {FUNCTION} $${body}$$")
    for name, (event, function) in POSTGRES_TRIGGERS.items():
        connection.exec_driver_sql(f"CREATE TRIGGER {name} {event} EXECUTE FUNCTION {function}()")


def _find_names(connection: sa.Connection) -> list[str]:
    query = FOUND_IN_POSTGRES if connection.dialect.name == "postgresql" else FOUND_IN_SQLITE
    return [row[0].replace('"', '""') for row in connection.exec_driver_sql(query).all()]


def has_triggers(connection: sa.Connection) -> bool:
    """Return True if the audit log has exactly its own triggers, enabled and unchanged."""
    if connection.dialect.name != "postgresql":
        return dict(tuple(row) for row in connection.exec_driver_sql(FOUND_IN_SQLITE)) == SQLITE_TRIGGERS
    expected = {
        (name, f"CREATE TRIGGER {name} {event} EXECUTE FUNCTION {function}()", function, FUNCTIONS[function])
        for name, (event, function) in POSTGRES_TRIGGERS.items()
    }
    found = connection.exec_driver_sql(FOUND_IN_POSTGRES).all()
    return {tuple(row[:4]) for row in found} == expected and all(row[4] in "OA" for row in found)
