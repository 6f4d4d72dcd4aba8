"""A reference rendering of Markdown, and the words and links that a mail lacks compared with it."""

import re
from collections import Counter
from urllib.parse import unquote

from lxml.html import fromstring, tostring

from moza_mail.parse.syntax import make_markdown

WORD = re.compile(r"\w+")
INLINE_TAGS = {"a", "abbr", "b", "code", "em", "i", "kbd", "s", "span", "strong", "sub", "sup", "u"}
SHORTCODE = re.compile(r'\{\{< emoji teken="([^"]*)"[^>]*>\}\}')


def render_reference(body: str) -> str:
    """Return the HTML that markdown-it makes of a body, without anything of our own after it."""
    return make_markdown().render(SHORTCODE.sub(r"\1", body))


def words_of(text: str) -> Counter[str]:
    return Counter(word.casefold() for word in WORD.findall(text))


def html_words(html: str) -> Counter[str]:
    tree = fromstring(f"<div>{html}</div>")
    for element in tree.iter():
        if isinstance(element.tag, str) and element.tag not in INLINE_TAGS:
            element.text = f" {element.get('alt', '')} {element.text or ''}"
            element.tail = f" {element.tail or ''}"
    return words_of(str(tree.text_content()))


def links_of(html: str) -> set[str]:
    return {link.get("href") for link in fromstring(f"<div>{html}</div>").iter("a") if link.get("href")}


def find_losses(body: str, html: str, text: str) -> dict[str, object]:
    """Return the words and links of a body that are not in the HTML or the text of its mail."""
    reference = render_reference(body)
    expected, targets = html_words(reference), {url for url in links_of(reference) if not url.startswith("#")}
    shown = html_words(tostring(fromstring(html).find("body"), encoding="unicode"))
    losses = {
        "html": expected - shown,
        "text": expected - words_of(text),
        "links in html": set(map(unquote, targets)) - set(map(unquote, links_of(html))),
        "links in text": {url for url in targets if url.removeprefix("mailto:") not in text},
    }
    return {place: lost for place, lost in losses.items() if lost}
