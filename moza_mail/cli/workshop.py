"""The project as the desk of `moza-mail preview` asks for it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from threading import Lock

from moza_mail import edit, parse
from moza_mail.app import check_issue, open_project, prepare_issue, send
from moza_mail.app import render_issue as render
from moza_mail.app.issue_status import IssueState, IssueStatus, IssueStatusReader
from moza_mail.errors import IssueError, MozaMailError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.issue import IssueHeader
from moza_mail.model.merge_field import NAME_FIELD
from moza_mail.model.message import Recipient
from moza_mail.model.subscriber import Subscriber, SubscriptionState
from moza_mail.project import Project, find_project
from moza_mail.web.editor import Card, Conflict, Happened, Showing, Source

MOST_READERS = 8
# Looking through everybody at each key would take longer than typing; who is not found can be named by address.
MOST_LOOKED_AT = 20_000
# Of so many issues that are neither mailed nor old it is looked up whether they are approved.
MOST_WAITING = 12


class Workshop:
    """The project of a command line, kept open; see web.desk.Workshop."""

    def __init__(self, project: Project, *, list_slug: str = "", named: Path | None = None) -> None:
        self.project = project
        self.list_slug = list_slug
        self._named = named.resolve() if named else None
        self._fronts: dict[Path, tuple[tuple[int, int], IssueHeader | None]] = {}
        self._standings = IssueStatusReader(lambda: self.project)
        self._broken: MozaMailError | None = None
        self._saving = Lock()
        self._seen: dict[str, Path] = {}

    @property
    def root(self) -> Path:  # noqa: D102
        return self.project.root

    @property
    def outbox(self) -> Path | None:  # noqa: D102
        return open_project.outbox_folder(self.project)

    @property
    def ledger(self) -> Path | None:  # noqa: D102
        return self._standings.file

    def reopen(self) -> None:
        """Read moza-mail.toml again; one that cannot be read is told with the next issue that is shown."""
        try:
            self.project = find_project(self.project.root)
            self._broken = None
        except MozaMailError as error:
            self._broken = error

    def names(self) -> tuple[str, ...]:  # noqa: D102
        return tuple(self._files())

    def _files(self) -> dict[str, Path]:
        paths = self.project.list_issues()[::-1]
        if self._named and self._named not in paths:
            paths.append(self._named)
        files = {self.name(path): path for path in paths}
        self._seen |= files
        return files

    def name(self, path: Path) -> str:  # noqa: D102
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    def path(self, name: str) -> Path:
        """The file of an issue: one of those that are or were listed, whatever the name may hold."""
        if name not in self._seen:
            self._files()
        found = self._seen.get(name)
        if found is None:
            raise IssueError(_("there is no such issue"), source=name, line=0)
        return found

    @property
    def agenda_headings(self) -> Sequence[str]:  # noqa: D102
        return self.project.config.agenda_headings

    @property
    def lists(self) -> Sequence[str]:  # noqa: D102
        try:
            return tuple(self.project.read_lists())
        except MozaMailError:
            return ()

    @property
    def newest(self) -> str:
        """The issue that is shown when none is asked for, empty when there is none."""
        path = self._named or prepare_issue.find_newest_issue(self.project)
        return self.name(path) if path else next(iter(self._files()), "")

    async def cards(self) -> tuple[Card, ...]:  # noqa: D102
        sent = await self._standings.find_sent()
        fronts = {name: self._front(path) for name, path in self._files().items()}
        cards = [_card(name, front, sent) for name, front in fronts.items()]
        cards.sort(key=lambda card: (card.day or date.max, card.name), reverse=True)
        waiting = [card.name for card in cards if card.state is IssueState.DRAFT and not card.broken]
        approved = await self._approved({name: fronts[name] for name in waiting[:MOST_WAITING]})
        return tuple(
            replace(card, state=approved[card.name].state) if card.name in approved else card
            for card in cards
        )

    async def _approved(self, waiting: Mapping[str, IssueHeader | None]) -> dict[str, IssueStatus]:
        """How far those issues are that have an approval: each is dressed, to see whether it has changed since."""
        names = {front.slug: name for name, front in waiting.items() if front}
        found: dict[str, IssueStatus] = {}
        for slug in await self._standings.find_approved(list(names)):
            name = names[slug]
            try:
                text = self.source(name).text
                dressed = prepare_issue.prepare_text(self.project, self.path(name), text, self.list_slug)
            except MozaMailError:
                continue
            found[name] = await self._standings.find_status(dressed)
        return found

    def _front(self, path: Path) -> IssueHeader | None:
        """What a file says of its issue, read again only when it has changed."""
        try:
            found = path.stat()
        except OSError:
            return None
        stamp = (found.st_mtime_ns, found.st_size)
        known = self._fronts.get(path)
        if known is None or known[0] != stamp:
            try:
                front = parse.parse_issue_header(self.project.read_issue(path), str(path))
            except IssueError:
                front = None
            known = self._fronts[path] = (stamp, front)
        return known[1]

    def source(self, name: str) -> Source:  # noqa: D102
        return _source(self.project.read_issue(self.path(name)))

    def save(self, name: str, text: str, digest: str) -> Source:  # noqa: D102
        path = self.path(name)
        with self._saving:
            try:
                there = self.project.read_issue(path)
            except IssueError:
                there = None
                if path.exists():
                    raise
            if there is None or digest_of(there.encode()) != digest:
                theirs = None if there is None else _source(there)
                # Who has seen that the file is gone, and saves again, means to make it anew.
                if theirs or digest:
                    raise Conflict(theirs)
            content = self.project.save_issue(
                path, edit.restore_line_endings(there or "", parse.normalize_line_endings(text))
            )
        return Source(text=text, digest=digest_of(content))

    def dress(self, name: str, text: str, reader: Recipient | None) -> Showing:  # noqa: D102
        if self._broken:
            raise self._broken
        path = self.path(name)
        dressed = prepare_issue.prepare_text(self.project, path, text, self.list_slug)
        whom = reader or render.example_recipient(dressed.rendered)
        return _showing(dressed, whom, lambda: self._others(path), self._standings)

    def _others(self, path: Path) -> tuple[IssueHeader, ...]:
        """What the other issues of a file's folder say of themselves."""
        fronts = (self._front(other) for other in sorted(path.parent.glob("*.md")) if other != path)
        return tuple(front for front in fronts if front)

    async def readers(self, name: str, words: str) -> tuple[Recipient, ...]:  # noqa: D102
        if not self._standings.stamp():
            return ()
        wanted = words.strip().casefold()
        slug = self._list_of(name)
        found: list[Recipient] = []
        looked_at = 0
        async with open_project.open_store(self.project) as store:
            async for subscriber, subscription in store.subscribers.iter_list(slug):
                looked_at += 1
                if len(found) == MOST_READERS or looked_at > MOST_LOOKED_AT:
                    break
                told = f"{subscriber.name} {subscriber.address}".casefold()
                if subscription.state is SubscriptionState.CONFIRMED and wanted in told:
                    found.append(_recipient(subscriber))
        return tuple(found)

    def _list_of(self, name: str) -> str:
        front = parse.parse_issue(self.source(name).text, name, lang="nl")
        return self.project.read_list(self.list_slug or front.list_slug).slug

    async def happened(self, mailing: int | None) -> Happened | None:  # noqa: D102
        async with open_project.open_store(self.project) as store:
            known = await store.ledger.list_mailings()
            if not known:
                return None
            chosen = next((one for one in known if one.id == mailing), known[0])
            summary = await store.ledger.summarize(chosen.id, domains=True)
            return Happened(mailing=chosen, summary=summary, mailings=tuple(known))

    async def reader(self, address: Address) -> Recipient | None:  # noqa: D102
        if not self._standings.stamp():
            return None
        async with open_project.open_store(self.project) as store:
            person = await store.subscribers.find(address)
        return _recipient(person.subscriber) if person else None


