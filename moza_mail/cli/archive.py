"""`moza-mail archive build`: the issues that readers have, as a web site in a folder."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from moza_mail import archive as archiving
from moza_mail import parse
from moza_mail.app import clock, open_project, prepare_issue
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import IssueError, MozaMailError, ProjectError
from moza_mail.model.issue import Issue
from moza_mail.model.mailing import SentIssue
from moza_mail.model.mailing_list import MailingList, OptIn
from moza_mail.model.site import ArchiveSite
from moza_mail.project import CONFIG_FILE, Project, publish_files
from moza_mail.store import Store

Files = Callable[[], Awaitable[Mapping[str, bytes]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which issues are wanted beside those in the ledger: those before a day, and those that are named."""

    list_slug: str = ""
    before: date | None = None
    include: tuple[str, ...] = ()
    as_json: bool = False


def build(project: Project, folder: Path, wish: Wish) -> int:
    """Make the archive of a list in a folder; give 3 when an issue that was sent could not be put in it."""
    mailing_list = project.read_list(wish.list_slug)
    site, remarks = site_of(project, mailing_list)
    shelf = Shelf(project, mailing_list, site)
    sent = run_async(lambda: _sent(project, mailing_list))
    with open_project.pause_garbage_collection():
        entries, missing = shelf.entries(sent, wish)
        files = shelf.made(entries)
    told = publish_files(folder, files)
    if wish.as_json:
        output.give_json(
            {
                "folder": str(folder),
                "url": site.base,
                "issues": len(entries),
                "new": told.added,
                "changed": told.changed,
                "same": told.unchanged,
                "gone": told.removed,
                "missing": missing,
                "remarks": remarks,
            }
        )
    else:
        output.give(
            f"{folder}: {_count(len(entries), 'issue')}; {told.added} new files, {told.changed} changed, "
            f"{told.unchanged} as they were, {told.removed} gone"
        )
    for remark in remarks:
        output.say(remark)
    for slug in missing:
        output.say(
            f"{slug} was sent to {mailing_list.slug}, and no file in {project.root / 'issues'} is it: it has no page.\n"
            f"  Put its file back, or name it: --include FILE"
        )
    return output.NEEDS_ATTENTION if missing else 0


async def _sent(project: Project, mailing_list: MailingList) -> list[SentIssue]:
    async with open_project.open_store(project) as store:
        return await store.sent_issues(mailing_list.slug)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def site_of(project: Project, mailing_list: MailingList) -> tuple[ArchiveSite, list[str]]:
    """Where the list's archive stands on the web, and what there is to say about that.

    Raises ProjectError when that is told nowhere, and when `view_url` leads mails to where the archive is not.
    """
    view = project.view_url_pattern(mailing_list)
    head = view[: view.find("{")] if "{" in view else ""
    base = _folder(mailing_list.archive_url or head)
    if not base:
        raise ProjectError(
            f"where the archive of {mailing_list.slug} will stand on the web is told nowhere",
            hint=f'Write archive_url = "https://www.example.org/{mailing_list.slug}/" in subscribers/lists.toml, [{mailing_list.slug}].',
        )
    wanted = f'view_url = "{base}{{slug}}/"'
    if not view:
        return ArchiveSite(base=base), [f"Mails do not lead to these pages: set {wanted} in {CONFIG_FILE}."]
    pattern = view.removeprefix(base)
    unfit = "?" in pattern or "#" in pattern or "//" in pattern or ".." in pattern
    if not view.startswith(base) or "{" not in pattern or unfit:
        raise ProjectError(
            f"{project.root / CONFIG_FILE}: mails lead to {view}, where this archive ({base}) has no page of an issue",
            hint=f'Set {wanted}, or the list\'s archive_url to the address above its issues. With several lists: "{{list}}" in view_url.',
        )
    return ArchiveSite(base=base, pattern=pattern), []


def _folder(url: str) -> str:
    """The folder of an address, with its slash."""
    if not url or url.endswith("/"):
        return url
    head, _, name = url.rpartition("/")
    return f"{head}/" if "." in name and "/" in head.partition("://")[2] else f"{url}/"


