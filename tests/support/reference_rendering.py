"""Compare the words and links of a mail with a reference rendering of its Markdown."""

import re
from collections import Counter
from urllib.parse import unquote

from lxml.html import fromstring, tostring
from lxml.html.builder import A

from moza_mail.parse.embedded_pages import link_to_embedded
from moza_mail.parse.generator_code import replace_generator_code
from moza_mail.parse.syntax import make_markdown

WORD = re.compile(r"\w+")
INLINE_TAGS = {"a", "abbr", "b", "code", "em", "i", "kbd", "s", "span", "strong", "sub", "sup", "u"}
EMBEDDED = re.compile(r"<(?:script|style|iframe|video|audio)\b")
NONE: Counter[str] = Counter()
SHORTCODE = re.compile(r'\{\{< emoji teken="([^"]*)"[^>]*>\}\}')


def render_reference(body: str) -> str:
    """Return the HTML that markdown-it makes of a body, without our own later steps."""
    html = make_markdown().render(replace_generator_code(SHORTCODE.sub(r"\1", body)))
    if not EMBEDDED.search(html):
        return html
    tree = fromstring(f"<div>{html}</div>")
    for element in list(tree.iter("script", "style", "iframe", "video", "audio")):
        if element.tag not in {"script", "style"}:
            source = next((each.get("src") for each in element.iter("source")), "")
            url, text = link_to_embedded(dict(element.attrib), source)
            element.addprevious(A(f" {text} ", href=url))
        element.drop_tree()
    return str(tostring(tree, encoding="unicode"))


def words_of(text: str) -> Counter[str]:
    return Counter(word.casefold() for word in WORD.findall(text))


def html_words(html: str, *, numbers_links: bool = False) -> Counter[str]:
    """Return the words of HTML.

    numbers_links: end a word at the end of a link, where the text version writes the number of the link.
    """
    tree = fromstring(f"<div>{html}</div>")
    for element in tree.iter():
        if isinstance(element.tag, str) and (
            element.tag not in INLINE_TAGS or (numbers_links and element.tag == "a")
        ):
            element.text = f" {element.get('alt', '')} {element.text or ''}"
            element.tail = f" {element.tail or ''}"
    return words_of(str(tree.text_content()))


def links_of(html: str) -> set[str]:
    return {link.get("href") for link in fromstring(f"<div>{html}</div>").iter("a") if link.get("href")}


def find_losses(body: str, html: str, text: str, restated: Counter[str] = NONE) -> dict[str, object]:
    """Return the words and links of a body that are not in the HTML or the text of its mail.

    restated: words that the mail may write in another way.
    """
    reference = render_reference(body)
    expected, targets = html_words(reference), {url for url in links_of(reference) if not url.startswith("#")}
    shown = html_words(tostring(fromstring(html).find("body"), encoding="unicode"))
    losses = {
        "html": expected - shown - restated,
        "text": (expected - words_of(text))
        & (html_words(reference, numbers_links=True) - words_of(text)) - restated,
        "links in html": set(map(unquote, targets)) - set(map(unquote, links_of(html))),
        "links in text": {
            url for url in targets if unquote(url.removeprefix("mailto:")) not in unquote(text)
        },
    }
    return {place: lost for place, lost in losses.items() if lost}
