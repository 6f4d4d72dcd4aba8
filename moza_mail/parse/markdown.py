"""Parse Markdown into blocks and inlines with their lines, and check the links."""

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
from moza_mail.parse import link_urls, merge_fields
from moza_mail.parse.front_matter import FrontMatter
from moza_mail.parse.inlines import merge_adjacent, split_label
from moza_mail.parse.nodes import Node, build_tree, install_shortcodes, parse_shortcode

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# markdown-it silently drops what is nested deeper than its limit, so we refuse text well before that.
PARSER_NESTING = 100
MAX_NESTING = 40
# The alternative text of an image that is decoration: ![""](line.png).
DECORATION = {'""', "“”", "''"}
INLINE_CONTAINERS: "dict[str, type[Strong | Emphasis | Strike]]" = {
    "strong": Strong,
    "em": Emphasis,
    "s": Strike,
}
COMMENT = re.compile(r"<!--(?!more-->)")
# URLs that normalizeLink returns unchanged. Longer hostnames, ports, user names and escapes are left to the library.
NORMAL_URL = re.compile(
    r"https?://[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,60}){1,3}(?:[/?#][A-Za-z0-9/?#=&._~+,;:@!$*()'-]*)?"
)
LIST_NODES = {"bullet_list", "ordered_list", "list_item"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueBody:
    """The Markdown of an issue, and its place in the file `source`.

    first_line: the line of the file on which it begins.
    site_url: the site that relative links are resolved against.
    """

    text: str
    rows: tuple[str, ...]
    source: str
    first_line: int
    site_url: str

    @classmethod
    def after(cls, front: FrontMatter, site_url: str = "") -> "IssueBody":
        """Return the body after a front matter."""
        return cls(
            text=front.body,
            rows=tuple(front.body.split("\n")),
            source=front.source,
            first_line=front.body_line,
            site_url=site_url,
        )

    def issue_error(self, message: Translatable, line: int, hint: str = "") -> IssueError:
        """Return the error for a line of the file, with that line quoted."""
        row = line - self.first_line
        quoted = self.rows[row] if 0 <= row < len(self.rows) else ""
        return IssueError(message, source=self.source, line=line, quoted=quoted, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSpan:
    """The rows of a block or item in the body, counted from 0, without `stop`.

    `children` are the items of a list, or the lists in an item.
    """

    first: int
    stop: int
    children: tuple["RowSpan", ...] = ()


def parse_blocks(body: IssueBody) -> Blocks:
    """Parse a body; raise IssueError with the line of what a mail cannot contain."""
    return tuple(block for block, _ in parse_blocks_with_rows(body)[0])


def parse_blocks_with_rows(
    body: IssueBody,
) -> tuple[tuple[tuple[Block, RowSpan], ...], dict[str, RowSpan]]:
    """Parse a body into blocks with their rows, and return the rows of link references.

    A link reference is a line such as `[report]: https://...`. Raises IssueError as `parse_blocks` does.
    """
    environment: dict[str, Any] = {}
    tokens = make_markdown().parse(body.text, environment)
    for token in tokens:
        if token.level > MAX_NESTING:
            line = body.first_line + (token.map[0] if token.map else 0)
            raise body.issue_error(
                _("lists or quotes are nested too deep"), line, _("Use at most three levels.")
            )
    try:
        tree = build_tree(tokens)
        parsed = tuple(zip(_BlockReader(body).read_blocks(tree), map(_row_span, tree), strict=True))
    except RecursionError:
        raise body.issue_error(_("text is nested too deep"), body.first_line) from None
    references = environment.get("references", {}).items()
    return parsed, {name: RowSpan(first=found["map"][0], stop=found["map"][1]) for name, found in references}


def _row_span(node: Node) -> RowSpan:
    nested = [child for child in node.children if child.type in LIST_NODES] if node.type in LIST_NODES else []
    first, stop = node.rows or (0, 0)
    return RowSpan(first=first, stop=stop, children=tuple(map(_row_span, nested)))


@cache
def make_markdown() -> "MarkdownIt":
    """Return the Markdown parser, which is made at the first use."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": PARSER_NESTING})
    markdown.enable(["table", "strikethrough"])
    # Let every link become a token, so that we refuse a forbidden one instead of showing it as raw Markdown.
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005  # the library's own hook
    # With `html` off these two never match and only cost time.
    markdown.disable(["html_block", "html_inline"])
    markdown.normalizeLink = _normalize_url  # type: ignore[method-assign]
    install_shortcodes(markdown)
    merge_fields.install_merge_fields(markdown)
    return markdown


def _normalize_url(url: str) -> str:
    # Nearly all URLs are normal already, and recognising that is faster than normalizing them.
    from markdown_it.common.normalize_url import normalizeLink

    return url if NORMAL_URL.fullmatch(url) else normalizeLink(url)


class _BlockReader:
    """Convert the tree of nodes to blocks; `line` is that of the inline being read."""

    def __init__(self, body: IssueBody) -> None:
        self.body = body
        self.line = body.first_line
        self.readers: dict[str, Callable[[Node], Block]] = {
            "paragraph": lambda node: Paragraph(inlines=self.read_inlines(node), line=self.line_of(node)),
            "heading": lambda node: Heading(
                level=int(node.token.tag[1:]), inlines=self.read_inlines(node), line=self.line_of(node)
            ),
            "bullet_list": self.read_item_list,
            "ordered_list": self.read_item_list,
            "blockquote": lambda node: Quote(line=self.line_of(node), blocks=self.read_blocks(node.children)),
            "fence": self.read_code_block,
            "code_block": self.read_code_block,
            "hr": lambda node: Divider(line=self.line_of(node)),
            "table": self.read_table,
        }

    def line_of(self, node: Node) -> int:
        return self.body.first_line + (node.rows[0] if node.rows else 0)

    def read_blocks(self, siblings: list[Node]) -> Blocks:
        return tuple(self.readers[node.type](node) for node in siblings)

    def read_item_list(self, node: Node) -> ItemList:
        return ItemList(
            items=tuple(self.read_item(child) for child in node.children),
            ordered=node.type == "ordered_list",
            start=int(node.token.attrs.get("start", 1)),
            line=self.line_of(node),
        )

    def read_item(self, node: Node) -> Item:
        inside = self.read_blocks(node.children)
        if inside and isinstance(inside[0], Paragraph):
            label, text = split_label(inside[0].inlines)
            return Item(label=label, inlines=text, blocks=inside[1:], line=self.line_of(node))
        return Item(blocks=inside, line=self.line_of(node))

    def read_code_block(self, node: Node) -> CodeBlock:
        line = self.line_of(node)
        return CodeBlock(
            text=self.check_text(node.token.content.rstrip("\n"), line),
            language=node.token.info.strip(),
            line=line,
        )

    def read_table(self, node: Node) -> Table:
        rows = [row for part in node.children for row in part.children]
        align = tuple(
            str(cell.token.attrs.get("style", "")).removeprefix("text-align:") for cell in rows[0].children
        )
        cells = tuple(tuple(self.read_inlines(cell) for cell in row.children) for row in rows)
        return Table(header=cells[0], rows=cells[1:], align=align, line=self.line_of(node))

    def read_inlines(self, node: Node) -> Inlines:
        """Return the text of a block, whose only child is a node of type `inline`."""
        out: list[Inline] = []
        for child in node.children:
            self.line = self.line_of(child)
            out.extend(self.read_children(child.children))
        if found := merge_fields.find_field_after_address(tuple(out)):
            raise self.body.issue_error(merge_fields.IN_ADDRESS, found.line)
        return merge_adjacent(tuple(out))

    def read_children(self, nodes: list[Node]) -> Inlines:
        return merge_adjacent(tuple(inline for node in nodes for inline in self.read_inline(node)))

    def read_inline(self, node: Node) -> Inlines:
        match node.type:
            case "text":
                return (Text(text=self.read_plain_text(node.token.content)),)
            case "softbreak" | "hardbreak":
                self.line += 1
                return (LineBreak(hard=node.type == "hardbreak"),)
            case "strong" | "em" | "s":
                return (INLINE_CONTAINERS[node.type](children=self.read_children(node.children)),)
            case "code_inline":
                return (Code(text=self.check_text(node.token.content, self.line)),)
            case "link":
                return self.read_link(node)
            case "image":
                return (self.read_image(node),)
            case "shortcode":
                return (self.read_shortcode(node.token.content),)
            case "field":
                return (self.read_merge_field(node.token.content),)
            case other:
                raise self.body.issue_error(
                    _("Markdown of type `{other}` is not supported", other=other), self.line
                )

    def read_link(self, node: Node) -> Inlines:
        line, url = self.line, self.read_url(str(node.token.attrs["href"]))
        children = self.read_children(node.children)
        title = self.read_shared_text(str(node.token.attrs.get("title", "")))
        if any(isinstance(child, Image) for child in children) and not to_plain_text(children).strip():
            raise self.body.issue_error(
                _("the link is an image without text that says where it leads"),
                line,
                _("Write [![where it leads](image.png)](address)."),
            )
        # Without a URL only the text stays: mail programs open the recipient's own mailbox for an empty href.
        return (Link(url=url, children=children, title=title, line=line),) if url else children

    def read_image(self, node: Node) -> Image:
        alt = self.read_shared_text(
            "".join(child.token.content for child in node.walk() if not child.children)
        )
        if not alt.strip():
            raise self.body.issue_error(
                _("the image has no alternative text"),
                self.line,
                _('Write ![what it shows](image.png), or ![""](image.png) if it is only decoration.'),
            )
        src = self.read_shared_text(str(node.token.attrs["src"]))
        src = f"https:{src}" if src.startswith("//") else src
        if not src or (link_urls.SCHEME.match(src) and not src.lower().startswith("https:")):
            raise self.body.issue_error(
                _("an image cannot come from `{address}`", address=src[:60]),
                self.line,
                _("Put the file in the folder of the issue and write its name."),
            )
        title = self.read_shared_text(str(node.token.attrs.get("title", "")))
        return Image(
            src=src,
            alt="" if alt.strip() in DECORATION else alt,
            title=title,
            line=self.line,
        )

    def read_shared_text(self, text: str) -> str:
        """Return a text that is the same for all recipients: an alternative text or a title."""
        if merge_fields.has_merge_field(text):
            raise self.body.issue_error(
                _("a merge field may not be part of an image or of the title of a link"), self.line
            )
        return self.check_text(text, self.line)

    def read_url(self, written: str) -> str:
        if merge_fields.has_merge_field(written):
            raise self.body.issue_error(merge_fields.IN_ADDRESS, self.line)
        if scheme := link_urls.find_forbidden_scheme(written):
            raise self.body.issue_error(
                _("a link may not begin with `{scheme}`", scheme=scheme),
                self.line,
                _("Use https:, mailto: or tel:, or a page of your site."),
            )
        return link_urls.resolve_url(self.check_text(written, self.line), self.body.site_url)

    def read_shortcode(self, code: str) -> Inline:
        parsed = parse_shortcode(code)
        if isinstance(parsed, str):
            raise self.body.issue_error(parsed, self.line)
        self.check_text(code, self.line)
        self.line += code.count("\n")
        return parsed

    def read_merge_field(self, written: str) -> MergeField:
        try:
            return MergeField.parse(self.check_text(written, self.line), line=self.line)
        except MergeFieldError as error:
            raise self.body.issue_error(error.reason, self.line, merge_fields.HINT) from None

    def read_plain_text(self, text: str) -> str:
        if COMMENT.search(text):
            raise self.body.issue_error(
                _("a comment `<!-- -->` would be visible to all recipients"),
                self.line,
                _("Delete it from the issue."),
            )
        return self.check_text(text.replace("<!--more-->", ""), self.line)

    def check_text(self, text: str, line: int) -> str:
        if found := find_unmailable(text):
            raise self.body.issue_error(
                _("a control character ({found}) cannot be mailed", found=found), line
            )
        return text
