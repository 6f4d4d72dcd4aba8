"""Build the archive of a list: a web site of the issues that were sent."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from moza_mail import archive, parse
from moza_mail.app.clock import now
from moza_mail.app.open_project import open_store, pause_garbage_collection
from moza_mail.app.prepare_issue import build_colophon, parse_text
from moza_mail.archive import ArchiveEntry, ArchiveSettings
from moza_mail.errors import IssueError, MozaMailError, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import Issue
from moza_mail.model.issue_name import issue_name
from moza_mail.model.mailing import SentIssue
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.site import ArchiveSite
from moza_mail.project import CONFIG_FILE, Project, PublishResult, publish_files
from moza_mail.store import Store

Files = Callable[[], Awaitable[Mapping[str, bytes]]]
"""Returns the current files of an archive by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveOptions:
    """Issues to publish besides the sent issues in the ledger.

    before: publish the list's issues that are dated before this day.
    include: issues to publish, by path or slug.
    """

    list_slug: str = ""
    before: date | None = None
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReport:
    """Result of publishing an archive to a folder.

    missing: the slugs of sent issues without a file.
    remarks: sentences about the settings.
    """

    folder: Path
    url: str
    list_slug: str
    issues: int
    result: PublishResult
    missing: Sequence[str]
    remarks: Sequence[str]

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "folder": str(self.folder),
            "url": self.url,
            "issues": self.issues,
            "added": self.result.added,
            "changed": self.result.changed,
            "unchanged": self.result.unchanged,
            "removed": self.result.removed,
            "missing": list(self.missing),
            "remarks": list(self.remarks),
        }


async def build_archive(project: Project, folder: Path, options: ArchiveOptions) -> ArchiveReport:
    """Publish the archive of a list to a folder.

    Raises IssueError for an included issue that cannot be published, and ProjectError for an unusable setting or folder.
    """
    mailing_list = project.read_list(options.list_slug)
    site, remarks = find_site(project, mailing_list)
    builder = ArchiveBuilder(project, mailing_list, site)
    async with open_store(project) as store:
        sent = await store.ledger.list_sent_issues(mailing_list.slug)
    with pause_garbage_collection():
        entries, missing = builder.collect(sent, options)
        files = builder.build(entries)
    return ArchiveReport(
        folder=folder,
        url=site.base,
        list_slug=mailing_list.slug,
        issues=len(entries),
        result=publish_files(folder, files),
        missing=missing,
        remarks=remarks,
    )


def find_site(project: Project, mailing_list: MailingList) -> tuple[ArchiveSite, list[str]]:
    """Return the address of the list's archive, and remarks about the settings.

    Raises ProjectError if no setting names the address, or if `view_url` leads to pages outside the archive.
    """
    view = project.view_url_pattern(mailing_list)
    head = view[: view.find("{")] if "{" in view else ""
    base = _folder_url(mailing_list.archive_url or head)
    slug = mailing_list.slug
    if not base:
        raise ProjectError(
            _("no setting names the web address of the archive of {slug}", slug=slug),
            hint=_(
                'Write archive_url = "https://www.example.org/{slug}/" in subscribers/lists.toml, [{slug}].',
                slug=slug,
            ),
        )
    wanted = f'view_url = "{base}{{slug}}/"'
    if not view:
        return ArchiveSite(base=base), [
            _("Mails do not link to these pages. Set {wanted} in {file}.", wanted=wanted, file=CONFIG_FILE)
        ]
    pattern = view.removeprefix(base)
    is_unfit = "?" in pattern or "#" in pattern or "//" in pattern or ".." in pattern
    if not view.startswith(base) or "{" not in pattern or is_unfit:
        raise ProjectError(
            _(
                "{path}: mails link to {view}, which is not a page of the archive at {base}",
                path=str(project.root / CONFIG_FILE),
                view=view,
                base=base,
            ),
            hint=_(
                'Set {wanted}, or set the list\'s archive_url to the address above its issues. With several lists, use "{{list}}" in view_url.',
                wanted=wanted,
            ),
        )
    return ArchiveSite(base=base, pattern=pattern), []


def _folder_url(url: str) -> str:
    """Return the URL of the folder that contains a page, with a slash at its end."""
    if not url or url.endswith("/"):
        return url
    head, _, name = url.rpartition("/")
    return f"{head}/" if "." in name and "/" in head.partition("://")[2] else f"{url}/"


