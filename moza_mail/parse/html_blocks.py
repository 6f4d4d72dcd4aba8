"""Convert blocks of HTML in an issue to the nodes of equivalent Markdown."""

from typing import TYPE_CHECKING, Any

from moza_mail.parse.html_names import BLOCKS, DROPPED, EMBEDDED, KNOWN, REFUSED, VOID
from moza_mail.parse.inline_html import RefusedElementError
from moza_mail.parse.nodes import Node

if TYPE_CHECKING:
    from markdown_it.token import Token

TYPES = {"ul": "bullet_list", "ol": "ordered_list", "li": "list_item", "blockquote": "blockquote", "dl": "dl"}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def read_html_block(token: "Token") -> list[Node]:
    """Return the nodes of a block of HTML.

    Comments are dropped, and so are tags around other Markdown, such as a lone `<div>`. Raises RefusedElementError for an
    element that an issue may not contain.
    """
    from lxml.etree import ParserError
    from lxml.html import fragments_fromstring

    try:
        return _BlockBuilder(token).build(list(fragments_fromstring(token.content)))
    except ParserError:
        # The text contains only closing tags or comments.
        return []


class _BlockBuilder:
    """Builds Markdown nodes from the HTML elements of one block."""

    def __init__(self, token: "Token") -> None:
        self.token = token
        self.first_row = token.map[0] if token.map else 0

    def make(self, kind: str, element: Any, children: list[Node] | None = None, **attributes: Any) -> Node:
        from markdown_it.token import Token

        row = self.first_row + max((getattr(element, "sourceline", None) or 1) - 1, 0)
        made = Token(kind, attributes.pop("tag", ""), 0, attrs=attributes, map=[row, row + 1])
        return Node(kind, made, children if children is not None else [])

    def text(self, content: str, element: Any) -> Node:
        """Return a text with single spaces, as a browser shows it."""
        node = self.make("text", element)
        begin, end = " " * content[:1].isspace(), " " * content[-1:].isspace()
        node.token.content = f"{begin}{' '.join(content.split())}{end}" if content.strip() else " "
        return node

    def paragraph(self, inlines: list[Node], element: Any) -> list[Node]:
        has_content = any(node.type != "text" or node.token.content.strip() for node in inlines)
        if not has_content:
            return []
        return [self.make("paragraph", element, [self.make("inline", element, inlines)])]

    def build(self, fragments: list[Any]) -> list[Node]:
        """Return the blocks for a mix of texts, inline elements and block elements."""
        blocks: list[Node] = []
        inlines: list[Node] = []
        anchor: Any = None
        for part in fragments:
            if isinstance(part, str):
                inlines.append(self.text(part, anchor))
                continue
            anchor = part
            if self.is_block(part):
                blocks += self.paragraph(inlines, part)
                inlines = []
                blocks += self.block(part)
            else:
                inlines += self.inline(part)
            if part.tail:
                inlines.append(self.text(part.tail, part))
        return [*blocks, *self.paragraph(inlines, anchor)]

    def is_block(self, element: Any) -> bool:
        if not isinstance(element.tag, str) or element.tag in EMBEDDED or element.tag in DROPPED:
            return False
        return element.tag in BLOCKS or self.holds_block(element)

    def holds_block(self, element: Any) -> bool:
        return any(isinstance(inner.tag, str) and inner.tag in BLOCKS for inner in element.iterdescendants())

    def contents(self, element: Any) -> list[Any]:
        return [*([element.text] if element.text else []), *element]

    def block(self, element: Any) -> list[Node]:
        tag = element.tag
        if tag in REFUSED:
            raise RefusedElementError(tag, (element.sourceline or 1) - 1)
        if tag in TYPES:
            inside = self.build(self.contents(element))
            return [self.list_or_quote(tag, element, inside)]
        if tag in HEADINGS:
            return [
                self.make("heading", element, [self.make("inline", element, self.inlines(element))], tag=tag)
            ]
        if tag == "pre":
            node = self.make("code_block", element)
            node.token.content = element.text_content()
            return [node]
        if tag == "a" and element.get("href", "").strip():
            return self.link_blocks(element)
        if tag == "hr":
            return [self.make("hr", element)]
        if tag == "table":
            return self.table(element)
        if tag in {"summary", "dt", "caption"}:
            strong = self.make("strong", element, self.inlines(element))
            return self.paragraph([strong], element)
        return self.build(self.contents(element))

    def link_blocks(self, element: Any) -> list[Node]:
        """Return the blocks inside a link, with a link around each text.

        A mail cannot have a link around whole blocks.
        """
        blocks = self.build(self.contents(element))
        begin, *_inside, end = self.inline(element)
        for node in [each for block in blocks for each in block.walk() if each.type == "inline"]:
            node.children = [begin, *node.children, end]
        return blocks

    def list_or_quote(self, tag: str, element: Any, inside: list[Node]) -> Node:
        if tag in {"ul", "ol"}:
            inside = [
                node if node.type == "list_item" else self.make("list_item", element, [node])
                for node in inside
            ]
            start = element.get("start", "1")
            return self.make(TYPES[tag], element, inside, start=int(start) if start.isdecimal() else 1)
        if tag == "dl":
            return self.make("html_group", element, inside)
        return self.make(TYPES[tag], element, inside)

    def table(self, element: Any) -> list[Node]:
        caption = [node for inner in element.iter("caption") for node in self.block(inner)]
        rows = [
            self.make(
                "tr",
                row,
                [
                    self.make("td", cell, [self.make("inline", cell, self.inlines(cell))])
                    for cell in row
                    if cell.tag in {"td", "th"}
                ],
            )
            for row in element.iter("tr")
        ]
        rows = [row for row in rows if row.children]
        if not rows:
            return caption
        width = max(len(row.children) for row in rows)
        is_data = (
            width > 1
            and all(len(row.children) == width for row in rows)
            and not self.holds_block_cells(element)
        )
        if is_data:
            return [*caption, self.make("table", element, [self.make("thead", element, rows)])]
        cells = [cell for row in element.iter("tr") for cell in row if cell.tag in {"td", "th"}]
        return [*caption, *(node for cell in cells for node in self.build(self.contents(cell)))]

    def holds_block_cells(self, element: Any) -> bool:
        return any(self.holds_block(cell) for cell in element.iter("td", "th"))

    def inlines(self, element: Any) -> list[Node]:
        out: list[Node] = []
        for part in self.contents(element):
            if isinstance(part, str):
                out.append(self.text(part, element))
                continue
            out += self.inline(part)
            if part.tail:
                out.append(self.text(part.tail, part))
        return out

    def inline(self, element: Any) -> list[Node]:
        """Return an inline element as tags and texts, as in a line of Markdown."""
        if not isinstance(element.tag, str):
            return []
        if element.tag in REFUSED:
            raise RefusedElementError(element.tag, (element.sourceline or 1) - 1)
        attributes = "".join(
            f' {name}="{value.replace(chr(34), "&quot;")}"' for name, value in element.attrib.items()
        )
        is_known = element.tag in KNOWN
        begin = self.tag(f"<{element.tag}{attributes}>", element)
        end = [self.tag(f"</{element.tag}>", element)] if is_known and element.tag not in VOID else []
        return [begin, *self.inlines(element), *end]

    def tag(self, content: str, element: Any) -> Node:
        node = self.make("html_inline", element)
        node.token.content = content
        return node
