"""Checks of our own output before it is given out: what MJML and premailer do wrong they do without a word."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from moza_mail.errors import RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model.message import PLACEHOLDER, Rendered

KEPT = ("!important", "data-ogsc", "data-ogsb", "<!--[if", "<![endif]")
SCHEMES = ("https:", "http:", "mailto:", "tel:")
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
FETCHED = re.compile(r"@import|url\s*\(", re.IGNORECASE)
FORBIDDEN = {"script", "link", "iframe", "object", "embed", "form", "video", "audio", "base"}


def html(before: str, after: str) -> None:
    """Raise RenderError unless `after` kept all that MJML made (`before`) and asks nothing of the net but images."""
    from lxml.html import document_fromstring

    if not after.startswith("<!DOCTYPE html>"):
        raise _broken(_("the doctype is lost, so mail clients would lay it out in quirks mode"))
    for word in KEPT:
        if before.count(word) != after.count(word):
            raise _broken(
                _(
                    "{word} stood {before} times and now {after} times",
                    word=word,
                    before=before.count(word),
                    after=after.count(word),
                )
            )
    if after.count("<!--[if") != after.count("<![endif]"):
        raise _broken(_("a conditional comment for Outlook is not closed"))
    tree = document_fromstring(after)
    # Parsing once more is only worth its time where the plain comparison cannot tell, as with `<!--` in an alt text.
    unlike = COMMENT.findall(before) != COMMENT.findall(after)
    if unlike and _comments(document_fromstring(before)) != _comments(tree):
        raise _broken(_("a comment for Outlook was changed"))
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
        raise _broken(
            _("<img> shows {image!r}, which is no image of the issue or the theme", image=min(unknown))
        )
    if unused := inside - asked:
        raise _broken(_("no <img> shows {image!r}, which every reader would get", image=min(unused)))


def slots(rendered: Rendered, *, can_unsubscribe: bool) -> None:
    """Raise RenderError for a slot nobody fills, or for a mail without the way out it promises."""
    wanted = {"unsubscribe_url": _("a reader cannot leave")} if can_unsubscribe else {}
    _slots(rendered, "issue", wanted)


def confirmation(rendered: Rendered, wanted: Mapping[str, str]) -> None:
    """Raise RenderError for a slot nobody fills, or for one that is `wanted` and nowhere, with what follows from that."""
    _slots(rendered, "confirm", wanted)


def _slots(rendered: Rendered, name: str, wanted: Mapping[str, str]) -> None:
    fields = rendered.fields_by_placeholder.keys()
    for part, template in ((rendered.html, f"{name}.mjml"), (rendered.text, f"{name}.txt")):
        found = set(PLACEHOLDER.findall(part))
        if unknown := found - wanted.keys() - fields:
            raise RenderError(_("nothing fills the slot {slot}", slot=min(unknown)), template=template)
        if missing := wanted.keys() - found:
            slot = min(missing)
            raise RenderError(
                _("the slot {slot} is nowhere, so {sorry}", slot=slot, sorry=wanted[slot]),
                template=template,
            )


def _comments(tree: Any) -> list[str]:
    from lxml.etree import Comment

    return [comment.text or "" for comment in tree.iter(Comment)]


def _check_element(element: Any) -> None:
    tag = str(element.tag)
    if tag.startswith("mj-"):
        raise _broken(_("<{tag}> was not turned into HTML", tag=tag))
    if tag in FORBIDDEN or element.get("background") or element.get("srcset"):
        raise _broken(_("<{tag}> would fetch something when the mail is read", tag=tag))
    if FETCHED.search((element.text or "") if tag == "style" else element.get("style", "")):
        raise _broken(_("its CSS would fetch something when the mail is read"))
    scheme = SCHEME.match(element.get("href", "").strip()) if tag == "a" else None
    if scheme and scheme.group().lower() not in SCHEMES:
        raise _broken(_("a link with {scheme} is not for mail", scheme=scheme.group()))


def _check_language(tree: Any) -> None:
    body = tree.find("body")
    for element in (tree, body, *(child for child in body if isinstance(child.tag, str))):
        if not element.get("lang") or not element.get("dir"):
            raise _broken(_("<{tag}> does not say its language and direction", tag=element.tag))


def _broken(what: str) -> RenderError:
    return RenderError(_("the HTML is not fit to send: {what}", what=what), template="issue.mjml")
