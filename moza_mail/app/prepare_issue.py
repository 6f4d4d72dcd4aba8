"""Prepare an issue: read its file, choose its list, and render it for that list."""

import re
from base64 import b64encode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from moza_mail import parse, render
from moza_mail.app.clock import now
from moza_mail.errors import IssueError, ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import Issue
from moza_mail.model.issue_name import issue_name
from moza_mail.model.mailing import Mailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Rendered
from moza_mail.model.segment import Segment
from moza_mail.model.theme import Colophon, Theme
from moza_mail.project import Project

# Composing and sending import cryptography and asyncio. `show` and `check` do not need these modules.
if TYPE_CHECKING:
    from moza_mail.compose import CompiledMailing, DkimKey, SignedLinks

# File names such as 2026-01-14.md: only these can be the newest issue.
DATED = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedIssue:
    """An issue with its file, its text, its list, and its rendering for that list."""

    project: Project
    path: Path
    text: str
    issue: Issue
    mailing_list: MailingList
    rendered: Rendered
    theme: Theme
    images: tuple[ImageFile, ...] = ()
    segment: Segment | None = None

    @property
    def links(self) -> "SignedLinks":
        """The project's signed links."""
        from moza_mail.compose import SignedLinks

        return SignedLinks(secret=self.project.read_secret(), public_url=self.project.config.public_url)

    def draft_mailing(self) -> Mailing:
        """Return a draft of the mailing that would be created now."""
        from moza_mail.sending import draft_mailing

        return draft_mailing(self.issue, self.mailing_list, self.rendered, segment=self.segment, now=now())

    def compile(
        self, mailing: Mailing, *, subject_prefix: str = "", keys: "tuple[DkimKey, ...]" = ()
    ) -> "CompiledMailing":
        """Compile a mailing's content, to be filled for each recipient and signed with `keys`.

        subject_prefix: a text before the subject, such as a mark for test copies.
        keys: empty if the relay signs.
        """
        from moza_mail import compose

        config = self.project.config
        return compose.compile_mailing(
            mailing,
            self.mailing_list,
            self.links,
            subject_prefix=subject_prefix,
            zone=config.zone,
            identity=compose.SenderIdentity(
                keys=keys, bounce_domain=config.bounce_domain, feedback_id=config.feedback_id
            ),
        )

    def render_calendar(self) -> bytes | None:
        """Return the dated events as an iCalendar file; None if there are none."""
        colophon = build_colophon(self.project, self.mailing_list, self.issue)
        return render.render_calendar(self.issue, colophon, zone=self.project.config.zone)

    def embed_images(self, html: str) -> str:
        """Return HTML with the attached images as data URLs, so that a browser needs no files."""
        domain = self.mailing_list.sender.domain
        for image in self.images:
            if image.content:
                data = f"data:{image.content_type};base64,{b64encode(image.content).decode()}"
                html = html.replace(f'src="{image.src_in_mail(domain)}"', f'src="{data}"')
        return html

    def files_to_publish(self) -> dict[str, bytes]:
        """Return the files to put online before the mail is sent.

        The keys are the paths of the files, relative to `asset_url`.
        """
        files = {
            f"{self.issue.slug}/{image.name}": image.content
            for image in self.images
            if image.url and image.content
        }
        if (url := self.project.calendar_url(self.issue)) and (calendar := self.render_calendar()):
            files[f"{self.issue.slug}/{url.rpartition('/')[2]}"] = calendar
        return files


def load_issue(project: Project, name: str) -> Issue:
    """Load an issue by path or slug. Its language is empty if neither its file nor its list names one."""
    path = project.find_issue(name)
    return parse_text(project, path, project.read_issue(path))


def parse_text(project: Project, path: Path, text: str, list_slug: str = "") -> Issue:
    """Parse the text of an issue's file, in the language of its list if the text names no language.

    The language decides how dates and times are read. It is empty if the list is unknown.

    list_slug: the list; empty for the issue's own list, or else the default list.
    """
    config = project.config
    return parse.parse_issue(
        text,
        str(path),
        site_url=config.site_url,
        agenda_headings=config.agenda_headings,
        lang=_find_language(project, path, text, list_slug),
    )


