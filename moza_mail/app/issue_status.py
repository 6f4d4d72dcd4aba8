"""Determine the status of issues from the store: draft, approved, changed or sent."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from moza_mail.app.open_project import open_store
from moza_mail.app.prepare_issue import PreparedIssue
from moza_mail.errors import MozaMailError
from moza_mail.project import Project
from moza_mail.sending.approval import ApprovalState, find_approval_status

# A store on a server has no file to watch for changes. Results from such a store are reused for this long.
SERVER_CACHE_SECONDS = 20.0
SQLITE = "sqlite:///"


class IssueState(StrEnum):
    """The state of an issue. CHANGED means that an earlier text of the issue was approved."""

    DRAFT = "draft"
    CHANGED = "changed"
    APPROVED = "approved"
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueStatus:
    """The state of an issue, its approver, and the time of its approval or sending.

    by: the person who approved the issue; empty if nobody did.
    at: the time of approval or the day of sending, in the project's time zone.
    """

    state: IssueState = IssueState.DRAFT
    by: str = ""
    at: date | None = None


STATES = {ApprovalState.APPROVED: IssueState.APPROVED, ApprovalState.CHANGED: IssueState.CHANGED}


class IssueStatusReader:
    """Reads the status of issues from the project's store. Does not create a missing store."""

    def __init__(self, project: Callable[[], Project]) -> None:
        self._project = project
        self._sent: Mapping[str, date] = MappingProxyType({})
        self._sent_token: tuple[object, ...] = ()

    @property
    def store_file(self) -> Path | None:
        """The store's file; None if the store is on a server."""
        url = self._project().store_url()
        return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None

    def change_token(self) -> tuple[object, ...]:
        """Return a value that changes when the store changes; empty if there is no store."""
        path = self.store_file
        if path is None:
            return (int(time.monotonic() / SERVER_CACHE_SECONDS),)
        files = (path, path.with_name(f"{path.name}-wal"))
        return tuple(file.stat().st_mtime_ns for file in files if file.exists())

    async def find_sent(self) -> Mapping[str, date]:
        """Return the slugs of the issues that were sent, each with the day its mailing began."""
        token = self.change_token()
        if token == self._sent_token:
            return self._sent
        sent: dict[str, date] = {}
        if token:
            try:
                async with open_store(self._project()) as store:
                    for mailing in await store.ledger.list_mailings():
                        sent[mailing.issue_slug] = self._to_local_time(mailing.created_at).date()
            except MozaMailError:
                # Issues can be written without the store. `moza-mail status` reports what is wrong with the store.
                return self._sent
        # Opening the store may change its files, so the token is taken again.
        self._sent, self._sent_token = sent, self.change_token()
        return sent

    async def find_status(self, prepared: PreparedIssue) -> IssueStatus:
        """Return the status of an issue for its current text."""
        if day := (await self.find_sent()).get(prepared.issue.slug):
            return IssueStatus(state=IssueState.SENT, at=day)
        if not self.change_token():
            return IssueStatus()
        try:
            async with open_store(self._project()) as store:
                status = await find_approval_status(store, prepared.draft_mailing())
        except MozaMailError:
            return IssueStatus()
        if status.approval is None or status.state not in STATES:
            return IssueStatus()
        return IssueStatus(
            state=STATES[status.state],
            by=status.approval.approved_by,
            at=self._to_local_time(status.approval.created_at),
        )

    async def find_approved(self, slugs: Iterable[str]) -> frozenset[str]:
        """Return the slugs of approved issues, including issues that changed after their approval."""
        slugs = tuple(slugs)
        if not slugs or not self.change_token():
            return frozenset()
        found: set[str] = set()
        try:
            async with open_store(self._project()) as store:
                for slug in slugs:
                    for list_slug in self._project().read_lists():
                        approvals = await store.approvals.list_for_issue(slug, list_slug)
                        if any(approval.is_active for approval in approvals):
                            found.add(slug)
        except MozaMailError:
            return frozenset()
        return frozenset(found)

    def _to_local_time(self, moment: datetime) -> datetime:
        return moment.astimezone(self._project().config.zone)
