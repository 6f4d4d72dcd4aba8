"""The approval of a mailing. It is valid only for the exact content and audience."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import Mailing
from moza_mail.model.timestamps import require_utc

MAX_NAME_LENGTH = 100


class ApprovalPolicy(StrEnum):
    """The rule for approving a mailing; FOUR_EYES requires two different persons."""

    OFF = "off"
    REQUIRED = "required"
    FOUR_EYES = "four-eyes"


def describe_audience(mailing: Mailing) -> str:
    """Describe the audience of a mailing. An approval is valid only for the same audience."""
    segment = mailing.segment
    return f"{mailing.list_slug}, segment {segment.slug}: {segment}" if segment else mailing.list_slug


def check_person_name(name: str) -> str:
    """Return the name to record; raise ValueError if it is empty, too long or not printable."""
    if not name.strip() or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise ValueError(_("a name must have 1 to {maximum} characters on one line", maximum=MAX_NAME_LENGTH))
    return name.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The approval of a mailing, valid for one digest of its content and one audience.

    Raises ValueError if `approved_by` is not a usable name.
    """

    issue_slug: str
    list_slug: str
    digest: str
    audience: str
    approved_by: str
    created_at: datetime
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None

    def __post_init__(self) -> None:
        require_utc(self.created_at, self.withdrawn_at)
        check_person_name(self.approved_by)

    @property
    def is_active(self) -> bool:
        """Return True until the approval is withdrawn."""
        return self.withdrawn_at is None

    def covers(self, mailing: Mailing) -> bool:
        """Return True if the approval is active and was given for this content and audience."""
        return self.is_active and (self.digest, self.audience) == (mailing.digest, describe_audience(mailing))

    def withdraw(self, *, by: str, at: datetime) -> Self:
        """Return the withdrawn approval. Withdrawing it again changes nothing."""
        return replace(self, withdrawn_by=by, withdrawn_at=at) if self.is_active else self
