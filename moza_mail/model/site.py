"""The archive of a list as a website: its URLs, and the links on its pages."""

import posixpath
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from moza_mail.model.issue_name import default_slug

if TYPE_CHECKING:
    from moza_mail.model.issue import Issue

INDEX = "index.html"
FEED = "feed.xml"
CALENDAR = "agenda.ics"
ISSUE_CALENDAR = "issue.ics"
SITEMAP = "sitemap.xml"


URL_PLACEHOLDERS = ("{slug}", "{date}", "{list}", "{title}", "{year}", "{month}", "{day}")


def fill_url_pattern(pattern: str, issue: "Issue") -> str:
    """Fill the placeholders in the URL or path of an issue's page, except `{list}`.

    `{title}` is the `slug` of the front matter, or else the title as Hugo writes it in an address (`:slug`).
    """
    values = {
        "{slug}": issue.slug,
        "{date}": issue.date.isoformat(),
        "{title}": "",
        "{year}": f"{issue.date.year:04}",
        "{month}": f"{issue.date.month:02}",
        "{day}": f"{issue.date.day:02}",
    }
    if "{title}" in pattern:
        has_slug = issue.slug != default_slug(issue.source, issue.date)
        values["{title}"] = issue.slug if has_slug else title_in_url(issue.title) or issue.slug
    for name, value in values.items():
        pattern = pattern.replace(name, value)
    return pattern


def title_in_url(title: str) -> str:
    """Return a title as Hugo writes it in an address: `moza-weekly-14-januari-2026`."""
    kept = "".join(
        each for each in title.lower() if each.isalnum() or each in " ._+~-@" or unicodedata.combining(each)
    )
    return re.sub(r" +-* *|-+ +", "-", kept.strip()).strip("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSite:
    """The URLs in the archive of one list.

    base: the URL of the archive, with a slash at its end.
    pattern: the path of an issue below `base`, with the placeholders of `fill_url_pattern`, such as `{slug}/` or `{date}.html`.
    """

    base: str
    pattern: str = "{slug}/"

    def page_path(self, issue: "Issue") -> str:
        """Return the path of the page of an issue, below `base`."""
        return fill_url_pattern(self.pattern, issue)

    def page_file(self, issue: "Issue") -> str:
        """Return the file of the page of an issue, which is index.html if the path is a folder."""
        path = self.page_path(issue)
        return f"{path}{INDEX}" if path.endswith("/") or not path else path

    def url_for(self, path: str) -> str:
        """Return the absolute URL of a file in the archive."""
        return self.base + quote(path.removesuffix(INDEX) if path.rpartition("/")[2] == INDEX else path)


def relative_link(path: str, seen_from: str) -> str:
    """Return the relative link from one file of the site to another, without index.html."""
    folder, _, name = path.rpartition("/")
    below = posixpath.relpath(folder or ".", posixpath.dirname(seen_from) or ".")
    shown = "" if name == INDEX else name
    return quote(f"{below}/{shown}" if below != "." else shown or "./")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjacentIssue:
    """The link from an issue's page to the issue before or after it."""

    title: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePageLinks:
    """The links on a page of the archive, and other facts about that page.

    url: the page's own URL. This URL and `sign_up` are absolute, and the other links are relative.
    agenda: the calendar of all upcoming events.
    calendar: the calendar of this issue, empty if none of its events has a date.
    sign_up: the sign-up page, empty if there is none.
    updated: the day of the last change, if the page differs from the mail.
    is_indexed: search engines may index the page.
    hosts: the other hosts from which the page loads images.
    """

    url: str
    home: str
    feed: str
    agenda: str
    style: str
    calendar: str = ""
    sign_up: str = ""
    older: AdjacentIssue | None = None
    newer: AdjacentIssue | None = None
    updated: date | None = None
    is_indexed: bool = True
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedIssue:
    """An issue in the index and the feed of the archive.

    headline: the title of the issue; empty if the title says only the name of the list and the date.
    published: when the issue was mailed; 00:00 on its date if it was not mailed.
    content: the issue as HTML with absolute URLs, empty if the feed contains only the title and summary.
    """

    title: str
    day: date
    href: str
    url: str
    identifier: str
    lang: str
    summary: str
    published: datetime
    updated: datetime
    content: str = ""
    headline: str = ""
