"""Translate errors of PostgreSQL, psycopg and SQLAlchemy into StoreError with a hint.

A StoreError is never chained to the library's error, because PostgreSQL's details quote rows, which may be
personal data.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from moza_mail.errors import StoreError, StoreLocked, StoreUnavailable
from moza_mail.store.sqlite.errors import AGAIN, WAIT

LOGIN = "Put the password into PGPASSWORD, ~/.pgpass or a service file, and check pg_hba.conf on the server."
DAMAGED = "Ask the server's administrator to read its log. Do not send before."

# By SQLSTATE, or its class, which is the first two characters (PostgreSQL documentation, appendix A).
MESSAGES = {
    "53100": ("the disk of {name} is full", f"Free some space on the server. {AGAIN}"),
    "53200": ("{name} has no memory left", AGAIN),
    "53300": ("{name} accepts no more connections", f"Close others, or raise max_connections. {AGAIN}"),
    "57014": (
        "{name} cancelled a statement that took longer than it allows",
        f"Raise statement_timeout for this role: `ALTER ROLE name SET statement_timeout = '10min'`. {AGAIN}",
    ),
    "57P03": ("{name} is starting up or shutting down", AGAIN),
    "57": ("{name} was stopped or ended the connection", AGAIN),
    "08": ("the connection to {name} was lost", AGAIN),
    "25P03": ("{name} ended the connection, because this process stood still for too long", AGAIN),
    "25006": (
        "{name} is read-only, perhaps a standby server",
        "Set the primary server as `store` in moza-mail.toml.",
    ),
    "42501": (
        "the role may not do in {name} what is needed",
        "Make the role the owner of the database, or grant it CREATE on its schema.",
    ),
    "22": ("{name}: a text holds a character that PostgreSQL cannot store", ""),
    "58": (
        "{name} could not read or write its files",
        f"Ask the server's administrator to check its disk. {AGAIN}",
    ),
    "XX": ("{name} found damage in its files, or has a fault of its own", DAMAGED),
}
# Messages of these classes may quote a value, which may be personal data.
QUOTES_VALUES = ("22", "23")
QUOTED = re.compile(r'"[^"]*"')
# The server is away or going away; the same statement works when it is back. 57014 cancels one statement only.
AWAY = ("08", "25P03", "57P01", "57P02", "57P03", "57P05")
# A deadlock or a lock timeout. Only this transaction fails, and the other one continues.
BUSY = frozenset({"40001", "40P01", "55P03"})
# Texts of libpq and the server when they refuse a login; there is no SQLSTATE then.
LOGIN_REFUSED = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "role ")


@contextmanager
def translate_errors(name: str) -> Generator[None]:
    """Replace every error of psycopg or SQLAlchemy by a StoreError with the database's name."""
    try:
        yield
    except DBAPIError as error:
        raise translate_postgres_error(error.orig, name, lost=error.connection_invalidated) from None
    except SQLAlchemyError as error:
        raise StoreError(f"{name}: {str(error).splitlines()[0]}") from None
    except UnicodeEncodeError:
        raise StoreError(
            f"{name}: a text holds half a character (a lone surrogate) and cannot be stored"
        ) from None


def translate_postgres_error(error: Any, name: str, *, lost: bool) -> StoreError:
    """Return the StoreError for an error of PostgreSQL or psycopg.

    error: an error of psycopg.
    name: the database's name in the message.
    lost: True if the connection was lost.
    """
    state = getattr(error, "sqlstate", None) or ""
    if state in BUSY:
        busy = f"{name} is being written by another process, which does not finish"
        return StoreLocked(f"{busy}{_quote_server(error)}", hint=WAIT)
    found = MESSAGES.get(state) or MESSAGES.get(state[:2])
    if found is None and lost:
        found = MESSAGES["08"]
    if found is not None:
        message, hint = found
        kind = StoreUnavailable if state.startswith(AWAY) or (lost and not state) else StoreError
        return kind(f"{message.format(name=name)}{_quote_server(error)}", hint=hint)
    if state:
        return StoreError(f"{name}: {error.diag.message_primary or type(error).__name__} ({state})")
    return _translate_connection_error(error, name)


def _quote_server(error: Any) -> str:
    """Return the server's message as a clause; empty if there is none.

    The details of the message are left out, because they quote rows.
    """
    diagnosis = getattr(error, "diag", None)
    words = getattr(diagnosis, "message_primary", None) or ""
    if str(getattr(error, "sqlstate", "")).startswith(QUOTES_VALUES):
        words = QUOTED.sub('"..."', words)
    shown = "".join(char for char in " ".join(words.split()) if char.isprintable())[:300]
    return f" (the server says: {shown})" if shown else ""


def _translate_connection_error(error: Any, name: str) -> StoreError:
    """Return the StoreError for a failed connection, or for an error of psycopg itself."""
    if type(error).__name__ == "DataError":
        message, hint = MESSAGES["22"]
        return StoreError(message.format(name=name), hint=hint)
    text = " ".join(str(error).split())
    if "does not exist" in text and "database " in text:
        return StoreError(
            f"the PostgreSQL server has no database for {name}", hint="Create it with `createdb NAME`."
        )
    if any(part in text for part in LOGIN_REFUSED):
        return StoreError(f"the PostgreSQL server refuses the login of {name}: {text}", hint=LOGIN)
    return StoreUnavailable(
        f"the PostgreSQL server of {name} cannot be reached: {text}",
        hint=f"Check that it runs, and its host and port. {AGAIN}",
    )


def make_driver_error() -> StoreError:
    """Return the error for a missing psycopg."""
    return StoreError(
        "a store on PostgreSQL needs psycopg, which is not installed",
        hint="Install it with `pip install 'moza-mail[postgres]'`.",
    )


def make_url_error(message: str) -> StoreError:
    """Return the error for a wrong URL. It does not repeat the URL, which may hold a password."""
    return StoreError(
        message,
        hint='Set store = "postgresql://user@host/database", and put the password into PGPASSWORD or ~/.pgpass.',
    )
