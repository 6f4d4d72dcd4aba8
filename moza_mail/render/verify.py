"""Check the rendered mail, because MJML and premailer make some mistakes silently."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from lxml.etree import HTML, Comment, XPath

from moza_mail.errors import RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model.message import PLACEHOLDER, Rendered

COUNTED = ("!important", "data-ogsc", "data-ogsb", "<!--[if", "<![endif]")
ALLOWED_SCHEMES = ("https:", "http:", "mailto:", "tel:")
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
FETCHED = re.compile(r"@import|url\s*\(", re.IGNORECASE)
FORBIDDEN_TAGS = ("script", "link", "iframe", "object", "embed", "form", "video", "audio", "base")
FETCHING: Any = XPath("//*[@background != '' or @srcset != '']")
STYLES: Any = XPath("//style/text() | //@style", smart_strings=False)
LINKS: Any = XPath("//a/@href", smart_strings=False)


def check_html(before: str, after: str) -> None:
    """Raise RenderError if inlining changed more than styles.

    HTML that would fetch anything but images raises RenderError too.

    before: the HTML that MJML made.
    after: the finished HTML.
    """
    if not after.startswith("<!DOCTYPE html>"):
        raise _make_error(_("the doctype is missing, so mail programs would use quirks mode"))
    for marker in COUNTED:
        if before.count(marker) != after.count(marker):
            raise _make_error(
                _(
                    "{marker} occurs {after} times and occurred {before} times before inlining",
                    marker=marker,
                    before=before.count(marker),
                    after=after.count(marker),
                )
            )
    if after.count("<!--[if") != after.count("<![endif]"):
        raise _make_error(_("a conditional comment for Outlook is not closed"))
    tree: Any = HTML(after)
    # The quick comparison also differs for a `<!--` in an alternative text. Parse only then.
    differs = COMMENT.findall(before) != COMMENT.findall(after)
    if differs and _find_comments(HTML(before)) != _find_comments(tree):
        raise _make_error(_("a comment for Outlook was changed"))
    _check_elements(tree)
    _check_addresses(tree)
    _check_language(tree)


def check_images(rendered: Rendered, urls: Collection[str]) -> None:
    """Raise RenderError for an image that is neither in the mail nor at one of `urls`.

    An image in the mail that no <img> shows raises RenderError too.
    """
    embedded = {
        f"cid:{attachment.content_id}" for attachment in rendered.attachments if attachment.content_id
    }
    if "<img" not in rendered.html and not embedded:
        return
    used = {image.get("src", "") for image in HTML(rendered.html).iter("img")}
    if unknown := used - embedded - set(urls):
        raise _make_error(
            _("<img> shows {image!r}, which is not an image of the issue or the theme", image=min(unknown)),
            min(unknown),
        )
    if unused := embedded - used:
        raise _make_error(_("no <img> shows {image!r}, which every recipient would get", image=min(unused)))


def check_placeholders(rendered: Rendered, *, can_unsubscribe: bool) -> None:
    """Raise RenderError for an unknown placeholder, or if the unsubscribe link is missing.

    can_unsubscribe: the mail must have an unsubscribe link.
    """
    wanted = {"unsubscribe_url": _("a recipient cannot unsubscribe")} if can_unsubscribe else {}
    _check_placeholders(rendered, "issue", wanted)


def check_confirmation(rendered: Rendered, required: Mapping[str, str]) -> None:
    """Raise RenderError for an unknown placeholder, or if a required one is missing.

    required: the required placeholders, each with the problem of a mail that lacks it.
    """
    _check_placeholders(rendered, "confirm", required)


def _check_placeholders(rendered: Rendered, name: str, required: Mapping[str, str]) -> None:
    field_placeholders = rendered.fields_by_placeholder.keys()
    for part, template in ((rendered.html, f"{name}.mjml"), (rendered.text, f"{name}.txt")):
        found = set(PLACEHOLDER.findall(part))
        if unknown := found - required.keys() - field_placeholders:
            raise RenderError(
                _("the placeholder {placeholder} is unknown", placeholder=min(unknown)), template=template
            )
        if missing := required.keys() - found:
            placeholder = min(missing)
            raise RenderError(
                _(
                    "the placeholder {placeholder} is missing, so {consequence}",
                    placeholder=placeholder,
                    consequence=required[placeholder],
                ),
                template=template,
            )


def _find_comments(tree: Any) -> list[str]:
    return [comment.text or "" for comment in tree.iter(Comment)]


def _check_elements(tree: Any) -> None:
    for tag in {element.tag for element in tree.iter("*")}:
        if tag.startswith("mj-"):
            raise _make_error(_("<{tag}> did not become HTML", tag=tag), f"<{tag}")
    for element in (*tree.iter(*FORBIDDEN_TAGS), *FETCHING(tree)):
        raise _make_error(
            _("<{tag}> would fetch something when the mail is opened", tag=element.tag), f"<{element.tag}"
        )


def _check_addresses(tree: Any) -> None:
    css = "\n".join(STYLES(tree))
    # Searching for plain words first is four times as fast as the pattern, which ignores case.
    is_suspect = any(word in css.lower() for word in ("@import", "url"))
    if is_suspect and (found := FETCHED.search(css)):
        raise _make_error(_("the CSS would fetch something when the mail is opened"), found.group())
    for address in LINKS(tree):
        scheme = SCHEME.match(address.strip())
        if scheme and scheme.group().lower() not in ALLOWED_SCHEMES:
            raise _make_error(
                _("a link with {scheme} does not belong in a mail", scheme=scheme.group()), address
            )


def _check_language(tree: Any) -> None:
    body = tree.find("body")
    for element in (tree, body, *(child for child in body if isinstance(child.tag, str))):
        if not element.get("lang") or not element.get("dir"):
            raise _make_error(_("<{tag}> does not name its language and direction", tag=element.tag))


def _make_error(problem: str, written: str = "") -> RenderError:
    problem = _("the HTML cannot be sent: {problem}", problem=problem)
    return RenderError(problem, template="issue.mjml", written=written)