def _card(name: str, front: IssueHeader | None, sent: Mapping[str, date]) -> Card:
    if front is None:
        return Card(name=name, title=name.rpartition("/")[2], day=None, broken=True)
    state = IssueState.SENT if front.slug in sent else IssueState.DRAFT
    return Card(name=name, title=front.title, day=front.date, state=state)


def _showing(
    dressed: prepare_issue.PreparedIssue,
    reader: Recipient,
    others: Callable[[], tuple[IssueHeader, ...]],
    standings: IssueStatusReader,
) -> Showing:
    """What the desk shows of a dressed issue."""
    # Where this reader has no value, what is typical stands in the message.
    typical = render.example_recipient(dressed.rendered).values
    whole = replace(reader, values={**typical, **reader.values})
    return Showing(
        title=dressed.issue.title,
        sender=dressed.mailing_list.sender_name or dressed.mailing_list.title,
        rendered=render.personalise(dressed, reader),
        missing=reader.missing_fields(dressed.rendered.fields),
        rows=parse.normalize_line_endings(dressed.text).split("\n"),
        message=cache(lambda: dressed.compile(dressed.draft_mailing()).compose_message(whole)[1].content),
        calendar=dressed.render_calendar,
        findings=lambda: check_issue.check_issue(dressed, others()),
        standing=lambda: standings.find_status(dressed),
        mail_test=lambda address: send.send_test_copy(dressed, address, whole),
    )


def _recipient(subscriber: Subscriber) -> Recipient:
    """A subscriber to look through the eyes of: number 0, so that no link of theirs is on the page to be pressed."""
    values = {**subscriber.attributes, **({NAME_FIELD: subscriber.name} if subscriber.name else {})}
    return Recipient(subscriber=0, address=subscriber.address, name=subscriber.name, values=values)


def _source(text: str) -> Source:
    return Source(text=parse.normalize_line_endings(text), digest=digest_of(text.encode()))


def digest_of(content: bytes) -> str:
    """What a file's bytes are known by."""
    return hashlib.sha256(content).hexdigest()
