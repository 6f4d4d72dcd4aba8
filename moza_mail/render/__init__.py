"""Render: an issue dressed in its theme, once for all its readers. Slots stay open for what is a reader's own."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import Issue
from moza_mail.model.mailing_list import Consent, MailingList
from moza_mail.model.message import Attachment, Rendered
from moza_mail.model.theme import Colophon, Theme

if TYPE_CHECKING:
    from moza_mail.render import archive

__all__ = [
    "archive",
    "find_languages",
    "format_expiry",
    "make_consent",
    "render_calendar",
    "render_confirmation",
    "render_issue",
    "render_page",
    "render_stylesheet",
    "render_upcoming_events",
]  # fmt: skip

NO_IMAGES: Mapping[str, ImageFile] = MappingProxyType({})


def render_issue(
    issue: Issue,
    theme: Theme,
    colophon: Colophon,
    *,
    zone: tzinfo,
    calendar: bool = False,
    images: Mapping[str, ImageFile] = NO_IMAGES,
) -> Rendered:
    """Dress an issue: its HTML and its text from the same model, in the wording of the issue's language.

    Each merge field becomes a slot that is open in subject, preheader, HTML and text; a calendar file has its default.

    `zone` is where the agenda's clock times hold. With `calendar` the dated events come along as issue.ics. `images` are
    the issue's by their `src`; an image without one is shown by its text. Raises IssueError for text that cannot be mailed, ThemeError for a theme that lacks
    something or is hard to read, RenderError for a template that goes wrong.
    """
    from moza_mail.render import html, text, validate, verify
    from moza_mail.render.images import embed_images
    from moza_mail.render.merge import FieldPlaceholders
    from moza_mail.render.preheader import make_preheader
    from moza_mail.render.view import IssueView

    validate.validate_issue(issue)
    slots = FieldPlaceholders()
    opened = slots.open_fields(issue)
    view = IssueView.create(
        opened, theme, colophon, preheader=make_preheader(opened, slots.typical_length), images=images
    )
    attachments = embed_images(view.displayed_images(), colophon.domain)
    if calendar:
        attachments += _attach_calendar(issue, colophon, zone)
    rendered = Rendered(
        subject=opened.subject or opened.title,
        preheader=view.preheader,
        html=html.render_html(view),
        text=text.render_text(view),
        lang=issue.lang,
        attachments=attachments,
        fields=slots.fields,
    )
    verify.check_images(rendered, {image.url for image in view.displayed_images()} - {""})
    verify.check_placeholders(rendered, can_unsubscribe=colophon.can_unsubscribe)
    return rendered


def render_calendar(issue: Issue, colophon: Colophon, *, zone: tzinfo) -> bytes | None:
    """The dated events as an iCalendar file (RFC 5545, METHOD:PUBLISH of RFC 5546 3.2.1); None when no event is dated.

    An event keeps its identifier from issue to issue for as long as its title stays, so that one that is moved moves
    in the reader's calendar; one that is left out stays there. The same issue always gives the same bytes.
    """
    from moza_mail.render import ics, validate

    validate.validate_issue(issue)
    return ics.render_calendar(issue, colophon, zone=zone)


def make_consent(mailing_list: MailingList, theme: Theme, lang: str) -> Consent:
    """What a person who signs up says yes to, in a language: the list's own sentence, or else the theme's.

    The theme's has no version: its words, which are stored, say it all. Raises RenderError for a sentence that cannot be filled in.
    """
    from moza_mail.render.locale import ThemeLocale

    if own := mailing_list.consent_for(lang):
        return Consent(text=own, version=mailing_list.consent_version)
    return Consent(text=ThemeLocale.load(theme, lang).translate("consent", list=mailing_list.title))


def render_page(theme: Theme, name: str, lang: str, values: Mapping[str, Any]) -> str:
    """The web page `pages/<name>.html` of a theme in a language it has sentences for, its `values` filled in.

    Raises ThemeError for a theme that lacks something, RenderError for a template that goes wrong.
    """
    from moza_mail.render import web_page

    return web_page.render_page(theme, name, lang, values)


def render_stylesheet(theme: Theme) -> str:
    """The style of a theme's web pages, light and dark; raise ThemeError for colours that are hard to read."""
    from moza_mail.render import web_page

    return web_page.render_stylesheet(theme)


def find_languages(theme: Theme) -> Mapping[str, str]:
    """The languages that a theme has sentences for, by code, each with its own name for itself."""
    from moza_mail.render import web_page

    return web_page.find_languages(theme)


def render_confirmation(mailing_list: MailingList, theme: Theme, lang: str) -> Rendered:
    """The mail that asks to confirm a sign-up to a list, in a language; the same for all of them, dressed as an issue is.

    Open slots are `confirm_url`, `consent` and `until` (what compose.compile_confirmation fills). Raises ThemeError and RenderError
    as `issue` does.
    """
    from moza_mail.render import confirm

    return confirm.render_confirmation(mailing_list, theme, lang)


def format_expiry(theme: Theme, lang: str, expires_at: datetime) -> str:
    """The sentence that says up to when a confirmation's link holds; `moment` is in the zone to say it in."""
    from moza_mail.render.locale import ThemeLocale

    words = ThemeLocale.load(theme, lang)
    return words.translate(
        "confirm_until", day=words.format_day(expires_at.date()), time=f"{expires_at:%H:%M}"
    )


def render_upcoming_events(
    issues: Iterable[Issue], colophon: Colophon, *, zone: tzinfo, since: date, lang: str
) -> bytes:
    """All that issues (newest first) announce and that is not over by `since`, as one iCalendar file."""
    from moza_mail.render import ics

    return ics.render_upcoming_events(issues, colophon, zone=zone, since=since, lang=lang)


def __getattr__(name: str) -> Any:
    """Bring in the archive on first use, so that what makes no page starts quickly."""
    if name == "archive":
        from importlib import import_module

        return import_module("moza_mail.render.archive")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _attach_calendar(issue: Issue, colophon: Colophon, zone: tzinfo) -> tuple[Attachment, ...]:
    content = render_calendar(issue, colophon, zone=zone)
    if content is None:
        return ()
    kind = "text/calendar; charset=utf-8; method=PUBLISH"
    return (Attachment(filename="issue.ics", content_type=kind, content=content),)