def _find_language(project: Project, path: Path, text: str, list_slug: str) -> str:
    """Return the language of an issue's list; empty if the front matter or the list cannot be read."""
    try:
        return project.read_list(list_slug or parse.parse_issue_header(text, str(path)).list_slug).lang
    except (IssueError, ProjectError):
        return ""


def refuse_unknown_fields(issue: Issue, mailing_list: MailingList, text: str) -> None:
    """Raise IssueError, with the line number, for a merge field that the list does not have."""
    parse.check_merge_fields(issue, mailing_list.attributes, text)


def prepare_issue(project: Project, name: str, list_slug: str = "", segment: str = "") -> PreparedIssue:
    """Prepare an issue for a list, given the path or the slug of the issue.

    list_slug: the list; empty for the issue's own list, or else the default list.
    segment: the segment of the list that receives the issue; empty for the whole list.

    Raises IssueError, ThemeError or RenderError, and ProjectError for an unknown list or segment.
    """
    path = project.find_issue(name)
    prepared = prepare_text(project, path, project.read_issue(path), list_slug)
    return replace(prepared, segment=find_segment(prepared.mailing_list, segment)) if segment else prepared


def prepare_text(project: Project, path: Path, text: str, list_slug: str = "") -> PreparedIssue:
    """Prepare an issue from its text, which need not be saved in its file yet.

    path: the issue's file, to which relative paths in the text refer.
    list_slug: the list; empty for the issue's own list, or else the default list.
    """
    issue = parse_text(project, path, text, list_slug)
    mailing_list = project.read_list(list_slug or issue.list_slug)
    refuse_unknown_fields(issue, mailing_list, text)
    issue = replace(issue, lang=issue.lang or mailing_list.lang)
    config = project.config
    theme = project.read_theme(issue.theme or mailing_list.theme or config.theme)
    images = project.read_images(issue, path, column=theme.text_width)
    rendered = render.render_issue(
        issue,
        theme,
        build_colophon(project, mailing_list, issue),
        zone=config.zone,
        calendar=config.calendar == "attach",
        images=images,
    )
    return PreparedIssue(
        project=project,
        path=path,
        text=text,
        issue=issue,
        mailing_list=mailing_list,
        rendered=rendered,
        theme=theme,
        images=(*images.values(), *((theme.logo,) if theme.logo else ())),
    )


def find_segment(mailing_list: MailingList, slug: str) -> Segment:
    """Return the segment of a list with this slug; raise ProjectError if there is none."""
    if slug not in mailing_list.segments:
        known = ", ".join(sorted(mailing_list.segments)) or "none"
        raise ProjectError(
            _("the list {list} has no segment `{segment}`", list=mailing_list.slug, segment=slug),
            hint=_("Name a segment from subscribers/lists.toml: {known}.", known=known),
        )
    return mailing_list.segments[slug]


def build_colophon(project: Project, mailing_list: MailingList, issue: Issue | None = None) -> Colophon:
    """Return the colophon of a mail or a page, which describes its sender.

    issue: None for a mail or a page that belongs to no issue, such as a confirmation or the index of the archive. Then
        the colophon has no unsubscribe link and no links to a page and a calendar.
    """
    if issue is None:
        return Colophon.for_list(mailing_list)
    return Colophon.for_list(
        mailing_list,
        view_url=project.view_url(issue, mailing_list),
        calendar_url=project.calendar_url(issue),
        sign_up_url=project.sign_up_url(mailing_list),
        can_unsubscribe=bool(project.config.public_url),
    )


def find_newest_issue(project: Project) -> Path | None:
    """Return the issue with the latest date in its file name; None if no file name has a date."""
    dated = [path for path in project.list_issues() if DATED.match(issue_name(str(path)))]
    return max(dated, key=lambda path: issue_name(str(path)), default=None)
