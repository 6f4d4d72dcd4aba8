"""The mail that asks to confirm a sign-up, from the theme's confirm.mjml and confirm.txt."""

from datetime import date

from moza_mail.model.issue import Issue
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Rendered, make_placeholder
from moza_mail.model.theme import Colophon, Theme
from moza_mail.render import html, templates, verify
from moza_mail.render.images import embed_images
from moza_mail.render.locale import Words
from moza_mail.render.view import View

HTML, TEXT = "confirm.mjml", "confirm.txt"
# Of words and not of a web address, so that text may follow each.
SLOTS = {
    "confirm_url": make_placeholder("confirm_url"),
    "consent": f"{make_placeholder('consent')}~",
    "until": f"{make_placeholder('until')}~",
}
WANTED = {
    "confirm_url": "nobody can confirm",
    "consent": "nobody sees what they say yes to",
    "until": "nobody knows how long the link holds",
}


def render(mailing_list: MailingList, theme: Theme, lang: str) -> Rendered:
    """The mail for a list in a language, its slots open."""
    words, colophon = Words.of(theme, lang), Colophon.of(mailing_list)
    told = {"list": mailing_list.title, "sender": colophon.sender_name}
    # A theme's partials know an issue, of which this has no more than a title.
    letter = Issue(
        title=words.sentence("confirm_subject", **told),
        date=date.min,
        slug="confirm",
        source=HTML,
        lang=lang,
        sections=(),
    )
    view = View.of(letter, theme, colophon, preheader=words.sentence("confirm_preheader", **told), images={})
    rendered = Rendered(
        subject=letter.title,
        preheader=view.preheader,
        html=html.mail(view, HTML, SLOTS),
        text=templates.plain(theme, TEXT, view.names() | SLOTS).strip("\n") + "\n",
        lang=lang,
        attachments=embed_images(view.displayed_images(), colophon.domain),
    )
    verify.check_images(rendered, {image.url for image in view.displayed_images()} - {""})
    verify.confirmation(rendered, WANTED)
    return rendered
