"""Approval: a colleague's word that an issue may go out, given to exactly what readers would get and who they are."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import Mailing
from moza_mail.model.timestamps import require_utc

LONGEST_NAME = 100


class ApprovalPolicy(StrEnum):
    """Whether a mailing must be approved; under FOUR_EYES by another than who sends it."""

    OFF = "off"
    REQUIRED = "required"
    FOUR_EYES = "four-eyes"


def audience_rule(mailing: Mailing) -> str:
    """Whom a mailing goes to, in words that change when that does: an approval holds for these alone."""
    segment = mailing.segment
    return f"{mailing.list_slug}, segment {segment.slug}: {segment}" if segment else mailing.list_slug


def check_person_name(name: str) -> str:
    """A name as it is recorded; raise ValueError for one that is empty, too long or holds a control character."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(_("a name is 1 to {longest} characters on one line", longest=LONGEST_NAME))
    return name.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who approved what, when: the digest of what readers get, and the rule of who they are.

    Raises ValueError for a name that is none.
    """

    issue_slug: str
    list_slug: str
    digest: str
    audience: str
    by: str
    at: datetime
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None

    def __post_init__(self) -> None:
        require_utc(self.at, self.withdrawn_at)
        check_person_name(self.by)

    @property
    def is_active(self) -> bool:
        """Whether it has not been withdrawn."""
        return self.withdrawn_at is None

    def covers(self, mailing: Mailing) -> bool:
        """Whether it stands, and for exactly this content and audience."""
        return self.is_active and (self.digest, self.audience) == (mailing.digest, audience_rule(mailing))

    def withdraw(self, *, by: str, at: datetime) -> Self:
        """The approval taken back; the first time counts."""
        return replace(self, withdrawn_by=by, withdrawn_at=at) if self.is_active else self
