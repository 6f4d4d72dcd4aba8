"""What PostgreSQL, psycopg or SQLAlchemy complain of, as a sentence with a way out.

None is chained to the library's own error: PostgreSQL's details quote rows, and a row may be a person's.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from moza_mail.errors import StoreError, StoreLocked
from moza_mail.store.sqlite.errors import AGAIN, WAIT

LOGIN = "Put the password into PGPASSWORD, ~/.pgpass or a service file, and see pg_hba.conf on the server."
DAMAGED = "Let the server's keeper look at its log; do not send before."

# SQLSTATE, or its class (the first two signs), and what it means to the person who meets it: PostgreSQL, appendix A.
SENTENCES = {
    "53100": ("The disk of {name} is full.", f"Make room on the server. {AGAIN}"),
    "53200": ("{name} has no memory left.", AGAIN),
    "53300": ("{name} takes no more connections.", f"Close others, or raise max_connections. {AGAIN}"),
    "57014": (
        "{name} broke off a statement that took longer than it allows.",
        f"Raise statement_timeout for this role: `ALTER ROLE name SET statement_timeout = '10min'`. {AGAIN}",
    ),
    "57P03": ("{name} is starting up or shutting down.", AGAIN),
    "57": ("{name} was stopped, or ended the connection.", AGAIN),
    "08": ("The connection to {name} was lost.", AGAIN),
    "25006": (
        "{name} cannot be written: it is read-only, perhaps a standby.",
        "Name the primary server in `store` of moza-mail.toml.",
    ),
    "42501": (
        "{name} does not let this role do what is needed.",
        "Let the role own the database, or grant it CREATE on its schema.",
    ),
    "22": ("{name}: a text holds a sign that PostgreSQL cannot store.", ""),
    "58": ("{name} could not read or write its files.", f"Let the server's keeper look at its disk. {AGAIN}"),
    "XX": ("{name} has met damage in its files, or a fault of its own.", DAMAGED),
}
# Two that wait for each other, or one that waited too long: the other goes on.
BUSY = frozenset({"40001", "40P01", "55P03"})
# How libpq and the server word a refusal before there is a session; it has no SQLSTATE then.
REFUSED = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "role ")


@contextmanager
def told(name: str) -> Generator[None]:
    """Turn every error of a library into a StoreError that names the database."""
    try:
        yield
    except DBAPIError as error:
        raise of_postgres(error.orig, name, lost=error.connection_invalidated) from None
    except SQLAlchemyError as error:
        raise StoreError(f"{name}: {str(error).splitlines()[0]}") from None
    except UnicodeEncodeError:
        raise StoreError(
            f"{name}: a text holds half a character (a lone surrogate) and cannot be stored."
        ) from None


def of_postgres(error: Any, name: str, *, lost: bool) -> StoreError:
    """The sentence for one complaint of PostgreSQL or of psycopg."""
    state = getattr(error, "sqlstate", None) or ""
    if state in BUSY:
        return StoreLocked(f"{name} is being written by another process, which does not finish.", hint=WAIT)
    found = SENTENCES.get(state) or SENTENCES.get(state[:2])
    if found is None and lost:
        found = SENTENCES["08"]
    if found is not None:
        sentence, hint = found
        return StoreError(sentence.format(name=name), hint=hint)
    if state:
        return StoreError(f"{name}: {error.diag.message_primary or type(error).__name__} ({state}).")
    return _of_connecting(error, name)


def _of_connecting(error: Any, name: str) -> StoreError:
    """The sentence for a session that did not begin, or for what psycopg refuses by itself."""
    if type(error).__name__ == "DataError":
        sentence, hint = SENTENCES["22"]
        return StoreError(sentence.format(name=name), hint=hint)
    said = " ".join(str(error).split())
    if "does not exist" in said and "database " in said:
        return StoreError(
            f"The PostgreSQL server has no database for {name}.", hint="Make it with `createdb NAME`."
        )
    if any(words in said for words in REFUSED):
        return StoreError(f"The PostgreSQL server refuses the login of {name}: {said}", hint=LOGIN)
    return StoreError(
        f"The PostgreSQL server of {name} cannot be reached: {said}",
        hint=f"See that it runs and that its host and port are right. {AGAIN}",
    )


def missing_driver() -> StoreError:
    """The library that speaks to PostgreSQL is not there."""
    return StoreError(
        "A store on PostgreSQL needs psycopg, which is not installed.",
        hint="pip install 'moza-mail[postgres]'",
    )


def bad_url(sentence: str) -> StoreError:
    """A URL that is not taken, and is not repeated: it may hold a password."""
    return StoreError(
        sentence,
        hint='Set store = "postgresql://user@host/database", and the password in PGPASSWORD or ~/.pgpass.',
    )
