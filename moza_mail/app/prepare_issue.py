"""From a name on the command line to an issue dressed for its list: the way that show, render, send and preview share."""

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from moza_mail import check, parse, render
from moza_mail.errors import IssueError, ProjectError
from moza_mail.model.finding import CheckOptions, Finding
from moza_mail.model.issue import Issue, IssueHeader
from moza_mail.model.mailing import Mailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Rendered
from moza_mail.model.picture import Picture
from moza_mail.model.segment import Segment
from moza_mail.model.theme import Colophon
from moza_mail.project import CONFIG_FILE, Project

# Composing and sending bring in cryptography and asyncio, which `show` and `check` do without.
if TYPE_CHECKING:
    from moza_mail.compose import Compiled, DkimKey, Links

# 2026-01-14.md: what can be the newest issue of a folder.
DATED = re.compile(r"\d{4}-\d{2}-\d{2}")


def now() -> datetime:
    """The clock of the command line."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedIssue:
    """An issue, its file and the text of it, its list, and how it looks to that list's readers."""

    project: Project
    path: Path
    text: str
    issue: Issue
    mailing_list: MailingList
    rendered: Rendered
    pictures: tuple[Picture, ...] = ()
    segment: Segment | None = None

    @property
    def links(self) -> "Links":
        """The links of the project, made with its secret."""
        from moza_mail.compose import Links

        return Links(secret=self.project.read_secret(), public_url=self.project.config.public_url)

    def draft_mailing(self) -> Mailing:
        """The mailing as it would be made now."""
        from moza_mail.sending import draft_mailing

        return draft_mailing(self.issue, self.mailing_list, self.rendered, segment=self.segment, now=now())

    def compile(
        self, mailing: Mailing, *, subject_prefix: str = "", keys: "tuple[DkimKey, ...]" = ()
    ) -> "Compiled":
        """The mailing's content, ready to be filled for each recipient and signed with the keys."""
        from moza_mail import compose

        config = self.project.config
        return compose.compile(
            mailing,
            self.mailing_list,
            self.links,
            subject_prefix=subject_prefix,
            zone=config.zone,
            identity=compose.Identity(
                keys=keys, bounce_domain=config.bounce_domain, feedback_id=config.feedback_id
            ),
        )

    def render_calendar(self) -> bytes | None:
        """The dated events as an iCalendar file, None when there are none."""
        colophon = build_colophon(self.project, self.issue, self.mailing_list)
        return render.render_calendar(self.issue, colophon, zone=self.project.config.zone)

    def embed_images(self, html: str) -> str:
        """The HTML with its pictures in it, for a browser that has neither the mail nor what is not published yet."""
        domain = self.mailing_list.sender.domain
        for picture in self.pictures:
            if picture.content:
                inside = f"data:{picture.content_type};base64,{b64encode(picture.content).decode()}"
                html = html.replace(f'src="{picture.source(domain)}"', f'src="{inside}"')
        return html

    def files_to_publish(self) -> dict[str, bytes]:
        """The files that must stand under asset_url before the mail goes out, by their path there."""
        files = {
            f"{self.issue.slug}/{picture.name}": picture.content
            for picture in self.pictures
            if picture.url and picture.content
        }
        if (url := self.project.calendar_url(self.issue)) and (calendar := self.render_calendar()):
            files[f"{self.issue.slug}/{url.rpartition('/')[2]}"] = calendar
        return files


def load_issue(project: Project, name: str) -> Issue:
    """Read an issue by path or slug, as `parsed` does."""
    path = project.find_issue(name)
    return parse_text(project, path, project.read_issue(path))


def refuse_unknown_fields(issue: Issue, mailing_list: MailingList, text: str) -> None:
    """Raise IssueError, with the line, for a merge field that the list does not have."""
    parse.check_merge_fields(issue, mailing_list.attributes, text)


def parse_text(project: Project, path: Path, text: str) -> Issue:
    """An issue read from the text of its file; its language is empty when its list must tell it."""
    return reader(project)(text, str(path))


def reader(project: Project) -> Callable[[str, str], Issue]:
    """What reads an issue of the project from a text and its source, as `parsed` does; another process can be given it."""
    config = project.config
    return partial(
        parse.parse_issue, site_url=config.site_url, agenda_headings=config.agenda_headings, lang=""
    )


