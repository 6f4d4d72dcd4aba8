"""Write blocks of an issue as Markdown (pure)."""

import re
from collections.abc import Sequence

from moza_mail.model.issue import (
    Block,
    Code,
    CodeBlock,
    Divider,
    Emoji,
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
    to_plain_text,
)
from moza_mail.parse import read_pasted_html

# Characters that must be escaped, because Markdown gives them a meaning in these positions.
SPECIAL = re.compile(r"[\\`*\[\]]|(?<!\w)_|_(?!\w)|~~|<(?=[a-zA-Z/!?])|&(?=#?\w+;)|==")
LINE_START = re.compile(r"^(\s*(?:\d{1,9}(?=[.)]))?)([#>+.)-])(?=[\s#]|$)", re.MULTILINE)


# This character replaces `{` while HTML is read, so that a copied `{{ name }}` does not change.
BRACE = "\ue000"


def html_to_markdown(html: str) -> str:
    """Return copied HTML as Markdown; raise IssueError for content that an issue cannot have."""
    return write_blocks(read_pasted_html(html.replace("{", BRACE))).replace(BRACE, "{")


def write_blocks(blocks: Sequence[Block]) -> str:
    """Return Markdown from which the same blocks are read, as far as Markdown allows."""
    return "\n\n".join(filter(None, map(_write_block, blocks)))


def _write_block(block: Block) -> str:
    match block:
        case Paragraph(inlines=inlines):
            return LINE_START.sub(r"\1\\\2", _write_inlines(inlines).strip())
        case Heading(level=level, inlines=inlines):
            # The title of the issue is the only heading of level 1.
            return f"{'#' * max(2, level)} {_on_one_line(inlines)}"
        case ItemList():
            return _write_list(block)
        case Quote(blocks=blocks):
            return "\n".join(f"> {row}".rstrip() for row in write_blocks(blocks).split("\n"))
        case CodeBlock(text=text):
            return f"```\n{text}\n```"
        case Table():
            return _write_table(block)
        case Divider():
            return "---"
        case _:
            return ""


def _write_list(items: ItemList) -> str:
    rows = []
    for number, item in enumerate(items.items, items.start):
        mark = f"{number}. " if items.ordered else "* "
        inner = _write_item(item).split("\n")
        rows += [mark + inner[0], *(" " * len(mark) + row if row else "" for row in inner[1:])]
    return "\n".join(rows)


def _write_item(item: Item) -> str:
    label = f"**{_on_one_line(item.label)}**: " if item.label else ""
    text = label + _write_inlines(item.inlines).strip()
    parts = [text.strip()] if text.strip() else []
    for block in item.blocks:
        written = _write_block(block)
        # A list below its item needs no empty line.
        parts.append(written if isinstance(block, ItemList) or not parts else f"\n{written}")
    return "\n".join(parts)


def _write_table(table: Table) -> str:
    width = len(table.header)
    rows = [_write_row(table.header), "| " + " | ".join(["---"] * width) + " |", *map(_write_row, table.rows)]
    return "\n".join(rows)


def _write_row(cells: Sequence[Inlines]) -> str:
    return "| " + " | ".join(_on_one_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _on_one_line(inlines: Inlines) -> str:
    return " ".join(_write_inlines(inlines).replace("\\\n", " ").split())


def _write_inlines(inlines: Inlines) -> str:
    return "".join(map(_write_inline, inlines))


def _write_inline(inline: Inline) -> str:
    match inline:
        case Text(text=text):
            return SPECIAL.sub(r"\\\g<0>", text)
        case Strong(children=children):
            return _wrap("**", children)
        case Emphasis(children=children):
            return _wrap("*", children)
        case Strike(children=children):
            return _wrap("~~", children)
        case Code(text=text):
            return f"`{text}`" if "`" not in text else f"`` {text} ``"
        case Link(url=url, children=children):
            address = f"<{url}>" if re.search(r"[\s()<>]", url) else url
            return f"[{_write_inlines(children).strip() or url}]({address})"
        case Emoji(character=character):
            return character
        case LineBreak(hard=hard):
            return "\\\n" if hard else "\n"
        case Image(alt=alt):
            return alt
        case _:
            return to_plain_text((inline,))


def _wrap(mark: str, children: Inlines) -> str:
    """Put a mark such as `**` on both sides of a text, inside the spaces at its ends."""
    text = _write_inlines(children)
    bare = text.strip()
    if not bare:
        return text
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before}{mark}{bare}{mark}{after}"
