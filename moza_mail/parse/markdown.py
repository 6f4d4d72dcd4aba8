"""Markdown to blocks and inlines, each with its line. Links are resolved and checked here, shortcodes replaced."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from moza_mail.errors import IssueError
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import (
    Block,
    Blocks,
    Code,
    CodeBlock,
    Divider,
    Emphasis,
    Heading,
    Image,
    Inline,
    Inlines,
    Item,
    ItemList,
    LineBreak,
    Link,
    Paragraph,
    Quote,
    Strike,
    Strong,
    Table,
    Text,
    find_unmailable,
    to_plain_text,
)
from moza_mail.model.merge_field import MergeField, MergeFieldError
from moza_mail.parse import addresses, merge
from moza_mail.parse.inlines import joined, split_label
from moza_mail.parse.nodes import Node, install_shortcodes, nodes, read_shortcode

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# The parser drops what is nested deeper than its own limit without a word, so we refuse well before it.
PARSER_NESTING = 100
MAX_NESTING = 40
# What stands for a text that is left out on purpose: ![""](line.png).
DECORATION = {'""', "“”", "''"}
HOLDERS: "dict[str, type[Strong | Emphasis | Strike]]" = {"strong": Strong, "em": Emphasis, "s": Strike}
COMMENT = re.compile(r"<!--(?!more-->)")
# Of hosts no more than 255 signs are read as one; what has a port, a name or an escape is left to the library.
NORMAL = re.compile(
    r"https?://[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,60}){1,3}(?:[/?#][A-Za-z0-9/?#=&._~+,;:@!$*()'-]*)?"
)
LISTED = {"bullet_list", "ordered_list", "list_item"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which file is read, where its body begins and how its relative links resolve."""

    source: str
    first_line: int
    rows: tuple[str, ...]
    site_url: str

    def refuse(self, message: Translatable, line: int, hint: str = "") -> IssueError:
        """The error for something at a line of the file."""
        row = line - self.first_line
        quoted = self.rows[row] if 0 <= row < len(self.rows) else ""
        return IssueError(message, source=self.source, line=line, quoted=quoted, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The rows of a body that a block or an item takes, counted from 0, `stop` excluded; `below` are those inside it.

    Of a list those are its items, of an item the lists in it.
    """

    first: int
    stop: int
    below: tuple["Span", ...] = ()


def blocks(body: str, place: Place) -> Blocks:
    """Read a body; raise IssueError for what a mail cannot hold, with its line."""
    return tuple(block for block, _ in spanned(body, place)[0])


def spanned(body: str, place: Place) -> tuple[tuple[tuple[Block, Span], ...], dict[str, Span]]:
    """Read a body, each block with its rows, and the rows of the addresses that stand apart (`[1]: https://...`), by name.

    Raises IssueError as `blocks` does.
    """
    known: dict[str, Any] = {}
    tokens = _markdown().parse(body, known)
    for token in tokens:
        if token.level > MAX_NESTING:
            line = place.first_line + (token.map[0] if token.map else 0)
            raise place.refuse(_("lists or quotes are nested too deep"), line, _("Use at most three levels."))
    try:
        tree = nodes(tokens)
        read = tuple(zip(_Reader(place).blocks(tree), map(_span, tree), strict=True))
    except RecursionError:
        raise place.refuse(_("text is nested too deep"), place.first_line) from None
    apart = known.get("references", {}).items()
    return read, {name: Span(first=given["map"][0], stop=given["map"][1]) for name, given in apart}


def _span(node: Node) -> Span:
    inside = [child for child in node.children if child.type in LISTED] if node.type in LISTED else []
    first, stop = node.rows or (0, 0)
    return Span(first=first, stop=stop, below=tuple(map(_span, inside)))


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": PARSER_NESTING})
    markdown.enable(["table", "strikethrough"])
    # Every link becomes a token, so that a forbidden one is refused by name instead of shown as raw Markdown.
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005  # the library's own hook
    # Without HTML these two only look and say no.
    markdown.disable(["html_block", "html_inline"])
    markdown.normalizeLink = _normal_address  # type: ignore[method-assign]
    install_shortcodes(markdown)
    merge.install(markdown)
    return markdown


def _normal_address(url: str) -> str:
    """An address as a link holds it: what is normal already, as nearly all are, is not taken apart to see that."""
    from markdown_it.common.normalize_url import normalizeLink

    return url if NORMAL.fullmatch(url) else normalizeLink(url)


class _Reader:
    """Walks the parser's tree; `line` follows the text as it is read."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.line = place.first_line
        self.kinds: dict[str, Callable[[Node], Block]] = {
            "paragraph": lambda node: Paragraph(inlines=self.inlines(node), line=self.at(node)),
            "heading": lambda node: Heading(
                level=int(node.token.tag[1:]), inlines=self.inlines(node), line=self.at(node)
            ),
            "bullet_list": self.item_list,
            "ordered_list": self.item_list,
            "blockquote": lambda node: Quote(line=self.at(node), blocks=self.blocks(node.children)),
            "fence": self.code_block,
            "code_block": self.code_block,
            "hr": lambda node: Divider(line=self.at(node)),
            "table": self.table,
        }

    def at(self, node: Node) -> int:
        return self.place.first_line + (node.rows[0] if node.rows else 0)

    def blocks(self, beside: list[Node]) -> Blocks:
        return tuple(self.kinds[node.type](node) for node in beside)

    def item_list(self, node: Node) -> ItemList:
        return ItemList(
            items=tuple(self.item(child) for child in node.children),
            ordered=node.type == "ordered_list",
            start=int(node.token.attrs.get("start", 1)),
            line=self.at(node),
        )

    def item(self, node: Node) -> Item:
        inside = self.blocks(node.children)
        if inside and isinstance(inside[0], Paragraph):
            label, text = split_label(inside[0].inlines)
            return Item(label=label, inlines=text, blocks=inside[1:], line=self.at(node))
        return Item(blocks=inside, line=self.at(node))

    def code_block(self, node: Node) -> CodeBlock:
        line = self.at(node)
        return CodeBlock(
            text=self.readable(node.token.content.rstrip("\n"), line),
            language=node.token.info.strip(),
            line=line,
        )

    def table(self, node: Node) -> Table:
        rows = [row for part in node.children for row in part.children]
        align = tuple(
            str(cell.token.attrs.get("style", "")).removeprefix("text-align:") for cell in rows[0].children
        )
        cells = tuple(tuple(self.inlines(cell) for cell in row.children) for row in rows)
        return Table(header=cells[0], rows=cells[1:], align=align, line=self.at(node))

    def inlines(self, node: Node) -> Inlines:
        """The text of a block: its only child is the parser's `inline` node."""
        out: list[Inline] = []
        for child in node.children:
            self.line = self.at(child)
            out.extend(self.run(child.children))
        if found := merge.behind_address(tuple(out)):
            raise self.place.refuse(merge.NO_ADDRESS, found.line)
        return joined(tuple(out))

    def run(self, nodes: list[Node]) -> Inlines:
        return joined(tuple(inline for node in nodes for inline in self.inline(node)))

    def inline(self, node: Node) -> Inlines:
        match node.type:
            case "text":
                return (Text(text=self.spoken(node.token.content)),)
            case "softbreak" | "hardbreak":
                self.line += 1
                return (LineBreak(hard=node.type == "hardbreak"),)
            case "strong" | "em" | "s":
                return (HOLDERS[node.type](children=self.run(node.children)),)
            case "code_inline":
                return (Code(text=self.readable(node.token.content, self.line)),)
            case "link":
                return self.link(node)
            case "image":
                return (self.image(node),)
            case "shortcode":
                return (self.shortcode(node.token.content),)
            case "field":
                return (self.field(node.token.content),)
            case other:
                raise self.place.refuse(
                    _("Markdown of the kind {other!r} is not supported", other=other), self.line
                )

    def link(self, node: Node) -> Inlines:
        line, url = self.line, self.url(str(node.token.attrs["href"]))
        children = self.run(node.children)
        title = self.alike(str(node.token.attrs.get("title", "")))
        if any(isinstance(child, Image) for child in children) and not to_plain_text(children).strip():
            raise self.place.refuse(
                _("a picture is the whole link, and has no text that says where it leads"),
                line,
                _("Write [![where it leads](picture.png)](address)."),
            )
        # A link that leads nowhere is its text: an empty href would lead to the reader's own mailbox.
        return (Link(url=url, children=children, title=title, line=line),) if url else children

    def image(self, node: Node) -> Image:
        alt = self.alike("".join(child.token.content for child in node.walk() if not child.children))
        if not alt.strip():
            raise self.place.refuse(
                _("a picture has no text for who cannot see it"),
                self.line,
                _(
                    'Write ![what it shows](picture.png), or ![""](picture.png) when it is decoration and says nothing.'
                ),
            )
        src = self.alike(str(node.token.attrs["src"]))
        src = f"https:{src}" if src.startswith("//") else src
        if not src or (addresses.SCHEME.match(src) and not src.lower().startswith("https:")):
            raise self.place.refuse(
                _("a picture cannot come from `{place}`", place=src[:60]),
                self.line,
                _("Put the file beside the issue and write its name."),
            )
        title = self.alike(str(node.token.attrs.get("title", "")))
        return Image(
            src=src,
            alt="" if alt.strip() in DECORATION else alt,
            title=title,
            line=self.line,
        )

    def alike(self, text: str) -> str:
        """A text that is the same for every reader: what a picture shows, or a title that is seen by pointing."""
        if merge.in_address(text):
            raise self.place.refuse(_("a field may not stand in a picture or the title of a link"), self.line)
        return self.readable(text, self.line)

    def url(self, written: str) -> str:
        if merge.in_address(written):
            raise self.place.refuse(merge.NO_ADDRESS, self.line)
        if kind := addresses.forbidden(written):
            raise self.place.refuse(
                _("a link may not begin with `{kind}`", kind=kind),
                self.line,
                _("Use https:, mailto: or tel:, or a page of your site."),
            )
        return addresses.resolve(self.readable(written, self.line), self.place.site_url)

    def shortcode(self, code: str) -> Inline:
        read = read_shortcode(code)
        if isinstance(read, str):
            raise self.place.refuse(read, self.line)
        self.readable(code, self.line)
        self.line += code.count("\n")
        return read

    def field(self, written: str) -> MergeField:
        try:
            return MergeField.parse(self.readable(written, self.line), line=self.line)
        except MergeFieldError as error:
            raise self.place.refuse(error.reason, self.line, merge.HINT) from None

    def spoken(self, text: str) -> str:
        if COMMENT.search(text):
            raise self.place.refuse(
                _("a comment `<!-- -->` would be shown to every reader"),
                self.line,
                _("Take it out of the issue."),
            )
        return self.readable(text.replace("<!--more-->", ""), self.line)

    def readable(self, text: str, line: int) -> str:
        if found := find_unmailable(text):
            raise self.place.refuse(_("a control character ({found}) cannot be mailed", found=found), line)
        return text
