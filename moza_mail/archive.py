"""The archive: the issues that readers of a list have, as the files of a web site. Nothing is read or written here."""

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

# Who reads a feed has seen what is older; the index and the sitemap name every issue.
IN_FEED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveEntry:
    """An issue to publish, as its file has it now.

    `sent` is what the ledger knows of its mailing, None for one that was mailed before there was a ledger. `colophon` is as
    for its mail, `changed` when its file was changed last.
    """

    issue: Issue
    theme: Theme
    colophon: Colophon
    images: Mapping[str, ImageFile]
    sent: SentIssue | None
    changed: datetime

    @property
    def is_listed(self) -> bool:
        """Whether the index, the feed and the calendar tell of it. What a part of the list got is only for who has its address."""
        return self.sent is None or self.sent.is_whole_list


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings:
    """What the pages of one list share. `colophon` is the list's, `zone` the one of its agenda, `sign_up` where one joins."""

    site: ArchiveSite
    mailing_list: MailingList
    theme: Theme
    colophon: Colophon
    zone: tzinfo
    sign_up: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ArchivedIssue:
    """An entry with its page: `file` is where that stands, `images` those of its own with their addresses seen from there.

    `edited` says that it is not what was mailed.
    """

    entry: ArchiveEntry
    page: "render.archive.ArchivePage"
    file: str
    url: str
    edited: bool

    @property
    def issue(self) -> Issue:
        """The issue."""
        return self.entry.issue


def build_site(entries: Sequence[ArchiveEntry], setting: ArchiveSettings, *, today: date) -> dict[str, bytes]:
    """The files of the site by their path in it: the same entries on the same day give the same bytes.

    Raises ProjectError when two issues would share an address, and what rendering raises.
    """
    newest_first = sorted(entries, key=lambda entry: (entry.issue.date, entry.issue.slug), reverse=True)
    issues = [_issue(entry, setting) for entry in newest_first]
    listed = [one for one in issues if one.entry.is_listed]
    files = _common(issues, listed, setting, today)
    taken = dict.fromkeys(files, "the archive itself")
    around = {
        one.file: (listed[at + 1 : at + 2], listed[max(0, at - 1) : at]) for at, one in enumerate(listed)
    }
    for one in issues:
        made = _files(one, around.get(one.file, ((), ())), setting, today)
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


def _issue(entry: ArchiveEntry, setting: ArchiveSettings) -> _ArchivedIssue:
    issue, file = entry.issue, setting.site.page_file(entry.issue)
    images = {
        src: replace(image, url=relative_link(_beside(issue, image.name), file)) if image.content else image
        for src, image in entry.images.items()
    }
    page = render.archive.ArchivePage(issue, _dressed(entry.theme, file), entry.colophon, images)
    sent = entry.sent
    return _ArchivedIssue(
        entry=entry,
        page=page,
        file=file,
        url=setting.site.url_for(file),
        edited=sent is not None and not page.matches_mailed(sent.issue_title, sent.text, entry.colophon),
    )


def _files(
    one: _ArchivedIssue,
    around: tuple[Sequence[_ArchivedIssue], Sequence[_ArchivedIssue]],
    setting: ArchiveSettings,
    today: date,
) -> dict[str, bytes]:
    """An issue's page and what belongs to it; `around` are the one before it and the one after, where there is one."""
    issue, entry = one.issue, one.entry
    beside = _beside(issue, ISSUE_CALENDAR)
    promised = entry.colophon.calendar_url == setting.site.url_for(beside)
    files = {_beside(issue, image.name): image.content for image in entry.images.values() if image.content}
    # Nobody writes down what is over; but what a mail leads to stays.
    calendar = _is_ahead(issue, today) or promised
    content = render.render_calendar(issue, entry.colophon, zone=setting.zone) if calendar else None
    files |= {beside: content} if content else {}
    place = ArchivePageLinks(
        url=one.url,
        home=relative_link(INDEX, one.file),
        feed=relative_link(FEED, one.file),
        agenda=relative_link(CALENDAR, one.file),
        style=relative_link(_style(entry.theme), one.file),
        calendar=relative_link(beside, one.file) if content else "",
        sign_up=setting.sign_up,
        older=_neighbour(around[0], one.file),
        newer=_neighbour(around[1], one.file),
        is_indexed=entry.is_listed,
        updated=entry.changed.astimezone(setting.zone).date() if one.edited else None,
        hosts=tuple(
            sorted({urlsplit(each.url).netloc for each in entry.images.values() if not each.content})
        ),
    )
    return {**files, one.file: one.page.render_html(place).encode()}


