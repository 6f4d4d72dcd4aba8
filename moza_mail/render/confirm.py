"""Render the mail that asks to confirm a sign-up, from confirm.mjml and confirm.txt."""

from datetime import date

from moza_mail.i18n import gettext as _
from moza_mail.model.issue import Issue
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Rendered, make_placeholder
from moza_mail.model.theme import Colophon, Theme
from moza_mail.render import html, templates, verify
from moza_mail.render.images import embed_images
from moza_mail.render.locale import ThemeLocale
from moza_mail.render.view import IssueView

HTML, TEXT = "confirm.mjml", "confirm.txt"
# The tilde ends a placeholder for a sentence, so that text can follow it.
PLACEHOLDERS = {
    "confirm_url": make_placeholder("confirm_url"),
    "consent": f"{make_placeholder('consent')}~",
    "until": f"{make_placeholder('until')}~",
}
REQUIRED = {
    "confirm_url": _("nobody can confirm"),
    "consent": _("nobody sees what they agree to"),
    "until": _("nobody knows how long the link is valid"),
}


def render_confirmation(mailing_list: MailingList, theme: Theme, lang: str) -> Rendered:
    """Render the mail for a list in a language, with open placeholders."""
    locale, colophon = ThemeLocale.load(theme, lang), Colophon.for_list(mailing_list)
    values = {"list": mailing_list.title, "sender": colophon.sender_name}
    # The partials of a theme expect an issue. Only its title is used.
    mail = Issue(
        title=locale.translate("confirm_subject", **values),
        date=date.min,
        slug="confirm",
        source=HTML,
        lang=lang,
        sections=(),
    )
    view = IssueView.create(
        mail, theme, colophon, preheader=locale.translate("confirm_preheader", **values), images={}
    )
    rendered = Rendered(
        subject=mail.title,
        preheader=view.preheader,
        html=html.render_mail(view, HTML, PLACEHOLDERS),
        text=templates.render_plain(theme, TEXT, view.variables() | PLACEHOLDERS).strip("\n") + "\n",
        lang=lang,
        attachments=embed_images(view.displayed_images(), colophon.domain),
    )
    verify.check_images(rendered, {image.url for image in view.displayed_images()} - {""})
    verify.check_confirmation(rendered, REQUIRED)
    return rendered
