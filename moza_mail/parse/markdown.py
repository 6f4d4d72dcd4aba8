"""Parse Markdown into blocks and inlines with their lines, and check the links."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

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
    Note,
    NoteReference,
    Notes,
    Paragraph,
    Quote,
    Strike,
    Strong,
    Subscript,
    Superscript,
    Table,
    Text,
    to_plain_text,
)
from moza_mail.model.merge_field import MergeField, MergeFieldError
from moza_mail.model.unmailable import find_unmailable
from moza_mail.parse import link_urls, merge_fields
from moza_mail.parse.embedded_pages import link_to_embedded
from moza_mail.parse.front_matter import FrontMatter
from moza_mail.parse.generator_code import replace_generator_code
from moza_mail.parse.html_blocks import read_html_block
from moza_mail.parse.inline_html import RefusedElementError, nest_inline_html
from moza_mail.parse.inlines import add_check_box, is_blank, merge_adjacent, separate_images, split_label
from moza_mail.parse.nodes import Node, build_tree
from moza_mail.parse.shortcodes import parse_shortcode
from moza_mail.parse.syntax import make_markdown, note_title

MAX_NESTING = 40
BRACES = re.compile(r"\{[{%]")
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# The alternative text of an image that is decoration: ![""](line.png).
DECORATION = {'""', "“”", "''"}
INLINE_CONTAINERS: "dict[str, type[Strong | Emphasis | Strike | Subscript | Superscript]]" = {
    "strong": Strong,
    "em": Emphasis,
    "s": Strike,
    "sub": Subscript,
    "sup": Superscript,
}
Part = TypeVar("Part", Block, Inline)
LIST_NODES = {"bullet_list", "ordered_list", "list_item"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueBody:
    """The Markdown of an issue, and its place in the file `source`.

    first_line: the line of the file on which the Markdown begins.
    site_url: the site for resolving relative links.
    """

    text: str
    rows: tuple[str, ...]
    source: str
    first_line: int
    site_url: str

    @classmethod
    def after(cls, front: FrontMatter, site_url: str = "") -> "IssueBody":
        """Return the body that follows the front matter."""
        return cls(
            text=front.body,
            rows=tuple(front.body.split("\n")),
            source=front.source,
            first_line=front.body_line,
            site_url=site_url,
        )

    def issue_error(self, message: Translatable, line: int, hint: str = "") -> IssueError:
        """Return the error for a line of the file. The error quotes the line."""
        row = line - self.first_line
        quoted = self.rows[row] if 0 <= row < len(self.rows) else ""
        return IssueError(message, source=self.source, line=line, quoted=quoted, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSpan:
    """The rows of a block or item in the body, counted from 0. `stop` is not included.

    `children` are the items of a list, or the lists in an item.
    """

    first: int
    stop: int
    children: tuple["RowSpan", ...] = ()


def parse_blocks(body: IssueBody) -> Blocks:
    """Parse a body.

    Raises IssueError with the line of anything that a mail cannot contain.
    """
    return tuple(block for block, _ in parse_blocks_with_rows(body)[0])


def parse_blocks_with_rows(
    body: IssueBody,
) -> tuple[tuple[tuple[Block, RowSpan], ...], dict[str, RowSpan]]:
    """Parse a body into blocks with their rows, and the rows of link references.

    A link reference is a line such as `[report]: https://...`. Raises IssueError as `parse_blocks` does.
    """
    environment: dict[str, Any] = {}
    tokens = make_markdown().parse(replace_generator_code(body.text), environment)
    for token in tokens:
        if token.level > MAX_NESTING:
            line = body.first_line + (token.map[0] if token.map else 0)
            raise body.issue_error(
                _("lists or quotes are nested too deep"), line, _("Use at most three levels.")
            )
    try:
        reader = _BlockReader(body)
        parsed = tuple(
            (block, _row_span(node)) for node in build_tree(tokens) for block in reader.read_blocks([node])
        )
    except RecursionError:
        raise body.issue_error(_("text is nested too deep"), body.first_line) from None
    IssueError.raise_together(reader.errors)
    references = environment.get("references", {}).items()
    return parsed, {name: RowSpan(first=found["map"][0], stop=found["map"][1]) for name, found in references}


def _row_span(node: Node) -> RowSpan:
    nested = [child for child in node.children if child.type in LIST_NODES] if node.type in LIST_NODES else []
    first, stop = node.rows or (0, 0)
    return RowSpan(first=first, stop=stop, children=tuple(map(_row_span, nested)))


class _BlockReader:
    """Converts the tree of nodes to blocks.

    line: the line of the inline that is being read.
    errors: the parts that could not be read, which are left out.
    """

    def __init__(self, body: IssueBody) -> None:
        self.body = body
        self.errors: list[IssueError] = []
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
            "dl": self.read_definitions,
            "alert": self.read_note,
            "admonition": self.read_note,
            "container_note": self.read_note,
            "footnote_block": self.read_notes,
        }

        self.special_readers: dict[str, Callable[[Node], Inlines]] = {
            "link": self.read_link,
            "image": lambda node: (self.read_image(node),),
            "shortcode": lambda node: self.read_shortcode(node.token.content),
            "field": lambda node: (self.read_merge_field(node.token.content),),
            "footnote_ref": lambda node: (NoteReference(number=node.token.meta["id"] + 1),),
            "footnote_anchor": lambda node: (),  # noqa: ARG005  # a link back, which only a web page needs
            "source": lambda node: (),  # noqa: ARG005  # another form of the image that follows
            "embedded": self.read_embedded,
            "dropped": self.read_dropped,
        }

    def line_of(self, node: Node) -> int:
        return self.body.first_line + (node.rows[0] if node.rows else 0)

    def read_blocks(self, siblings: list[Node]) -> Blocks:
        return tuple(self.collect(self.read_block, siblings))

    def read_block(self, node: Node) -> Blocks:
        if node.type == "footnote_anchor":
            # If a footnote does not end with a paragraph, the link back is a block of its own.
            return ()
        if node.type in {"html_block", "html_group", "list_item"}:
            return self.read_blocks(self.read_html(node) if node.type == "html_block" else node.children)
        block = self.readers[node.type](node)
        # A paragraph that contains only attributes, comments or style sheets has no text.
        is_empty = isinstance(block, Paragraph) and all(map(is_blank, block.inlines)) and node.children
        return () if is_empty else (block,)

    def read_html(self, node: Node) -> list[Node]:
        content = COMMENT.sub(lambda found: "\n" * found.group().count("\n"), node.token.content)
        if braces := BRACES.search(content):
            raise self.body.issue_error(
                _("a merge field or shortcode cannot be part of HTML"),
                self.line_of(node) + content.count("\n", 0, braces.start()),
                _("Write the text around it in Markdown."),
            )
        with self.refusing_elements(node):
            return read_html_block(node.token)

    @contextmanager
    def refusing_elements(self, node: Node) -> Iterator[None]:
        try:
            yield
        except RefusedElementError as refused:
            line = (self.line_of(node) if node.rows else self.line) + refused.rows
            raise self.refuse_element(refused.name, line) from None

    def refuse_element(self, name: str, line: int) -> IssueError:
        return self.body.issue_error(
            _("mail programs do not show the HTML element `<{name}>`", name=name),
            line,
            _("Remove it, or write a link to a page that shows it."),
        )

    def read_definitions(self, node: Node) -> ItemList:
        """Return a definition list as an ordinary list. The terms become the labels of items."""
        items: list[Item] = []
        for child in node.children:
            if child.type == "dt":
                items.append(Item(label=self.read_inlines(child), line=self.line_of(child)))
                continue
            blocks = self.read_blocks(child.children)
            last = items.pop() if items else Item(line=self.line_of(child))
            is_first = not last.inlines and not last.blocks
            if is_first and blocks and isinstance(blocks[0], Paragraph):
                last = replace(last, inlines=blocks[0].inlines, blocks=blocks[1:])
            else:
                last = replace(last, blocks=(*last.blocks, *blocks))
            items.append(last)
        return ItemList(items=tuple(items), line=self.line_of(node))

    def read_note(self, node: Node) -> Quote:
        """Return a note such as `!!! warning` as a quotation with its title at the beginning."""
        children = node.children
        if node.type == "container_note":
            title: Inlines = (Text(text=self.check_text(note_title(node.token.info), self.line_of(node))),)
        elif children and children[0].type.endswith("_title"):
            title, children = self.read_inlines(children[0]), children[1:]
        else:
            title = ()
        heading = (Paragraph(inlines=(Strong(children=title),), line=self.line_of(node)),) if title else ()
        return Quote(line=self.line_of(node), blocks=(*heading, *self.read_blocks(children)))

    def read_notes(self, node: Node) -> Notes:
        notes = tuple(
            Note(number=child.token.meta["id"] + 1, blocks=self.read_blocks(child.children))
            for child in node.children
        )
        return Notes(notes=notes, line=self.line)

    def read_item_list(self, node: Node) -> ItemList:
        return ItemList(
            items=tuple(self.read_item(child) for child in node.children),
            ordered=node.type == "ordered_list",
            start=int(node.token.attrs.get("start", 1)),
            line=self.line_of(node),
        )

    def read_item(self, node: Node) -> Item:
        inside = self.read_blocks(node.children)
        if "checked" in node.token.meta:
            inside = add_check_box(inside, is_checked=node.token.meta["checked"])
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
        """Return the text of a block whose children are all nodes of type `inline`."""
        out: list[Inline] = []
        for child in node.children:
            self.line = self.line_of(child)
            out.extend(self.read_children(child.children))
        while out and isinstance(out[-1], LineBreak):
            out.pop()
        if found := merge_fields.find_field_after_address(tuple(out)):
            raise self.body.issue_error(merge_fields.IN_ADDRESS, found.line)
        return merge_adjacent(tuple(out))

    def read_children(self, nodes: list[Node]) -> Inlines:
        if any(node.type == "html_inline" for node in nodes):
            with self.refusing_elements(nodes[0]):
                nodes = nest_inline_html(nodes)
        return merge_adjacent(separate_images(tuple(self.collect(self.read_inline, nodes))))

    def collect(self, read: Callable[[Node], tuple[Part, ...]], nodes: list[Node]) -> Iterator[Part]:
        for node in nodes:
            try:
                yield from read(node)
            except IssueError as error:
                self.errors.append(error)

    def read_inline(self, node: Node) -> Inlines:
        match node.type:
            case "text":
                return (Text(text=self.check_text(node.token.content, self.line)),)
            case "softbreak" | "hardbreak":
                self.line += 1
                return (LineBreak(hard=node.type == "hardbreak"),)
            case "html_break":
                return (LineBreak(hard=True),)
            case "strong" | "em" | "s" | "sub" | "sup":
                return (INLINE_CONTAINERS[node.type](children=self.read_children(node.children)),)
            case "code_inline":
                return (Code(text=self.check_text(node.token.content, self.line)),)
            case "code":
                return (Code(text=to_plain_text(self.read_children(node.children))),)
            case "transparent":
                return self.read_children(node.children)
            case "block_tag":
                return (LineBreak(hard=True), *self.read_children(node.children), LineBreak(hard=True))
            case other:
                return self.special_readers[other](node)

    def read_link(self, node: Node) -> Inlines:
        line, url = self.line, self.read_url(str(node.token.attrs["href"]))
        children = self.read_children(node.children)
        title = self.read_shared_text(str(node.token.attrs.get("title", "")))
        # Without a URL only the text stays: mail programs open the recipient's own mailbox for an empty href.
        return (Link(url=url, children=children, title=title, line=line),) if url else children

    def read_embedded(self, node: Node) -> Inlines:
        """Return a link to the content of an <iframe> or the like, without its fallback text."""
        line = self.line_of(node) if node.rows else self.line
        sources = [str(child.token.attrs["src"]) for child in node.walk() if child.type == "source"]
        given = {name: str(value) for name, value in node.token.attrs.items()}
        address, text = link_to_embedded(given, next(iter(sources), ""))
        if not address:
            raise self.refuse_element(node.token.tag, line)
        return (
            Link(url=self.read_url(address), children=(Text(text=self.read_shared_text(text)),), line=line),
        )

    def read_dropped(self, node: Node) -> Inlines:
        """Return nothing for a style sheet, a script of another site or a drawing without words.

        A script with code of its own is refused, because it may write text.
        """
        has_text = any(child.token.content.strip() for child in node.walk())
        if node.token.tag != "style" and has_text:
            raise self.refuse_element(node.token.tag, self.line_of(node) if node.rows else self.line)
        return ()

    def read_image(self, node: Node) -> Image:
        alt = self.read_shared_text(
            "".join(child.token.content for child in node.walk() if not child.children)
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
            lacks_alt=not alt.strip(),
            line=self.line,
        )

    def read_shared_text(self, text: str) -> str:
        """Return an alternative text or a title; raise IssueError if it has a merge field.

        Such a text is the same for all recipients.
        """
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

    def read_shortcode(self, code: str) -> Inlines:
        parsed = parse_shortcode(code)
        if isinstance(parsed, str):
            raise self.body.issue_error(parsed, self.line)
        self.check_text(code, self.line)
        inlines = tuple(
            replace(inline, line=self.line) if isinstance(inline, Image | Link) else inline
            for inline in parsed
        )
        self.line += code.count("\n")
        return inlines

    def read_merge_field(self, written: str) -> MergeField:
        try:
            return MergeField.parse(self.check_text(written, self.line), line=self.line)
        except MergeFieldError as error:
            raise self.body.issue_error(error.reason, self.line, merge_fields.HINT) from None

    def check_text(self, text: str, line: int) -> str:
        if found := find_unmailable(text):
            raise self.body.issue_error(
                _("a control character ({found}) cannot be mailed", found=found), line
            )
        return text
