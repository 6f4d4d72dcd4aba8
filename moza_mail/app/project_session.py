"""Keep a project open in the editor while its files and its settings change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from pathlib import Path

from moza_mail import parse
from moza_mail.app.issue_files import IssueFiles
from moza_mail.app.issue_status import IssueState, IssueStatusReader
from moza_mail.app.open_project import open_store, outbox_folder
from moza_mail.app.prepare_issue import prepare_text
from moza_mail.app.preview_issue import IssuePreview, preview_issue
from moza_mail.errors import MozaMailError
from moza_mail.model.address import Address
from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.mailing import Mailing
from moza_mail.model.merge_field import NAME_FIELD
from moza_mail.model.message import Recipient
from moza_mail.model.subscriber import Subscriber, SubscriptionState
from moza_mail.model.summary import MailingSummary
from moza_mail.project import Project, find_project

MAX_FOUND = 8
# At each key stroke, only this many subscribers are searched. All others can be found by their whole address.
MAX_SEARCHED = 20_000
# Only this many unsent issues are listed with their approval, because each of them must be rendered.
MAX_APPROVALS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueListEntry:
    """An issue in the editor's list of issues.

    broken: True if the issue cannot be read. Then `title` is its file name and `day` is None.
    """

    name: str
    title: str
    day: date | None
    state: IssueState = IssueState.DRAFT
    broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingReport:
    """The summary of one mailing, and all mailings of the project, newest first."""

    mailing: Mailing
    summary: MailingSummary
    mailings: tuple[Mailing, ...]


class ProjectSession:
    """An open project with its issues.

    list_slug: show every issue for this list; empty to show each issue for its own list.
    """

    def __init__(self, project: Project, *, list_slug: str = "", first_issue: Path | None = None) -> None:
        self.project = project
        self.list_slug = list_slug
        self.files = IssueFiles(lambda: self.project, first_issue)
        self._statuses = IssueStatusReader(lambda: self.project)
        self._error: MozaMailError | None = None

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.project.root

    @property
    def zone(self) -> tzinfo:
        """The project's time zone."""
        return self.project.config.zone

    @property
    def outbox(self) -> Path | None:
        """The folder with the outbox's messages; None if the relay is not an outbox."""
        return outbox_folder(self.project)

    @property
    def store_file(self) -> Path | None:
        """The store's file; None if the store is on a server."""
        return self._statuses.store_file

    def reload(self) -> None:
        """Read moza-mail.toml again. If it cannot be read, the next preview raises the error."""
        try:
            self.project = find_project(self.project.root)
            self._error = None
        except MozaMailError as error:
            self._error = error

    @property
    def agenda_headings(self) -> Sequence[str]:
        """The headings by which a section is recognised as the agenda."""
        return self.project.config.agenda_headings

    @property
    def list_slugs(self) -> Sequence[str]:
        """The slugs of the project's lists; empty if the lists cannot be read."""
        try:
            return tuple(self.project.read_lists())
        except MozaMailError:
            return ()

    async def list_issues(self) -> tuple[IssueListEntry, ...]:
        """Return the issues with their states, newest first."""
        sent = await self._statuses.find_sent()
        headers = {name: self.files.header(path) for name, path in self.files.list_paths().items()}
        entries = [_make_entry(name, header, sent) for name, header in headers.items()]
        entries.sort(key=lambda entry: (entry.day or date.max, entry.name), reverse=True)
        unsent = [entry.name for entry in entries if entry.state is IssueState.DRAFT and not entry.broken]
        states = await self._find_approval_states({name: headers[name] for name in unsent[:MAX_APPROVALS]})
        return tuple(replace(entry, state=states.get(entry.name, entry.state)) for entry in entries)

    async def _find_approval_states(self, headers: Mapping[str, IssueHeader | None]) -> dict[str, IssueState]:
        """Return the states of the issues that have an approval.

        Each of these issues is rendered, to find out if it has changed since its approval.
        """
        names = {header.slug: name for name, header in headers.items() if header}
        states: dict[str, IssueState] = {}
        for slug in await self._statuses.find_approved(names):
            name = names[slug]
            try:
                prepared = prepare_text(
                    self.project, self.files.path(name), self.files.read(name).text, self.list_slug
                )
            except MozaMailError:
                continue
            states[name] = (await self._statuses.find_status(prepared)).state
        return states

    def preview(self, name: str, text: str, recipient: Recipient | None) -> IssuePreview:
        """Preview an issue as if `text` were the content of its file.

        recipient: None for the example recipient.
        """
        if self._error:
            raise self._error
        path = self.files.path(name)
        prepared = prepare_text(self.project, path, text, self.list_slug)
        return preview_issue(prepared, recipient, lambda: self.files.other_headers(path), self._statuses)

    async def find_recipients(self, name: str, query: str) -> tuple[Recipient, ...]:
        """Return a few confirmed subscribers with the query in their name or address.

        Only the list of the issue is searched.
        """
        if not self._statuses.change_token():
            return ()
        wanted = query.strip().casefold()
        issue = parse.parse_issue(self.files.read(name).text, name, lang="nl")
        list_slug = self.project.read_list(self.list_slug or issue.list_slug).slug
        found: list[Recipient] = []
        searched = 0
        async with open_store(self.project) as store:
            async for subscriber, subscription in store.subscribers.iter_list(list_slug):
                searched += 1
                if len(found) == MAX_FOUND or searched > MAX_SEARCHED:
                    break
                shown = f"{subscriber.name} {subscriber.address}".casefold()
                if subscription.state is SubscriptionState.CONFIRMED and wanted in shown:
                    found.append(_make_recipient(subscriber))
        return tuple(found)

    async def find_recipient(self, address: Address) -> Recipient | None:
        """Return the subscriber with this address as a recipient; None if there is none."""
        if not self._statuses.change_token():
            return None
        async with open_store(self.project) as store:
            person = await store.subscribers.find(address)
        return _make_recipient(person.subscriber) if person else None

    async def load_report(self, mailing_id: int | None) -> MailingReport | None:
        """Return the report of a mailing, by default the newest; None if nothing was mailed yet."""
        async with open_store(self.project) as store:
            mailings = await store.ledger.list_mailings()
            if not mailings:
                return None
            mailing = next((one for one in mailings if one.id == mailing_id), mailings[0])
            summary = await store.ledger.summarize(mailing.id, domains=True)
        return MailingReport(mailing=mailing, summary=summary, mailings=tuple(mailings))


def _make_entry(name: str, header: IssueHeader | None, sent: Mapping[str, date]) -> IssueListEntry:
    if header is None:
        return IssueListEntry(name=name, title=name.rpartition("/")[2], day=None, broken=True)
    state = IssueState.SENT if header.slug in sent else IssueState.DRAFT
    return IssueListEntry(name=name, title=header.title, day=header.date, state=state)


def _make_recipient(subscriber: Subscriber) -> Recipient:
    """Return a subscriber as a recipient with id 0, so preview links unsubscribe nobody."""
    values = {**subscriber.attributes, **({NAME_FIELD: subscriber.name} if subscriber.name else {})}
    return Recipient(subscriber_id=0, address=subscriber.address, name=subscriber.name, values=values)
