"""Build the archive of a list: the files of a web site with its sent issues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from urllib.parse import urlsplit
from uuid import NAMESPACE_DNS, UUID, uuid5

from moza_mail import render
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import Issue
from moza_mail.model.mailing import SentIssue
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.site import (
    CALENDAR,
    FEED,
    INDEX,
    ISSUE_CALENDAR,
    SITEMAP,
    AdjacentIssue,
    ArchivePageLinks,
    ArchiveSite,
    IndexedIssue,
    relative_link,
)
from moza_mail.model.theme import Colophon, Theme

# A feed reader keeps older entries itself; the index and the sitemap have every issue.
MAX_FEED_ENTRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveEntry:
    """An issue to publish, with the current text of its file.

    colophon: the colophon of the issue's mail.
    sent: the issue's mailing in the ledger; None if the issue was mailed before the ledger existed.
    changed: the time of the last change of the issue's file.
    """

    issue: Issue
    theme: Theme
    colophon: Colophon
    images: Mapping[str, ImageFile]
    sent: SentIssue | None
    changed: datetime

    @property
    def is_listed(self) -> bool:
        """Return True if the index, the feed and the calendar include the issue.

        An issue that was mailed to a segment is not listed. It can be found only by its URL.
        """
        return self.sent is None or self.sent.is_whole_list


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings:
    """Settings and texts that the pages of one list share.

    colophon: the colophon of the list.
    zone: the time zone of dates and events.
    sign_up: the URL of the sign-up form; empty if there is none.
    """

    site: ArchiveSite
    mailing_list: MailingList
    theme: Theme
    colophon: Colophon
    zone: tzinfo
    sign_up: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ArchivedIssue:
    """An archive entry and its page.

    file: the path of the page in the site.
    edited: True if the issue has changed since it was mailed.
    """

    entry: ArchiveEntry
    page: "render.archive.ArchivePage"
    file: str
    url: str
    edited: bool

    @property
    def issue(self) -> Issue:
        """The issue of the entry."""
        return self.entry.issue


def build_site(entries: Sequence[ArchiveEntry], setting: ArchiveSettings, *, today: date) -> dict[str, bytes]:
    """Return the files of the site by path. The result depends only on the arguments.

    Raises ThemeError, RenderError, and ProjectError if two issues have the same path.
    """
    newest_first = sorted(entries, key=lambda entry: (entry.issue.date, entry.issue.slug), reverse=True)
    issues = [_make_archived_issue(entry, setting) for entry in newest_first]
    listed = [one for one in issues if one.entry.is_listed]
    files = _make_shared_files(issues, listed, setting, today)
    taken = dict.fromkeys(files, "the archive itself")
    around = {
        one.file: (listed[at + 1 : at + 2], listed[max(0, at - 1) : at]) for at, one in enumerate(listed)
    }
    for one in issues:
        made = _make_issue_files(one, around.get(one.file, ((), ())), setting, today)
        for path in made:
            if path in taken:
                raise ProjectError(
                    _(
                        "{source}: its place in the archive, `{path}`, is taken by {other}",
                        source=one.issue.source,
                        path=path,
                        other=taken[path],
                    ),
                    hint=_(
                        "Give one of the two another `slug` in its front matter, or write {slug} in view_url."
                    ),
                )
            taken[path] = one.issue.source
        files |= made
    return files


def _make_archived_issue(entry: ArchiveEntry, setting: ArchiveSettings) -> _ArchivedIssue:
    issue, file = entry.issue, setting.site.page_file(entry.issue)
    images = {
        src: replace(image, url=relative_link(_issue_path(issue, image.name), file))
        if image.content
        else image
        for src, image in entry.images.items()
    }
    page = render.archive.ArchivePage(issue, _with_logo_url(entry.theme, file), entry.colophon, images)
    sent = entry.sent
    return _ArchivedIssue(
        entry=entry,
        page=page,
        file=file,
        url=setting.site.url_for(file),
        edited=sent is not None and not page.matches_mailed(sent.issue_title, sent.text, entry.colophon),
    )


def _make_issue_files(
    one: _ArchivedIssue,
    around: tuple[Sequence[_ArchivedIssue], Sequence[_ArchivedIssue]],
    setting: ArchiveSettings,
    today: date,
) -> dict[str, bytes]:
    """Return the files of one issue: its page, images and calendar.

    around: two sequences, with the next older and the next newer issue. Each is empty if there is no such issue.
    """
    issue, entry = one.issue, one.entry
    calendar_path = _issue_path(issue, ISSUE_CALENDAR)
    is_linked = entry.colophon.calendar_url == setting.site.url_for(calendar_path)
    files = {
        _issue_path(issue, image.name): image.content for image in entry.images.values() if image.content
    }
    # A calendar of past events is useless, but it stays if a mail links to it.
    has_calendar = _has_upcoming_event(issue, today) or is_linked
    content = render.render_calendar(issue, entry.colophon, zone=setting.zone) if has_calendar else None
    files |= {calendar_path: content} if content else {}
    place = ArchivePageLinks(
        url=one.url,
        home=relative_link(INDEX, one.file),
        feed=relative_link(FEED, one.file),
        agenda=relative_link(CALENDAR, one.file),
        style=relative_link(_make_style_path(entry.theme), one.file),
        calendar=relative_link(calendar_path, one.file) if content else "",
        sign_up=setting.sign_up,
        older=_find_adjacent(around[0], one.file),
        newer=_find_adjacent(around[1], one.file),
        is_indexed=entry.is_listed,
        updated=entry.changed.astimezone(setting.zone).date() if one.edited else None,
        hosts=tuple(
            sorted({urlsplit(each.url).netloc for each in entry.images.values() if not each.content})
        ),
    )
    return {**files, one.file: one.page.render_html(place).encode()}


def _has_upcoming_event(issue: Issue, today: date) -> bool:
    """Return True if an event of the issue is today or later."""
    return any(event.dates and event.dates[-1] >= today for event in issue.events)


def _make_shared_files(
    issues: Sequence[_ArchivedIssue], shown: Sequence[_ArchivedIssue], setting: ArchiveSettings, today: date
) -> dict[str, bytes]:
    """Return the files that belong to no single issue, such as the index and the feed.

    issues: all issues of the archive.
    shown: the issues that the index, the feed and the calendar list.
    """
    site, theme, colophon = setting.site, setting.theme, setting.colophon
    lang = setting.mailing_list.lang
    listed = [_make_indexed_issue(one, setting) for one in shown]
    recent = [
        replace(entry, content=one.page.render_feed_content(_make_absolute_images(one, site)))
        for entry, one in zip(listed[:MAX_FEED_ENTRIES], shown, strict=False)
    ]
    place = ArchivePageLinks(
        url=site.base,
        home="",
        feed=FEED,
        agenda=CALENDAR,
        style=_make_style_path(theme),
        sign_up=setting.sign_up,
    )
    index = render.archive.render_index(place, _with_logo_url(theme, INDEX), colophon, listed, lang=lang)
    feed = render.archive.render_feed(
        replace(place, feed=site.url_for(FEED)),
        theme,
        colophon,
        recent,
        lang=lang,
        identifier=_make_feed_id(setting.mailing_list).urn,
    )
    issues_shown = (one.issue for one in shown)
    files = {
        INDEX: index.encode(),
        FEED: feed.encode(),
        CALENDAR: render.render_upcoming_events(
            issues_shown, colophon, zone=setting.zone, since=today, lang=lang
        ),
        SITEMAP: render.archive.render_sitemap(site.base, theme, listed).encode(),
    }
    for each in {used.name: used for used in (*(one.entry.theme for one in issues), theme)}.values():
        files[_make_style_path(each)] = render.archive.render_style(each).encode()
        if each.logo:
            files[_make_asset_path(each.logo)] = each.logo.content
    return files


def _make_indexed_issue(one: _ArchivedIssue, setting: ArchiveSettings) -> IndexedIssue:
    issue, sent = one.issue, one.entry.sent
    published = (
        sent.created_at if sent else datetime.combine(issue.date, time(), tzinfo=setting.zone).astimezone(UTC)
    )
    return IndexedIssue(
        title=one.page.title,
        day=issue.date,
        href=relative_link(one.file, INDEX),
        url=one.url,
        identifier=uuid5(_make_feed_id(setting.mailing_list), issue.slug).urn,
        lang=issue.lang,
        summary=one.page.summary,
        headline=one.page.headline,
        published=published,
        updated=max(published, one.entry.changed) if one.edited else published,
    )


def _make_absolute_images(one: _ArchivedIssue, site: ArchiveSite) -> Mapping[str, ImageFile]:
    """Return the images of an issue with absolute URLs, which a feed needs."""
    return {
        src: replace(image, url=site.url_for(_issue_path(one.issue, image.name))) if image.content else image
        for src, image in one.entry.images.items()
    }


def _find_adjacent(those: Sequence[_ArchivedIssue], file: str) -> AdjacentIssue | None:
    return (
        AdjacentIssue(title=those[0].page.title, href=relative_link(those[0].file, file)) if those else None
    )


def _make_feed_id(mailing_list: MailingList) -> UUID:
    """Return the identifier of a list's feed. It does not depend on the archive's URL."""
    return uuid5(NAMESPACE_DNS, mailing_list.identifier)


def _with_logo_url(theme: Theme, file: str) -> Theme:
    """Return the theme with the URL of its logo relative to the page `file`."""
    logo = theme.logo and replace(theme.logo, url=relative_link(_make_asset_path(theme.logo), file))
    return replace(theme, logo=logo)


def _issue_path(issue: Issue, name: str) -> str:
    """Return the path of an issue's file in the archive.

    Mails link to the same path if `asset_url` is the URL of the archive.
    """
    return f"{issue.slug}/{name}"


def _make_style_path(theme: Theme) -> str:
    return f"assets/{theme.name}.css"


def _make_asset_path(image: ImageFile) -> str:
    return f"assets/{image.name}"
