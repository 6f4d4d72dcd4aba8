"""Render the archive of a list: issue pages, index, Atom feed (RFC 4287) and style sheet.

A page has the content of the mail, without anything personal: no unsubscribe link and no merge field
values. It contacts no other host and runs no script, so its Content Security Policy can forbid both.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import Issue
from moza_mail.model.site import ArchivePageLinks, IndexedIssue
from moza_mail.model.theme import Colophon, Theme
from moza_mail.render import merge, templates, text, validate
from moza_mail.render.locale import ThemeLocale
from moza_mail.render.masthead import make_masthead
from moza_mail.render.preheader import make_preheader
from moza_mail.render.view import IssueView

# A table of contents helps if there are at least three parts.
MIN_CONTENTS = 3
# The date of an empty feed.
EMPTY_FEED_UPDATED = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveYear:
    """The issues of one year, newest first."""

    year: int
    issues: tuple[IndexedIssue, ...]


class ArchivePage:
    """The page of an issue, and the texts about the issue for the feed and the index.

    colophon: the colophon of the list.
    images: the image files of the issue by their `src`, with the `url` that the page uses.

    Raises the same errors as `render_issue`.
    """

    def __init__(
        self, issue: Issue, theme: Theme, colophon: Colophon, images: Mapping[str, ImageFile]
    ) -> None:
        validate.validate_issue(issue)
        self._issue = issue
        issue = merge.fill_for_web(issue, ThemeLocale.load(theme, issue.lang))
        # Personal links and links to the page itself do not belong on the page.
        colophon = replace(colophon, view_url="", calendar_url="", can_unsubscribe=False)
        self._view = IssueView.create(issue, theme, colophon, preheader=make_preheader(issue), images=images)
        self._parts = self._view.parts

    @property
    def title(self) -> str:
        """The title of the issue, with default texts for its merge fields."""
        return self._view.issue.title

    @property
    def headline(self) -> str:
        """The title, empty if it says no more than the name of the list and the date."""
        masthead = make_masthead(self._view.issue, self._view.colophon.list_title)
        return masthead.title if masthead.is_own else ""

    @property
    def summary(self) -> str:
        """A summary of about a hundred characters."""
        return self._view.preheader

    def render_html(self, links: ArchivePageLinks) -> str:
        """Render the page as HTML."""
        titled = [part for part in self._parts if part.title]
        variables = {
            **self._variables(),
            **_page_variables(links),
            "heading": self.title,
            "description": self.summary,
            "contents": titled if len(titled) >= MIN_CONTENTS else (),
            "updated": self._view.locale.format_short_day(links.updated) if links.updated else "",
        }
        return _render_markup(self._view.theme, "archive/issue.html", variables)

    def render_feed_content(self, images: Mapping[str, ImageFile]) -> str:
        """Render only the content of the issue, for the feed.

        images: the image files by their `src`, with absolute addresses.
        """
        view = replace(self._view, images=images)
        variables = view.variables() | self._variables()
        variables |= {"calendar": "", "image_attributes": view.image_attributes, "feed": True}
        return _render_markup(view.theme, "archive/body.html", variables).strip()

    def matches_mailed(self, title: str, mailed: str, colophon: Colophon) -> bool:
        """Return True if the issue has the same title and words as the mail that was sent.

        The text around the issue, such as the sender and the unsubscribe link, may differ.

        title: the title of the issue at the time of the mail.
        mailed: the text version of the mail, with open placeholders.
        colophon: the colophon of the mail.
        """
        if title != self._issue.title:
            return False
        view = replace(
            self._view, issue=merge.FieldPlaceholders().open_fields(self._issue), colophon=colophon
        )
        current = text.render_text(view)
        if current == mailed or _normalize_words(current) == _normalize_words(mailed):
            return True
        parts = " ".join(f"{part.title} {part.body}" for part in text.make_parts(view))
        # The text of an issue that lost a part is still found in the mail, so the number of parts must be equal too.
        return _normalize_words(parts) in _normalize_words(mailed) and _count_titles(
            current
        ) == _count_titles(mailed)

    def _variables(self) -> dict[str, Any]:
        return self._view.variables() | {"web": True, "in_mail": _no_attributes}


def render_index(
    links: ArchivePageLinks, theme: Theme, colophon: Colophon, issues: Sequence[IndexedIssue], *, lang: str
) -> str:
    """Render the page that lists all issues.

    issues: the newest issue comes first.
    """
    view = _make_view_without_issue(theme, colophon, lang)
    by_year = groupby(issues, key=lambda issue: issue.day.year)
    variables = {
        **view.variables(),
        **_page_variables(links),
        "web": True,
        "heading": colophon.list_title,
        "description": view.locale.translate("archive_of", list=colophon.list_title),
        "newest": issues[0] if issues else None,
        "years": [ArchiveYear(year=year, issues=tuple(members)) for year, members in by_year],
        "day": view.locale.format_day,
    }
    return _render_markup(theme, "archive/index.html", variables)


def render_feed(
    links: ArchivePageLinks,
    theme: Theme,
    colophon: Colophon,
    issues: Sequence[IndexedIssue],
    *,
    lang: str,
    identifier: str,
) -> str:
    """Render the Atom feed.

    links: the absolute addresses of the feed (`feed`) and of the archive (`url`).
    """
    variables = {
        "lang": lang,
        "colophon": colophon,
        "identifier": identifier,
        "url": links.url,
        "feed": links.feed,
        "issues": issues,
        "updated": _format_timestamp(max((issue.updated for issue in issues), default=EMPTY_FEED_UPDATED)),
        "timestamp": _format_timestamp,
    }
    return _render_markup(theme, "archive/feed.jinja", variables)


def render_sitemap(url: str, theme: Theme, issues: Sequence[IndexedIssue]) -> str:
    """Render the sitemap, in which search engines find every page."""
    return _render_markup(
        theme, "archive/sitemap.jinja", {"url": url, "issues": issues, "timestamp": _format_timestamp}
    )


def render_style(theme: Theme) -> str:
    """Render the style sheet of the pages."""
    view = _make_view_without_issue(theme, Colophon(sender_name="", list_title=""), "en")
    return re.sub(r"\n\s*\n", "\n", templates.render_plain(theme, "archive/style.css", view.variables()))


def content_security_policy(hosts: Sequence[str]) -> str:
    """Return a Content Security Policy that allows only the page's own style and images.

    hosts: hosts from which images are allowed too.
    """
    images = " ".join(["'self'", *(f"https://{host}" for host in hosts)])
    return f"default-src 'none'; style-src 'self'; img-src {images}; base-uri 'none'; form-action 'none'"


def _page_variables(links: ArchivePageLinks) -> dict[str, Any]:
    variables = {name: getattr(links, name) for name in links.__slots__}
    return variables | {"policy": content_security_policy(links.hosts)}


def _make_view_without_issue(theme: Theme, colophon: Colophon, lang: str) -> IssueView:
    """Return a view for pages that show no issue."""
    no_issue = Issue(title="", date=EMPTY_FEED_UPDATED.date(), slug="", lang=lang)
    return IssueView.create(no_issue, theme, colophon, preheader="", images={})


def _render_markup(theme: Theme, path: str, variables: Mapping[str, Any]) -> str:
    return templates.render_markup(theme, path, variables).replace(templates.COMMENT_START, "&lt;!--")


def _no_attributes(_attributes: str) -> str:
    return ""


def _normalize_words(text: str) -> str:
    """Return the words of a text version, without drawn lines and line breaks.

    Another version of the program may draw and break lines differently.
    """
    return f" {' '.join(word for word in text.split() if word.strip('-=*_'))} "


def _count_titles(text: str) -> int:
    """Count the titles of parts, which are underlined in the text version."""
    return sum(1 for line in text.split("\n") if line and not line.strip("-"))


def _format_timestamp(moment: datetime) -> str:
    """Format a timestamp as in RFC 3339, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
