"""Working on inline text: joining, trimming and cutting by the characters a reader sees."""

from dataclasses import replace

from moza_mail.model.issue import Code, Emphasis, Inline, Inlines, Link, Strike, Strong, Text, to_plain_text
from moza_mail.model.merge_field import MergeField

Holder = Strong | Emphasis | Strike | Link


def joined(inlines: Inlines) -> Inlines:
    """The same text with neighbouring pieces made one and empty ones gone."""
    out: list[Inline] = []
    for inline in inlines:
        if isinstance(inline, Text) and out and isinstance(out[-1], Text):
            out[-1] = Text(text=out[-1].text + inline.text)
        elif not (isinstance(inline, Text) and not inline.text):
            out.append(inline)
    return tuple(out)


def cut(inlines: Inlines, start: int, stop: int) -> Inlines:
    """What stands between two positions of `plain(inlines)`; links and bold that are cut through stay on both sides."""
    out: list[Inline] = []
    at = 0
    for inline in inlines:
        size = len(inline.text) if isinstance(inline, Text) else len(to_plain_text((inline,)))
        low, high = max(start - at, 0), min(stop - at, size)
        if low < high:
            out.append(inline if (low, high) == (0, size) else _part(inline, low, high))
        at += size
    return joined(tuple(out))


def _part(inline: Inline, low: int, high: int) -> Inline:
    match inline:
        case Text(text=text):
            return Text(text=text[low:high])
        case Code(text=text):
            return Code(text=text[low:high])
        case Strong() | Emphasis() | Strike() | Link():
            return replace(inline, children=cut(inline.children, low, high))
        case MergeField() if low > 0:
            # It cannot be divided, and must not be doubled: it goes with its beginning.
            return Text(text="")
        case _:
            return inline


def stripped(inlines: Inlines, signs: str = "") -> Inlines:
    """The same text without white space, and without any of `signs`, at its ends."""
    text = to_plain_text(inlines)
    dropped = " \t\n\u00a0" + signs
    if len(inlines) == 1 and isinstance(inlines[0], Text):
        return joined((Text(text=text.strip(dropped)),))
    left = len(text) - len(text.lstrip(dropped))
    return cut(inlines, left, len(text.rstrip(dropped)))


def unbolded(inlines: Inlines) -> Inlines:
    """The same text without the bold that covers all of it."""
    if inlines and all(
        isinstance(inline, Strong) or not to_plain_text((inline,)).strip() for inline in inlines
    ):
        return joined(
            tuple(
                child
                for inline in inlines
                for child in (inline.children if isinstance(inline, Strong) else (inline,))
            )
        )
    return inlines


def split_label(inlines: Inlines) -> tuple[Inlines, Inlines]:
    """Divide `**Label:** text`, `**Label**: text` and their linked forms; the label is empty when there is none."""
    if not inlines:
        return (), inlines
    first, rest = inlines[0], inlines[1:]
    bold = _bold(first)
    if not bold:
        return (), inlines
    if to_plain_text(bold).rstrip().endswith(":"):
        return stripped(cut(bold, 0, len(to_plain_text(bold).rstrip()) - 1)), stripped(rest)
    behind = to_plain_text(rest)
    if behind.lstrip(" \u00a0").startswith(":"):
        colon = behind.index(":")
        return stripped(bold), stripped(cut(rest, colon + 1, len(behind)))
    return (), inlines


def _bold(inline: Inline) -> Inlines:
    """The text inside `**...**` or `[**...**](url)`, the link kept; empty for anything else."""
    match inline:
        case Strong(children=children):
            return children
        case Link(children=(Strong(children=children),)):
            return (replace(inline, children=children),)
        case _:
            return ()
