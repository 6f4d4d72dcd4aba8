"""The audit trail: who did what, to whom, when; and no address in it."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from moza_mail.model.address import mask_addresses
from moza_mail.model.timestamps import format_utc, require_utc

WEB, RELAY, REPORT = "web", "relay", "report"
"""Actors that are no account of the machine: a reader by a link of their own, what a relay answered, what came back later."""


class Act(StrEnum):
    """What was done; the words are those of the table `audit` and of `moza-mail privacy audit`."""

    IMPORT = "import"
    ADD = "add"
    SIGN_UP = "sign_up"
    CONFIRM = "confirm"
    PREFERENCES = "preferences"
    UNSUBSCRIBE = "unsubscribe"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    ERASE = "erase"
    EXPORT = "export"
    APPROVE = "approve"
    PREPARE = "prepare"
    SEND = "send"
    SENT = "sent"
    """A run of `send` has ended; one that was killed has no such entry."""
    RETRY = "retry"
    SETTLE = "settle"
    RETENTION = "retention"
    SECRET = "secret"  # noqa: S105  (the word of the act, not a secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """Result of checking the seals of the audit log.

    is_intact: no entry was changed or removed.
    entry_id: the last entry, or the first one whose seal does not fit the entry before it; 0 if there are none.
    seal: the seal of that entry.
    """

    is_intact: bool
    entry_id: int
    seal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the trail.

    `actor` is an account of the machine, or one of WEB, RELAY and REPORT; empty until the store fills it in. The subject is
    a subscriber's number, the pseudonym of an address, or both; a mailing; or nobody in particular. An address in a text is
    masked at birth.
    """

    at: datetime
    act: Act
    actor: str = ""
    list_slug: str = ""
    subscriber: int | None = None
    pseudonym: str = ""
    mailing: int | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        require_utc(self.at)
        for name in ("actor", "detail"):
            object.__setattr__(self, name, mask_addresses(getattr(self, name)))

    def as_data(self) -> dict[str, Any]:
        """The entry in words and numbers, all of it, in a fixed order."""
        return {
            "at": format_utc(self.at),
            "actor": self.actor,
            "act": self.act.value,
            "list": self.list_slug,
            "subscriber": self.subscriber,
            "pseudonym": self.pseudonym,
            "mailing": self.mailing,
            "detail": self.detail,
        }

    def sealed_text(self) -> str:
        """What of it is sealed: everything."""
        return json.dumps(list(self.as_data().values()), ensure_ascii=False)
