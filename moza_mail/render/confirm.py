"""The mail that asks to confirm a sign-up, from the theme's confirm.mjml and confirm.txt."""

from datetime import date

from moza_mail.model.issue import Issue
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Rendered, make_placeholder
from moza_mail.model.theme import Colophon, Theme
from moza_mail.render import html, templates, verify
from moza_mail.render.images import embed_images
from moza_mail.render.locale import ThemeLocale
from moza_mail.render.view import IssueView

HTML, TEXT = "confirm.mjml", "confirm.txt"
# Of words and not of a web address, so that text may follow each.
PLACEHOLDERS = {
    "confirm_url": make_placeholder("confirm_url"),
    "consent": f"{make_placeholder('consent')}~",
    "until": f"{make_placeholder('until')}~",
}
REQUIRED = {
    "confirm_url": "nobody can confirm",
    "consent": "nobody sees what they say yes to",
    "until": "nobody knows how long the link holds",
}


def render_confirmation(mailing_list: MailingList, theme: Theme, lang: str) -> Rendered:
    """The mail for a list in a language, its slots open."""
    words, colophon = ThemeLocale.load(theme, lang), Colophon.for_list(mailing_list)
    told = {"list": mailing_list.title, "sender": colophon.sender_name}
    # A theme's partials know an issue, of which this has no more than a title.
    letter = Issue(
        title=words.translate("confirm_subject", **told),
        date=date.min,
        slug="confirm",
        source=HTML,
        lang=lang,
        sections=(),
    )
    view = IssueView.create(
        letter, theme, colophon, preheader=words.translate("confirm_preheader", **told), images={}
    )
    rendered = Rendered(
        subject=letter.title,
        preheader=view.preheader,
        html=html.render_mail(view, HTML, PLACEHOLDERS),
        text=templates.render_plain(theme, TEXT, view.variables() | PLACEHOLDERS).strip("\n") + "\n",
        lang=lang,
        attachments=embed_images(view.displayed_images(), colophon.domain),
    )
    verify.check_images(rendered, {image.url for image in view.displayed_images()} - {""})
    verify.check_confirmation(rendered, REQUIRED)
    return rendered
