"""How far each issue is, as the store knows it: mailed, approved as it is now, or changed since."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from moza_mail import sending
from moza_mail.app import open_project
from moza_mail.app.prepare_issue import PreparedIssue
from moza_mail.errors import MozaMailError
from moza_mail.project import Project

# How long what the store said is taken for true, where no file shows that it has changed.
FRESH_SECONDS = 20.0
SQLITE = "sqlite:///"


class IssueState(StrEnum):
    """How far an issue is; a draft has been neither approved nor sent, a changed one was approved as it no longer is."""

    DRAFT = "draft"
    CHANGED = "changed"
    APPROVED = "approved"
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueStatus:
    """How far an issue is: who approved it and when, or when it was sent, in the project's time."""

    state: IssueState = IssueState.DRAFT
    by: str = ""
    at: date | None = None


STATES = {
    sending.ApprovalState.APPROVED: IssueState.APPROVED,
    sending.ApprovalState.CHANGED: IssueState.CHANGED,
}


class IssueStatusReader:
    """What the store of a project says of its issues; nothing where there is no store yet, for looking makes none."""

    def __init__(self, opened: Callable[[], Project]) -> None:
        self._opened = opened
        self._sent: Mapping[str, date] = MappingProxyType({})
        self._sent_as_of: tuple[object, ...] = ()

    @property
    def file(self) -> Path | None:
        """The file of the store, None when it is on a server."""
        url = self._opened().store_url()
        return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None

    def stamp(self) -> tuple[object, ...]:
        """What changes when the store does; empty when there is none."""
        path = self.file
        if path is None:
            return (int(time.monotonic() / FRESH_SECONDS),)
        files = (path, path.with_name(f"{path.name}-wal"))
        return tuple(file.stat().st_mtime_ns for file in files if file.exists())

    async def find_sent(self) -> Mapping[str, date]:
        """The issues that have been mailed, each with the day that was begun."""
        if self.stamp() == self._sent_as_of:
            return self._sent
        found: dict[str, date] = {}
        if self.stamp():
            try:
                async with open_project.open_store(self._opened()) as store:
                    for mailing in await store.ledger.list_mailings():
                        found[mailing.issue_slug] = self._day(mailing.created_at)
            except MozaMailError:
                # The issues can be written without it; `status` says what is the matter.
                return self._sent
        self._sent, self._sent_as_of = found, self.stamp()
        return found

    async def find_status(self, dressed: PreparedIssue) -> IssueStatus:
        """How far an issue is with the text that it has now."""
        if day := (await self.find_sent()).get(dressed.issue.slug):
            return IssueStatus(state=IssueState.SENT, at=day)
        if not self.stamp():
            return IssueStatus()
        try:
            async with open_project.open_store(self._opened()) as store:
                found = await sending.find_approval_status(store, dressed.draft_mailing())
        except MozaMailError:
            return IssueStatus()
        if found.approval is None or found.state not in STATES:
            return IssueStatus()
        at = found.approval.at.astimezone(self._opened().config.zone)
        return IssueStatus(state=STATES[found.state], by=found.approval.by, at=at)

    async def find_approved(self, slugs: list[str]) -> frozenset[str]:
        """Those of the issues that have an approval that stands, whether or not they have changed since."""
        if not slugs or not self.stamp():
            return frozenset()
        try:
            async with open_project.open_store(self._opened()) as store:
                lists = self._opened().read_lists()
                return frozenset(
                    [
                        slug
                        for slug in slugs
                        for one in lists
                        if any(given.is_active for given in await store.approvals.list_for_issue(slug, one))
                    ]
                )
        except MozaMailError:
            return frozenset()

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._opened().config.zone).date()
