"""The audit log: who did what, to whom, and when. It contains no address."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from moza_mail.model.address import mask_addresses
from moza_mail.model.timestamps import format_utc, require_utc

WEB_ACTOR, RELAY_ACTOR, REPORT_ACTOR = "web", "relay", "report"
"""Actors that are not an account of the machine.

A reader who used a personal link, the relay by its reply, and a report in the bounce mailbox.
"""


class AuditAction(StrEnum):
    """The logged actions, named as in the table `audit` and in `moza-mail privacy audit`."""

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
    """A run of `send` has ended. A run that was killed has no such entry."""
    RETRY = "retry"
    SETTLE = "settle"
    RETENTION = "retention"
    RESTORE = "restore"
    SECRET = "secret"  # noqa: S105  (the name of the action, not a secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry of the audit log.

    actor: an account of the machine, or one of the actors WEB, RELAY and REPORT; empty until the store fills it in.
    subscriber_id, address_hash, mailing_id: the subject of the action, if there is one. `address_hash` is the pseudonym of an
        address.
    detail: a description, in which addresses are masked.
    """

    occurred_at: datetime
    action: AuditAction
    actor: str = ""
    list_slug: str = ""
    subscriber_id: int | None = None
    address_hash: str = ""
    mailing_id: int | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        require_utc(self.occurred_at)
        for name in ("actor", "detail"):
            object.__setattr__(self, name, mask_addresses(getattr(self, name)))

    def to_dict(self) -> dict[str, Any]:
        """Return every field of the entry, in a fixed order."""
        return {
            "occurred_at": format_utc(self.occurred_at),
            "actor": self.actor,
            "action": self.action.value,
            "list": self.list_slug,
            "subscriber_id": self.subscriber_id,
            "address_hash": self.address_hash,
            "mailing_id": self.mailing_id,
            "detail": self.detail,
        }
