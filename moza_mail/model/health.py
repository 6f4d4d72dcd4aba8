"""Diagnoses of `moza-mail doctor`: the state of each checked thing, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from moza_mail.model.address import Address
from moza_mail.model.audit_seal import AuditCheck


class HealthState(StrEnum):
    """The state of a subject, which is one thing that `moza-mail doctor` checks.

    doubtful: it works, but receivers prefer or require something else.
    bad: mail is lost, refused or distrusted until the problem is fixed.
    unknown: it could not be examined.
    """

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The result of checking one thing, such as a DNS record or a file.

    subject: the name of that thing.
    hint: what to do, empty if nothing.
    record: the DNS record to publish, as a line of a zone file.
    domain: the domain that the diagnosis is about, if any.
    """

    subject: str
    state: HealthState
    message: str
    hint: str = ""
    record: str = ""
    domain: str = ""


def good(subject: str, message: str, hint: str = "") -> Diagnosis:
    """Return the diagnosis of a subject without a problem."""
    return Diagnosis(subject=subject, state=HealthState.GOOD, message=message, hint=hint)


def doubtful(subject: str, message: str, hint: str, record: str = "") -> Diagnosis:
    """Return the diagnosis of a subject that works but should be improved."""
    return Diagnosis(subject=subject, state=HealthState.DOUBTFUL, message=message, hint=hint, record=record)


def bad(subject: str, message: str, hint: str, record: str = "") -> Diagnosis:
    """Return the diagnosis of a subject that must be fixed."""
    return Diagnosis(subject=subject, state=HealthState.BAD, message=message, hint=hint, record=record)


def unknown(subject: str, message: str, hint: str = "") -> Diagnosis:
    """Return the diagnosis of a subject that could not be examined."""
    return Diagnosis(subject=subject, state=HealthState.UNKNOWN, message=message, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRefusal:
    """A relay's refusal of one of our addresses, as sender or as recipient."""

    address: Address
    reply: str
    is_sender: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStatus:
    """The properties of a relay.

    tls: the version of TLS, empty without TLS.
    extensions: the SMTP extensions offered after TLS and login, in lower case, with their parameters.
    """

    relay: str
    tls: str = ""
    certificate_ends: datetime | None = None
    logged_in: bool = False
    extensions: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[AddressRefusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """The properties of a store.

    path: the file of the store, None on a database server.
    schema: the version of the store's tables.
    known_schema: the version of the tables that this program expects.
    damage: the result of SQLite's quick_check, empty if the file is sound.
    audit_check: the result of verifying the audit log; None if it was not verified.
    unsafe_standbys: the number of standby servers that may lack the last commits.
    store_id, generation: the identity and the age of the store, as in StoreMark.
    fingerprint: the fingerprint of the secret that the store uses.
    """

    path: Path | None
    known_schema: str
    exists: bool = False
    schema: str = ""
    damage: str = ""
    last_change: datetime | None = None
    audit_check: AuditCheck | None = None
    store_id: str = ""
    generation: int = 0
    fingerprint: str = ""
    unsafe_standbys: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePermissions:
    """The permissions of a file that only its owner should be able to read.

    is_owned: True if the account that runs moza-mail owns the file.
    """

    name: str
    path: Path
    mode: int
    is_owned: bool
