"""Render an issue with its theme, once for all recipients.

Placeholders mark the text that differs per recipient.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from moza_mail.lazy import import_on_first_use
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
    """Render the HTML and the text of an issue, in the language of the issue.

    Each merge field becomes a placeholder in subject, preheader, HTML and text. The calendar file gets the
    default text of the field.

    zone: the time zone of the agenda.
    calendar: attach the dated events as issue.ics.
    images: the image files by their `src`. An image without a file is replaced by its alternative text.

    Raises IssueError for text that cannot be mailed, ThemeError for a theme that is incomplete or has too
    little contrast, and RenderError for a template that fails.
    """
    from moza_mail.render import html, text, validate, verify
    from moza_mail.render.images import embed_images
    from moza_mail.render.merge import FieldPlaceholders
    from moza_mail.render.preheader import make_preheader
    from moza_mail.render.theme_errors import naming_theme
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
    with naming_theme(theme):
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
    """Return the dated events as an iCalendar file, None if there are none.

    The format is RFC 5545 with METHOD:PUBLISH (RFC 5546 3.2.1). An event keeps its identifier from issue to
    issue as long as its title stays the same, so a new date moves the event in the recipient's calendar. An
    event that a later issue leaves out stays in the calendar. The same issue always gives the same bytes.
    """
    from moza_mail.render import ics, validate

    validate.validate_issue(issue)
    return ics.render_calendar(issue, colophon, zone=zone)


def make_consent(mailing_list: MailingList, theme: Theme, lang: str) -> Consent:
    """Return the consent text to which a person agrees when signing up to a list.

    The text comes from the list, or else from the theme. The theme's text has no version, because it is
    stored in full. Raises RenderError if the theme's text cannot be filled in.
    """
    from moza_mail.render.locale import ThemeLocale

    if own := mailing_list.consent_for(lang):
        return Consent(text=own, version=mailing_list.consent_version)
    return Consent(text=ThemeLocale.load(theme, lang).translate("consent", list=mailing_list.title))


def render_page(theme: Theme, name: str, lang: str, values: Mapping[str, Any]) -> str:
    """Render the web page `pages/<name>.html` of a theme in one of its languages.

    Raises ThemeError for an incomplete theme, and RenderError for a template that fails.
    """
    from moza_mail.render import web_page
    from moza_mail.render.theme_errors import naming_theme

    with naming_theme(theme):
        return web_page.render_page(theme, name, lang, values)


def render_stylesheet(theme: Theme) -> str:
    """Render the style sheet of a theme's web pages.

    Raises ThemeError for colours with too little contrast.
    """
    from moza_mail.render import web_page

    return web_page.render_stylesheet(theme)


def find_languages(theme: Theme) -> Mapping[str, str]:
    """Return the languages of a theme's web pages.

    The keys are codes, and the values are the languages' own names for themselves (`nl`: Nederlands).
    """
    from moza_mail.render import web_page

    return web_page.find_languages(theme)


def render_confirmation(mailing_list: MailingList, theme: Theme, lang: str) -> Rendered:
    """Render the mail that asks to confirm a sign-up to a list.

    The mail is the same for all recipients. Its placeholders are `confirm_url`, `consent` and `until`;
    `compose.compile_confirmation` fills them in. Raises ThemeError and RenderError as `render_issue` does.
    """
    from moza_mail.render import confirm
    from moza_mail.render.theme_errors import naming_theme

    with naming_theme(theme):
        return confirm.render_confirmation(mailing_list, theme, lang)


def format_expiry(theme: Theme, lang: str, expires_at: datetime) -> str:
    """Return the sentence that says until when a confirmation link is valid.

    The time is in the time zone of `expires_at`.
    """
    from moza_mail.render.locale import ThemeLocale

    words = ThemeLocale.load(theme, lang)
    return words.translate(
        "confirm_until", day=words.format_day(expires_at.date()), time=f"{expires_at:%H:%M}"
    )


def render_upcoming_events(
    issues: Iterable[Issue], colophon: Colophon, *, zone: tzinfo, since: date, lang: str
) -> bytes:
    """Render the events that end on `since` or later as one iCalendar file.

    issues: the newest issue comes first.
    """
    from moza_mail.render import ics

    return ics.render_upcoming_events(issues, colophon, zone=zone, since=since, lang=lang)


__getattr__ = import_on_first_use(__name__, archive="")


def _attach_calendar(issue: Issue, colophon: Colophon, zone: tzinfo) -> tuple[Attachment, ...]:
    content = render_calendar(issue, colophon, zone=zone)
    if content is None:
        return ()
    kind = "text/calendar; charset=utf-8; method=PUBLISH"
    return (Attachment(filename="issue.ics", content_type=kind, content=content),)
