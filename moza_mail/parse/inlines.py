"""Join, trim and cut inlines by positions in their plain text."""

from dataclasses import replace

from moza_mail.model.issue import (
    Blocks,
    Code,
    Emphasis,
    Image,
    Inline,
    Inlines,
    Link,
    Paragraph,
    Strike,
    Strong,
    Subscript,
    Superscript,
    Text,
    to_plain_text,
)
from moza_mail.model.merge_field import MergeField


def merge_adjacent(inlines: Inlines) -> Inlines:
    """Merge adjacent texts into one, and drop empty texts."""
    out: list[Inline] = []
    for inline in inlines:
        if isinstance(inline, Text) and out and isinstance(out[-1], Text):
            out[-1] = Text(text=out[-1].text + inline.text)
        elif not (isinstance(inline, Text) and not inline.text):
            out.append(inline)
    return tuple(out)


def separate_images(inlines: Inlines) -> Inlines:
    """Put a space between images that touch, so that their alternative texts stay apart."""
    if sum(map(_is_image, inlines)) < 2:
        return inlines
    out: list[Inline] = []
    for inline in inlines:
        if out and _is_image(out[-1]) and _is_image(inline):
            out.append(Text(text=" "))
        out.append(inline)
    return tuple(out)


def _is_image(inline: Inline) -> bool:
    match inline:
        case Image():
            return True
        case Link(children=(only,)):
            return isinstance(only, Image)
        case _:
            return False


def cut(inlines: Inlines, start: int, stop: int) -> Inlines:
    """Return the part between two positions of `to_plain_text(inlines)`.

    A link or bold text that is cut keeps its markup.
    """
    out: list[Inline] = []
    at = 0
    for inline in inlines:
        size = len(inline.text) if isinstance(inline, Text) else len(to_plain_text((inline,)))
        low, high = max(start - at, 0), min(stop - at, size)
        if low < high:
            out.append(inline if (low, high) == (0, size) else _cut_one(inline, low, high))
        at += size
    return merge_adjacent(tuple(out))


def _cut_one(inline: Inline, low: int, high: int) -> Inline:
    match inline:
        case Text(text=text):
            return Text(text=text[low:high])
        case Code(text=text):
            return Code(text=text[low:high])
        case Strong() | Emphasis() | Strike() | Subscript() | Superscript() | Link():
            return replace(inline, children=cut(inline.children, low, high))
        case MergeField() if low > 0:
            # A merge field cannot be divided; the part with its first character keeps it.
            return Text(text="")
        case _:
            return inline


def strip(inlines: Inlines, characters: str = "") -> Inlines:
    """Remove white space, and any of `characters`, at both ends."""
    text = to_plain_text(inlines)
    removed = " \t\n\u00a0" + characters
    if len(inlines) == 1 and isinstance(inlines[0], Text):
        return merge_adjacent((Text(text=text.strip(removed)),))
    left = len(text) - len(text.lstrip(removed))
    return cut(inlines, left, len(text.rstrip(removed)))


def unwrap_bold(inlines: Inlines) -> Inlines:
    """Remove bold markup that covers the whole text."""
    if inlines and all(
        isinstance(inline, Strong) or not to_plain_text((inline,)).strip() for inline in inlines
    ):
        return merge_adjacent(
            tuple(
                child
                for inline in inlines
                for child in (inline.children if isinstance(inline, Strong) else (inline,))
            )
        )
    return inlines


def split_label(inlines: Inlines) -> tuple[Inlines, Inlines]:
    """Split `**Label:** text` or `**Label**: text` into label and text.

    The label may be a link. It is empty if the line has none.
    """
    if not inlines:
        return (), inlines
    first, rest = inlines[0], inlines[1:]
    bold = _bold_text(first)
    if not bold:
        return (), inlines
    if to_plain_text(bold).rstrip().endswith(":"):
        return strip(cut(bold, 0, len(to_plain_text(bold).rstrip()) - 1)), strip(rest)
    after = to_plain_text(rest)
    if after.lstrip(" \u00a0").startswith(":"):
        colon = after.index(":")
        return strip(bold), strip(cut(rest, colon + 1, len(after)))
    return (), inlines


def _bold_text(inline: Inline) -> Inlines:
    """Return the text in `**...**` or `[**...**](url)`, with its link; empty for other markup."""
    match inline:
        case Strong(children=children):
            return children
        case Link(children=(Strong(children=children),)):
            return (replace(inline, children=children),)
        case _:
            return ()


def is_blank(inline: Inline) -> bool:
    """Return True for white space."""
    return isinstance(inline, Text) and not inline.text.strip(" \n")


def add_check_box(blocks: Blocks, *, is_checked: bool) -> Blocks:
    """Return the blocks of a task with a check box before its text."""
    box = Text(text="☑ " if is_checked else "☐ ")
    first = blocks[0] if blocks and isinstance(blocks[0], Paragraph) else Paragraph(inlines=())
    rest = blocks[1:] if blocks and isinstance(blocks[0], Paragraph) else blocks
    return (replace(first, inlines=merge_adjacent((box, *first.inlines))), *rest)
