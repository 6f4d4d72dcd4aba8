"""Site: where the issues of a list stand on the web, and what one page of it leads to."""

import posixpath
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote

from moza_mail.model.issue import Issue

INDEX = "index.html"
FEED = "feed.xml"
CALENDAR = "agenda.ics"
ISSUE_CALENDAR = "issue.ics"
SITEMAP = "sitemap.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSite:
    """The archive of one list: `base` is its address, with a slash at its end, and `pattern` what follows for an issue.

    `pattern` holds `{slug}` or `{date}`, such as `{slug}/` or `{date}.html`.
    """

    base: str
    pattern: str = "{slug}/"

    def page_path(self, issue: Issue) -> str:
        """Where an issue's page stands, below `base`."""
        return self.pattern.replace("{slug}", issue.slug).replace("{date}", issue.date.isoformat())

    def page_file(self, issue: Issue) -> str:
        """The file of an issue's page: a folder's is the index.html in it."""
        address = self.page_path(issue)
        return f"{address}{INDEX}" if address.endswith("/") or not address else address

    def url_for(self, path: str) -> str:
        """The address of a file of the site, as a whole."""
        return self.base + quote(path.removesuffix(INDEX) if path.rpartition("/")[2] == INDEX else path)


def relative_link(path: str, seen_from: str) -> str:
    """How one file of a site is linked from another, wherever the site stands; a page's index.html is not named."""
    folder, _, name = path.rpartition("/")
    below = posixpath.relpath(folder or ".", posixpath.dirname(seen_from) or ".")
    shown = "" if name == INDEX else name
    return quote(f"{below}/{shown}" if below != "." else shown or "./")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjacentIssue:
    """Another issue of the archive, as a page links to it."""

    title: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePageLinks:
    """What the web page of an issue says beside the issue; every link but `url` is relative to the page.

    `agenda` is the calendar of all that is still to come, `calendar` the issue's own, empty when no event is dated. `sign_up`
    is where one becomes a reader, empty when that is nowhere. `updated` is the day of its last change when it is not
    what was mailed. One that is not `listed` asks search engines to pass it over. `hosts` are those that images come from beside the site's own.
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
    """An issue as the index and the feed tell of it.

    `published` is when it was mailed, `updated` when it was changed last; `content` is its HTML with absolute addresses,
    empty where the feed does not hold it any more.
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
