"""Read HTML that was copied from a word processor or a web page."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from moza_mail.model.issue import Blocks
from moza_mail.parse.html_names import REFUSED
from moza_mail.parse.markdown import IssueBody, parse_blocks

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# Only the part between these comments was selected; the rest is the page around it.
FRAGMENT = re.compile(r"<!--\s*StartFragment\s*-->(.*?)<!--\s*EndFragment\s*-->", re.DOTALL)
OUTSIDE_TEXT = (
    "head",
    "style",
    "script",
    "noscript",
    "template",
    "meta",
    "title",
    "link",
    "svg",
    "button",
    "img",
    "iframe",
    "video",
    "audio",
)
# Word writes the bullet of an item as text in this class of paragraph.
WORD_ITEM = re.compile(r"^\s*(?:[·•▪§o–-]|(\d{1,3}|[a-z])[.)])[\s\u00a0]+")
BOLD = re.compile(r"font-weight:\s*(?:bold|[6-9]00)", re.IGNORECASE)
NOT_BOLD = re.compile(r"font-weight:\s*(?:normal|[1-4]00)", re.IGNORECASE)
ITALIC = re.compile(r"font-style:\s*italic", re.IGNORECASE)
KEPT = {"href", "title", "colspan", "start", "type"}
LINKS = ("http:", "https:", "mailto:", "tel:")


def read_pasted_html(html: str) -> Blocks:
    """Return copied HTML as the blocks of an issue.

    Styles that mean bold or italic become bold or italic. Images are left out, because they are not files of the issue.
    Raises IssueError for content that an issue cannot have, such as control characters.
    """
    from lxml.etree import ParserError
    from lxml.html import fragment_fromstring, tostring

    selected = FRAGMENT.search(html)
    try:
        root = fragment_fromstring(selected[1] if selected else html, create_parent="div")
    except ParserError:
        return ()
    _remove_page_parts(root)
    for element in list(root.iterdescendants()):
        _clean(element)
    _gather_word_items(root)
    # Markdown reads HTML on one line as one block. Only the line ends in code have a meaning, so others become spaces.
    text = tostring(root, encoding="unicode").replace("\u00a0", " ")
    pieces = re.split(r"(<pre.*?</pre>)", text, flags=re.DOTALL)
    pieces[::2] = [" ".join(piece.split("\n")) for piece in pieces[::2]]
    pieces[1::2] = [piece.replace("\n", "&#10;") for piece in pieces[1::2]]
    line = "".join(pieces).replace("\r", "")
    body = IssueBody(text=line, rows=(line,), source="", first_line=1, site_url="")
    return parse_blocks(body)


def _remove_page_parts(root: "HtmlElement") -> None:
    for element in list(root.iter()):
        if element is root:
            continue
        if not isinstance(element.tag, str) or element.tag.lower() in OUTSIDE_TEXT:
            element.drop_tree()
        elif ":" in element.tag or element.tag in REFUSED:
            element.drop_tag()


def _clean(element: Any) -> None:
    """Give an element the tag that its style means, and remove its other attributes."""
    style = element.get("style", "")
    if element.tag in {"b", "strong"} and NOT_BOLD.search(style):
        element.tag = "span"
    if element.tag == "p" and "MsoList" in element.get("class", ""):
        element.set("data-item", "yes")
    if element.tag == "span":
        element.tag = "b" if BOLD.search(style) else "i" if ITALIC.search(style) else "span"
    if element.tag == "a" and not element.get("href", "").lower().startswith(LINKS):
        element.tag = "span"
    if not (element.text_content().strip() or len(element)) and element.tag in {
        "b",
        "strong",
        "i",
        "em",
        "a",
    }:
        element.tag = "span"
    for name in set(element.attrib) - KEPT - {"data-item"}:
        del element.attrib[name]


def _gather_word_items(root: "HtmlElement") -> None:
    """Turn the paragraphs that Word marks as items into lists."""
    from lxml.html import fromstring

    for first in root.xpath(".//p[@data-item]"):
        if "data-item" not in first.attrib:
            continue
        found = WORD_ITEM.match(first.text_content())
        items = fromstring("<ol></ol>" if found and found[1] else "<ul></ul>")
        first.addprevious(items)
        item = first
        while item is not None and item.get("data-item"):
            following = item.getnext()
            del item.attrib["data-item"]
            _remove_bullet(item)
            item.tail = None
            item.tag = "li"
            items.append(item)
            item = following


def _remove_bullet(item: Any) -> None:
    """Remove the bullet or number at the beginning of an item.

    It may be spread over several elements.
    """
    found = WORD_ITEM.match(item.text_content())
    left = found.end() if found else 0
    for holder, part in _text_places(item):
        text = getattr(holder, part) or ""
        cut = min(left, len(text))
        if cut:
            setattr(holder, part, text[cut:])
        left -= cut


def _text_places(element: Any) -> Iterator[tuple[Any, str]]:
    """Yield the texts of an element in reading order, each as an element and `text` or `tail`."""
    yield element, "text"
    for child in element:
        yield from _text_places(child)
        yield child, "tail"