def _is_ahead(issue: Issue, today: date) -> bool:
    """Whether an event of the issue is still to come."""
    events = issue.agenda.events if issue.agenda else ()
    return any(event.dates and event.dates[-1] >= today for event in events)


def _common(
    issues: Sequence[_ArchivedIssue], shown: Sequence[_ArchivedIssue], setting: ArchiveSettings, today: date
) -> dict[str, bytes]:
    """The files that are not one issue's; `shown` are those of the issues that they tell of."""
    site, theme, colophon = setting.site, setting.theme, setting.colophon
    lang = setting.mailing_list.lang
    listed = [_listed(one, setting) for one in shown]
    recent = [
        replace(told, content=one.page.render_feed_content(_absolute(one, site)))
        for told, one in zip(listed[:IN_FEED], shown, strict=False)
    ]
    place = ArchivePageLinks(
        url=site.base, home="", feed=FEED, agenda=CALENDAR, style=_style(theme), sign_up=setting.sign_up
    )
    index = render.archive.render_index(place, _dressed(theme, INDEX), colophon, listed, lang=lang)
    feed = render.archive.render_feed(
        replace(place, feed=site.url_for(FEED)),
        theme,
        colophon,
        recent,
        lang=lang,
        identifier=_identifier(setting.mailing_list).urn,
    )
    told = (one.issue for one in shown)
    files = {
        INDEX: index.encode(),
        FEED: feed.encode(),
        CALENDAR: render.render_upcoming_events(told, colophon, zone=setting.zone, since=today, lang=lang),
        SITEMAP: render.archive.render_sitemap(site.base, theme, listed).encode(),
    }
    for each in {dress.name: dress for dress in (*(one.entry.theme for one in issues), theme)}.values():
        files[_style(each)] = render.archive.render_style(each).encode()
        if each.logo:
            files[_asset(each.logo)] = each.logo.content
    return files


def _listed(one: _ArchivedIssue, setting: ArchiveSettings) -> IndexedIssue:
    issue, sent = one.issue, one.entry.sent
    published = (
        sent.created_at if sent else datetime.combine(issue.date, time(), tzinfo=setting.zone).astimezone(UTC)
    )
    return IndexedIssue(
        title=one.page.title,
        day=issue.date,
        href=relative_link(one.file, INDEX),
        url=one.url,
        identifier=uuid5(_identifier(setting.mailing_list), issue.slug).urn,
        lang=issue.lang,
        summary=one.page.summary,
        published=published,
        updated=max(published, one.entry.changed) if one.edited else published,
    )


def _absolute(one: _ArchivedIssue, site: ArchiveSite) -> Mapping[str, ImageFile]:
    """The images of an issue as a feed reader finds them."""
    return {
        src: replace(image, url=site.url_for(_beside(one.issue, image.name))) if image.content else image
        for src, image in one.entry.images.items()
    }


def _neighbour(those: Sequence[_ArchivedIssue], file: str) -> AdjacentIssue | None:
    return (
        AdjacentIssue(title=those[0].page.title, href=relative_link(those[0].file, file)) if those else None
    )


def _identifier(mailing_list: MailingList) -> UUID:
    """What a feed and its entries are known by, wherever the archive moves to: it follows from the list's own identifier."""
    return uuid5(NAMESPACE_DNS, mailing_list.identifier)


def _dressed(theme: Theme, file: str) -> Theme:
    """The theme with its logo as a page finds it."""
    logo = theme.logo and replace(theme.logo, url=relative_link(_asset(theme.logo), file))
    return replace(theme, logo=logo)


def _beside(issue: Issue, name: str) -> str:
    """Where a file of an issue stands: where mails look for it too, when asset_url is the archive's address."""
    return f"{issue.slug}/{name}"


def _style(theme: Theme) -> str:
    return f"assets/{theme.name}.css"


def _asset(image: ImageFile) -> str:
    return f"assets/{image.name}"
