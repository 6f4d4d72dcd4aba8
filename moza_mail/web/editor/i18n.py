"""Texts, dates and colours of the editor, in the author's language and colour scheme."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path

from starlette.requests import Request

from moza_mail.errors import IssueError, MozaMailError
from moza_mail.i18n import gettext as _
from moza_mail.i18n import message
from moza_mail.i18n.catalog import languages, translate
from moza_mail.i18n.formats import format_date, load_locale
from moza_mail.i18n.message import MessagePart

STATIC = Path(__file__).parent / "static"
DEFAULT_LANGUAGE = "nl"
SCHEMES = ("auto", "light", "dark")
LANG_COOKIE, SCHEME_COOKIE = "editor-lang", "editor-scheme"

STATES = {
    "draft": _("Draft"),
    "approved": _("Approved"),
    "changed": _("Changed"),
    "sent": _("Sent"),
    "broken": _("Cannot be shown yet"),
}
PARTS_OF_MAIL = {
    "mail": _("Mail"),
    "text": _("Text"),
    "source": _("Source"),
    "headers": _("Headers"),
    "calendar": _("Calendar"),
}
MAIL_SCHEMES = {"light": _("Light"), "dark": _("Dark"), "forced": _("Forced dark")}
# A call of `_` in a script: its text is on one line, in double quotes and without backslashes.
IDN_LABEL = re.compile(r"(?<![\w-])xn--[a-z0-9-]{1,59}", re.IGNORECASE)
SCRIPT_TEXT = re.compile(r'\b_\("([^"\\]+)"')


def template_functions(lang: str) -> dict[str, Callable[..., str]]:
    """Return the translation functions for templates.

    `_` and `ngettext` translate texts in the template itself. `show` translates a text that is passed to the template
    as a value.
    """

    def show(text: str) -> str:
        return translate(text, lang).text

    def translated(template: str, /, **parts: MessagePart) -> str:
        return show(message.gettext(template, **parts))

    def counted(singular: str, plural: str, count: int, /, **parts: MessagePart) -> str:
        return show(message.ngettext(singular, plural, count, **parts))

    return {"_": translated, "ngettext": counted, "show": show}


@cache
def language_names() -> Mapping[str, str]:
    """Return the languages of the editor, each with its name in that language."""
    # Translators: the name of your language, in your language.
    return {lang: translate(_("English"), lang).text for lang in languages()}


@cache
def script_texts(lang: str) -> Mapping[str, str]:
    """Return the translations of the texts in the editor's scripts, by English text."""
    scripts = (path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.js")))
    found = (text for script in scripts for text in SCRIPT_TEXT.findall(script))
    return {text: translate(message.gettext(text), lang).text for text in found}


def format_day(day: date, lang: str) -> str:
    """Format a day for a list: 14 jan."""
    return format_date(day, "d MMM", load_locale(lang))


def format_moment(at: date | None, lang: str) -> str:
    """Format a date with its year, and the time if it has one: 14 jan 2026, 09:00."""
    if at is None:
        return ""
    clock = f", {at:%H:%M}" if isinstance(at, datetime) else ""
    return f"{format_date(at, 'd MMM y', load_locale(lang))}{clock}"


def decode_idn(text: str) -> str:
    """Return a text with the internationalised domains in it as people write them (RFC 5891)."""
    return IDN_LABEL.sub(lambda found: _decode_label(found.group()), text)


def _decode_label(label: str) -> str:
    try:
        decoded = label[4:].lower().encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    return decoded if decoded.isprintable() else label


def in_one_line(error: MozaMailError, lang: str) -> str:
    """Return an error and its hint in one line of text.

    The text begins with the number of the faulty line in the issue, if it is known.
    """
    if not isinstance(error, IssueError):
        texts = (translate(error.message, lang).text, translate(error.hint, lang).text)
        return ". ".join(text for text in texts if text)
    where = f"{error.line}: " if error.line else ""
    return f"{where}{translate(error.reason, lang).text}. {translate(error.hint, lang).text}".strip()


def choose_language(request: Request) -> str:
    """Return the language chosen in the editor, else the browser's, else Dutch.

    The browser's languages are tried in order until one has a catalog.
    """
    if (chosen := request.cookies.get(LANG_COOKIE)) in languages():
        return str(chosen)
    for wanted in request.headers.get("accept-language", "").lower().split(","):
        if (tag := wanted.partition(";")[0].strip().partition("-")[0]) in languages():
            return tag
    return DEFAULT_LANGUAGE


def choose_scheme(request: Request) -> str:
    """Return the colour scheme chosen in the editor; `auto` follows the browser."""
    chosen = request.cookies.get(SCHEME_COOKIE, "")
    return chosen if chosen in SCHEMES else SCHEMES[0]
