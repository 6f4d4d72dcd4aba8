"""The archive of a list: the web page of an issue, the index of all, the Atom feed (RFC 4287) and their look.

A page shows what the mail shows, and nothing of a reader: no link to leave, no value of a field. It asks nothing of another
host and runs nothing, so that a policy can forbid both.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import Blocks, Inlines, Issue
from moza_mail.model.site import ArchivePageLinks, IndexedIssue
from moza_mail.model.theme import Colophon, Theme
from moza_mail.render import merge, templates, text, validate
from moza_mail.render.locale import ThemeLocale
from moza_mail.render.preheader import make_preheader
from moza_mail.render.view import MIN_CONTENTS, EventGroup, IssueView

# Of a feed with nothing in it yet.
EMPTY_FEED_UPDATED = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePart:
    """A section or the agenda, with the name that a link within the page knows it by."""

    id: str
    title: Inlines
    blocks: Blocks
    agenda: bool = False
    groups: tuple[EventGroup, ...] = ()
    outro: Blocks = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveYear:
    """The issues of one year, newest first."""

    year: int
    issues: tuple[IndexedIssue, ...]


class ArchivePage:
    """An issue that is to be shown on the web: its own page, and what the feed and the index say of it.

    `colophon` is the list's; `images` are the issue's by their `src`, each with the `url` at which the page shows it.
    Raises as render.issue does.
    """

    def __init__(
        self, issue: Issue, theme: Theme, colophon: Colophon, images: Mapping[str, ImageFile]
    ) -> None:
        validate.validate_issue(issue)
        self._written = issue
        issue = merge.fill_for_web(issue, ThemeLocale.load(theme, issue.lang))
        # What is a reader's own, or leads to the page itself, has no place here.
        colophon = replace(colophon, view_url="", calendar_url="", can_unsubscribe=False)
        self._view = IssueView.create(issue, theme, colophon, preheader=make_preheader(issue), images=images)
        self._parts = tuple(_make_parts(self._view))

    @property
    def title(self) -> str:
        """The issue's title, for anybody."""
        return self._view.issue.title

    @property
    def summary(self) -> str:
        """What it says in a hundred signs."""
        return self._view.preheader

    def render_html(self, place: ArchivePageLinks) -> str:
        """The page."""
        titled = [part for part in self._parts if part.title]
        names = self._variables() | {
            "heading": self.title,
            "description": self.summary,
            "policy": content_security_policy(place.hosts),
            "contents": titled if len(titled) >= MIN_CONTENTS else (),
            "url": place.url,
            "home": place.home,
            "feed": place.feed,
            "agenda": place.agenda,
            "style": place.style,
            "calendar": place.calendar,
            "older": place.older,
            "newer": place.newer,
            "sign_up": place.sign_up,
            "listed": place.is_indexed,
            "updated": self._view.locale.format_short_day(place.updated) if place.updated else "",
        }
        return _render_markup(self._view.theme, "archive/issue.html", names)

    def render_feed_content(self, images: Mapping[str, ImageFile]) -> str:
        """What the issue says as HTML alone, for a feed; `images` have whole addresses."""
        view = replace(self._view, images=images)
        names = (
            view.variables()
            | self._variables()
            | {"calendar": "", "image_attributes": view.image_attributes, "feed": True}
        )
        return _render_markup(view.theme, "archive/body.html", names).strip()

    def matches_mailed(self, title: str, mailed: str, colophon: Colophon) -> bool:
        """Whether the title and the words are those that were mailed: `mailed` is the text part, its slots open.

        What stands around them (who mails, how to leave) may have become another since.
        """
        if title != self._written.title:
            return False
        view = replace(
            self._view, issue=merge.FieldPlaceholders().open_fields(self._written), colophon=colophon
        )
        whole = text.render_text(view)
        if whole == mailed or _normalize_words(whole) == _normalize_words(mailed):
            return True
        said = " ".join(f"{part.title} {part.body}" for part in text.make_parts(view))
        # A part that is left out now would leave the others as they were: those that are there are counted too.
        return _normalize_words(said) in _normalize_words(mailed) and _count_titles(whole) == _count_titles(
            mailed
        )

    def _variables(self) -> dict[str, Any]:
        return self._view.variables() | {"web": True, "in_mail": _no_attributes, "parts": self._parts}


