"""The texts of an issue, each with its line, as the rules on wording read them."""

from collections.abc import Iterator
from dataclasses import dataclass

from moza_mail.model.issue import (
    Block,
    Blocks,
    Code,
    CodeBlock,
    Emoji,
    Heading,
    Image,
    Inline,
    Inlines,
    Issue,
    Item,
    ItemList,
    LineBreak,
    Paragraph,
    Quote,
    Rule,
    Table,
    Text,
)
from moza_mail.model.merge_field import Field

# Stands for what is no wording: code, which is to be read as typed, signs, and what each reader gets of their own.
OBJECT = "\ufffc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    r"""One paragraph, heading, item, cell or agenda line, without markup.

    Each line end of the file is a `\\n` in `text`; code, emoji and fields are U+FFFC. `is_prose` is false for headings, labels,
    cells and agenda lines, which are no sentences.
    """

    text: str
    line: int
    is_prose: bool = False

    def line_at(self, position: int) -> int:
        """The line of the file on which a position of `text` stands."""
        return self.line + self.text.count("\n", 0, position)


def passages(issue: Issue) -> Iterator[Passage]:
    """Every text of the issue's body in the order of reading; the front matter is not among them."""
    for section in issue.sections:
        yield Passage(text=wording(section.title), line=section.line)
        yield from _of(section.blocks)
    if issue.agenda:
        yield Passage(text=wording(issue.agenda.title), line=issue.agenda.line)
        yield from _of(issue.agenda.intro)
        for event in issue.agenda.events:
            for text in (wording(event.title), event.when, wording(event.note)):
                yield Passage(text=text, line=event.line)
        yield from _of(issue.agenda.outro)


def wording(inlines: Inlines) -> str:
    """The words of an inline text."""
    return "".join(_wording(inline) for inline in inlines)


def _wording(inline: Inline) -> str:
    match inline:
        case Text(text=text):
            return text
        case Code() | Emoji() | Field():
            return OBJECT
        case Image(alt=alt):
            return alt
        case LineBreak():
            return "\n"
        case _:
            return wording(inline.children)


def _of(blocks: Blocks) -> Iterator[Passage]:
    for block in blocks:
        yield from _texts(block)


def _texts(block: Block) -> Iterator[Passage]:
    match block:
        case Paragraph():
            yield Passage(text=wording(block.inlines), line=block.line, is_prose=True)
        case Heading():
            yield Passage(text=wording(block.inlines), line=block.line)
        case ItemList():
            for item in block.items:
                yield from _item(item)
        case Table():
            for line, row in block.lines():
                yield from (Passage(text=wording(cell), line=line) for cell in row)
        case Quote():
            yield from _of(block.blocks)
        case CodeBlock() | Rule():
            pass


def _item(item: Item) -> Iterator[Passage]:
    label = wording(item.label)
    if label:
        yield Passage(text=label, line=item.line)
    if item.inlines:
        line = item.line + label.count("\n")
        yield Passage(text=wording(item.inlines), line=line, is_prose=True)
    yield from _of(item.blocks)
