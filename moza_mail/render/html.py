"""Render the HTML of a mail.

Fill in the Jinja2 template, compile the MJML, and inline the CSS.
"""

import re
from collections.abc import Mapping
from typing import Any

from moza_mail.errors import RenderError
from moza_mail.i18n import gettext as _
from moza_mail.render import templates, verify
from moza_mail.render.css_inline import inline_css
from moza_mail.render.view import IssueView

TEMPLATE = "issue.mjml"
INLINE_CSS = "inline.css"
VERBATIM = re.compile(r"(<!--.*?-->|<mj-style.*?</mj-style>|<style.*?</style>)", re.DOTALL)
ERROR_POSITION = re.compile(r" at position (\d+):(\d+)$")
ARTICLE_LABEL = re.compile(r'(<div\b[^>]*?) aria-label="[^"]*"')


def render_html(view: IssueView) -> str:
    """Render an issue as a responsive HTML mail with open placeholders.

    Raises RenderError with the name of the template that failed.
    """
    return render_mail(view, TEMPLATE, {"contents": view.contents()})


def render_mail(view: IssueView, template: str, variables: Mapping[str, Any]) -> str:
    """Render an MJML template with the variables of a view and additional `variables`."""
    all_variables: dict[str, Any] = {**view.variables(), **variables}
    source = templates.render_markup(view.theme, template, all_variables)
    css = templates.render_plain(view.theme, INLINE_CSS, all_variables)
    compiled = _compile_mjml(_to_ascii(source), template)
    if view.locale.direction == "rtl":
        compiled = _turn_round(compiled)
    finished = _add_language(inline_css(_remove_label(compiled), css), view).replace(
        templates.COMMENT_START, "&lt;!--"
    )
    verify.check_html(compiled, finished)
    return finished


def _to_ascii(source: str) -> str:
    r"""Encode the source in ASCII, because MJML damages some characters in attributes.

    MJML prints attributes as Rust string literals, where a no-break space becomes \u{a0}.
    """
    pieces = VERBATIM.split(source)
    pieces[::2] = [
        piece.replace("\\", "&#92;").replace("\t", " ").encode("ascii", "xmlcharrefreplace").decode()
        for piece in pieces[::2]
    ]
    return "".join(pieces)


def _compile_mjml(source: str, template: str) -> str:
    from mjml import mjml2html

    try:
        # An empty list of fonts keeps MJML from adding a link to a font on the web.
        return mjml2html(source, fonts={})
    except ValueError as error:
        raise _read_error(str(error), source, template) from None


def _read_error(error: str, source: str, template: str) -> RenderError:
    """Return a RenderError for an error message of MJML.

    The message contains a range of bytes in the source, by which the line is found.
    """
    found = ERROR_POSITION.search(error)
    if not found:
        return RenderError(_("this is not valid MJML: {problem}", problem=error), template=template)
    start, stop = (len(source.encode()[: int(at)].decode(errors="ignore")) for at in found.groups())
    around = " ".join(source[start : max(stop, start + 60)].split())
    return RenderError(
        _("this is not valid MJML: {problem}, at {around!r}", problem=error[: found.start()], around=around),
        template=template,
        written=source[start:].partition("\n")[0].strip(),
    )


def _turn_round(html: str) -> str:
    """Set the direction of each section and column to right to left.

    MJML always writes left to right, whatever the language is.
    """
    return html.replace("direction:ltr;", "direction:rtl;").replace(
        "text-align:left;direction:rtl;", "text-align:right;direction:rtl;"
    )


def _remove_label(html: str) -> str:
    """Remove the copy of the title that MJML writes on the wrapper.

    A screen reader would read that copy before the heading.
    """
    head, opened, body = html.partition("<body")
    return head + opened + ARTICLE_LABEL.sub(r"\1", body, count=1)


def _add_language(html: str, view: IssueView) -> str:
    """Add language and direction to <body> too.

    Gmail drops <html> and turns <body> into a div.
    """
    from markupsafe import escape

    head, opened, body = html.partition("<body")
    return f'{head}{opened} lang="{escape(view.issue.lang)}" dir="{view.locale.direction}"{body}'