def prepare_issue(project: Project, name: str, list_slug: str = "") -> PreparedIssue:
    """Read an issue and render it for a list: the one named, else the issue's own, else the project's default."""
    path = project.find_issue(name)
    return prepare_text(project, path, project.read_issue(path), list_slug)


def prepare_text(project: Project, path: Path, text: str, list_slug: str = "") -> PreparedIssue:
    """The same of a text that may not be in its file yet: what an editor is typing."""
    issue = parse_text(project, path, text)
    mailing_list = project.read_list(list_slug or issue.list_slug)
    refuse_unknown_fields(issue, mailing_list, text)
    issue = replace(issue, lang=issue.lang or mailing_list.lang)
    config = project.config
    theme = project.read_theme(issue.theme or mailing_list.theme or config.theme)
    pictures = project.read_pictures(issue, path, column=theme.text_width)
    rendered = render.render_issue(
        issue,
        theme,
        build_colophon(project, issue, mailing_list),
        zone=config.zone,
        calendar=config.calendar == "attach",
        pictures=pictures,
    )
    return PreparedIssue(
        project=project,
        path=path,
        text=text,
        issue=issue,
        mailing_list=mailing_list,
        rendered=rendered,
        pictures=(*pictures.values(), *((theme.logo,) if theme.logo else ())),
    )


def select_segment(dressed: PreparedIssue, slug: str) -> PreparedIssue:
    """The same for a segment of its list; raise ProjectError when the list has none of that name."""
    return replace(dressed, segment=find_segment(dressed.mailing_list, slug) if slug else None)


def find_segment(mailing_list: MailingList, slug: str) -> Segment:
    """A list's segment; raise ProjectError when there is none of that name."""
    if slug not in mailing_list.segments:
        known = ", ".join(sorted(mailing_list.segments)) or "none yet"
        raise ProjectError(
            f"the list {mailing_list.slug} has no segment `{slug}`",
            hint=f"In subscribers/lists.toml there are: {known}.",
        )
    return mailing_list.segments[slug]


def check_issue(dressed: PreparedIssue, others: tuple[IssueHeader, ...] | None = None) -> tuple[Finding, ...]:
    """What check says of a dressed issue; raise ProjectError when the project switches off a rule that is none.

    `others` are the other issues of its folder, for who has read them already.
    """
    return check.check_issue(
        dressed.issue,
        dressed.rendered,
        load_rules(dressed.project),
        text=dressed.text,
        other_issues=_others(dressed.project, dressed.path) if others is None else others,
    )


def load_rules(project: Project) -> CheckOptions:
    """What the project asks of its issues; raise ProjectError when it switches off a rule that is none."""
    rules = project.check_rules()
    names = sorted(rule.name for rule in (*check.list_rules(), *check.list_link_rules()))
    if unknown := sorted(rules.disabled.difference(names)):
        raise ProjectError(
            f"{project.root / CONFIG_FILE}: `check.disabled` names {unknown[0]!r}, and there is no such rule",
            hint=f"The rules are: {', '.join(names)}.",
        )
    return rules


def _others(project: Project, path: Path) -> tuple[IssueHeader, ...]:
    """The other issues of an issue's folder; what cannot be read as one cannot clash with it either."""
    fronts = []
    for other in sorted(path.parent.glob("*.md")):
        if not other.samefile(path):
            try:
                fronts.append(parse.parse_issue_header(project.read_issue(other), str(other)))
            except IssueError:
                continue
    return tuple(fronts)


def build_colophon(project: Project, issue: Issue, mailing_list: MailingList) -> Colophon:
    """What a mail of the issue to the list says of its sender."""
    return Colophon.of(
        mailing_list,
        view_url=project.view_url(issue, mailing_list),
        calendar_url=project.calendar_url(issue),
        can_unsubscribe=bool(project.config.public_url),
    )


def mark_as_test(mailing: Mailing) -> Mailing:
    """A mailing whose messages have a Message-ID of their own, so that no mailbox folds a second test into the first."""
    return replace(mailing, key=f"test/{mailing.key}/{mailing.created_at.isoformat()}")


def find_newest_issue(project: Project) -> Path | None:
    """The issue with the latest date in its file name, None when `issues/` has none."""
    dated = [path for path in project.list_issues() if DATED.match(path.name)]
    return max(dated, key=lambda path: path.name, default=None)
