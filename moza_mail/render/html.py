"""The HTML part: Jinja2 -> MJML -> inlined CSS, with what mail clients need kept as it was."""

import re
from collections.abc import Mapping
from typing import Any

from moza_mail.errors import RenderError
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.render import templates, verify
from moza_mail.render.css_inline import inlined
from moza_mail.render.view import View

TEMPLATE = "issue.mjml"
INLINE = "inline.css"
VERBATIM = re.compile(r"(<!--.*?-->|<mj-style.*?</mj-style>|<style.*?</style>)", re.DOTALL)
SPAN = re.compile(r" at position (\d+):(\d+)$")
SIMPLE = str.maketrans({"\\": "&#92;", "\t": " "})


def render(view: View) -> str:
    """An issue as one responsive HTML mail, its slots open; raise RenderError naming the template that is wrong."""
    return mail(view, TEMPLATE, {"contents": view.contents(), "groups": view.groups()})


def mail(view: View, template: str, more: Mapping[str, Any]) -> str:
    """What a template of MJML makes of a view and `more` names."""
    names: dict[str, Any] = {**view.names(), **more}
    source = templates.markup(view.theme, template, names)
    css = templates.plain(view.theme, INLINE, names)
    laid_out = _mjml(_ascii(source), template)
    finished = _languaged(inlined(laid_out, css), view).replace(templates.COMMENT_SIGN, "&lt;!--")
    verify.html(laid_out, finished)
    return finished


def _ascii(source: str) -> str:
    r"""What MJML reads without harm: it prints attributes as Rust does, and would show NBSP as \u{a0}."""
    pieces = VERBATIM.split(source)
    pieces[::2] = [
        piece.translate(SIMPLE).encode("ascii", "xmlcharrefreplace").decode() for piece in pieces[::2]
    ]
    return "".join(pieces)


def _mjml(source: str, template: str) -> str:
    from mjml import mjml2html

    try:
        # No fonts: MJML would fetch its default font from the net.
        return mjml2html(source, fonts={})
    except ValueError as error:
        raise RenderError(_complaint(str(error), source), template=template) from None


def _complaint(said: str, source: str) -> Translatable:
    found = SPAN.search(said)
    if not found:
        return _("not valid MJML: {problem}", problem=said)
    start, stop = (len(source.encode()[: int(at)].decode(errors="ignore")) for at in found.groups())
    around = " ".join(source[start : max(stop, start + 60)].split())
    return _("not valid MJML: {problem}, at {around!r}", problem=said[: found.start()], around=around)


def _languaged(html: str, view: View) -> str:
    """Say language and direction on the body too: Gmail makes a div of it and drops <html>."""
    from markupsafe import escape

    head, opened, body = html.partition("<body")
    return f'{head}{opened} lang="{escape(view.issue.lang)}" dir="{view.words.direction}"{body}'
