"""The HTML part: Jinja2 -> MJML -> inlined CSS, with what mail clients need kept as it was."""

import re
from collections.abc import Mapping
from typing import Any

from moza_mail.errors import RenderError
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.render import templates, verify
from moza_mail.render.css_inline import inline_css
from moza_mail.render.view import IssueView

TEMPLATE = "issue.mjml"
INLINE_CSS = "inline.css"
VERBATIM = re.compile(r"(<!--.*?-->|<mj-style.*?</mj-style>|<style.*?</style>)", re.DOTALL)
ERROR_POSITION = re.compile(r" at position (\d+):(\d+)$")
MJML_SAFE = str.maketrans({"\\": "&#92;", "\t": " "})


def render_html(view: IssueView) -> str:
    """An issue as one responsive HTML mail, its slots open; raise RenderError naming the template that is wrong."""
    return render_mail(view, TEMPLATE, {"contents": view.contents(), "groups": view.groups()})


def render_mail(view: IssueView, template: str, variables: Mapping[str, Any]) -> str:
    """What a template of MJML makes of a view and `more` names."""
    names: dict[str, Any] = {**view.variables(), **variables}
    source = templates.render_markup(view.theme, template, names)
    css = templates.render_plain(view.theme, INLINE_CSS, names)
    laid_out = _compile_mjml(_to_ascii(source), template)
    finished = _add_language(inline_css(laid_out, css), view).replace(templates.COMMENT_START, "&lt;!--")
    verify.check_html(laid_out, finished)
    return finished


def _to_ascii(source: str) -> str:
    r"""What MJML reads without harm: it prints attributes as Rust does, and would show NBSP as \u{a0}."""
    pieces = VERBATIM.split(source)
    pieces[::2] = [
        piece.translate(MJML_SAFE).encode("ascii", "xmlcharrefreplace").decode() for piece in pieces[::2]
    ]
    return "".join(pieces)


def _compile_mjml(source: str, template: str) -> str:
    from mjml import mjml2html

    try:
        # No fonts: MJML would fetch its default font from the net.
        return mjml2html(source, fonts={})
    except ValueError as error:
        raise RenderError(_describe_error(str(error), source), template=template) from None


def _describe_error(error: str, source: str) -> Translatable:
    found = ERROR_POSITION.search(error)
    if not found:
        return _("not valid MJML: {problem}", problem=error)
    start, stop = (len(source.encode()[: int(at)].decode(errors="ignore")) for at in found.groups())
    around = " ".join(source[start : max(stop, start + 60)].split())
    return _("not valid MJML: {problem}, at {around!r}", problem=error[: found.start()], around=around)


def _add_language(html: str, view: IssueView) -> str:
    """Say language and direction on the body too: Gmail makes a div of it and drops <html>."""
    from markupsafe import escape

    head, opened, body = html.partition("<body")
    return f'{head}{opened} lang="{escape(view.issue.lang)}" dir="{view.locale.direction}"{body}'