def render_index(
    place: ArchivePageLinks, theme: Theme, colophon: Colophon, issues: Sequence[IndexedIssue], *, lang: str
) -> str:
    """The page with all issues, which come newest first."""
    view = _make_view_without_issue(theme, colophon, lang)
    years = [
        ArchiveYear(year=year, issues=tuple(those))
        for year, those in groupby(issues, key=lambda issue: issue.day.year)
    ]
    names = view.variables() | {
        "web": True,
        "listed": True,
        "heading": colophon.list_title,
        "description": view.locale.translate("archive_of", list=colophon.list_title),
        "policy": content_security_policy(place.hosts),
        "url": place.url,
        "home": "",
        "feed": place.feed,
        "agenda": place.agenda,
        "style": place.style,
        "sign_up": place.sign_up,
        "newest": issues[0] if issues else None,
        "years": years,
        "day": view.locale.format_day,
    }
    return _render_markup(theme, "archive/index.html", names)


def render_feed(
    place: ArchivePageLinks,
    theme: Theme,
    colophon: Colophon,
    issues: Sequence[IndexedIssue],
    *,
    lang: str,
    identifier: str,
) -> str:
    """An Atom feed; `place` says where it stands (`feed`) and what it is of (`url`), both as whole addresses."""
    names = {
        "lang": lang,
        "colophon": colophon,
        "identifier": identifier,
        "url": place.url,
        "feed": place.feed,
        "issues": issues,
        "updated": _format_timestamp(max((issue.updated for issue in issues), default=EMPTY_FEED_UPDATED)),
        "moment": _format_timestamp,
    }
    return _render_markup(theme, "archive/feed.jinja", names)


def render_sitemap(url: str, theme: Theme, issues: Sequence[IndexedIssue]) -> str:
    """What a search engine reads to find every page."""
    return _render_markup(
        theme, "archive/sitemap.jinja", {"url": url, "issues": issues, "moment": _format_timestamp}
    )


def render_style(theme: Theme) -> str:
    """The style sheet of the pages in a theme."""
    view = _make_view_without_issue(theme, Colophon(sender_name="", list_title=""), "en")
    return re.sub(r"\n\s*\n", "\n", templates.render_plain(theme, "archive/style.css", view.variables()))


def content_security_policy(hosts: Sequence[str]) -> str:
    """What a page may do (Content Security Policy 3): show its own style and images, and nothing else."""
    images = " ".join(["'self'", *(f"https://{host}" for host in hosts)])
    return f"default-src 'none'; style-src 'self'; img-src {images}; base-uri 'none'; form-action 'none'"


def _make_parts(view: IssueView) -> Sequence[ArchivePart]:
    issue = view.issue
    parts = [
        ArchivePart(id=f"part-{number}", title=section.title, blocks=section.blocks)
        for number, section in enumerate(issue.sections, start=1)
    ]
    if agenda := issue.agenda:
        groups = view.groups()
        parts.append(
            ArchivePart(
                id="agenda",
                title=agenda.title,
                blocks=agenda.intro,
                agenda=True,
                groups=groups,
                outro=agenda.outro,
            )
        )
    return parts


def _make_view_without_issue(theme: Theme, colophon: Colophon, lang: str) -> IssueView:
    """A view of no issue."""
    nothing = Issue(title="", date=EMPTY_FEED_UPDATED.date(), slug="", lang=lang)
    return IssueView.create(nothing, theme, colophon, preheader="", images={})


def _render_markup(theme: Theme, path: str, names: Mapping[str, Any]) -> str:
    return templates.render_markup(theme, path, names).replace(templates.COMMENT_START, "&lt;!--")


def _no_attributes(_written: str) -> str:
    return ""


def _normalize_words(text: str) -> str:
    """The words alone: how lines are drawn and folded may become another with the years."""
    return f" {' '.join(word for word in text.split() if word.strip('-=*_'))} "


def _count_titles(text: str) -> int:
    """How many titles of parts are drawn with a line below."""
    return sum(1 for line in text.split("\n") if line and not line.strip("-"))


def _format_timestamp(moment: datetime) -> str:
    """RFC 3339, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