class Shelf:
    """The issues of a project as the archive of one list reads them; a theme is read once."""

    def __init__(self, project: Project, mailing_list: MailingList, site: ArchiveSite) -> None:
        self._project = project
        self._list = mailing_list
        self._site = site
        self._theme = cache(project.read_theme)

    @property
    def list_slug(self) -> str:
        """The list."""
        return self._list.slug

    def site(self, sent: Sequence[SentIssue]) -> Mapping[str, bytes]:
        """The files of the archive of what was sent."""
        self._theme.cache_clear()
        return self.made(self.entries(sent, Wish())[0])

    def state(self) -> object:
        """What differs when a file of an issue or a day has become another."""
        return self._today(), tuple(
            (path.name, path.stat().st_mtime_ns) for path in self._project.list_issues()
        )

    def made(self, entries: Sequence[archiving.ArchiveEntry]) -> dict[str, bytes]:
        """The files of the archive."""
        return archiving.build_site(entries, self._setting(), today=self._today())

    def _today(self) -> date:
        return clock.now().astimezone(self._project.config.zone).date()

    def _setting(self) -> archiving.ArchiveSettings:
        """What all pages share."""
        return archiving.ArchiveSettings(
            site=self._site,
            mailing_list=self._list,
            theme=self._theme(self._list.theme or self._project.config.theme),
            colophon=replace(prepare_issue.build_colophon(self._project, self._list), calendar_url=""),
            zone=self._project.config.zone,
            sign_up=self._sign_up(),
        )

    def _sign_up(self) -> str:
        """Where one joins the list: its page of `serve`, which is there for lists that confirm."""
        own = self._project.config.public_url.rstrip("/")
        return f"{own}/lists/{self._list.slug}" if own and self._list.opt_in is OptIn.DOUBLE else ""

    def entries(
        self, sent: Sequence[SentIssue], wish: Wish
    ) -> tuple[list[archiving.ArchiveEntry], list[str]]:
        """Return the issues to publish, and the slugs that were sent but have no file. Drafts are never published."""
        known = {one.issue_slug: one for one in sent}
        found: dict[str, archiving.ArchiveEntry] = {}
        named = [self._project.find_issue(name) for name in wish.include]
        for path in (*named, *self._project.list_issues()):
            text, slug = self._front(path, known, wish, asked=path in named)
            if slug and slug not in found:
                found[slug] = self._entry(
                    path, prepare_issue.parse_text(self._project, path, text), known.get(slug)
                )
        return list(found.values()), [slug for slug in known if slug not in found]

    def _front(self, path: Path, known: dict[str, SentIssue], wish: Wish, *, asked: bool) -> tuple[str, str]:
        """The text of a file and its slug when it is to be published; what cannot be read is passed by unless it was sent or asked for."""
        try:
            text = self._project.read_issue(path)
            front = parse.parse_issue_header(text, str(path))
        except IssueError:
            if asked or path.stem in known:
                raise
            return "", ""
        if front.draft:
            if asked:
                raise IssueError("is a draft, and drafts are not published", source=str(path), line=0)
            return "", ""
        early = wish.before is not None and front.date < wish.before and self._is_ours(front.list_slug)
        return text, front.slug if asked or early or front.slug in known else ""

    def _is_ours(self, list_slug: str) -> bool:
        """Whether an issue that names this list, or none, would be mailed to ours."""
        return (list_slug or self._project.read_list("").slug) == self._list.slug

    def _entry(self, path: Path, issue: Issue, sent: SentIssue | None) -> archiving.ArchiveEntry:
        project, mailing_list = self._project, self._list
        issue = replace(issue, lang=issue.lang or mailing_list.lang)
        theme = self._theme(issue.theme or mailing_list.theme or project.config.theme)
        return archiving.ArchiveEntry(
            issue=issue,
            theme=theme,
            colophon=prepare_issue.build_colophon(project, mailing_list, issue),
            images=project.read_images(issue, path, column=theme.text_width),
            sent=sent,
            changed=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        )


class Served:
    """The archive of one list in memory, as the sign-up server shows it; made anew when the ledger or a file has changed.

    That is looked for once a minute at most. What cannot be made leaves the last one standing.
    """

    EVERY = 60.0

    def __init__(self, shelf: Shelf, store: Store) -> None:
        self._shelf = shelf
        self._store = store
        self._files: Mapping[str, bytes] = MappingProxyType({})
        self._known: object = None
        self._looked = float("-inf")
        self._turn = asyncio.Lock()

    async def files(self) -> Mapping[str, bytes]:
        """The site as it is now; raise what making it raises when there is none yet."""
        async with self._turn:
            if time.monotonic() - self._looked >= self.EVERY:
                await self._look()
                self._looked = time.monotonic()
        return self._files

    async def _look(self) -> None:
        try:
            sent = await self._store.sent_issues(self._shelf.list_slug)
            known = (tuple(one.issue_slug for one in sent), self._shelf.state())
            if known != self._known:
                self._files = await asyncio.to_thread(self._shelf.site, sent)
                self._known = known
        except MozaMailError as error:
            if not self._files:
                raise
            output.say(f"The archive stays as it was: {error.message}")


def served(project: Project, store: Store) -> dict[str, Files]:
    """The archives that `public_url` holds: for each list whose archive stands there, its path and what gives its files."""
    own = project.config.public_url
    found: dict[str, Files] = {}
    for mailing_list in project.read_lists().values():
        if own and mailing_list.archive_url.startswith(f"{own.rstrip('/')}/"):
            site, _ = site_of(project, mailing_list)
            found[urlsplit(site.base).path.rstrip("/")] = Served(
                Shelf(project, mailing_list, site), store
            ).files
    return found
