"""Read the HTML inside a line of Markdown."""

import re
from collections.abc import Sequence
from html import unescape
from typing import TYPE_CHECKING

from moza_mail.parse.html_names import (
    BLOCKS,
    BOLD,
    CODE,
    DROPPED,
    EMBEDDED,
    ITALIC,
    KNOWN,
    RAISED,
    REFUSED,
    STRUCK,
    VOID,
)
from moza_mail.parse.nodes import Node

if TYPE_CHECKING:
    from markdown_it.token import Token

TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)(.*?)/?>$", re.DOTALL)
ATTRIBUTE = re.compile(r"([A-Za-z_:][\w:.-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
# The type of the Markdown node for an element with the same meaning.
TYPES = {
    **dict.fromkeys(BOLD, "strong"),
    **dict.fromkeys(ITALIC, "em"),
    **dict.fromkeys(STRUCK, "s"),
    **{name: name for name in RAISED},
}


class RefusedElementError(Exception):
    """An HTML element that an issue may not contain.

    rows: the number of rows that are above the element in its block of text or HTML.
    """

    def __init__(self, name: str, rows: int = 0) -> None:
        super().__init__(name)
        self.name = name
        self.rows = rows


def read_attributes(text: str) -> dict[str, str]:
    """Return the attributes of a tag, with names in lower case."""
    return {name.lower(): unescape(a or b or c) for name, a, b, c in ATTRIBUTE.findall(text)}


def nest_inline_html(nodes: Sequence[Node]) -> list[Node]:
    """Turn the HTML tags among the nodes of a line into nodes with children.

    Comments are dropped. A tag with a name that HTML does not have stays as typed, such as `<your name>`. Raises
    RefusedElementError for an element that an issue may not contain.
    """
    open_nodes: list[tuple[str, list[Node]]] = []
    siblings: list[Node] = []
    rows = 0
    for node in nodes:
        rows += node.type in {"softbreak", "hardbreak"}
        if node.type != "html_inline":
            siblings.append(node)
            continue
        found = TAG.match(node.token.content)
        name = found[2].lower() if found else ""
        if found is not None and name not in KNOWN and any(opened == "svg" for opened, _inside in open_nodes):
            continue
        if found is None or name not in KNOWN:
            siblings += [] if node.token.content.startswith(("<!", "<?")) else [_text_node(node.token)]
            continue
        if name in REFUSED:
            raise RefusedElementError(name, rows)
        if found[1]:
            siblings = _close(name, open_nodes, siblings)
        elif name in VOID:
            siblings += _void_nodes(name, found[3], node.token)
        else:
            made = _open_node(name, found[3], node.token)
            siblings.append(made)
            open_nodes.append((name, siblings))
            siblings = made.children
    return open_nodes[0][1] if open_nodes else siblings


def _close(name: str, open_nodes: list[tuple[str, list[Node]]], siblings: list[Node]) -> list[Node]:
    if name not in {opened for opened, _ in open_nodes}:
        return siblings
    while open_nodes:
        opened, siblings = open_nodes.pop()
        if opened == name:
            break
    return siblings


def _token(kind: str, token: "Token", **attributes: str) -> "Token":
    from markdown_it.token import Token

    return Token(kind, "", 0, attrs=dict(attributes), map=token.map)


def _text_node(token: "Token") -> Node:
    made = _token("text", token)
    made.content = token.content
    return Node("text", made)


def _open_node(name: str, attributes: str, token: "Token") -> Node:
    given = read_attributes(attributes)
    if name == "a" and given.get("href", "").strip():
        return Node("link", _token("link", token, href=given["href"].strip(), title=given.get("title", "")))
    if name in EMBEDDED or name in DROPPED:
        made = _token("embedded" if name in EMBEDDED else "dropped", token, **given)
        made.tag = name
        return Node(made.type, made)
    if name in CODE:
        return Node("code", _token("code", token))
    if name in BLOCKS:
        return Node("block_tag", _token("block_tag", token))
    return Node(TYPES.get(name, "transparent"), _token("transparent", token))


def _void_nodes(name: str, attributes: str, token: "Token") -> list[Node]:
    if name in {"br", "hr"}:
        return [Node("html_break", _token("html_break", token))]
    if name == "img" and not attributes.strip():
        return [_text_node(token)]
    if name == "img":
        return [image_node(read_attributes(attributes), token)]
    if name == "source":
        return [Node("source", _token("source", token, src=read_attributes(attributes).get("src", "")))]
    return []


def image_node(given: dict[str, str], token: "Token") -> Node:
    """Return the node of an <img>. An image with an empty alternative text is decoration."""
    made = _token("image", token, src=given.get("src", "").strip(), title=given.get("title", ""))
    alt = _token("text", token)
    alt.content = given.get("alt") or ('""' if "alt" in given else "")
    return Node("image", made, [Node("text", alt)])
