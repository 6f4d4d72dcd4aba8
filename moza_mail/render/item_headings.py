"""Turn the labelled items of a section into headings with paragraphs (pure).

A reader can skim headings, and a screen reader lists them. Items without a label stay in a list.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from moza_mail.model.issue import (
    Block,
    Blocks,
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
    Section,
    Strike,
    Strong,
    Text,
    to_plain_text,
)

MAX_LABEL = 60
"""The longest label that becomes a heading, in characters. A longer one is a sentence."""
LOWEST_LEVEL = 6

# Brackets and quotation marks may come before the first word. A file name or a web address is not a word.
FIRST_WORD = re.compile(
    r"""[\s"“”„«‹(\[]*(?P<apostrophe>['’‘`´]?)"""
    r"""(?P<word>(?:[^\W\d_]\.)+|[^\W\d_]+(?:[-'’][^\W\d_]+)*)(?=$|\s|[,;:!?.…)\]"”’'](?![\w/]))"""
)
# Dutch words that begin with an apostrophe, such as the `'s` of `'s avonds`.
SHORTENED_WORDS = frozenset(["s", "t", "n", "k", "m", "r", "ns"])


def arrange_blocks(blocks: Blocks, *, level: int, lang: str) -> Blocks:
    """Return the blocks of a section with its labelled items as headings and paragraphs.

    A divider is added between a labelled item and a following block that does not belong to the item. No divider
    is added before a heading or an image.

    level: the level of the section's heading, or 1 if the section has none.
    """
    arranged: list[Block] = []
    is_below_item = False
    for block in blocks:
        if isinstance(block, Heading | Divider):
            level = block.level if isinstance(block, Heading) else level
            is_below_item = False
            arranged.append(block)
            continue
        for is_item, pieces in _split_block(block, min(level + 1, LOWEST_LEVEL), lang):
            if is_below_item and not is_item and not _begins_with_image(pieces[0]):
                arranged.append(Divider())
            arranged += pieces
            is_below_item = is_item
    return tuple(arranged)


def list_labels(section: Section) -> tuple[Inlines, ...]:
    """Return the labels of the items that `arrange_blocks` turns into headings."""
    lists = [block for block in section.blocks if isinstance(block, ItemList)]
    return tuple(item.label for block in lists for item in block.items if is_labelled(item))


def is_labelled(item: Item) -> bool:
    """Return True if an item has a label of at most 60 characters and text below it."""
    label = to_plain_text(item.label).strip()
    return 0 < len(label) <= MAX_LABEL and bool(to_plain_text(item.inlines).strip() or item.blocks)


def capitalise(inlines: Inlines, lang: str) -> Inlines:
    """Return inline text with a capital at the start of its first word.

    A word stays as it is after an apostrophe (`'s avonds`), or if it has a capital of its own (`eHerkenning`).
    """
    found = FIRST_WORD.match(to_plain_text(inlines))
    if not found or found["word"] != found["word"].lower():
        return inlines
    if found["apostrophe"] and found["word"] in SHORTENED_WORDS:
        return inlines
    return _replace_first_letter(inlines, lang)[0]


def _begins_with_image(block: Block) -> bool:
    return isinstance(block, Paragraph) and isinstance(block.inlines[0], Image)


def _split_block(block: Block, level: int, lang: str) -> Iterator[tuple[bool, Blocks]]:
    """Yield the parts of a block, each as a pair of a flag and the blocks of the part.

    The flag is True if the part is a labelled item, which becomes a heading with paragraphs.
    """
    if not isinstance(block, ItemList):
        yield False, (block,)
        return
    number = block.start
    for has_label, group in groupby(block.items, key=is_labelled):
        items = tuple(group)
        if has_label:
            for offset, item in enumerate(items):
                mark = f"{number + offset}. " if block.ordered else ""
                yield True, _head_item(item, mark, level, lang)
        else:
            yield False, (replace(block, items=items, start=number if block.ordered else 1),)
        number += len(items)


def _head_item(item: Item, mark: str, level: int, lang: str) -> Blocks:
    label = (Text(text=mark), *item.label) if mark else item.label
    heading = Heading(level=level, inlines=label, line=item.line)
    if not to_plain_text(item.inlines).strip():
        return heading, *item.blocks
    return heading, Paragraph(inlines=capitalise(item.inlines, lang), line=item.line), *item.blocks


def _replace_first_letter(inlines: Inlines, lang: str) -> tuple[Inlines, bool]:
    """Return the inlines with a capital first letter, and True if a letter was found."""
    for index, inline in enumerate(inlines):
        changed, is_done = _replace_in_inline(inline, lang)
        if is_done:
            return (*inlines[:index], changed, *inlines[index + 1 :]), True
    return inlines, False


def _replace_in_inline(inline: Inline, lang: str) -> tuple[Inline, bool]:
    match inline:
        case Text(text=text):
            first = next((at for at, character in enumerate(text) if character.isalpha()), None)
            return (inline, False) if first is None else (Text(text=_capitalise_at(text, first, lang)), True)
        case (
            Strong(children=children)
            | Emphasis(children=children)
            | Strike(children=children)
            | Link(children=children)
        ):
            changed, is_done = _replace_first_letter(children, lang)
            return replace(inline, children=changed), is_done
        case Emoji() | LineBreak():
            return inline, False
        case _:
            return inline, True


def _capitalise_at(text: str, first: int, lang: str) -> str:
    language = lang.partition("-")[0].lower()
    length = 2 if language in {"nl", "fy"} and text.startswith("ij", first) else 1
    letters = text[first : first + length]
    capital = "İ" if letters == "i" and language in {"tr", "az"} else letters.upper()
    return text[:first] + capital + text[first + length :] if len(capital) == length else text
