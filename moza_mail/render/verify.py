"""Checks of our own output before it is given out: what MJML and premailer do wrong they do without a word."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from moza_mail.errors import RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model.message import PLACEHOLDER, Rendered

COUNTED = ("!important", "data-ogsc", "data-ogsb", "<!--[if", "<![endif]")
ALLOWED_SCHEMES = ("https:", "http:", "mailto:", "tel:")
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
FETCHED = re.compile(r"@import|url\s*\(", re.IGNORECASE)
FORBIDDEN_TAGS = {"script", "link", "iframe", "object", "embed", "form", "video", "audio", "base"}


def check_html(before: str, after: str) -> None:
    """Raise RenderError unless `after` kept all that MJML made (`before`) and asks nothing of the net but images."""
    from lxml.html import document_fromstring

    if not after.startswith("<!DOCTYPE html>"):
        raise _make_error(_("the doctype is lost, so mail clients would lay it out in quirks mode"))
    for word in COUNTED:
        if before.count(word) != after.count(word):
            raise _make_error(
                _(
                    "{word} stood {before} times and now {after} times",
                    word=word,
                    before=before.count(word),
                    after=after.count(word),
                )
            )
    if after.count("<!--[if") != after.count("<![endif]"):
        raise _make_error(_("a conditional comment for Outlook is not closed"))
    tree = document_fromstring(after)
    # Parsing once more is only worth its time where the plain comparison cannot tell, as with `<!--` in an alt text.
    unlike = COMMENT.findall(before) != COMMENT.findall(after)
    if unlike and _find_comments(document_fromstring(before)) != _find_comments(tree):
        raise _make_error(_("a comment for Outlook was changed"))
    for element in tree.iter("*"):
        _check_element(element)
    _check_language(tree)


def check_images(rendered: Rendered, urls: Collection[str]) -> None:
    """Raise RenderError for an image that is not in the mail, nor at one of the `urls` that its issue gives."""
    from lxml.html import document_fromstring

    inside = {f"cid:{attachment.content_id}" for attachment in rendered.attachments if attachment.content_id}
    if "<img" not in rendered.html and not inside:
        return
    asked = {image.get("src", "") for image in document_fromstring(rendered.html).iter("img")}
    if unknown := asked - inside - set(urls):
        raise _make_error(
            _("<img> shows {image!r}, which is no image of the issue or the theme", image=min(unknown))
        )
    if unused := inside - asked:
        raise _make_error(_("no <img> shows {image!r}, which every reader would get", image=min(unused)))


def check_placeholders(rendered: Rendered, *, can_unsubscribe: bool) -> None:
    """Raise RenderError for a slot nobody fills, or for a mail without the way out it promises."""
    wanted = {"unsubscribe_url": _("a reader cannot leave")} if can_unsubscribe else {}
    _check_placeholders(rendered, "issue", wanted)


def check_confirmation(rendered: Rendered, required: Mapping[str, str]) -> None:
    """Raise RenderError for a slot nobody fills, or for one that is `wanted` and nowhere, with what follows from that."""
    _check_placeholders(rendered, "confirm", required)


def _check_placeholders(rendered: Rendered, name: str, required: Mapping[str, str]) -> None:
    fields = rendered.fields_by_placeholder.keys()
    for part, template in ((rendered.html, f"{name}.mjml"), (rendered.text, f"{name}.txt")):
        found = set(PLACEHOLDER.findall(part))
        if unknown := found - required.keys() - fields:
            raise RenderError(_("nothing fills the slot {slot}", slot=min(unknown)), template=template)
        if missing := required.keys() - found:
            slot = min(missing)
            raise RenderError(
                _("the slot {slot} is nowhere, so {sorry}", slot=slot, sorry=required[slot]),
                template=template,
            )


def _find_comments(tree: Any) -> list[str]:
    from lxml.etree import Comment

    return [comment.text or "" for comment in tree.iter(Comment)]


def _check_element(element: Any) -> None:
    tag = str(element.tag)
    if tag.startswith("mj-"):
        raise _make_error(_("<{tag}> was not turned into HTML", tag=tag))
    if tag in FORBIDDEN_TAGS or element.get("background") or element.get("srcset"):
        raise _make_error(_("<{tag}> would fetch something when the mail is read", tag=tag))
    if FETCHED.search((element.text or "") if tag == "style" else element.get("style", "")):
        raise _make_error(_("its CSS would fetch something when the mail is read"))
    scheme = SCHEME.match(element.get("href", "").strip()) if tag == "a" else None
    if scheme and scheme.group().lower() not in ALLOWED_SCHEMES:
        raise _make_error(_("a link with {scheme} is not for mail", scheme=scheme.group()))


def _check_language(tree: Any) -> None:
    body = tree.find("body")
    for element in (tree, body, *(child for child in body if isinstance(child.tag, str))):
        if not element.get("lang") or not element.get("dir"):
            raise _make_error(_("<{tag}> does not say its language and direction", tag=element.tag))


def _make_error(what: str) -> RenderError:
    return RenderError(_("the HTML is not fit to send: {what}", what=what), template="issue.mjml")
