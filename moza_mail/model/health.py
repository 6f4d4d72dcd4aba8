"""Health: what looking at one thing said of it, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class HealthState(StrEnum):
    """How one thing is.

    good: as it should be. doubtful: it works, and could be better or is not what others ask. bad: mail is lost, refused or
    not trusted until it is mended. unknown: it could not be looked at, which says nothing about the thing itself.
    """

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found of one `subject`: `says` is one sentence, `remedy` what to do, empty when there is nothing to do.

    `record` is the DNS record to publish, as a line of a zone file. `domain` is the one it is about, empty when it is about
    none.
    """

    subject: str
    state: HealthState
    message: str
    hint: str = ""
    record: str = ""
    domain: str = ""


def good(subject: str, message: str, hint: str = "") -> Diagnosis:
    """All is well."""
    return Diagnosis(subject=subject, state=HealthState.GOOD, message=message, hint=hint)


def doubtful(subject: str, message: str, hint: str, record: str = "") -> Diagnosis:
    """It works, and could be better."""
    return Diagnosis(subject=subject, state=HealthState.DOUBTFUL, message=message, hint=hint, record=record)


def bad(subject: str, message: str, hint: str, record: str = "") -> Diagnosis:
    """It must be mended."""
    return Diagnosis(subject=subject, state=HealthState.BAD, message=message, hint=hint, record=record)


def unknown(subject: str, message: str, hint: str = "") -> Diagnosis:
    """It could not be looked at."""
    return Diagnosis(subject=subject, state=HealthState.UNKNOWN, message=message, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStatus:
    """What a relay showed of itself.

    `tls` is the version of TLS, empty without; `ends` when its certificate does. `extensions` are those that it offers after
    TLS and login, in small letters, each with its parameters.
    """

    relay: str
    tls: str = ""
    certificate_ends: datetime | None = None
    logged_in: bool = False
    extensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """What a store looks like.

    `path` is that of its file, None on a server. `there` says whether it has been made. `schema` is the version of its
    tables and `head` ours. `damage` is what SQLite's quick_check found, empty when that is nothing. `newest` is the newest
    moment in it.
    """

    path: Path | None
    known_schema: str
    exists: bool = False
    schema: str = ""
    damage: str = ""
    last_change: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePermissions:
    """A file that is its owner's alone: what it is, its permissions, and whether its owner is we."""

    name: str
    path: Path
    mode: int
    is_owned: bool