class ArchiveBuilder:
    """Builds the archive of one list. Each theme is read once."""

    def __init__(self, project: Project, mailing_list: MailingList, site: ArchiveSite) -> None:
        self._project = project
        self._list = mailing_list
        self._site = site
        self._theme = cache(project.read_theme)

    @property
    def list_slug(self) -> str:
        """The slug of the list."""
        return self._list.slug

    def rebuild(self, sent: Sequence[SentIssue]) -> Mapping[str, bytes]:
        """Read the themes again, and return the files of the archive."""
        self._theme.cache_clear()
        entries, _ = self.collect(sent, ArchiveOptions())
        return self.build(entries)

    def change_token(self) -> object:
        """Return a value that changes when a new day begins or the file of an issue changes."""
        files = ((str(path), path.stat().st_mtime_ns) for path in self._project.list_issues())
        return self._today(), tuple(files)

    def build(self, entries: Sequence[ArchiveEntry]) -> dict[str, bytes]:
        """Return the files of the archive by path."""
        return archive.build_site(entries, self._settings(), today=self._today())

    def _today(self) -> date:
        return now().astimezone(self._project.config.zone).date()

    def _settings(self) -> ArchiveSettings:
        return ArchiveSettings(
            site=self._site,
            mailing_list=self._list,
            theme=self._theme(self._list.theme or self._project.config.theme),
            colophon=build_colophon(self._project, self._list),
            zone=self._project.config.zone,
            sign_up=self._project.sign_up_url(self._list),
        )

    def collect(
        self, sent: Sequence[SentIssue], options: ArchiveOptions
    ) -> tuple[list[ArchiveEntry], list[str]]:
        """Return the issues to publish, and the slugs of sent issues that have no file.

        Drafts are never published.
        """
        by_slug = {one.issue_slug: one for one in sent}
        entries: dict[str, ArchiveEntry] = {}
        included = [self._project.find_issue(name) for name in options.include]
        for path in (*included, *self._project.list_issues()):
            text, slug = self._read(path, by_slug, options, is_included=path in included)
            if slug and slug not in entries:
                issue = parse_text(self._project, path, text, self._list.slug)
                entries[slug] = self._make_entry(path, issue, by_slug.get(slug))
        return list(entries.values()), [slug for slug in by_slug if slug not in entries]

    def _read(
        self, path: Path, sent: Mapping[str, SentIssue], options: ArchiveOptions, *, is_included: bool
    ) -> tuple[str, str]:
        """Return an issue's text and slug. If the issue is not published, the slug is empty.

        Raises IssueError if the issue cannot be read, although it was sent or is named by the archive's options.
        """
        try:
            text = self._project.read_issue(path)
            header = parse.parse_issue_header(text, str(path))
        except IssueError:
            if is_included or issue_name(str(path)) in sent:
                raise
            return "", ""
        if header.draft:
            if is_included:
                raise IssueError(_("a draft cannot be published"), source=str(path), line=0)
            return "", ""
        is_early = (
            options.before is not None and header.date < options.before and self._is_own(header.list_slug)
        )
        return text, header.slug if is_included or is_early or header.slug in sent else ""

    def _is_own(self, list_slug: str) -> bool:
        """Return True if an issue for the list `list_slug` belongs in this archive.

        list_slug: the list in the issue's front matter; empty means the default list.
        """
        return (list_slug or self._project.read_list("").slug) == self._list.slug

    def _make_entry(self, path: Path, issue: Issue, sent: SentIssue | None) -> ArchiveEntry:
        project, mailing_list = self._project, self._list
        issue = replace(issue, lang=issue.lang or mailing_list.lang)
        theme = self._theme(issue.theme or mailing_list.theme or project.config.theme)
        return ArchiveEntry(
            issue=issue,
            theme=theme,
            colophon=build_colophon(project, mailing_list, issue),
            images=project.read_images(issue, path, column=theme.text_width),
            sent=sent,
            changed=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        )


class LiveArchive:
    """The archive of one list in memory, for the public pages.

    The archive looks for changes in the ledger and the files once a minute at most, and is rebuilt after a change. If a
    rebuild fails, the last archive stays and `on_error` receives the error.
    """

    CHECK_SECONDS = 60.0

    def __init__(
        self, builder: ArchiveBuilder, store: Store, on_error: Callable[[MozaMailError], None]
    ) -> None:
        self._builder = builder
        self._store = store
        self._on_error = on_error
        self._files: Mapping[str, bytes] = MappingProxyType({})
        self._token: object = None
        self._checked_at = float("-inf")
        self._lock = asyncio.Lock()

    async def files(self) -> Mapping[str, bytes]:
        """Return the files of the archive. If the first build fails, raise its error."""
        async with self._lock:
            if time.monotonic() - self._checked_at >= self.CHECK_SECONDS:
                await self._refresh()
                self._checked_at = time.monotonic()
        return self._files

    async def _refresh(self) -> None:
        try:
            sent = await self._store.ledger.list_sent_issues(self._builder.list_slug)
            token = (tuple(one.issue_slug for one in sent), self._builder.change_token())
            if token != self._token:
                self._files = await asyncio.to_thread(self._builder.rebuild, sent)
                self._token = token
        except MozaMailError as error:
            if not self._files:
                raise
            self._on_error(error)


def find_live_archives(
    project: Project, store: Store, on_error: Callable[[MozaMailError], None]
) -> dict[str, Files]:
    """Return the archives with an address below `public_url`, by path on the public site.

    on_error: receives the error of each rebuild that fails.
    """
    public_url = project.config.public_url
    archives: dict[str, Files] = {}
    for mailing_list in project.read_lists().values():
        if public_url and mailing_list.archive_url.startswith(f"{public_url.rstrip('/')}/"):
            site, _ = find_site(project, mailing_list)
            builder = ArchiveBuilder(project, mailing_list, site)
            path = urlsplit(site.base).path.rstrip("/")
            archives[path] = LiveArchive(builder, store, on_error).files
    return archives
