"""Walk the passages of text in an issue in reading order, with their lines and links."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from moza_mail.model.issue import (
    Block,
    Emphasis,
    Event,
    EventTable,
    Heading,
    Image,
    Inline,
    Inlines,
    Issue,
    Item,
    ItemList,
    LineBreak,
    Link,
    Notes,
    Paragraph,
    Quote,
    Strike,
    Strong,
    Subscript,
    Superscript,
    Table,
    Text,
    collect_links,
)

# Replaces code, an emoji or a merge field, which are not plain text.
OBJECT_CHARACTER = "\ufffc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A paragraph, heading, list item, table cell or part of an agenda line.

    label: the bold label of a list item.
    is_prose: true for paragraphs and list items, which contain sentences.
    is_fragment: true for a part of an agenda line. A bracket in it may be closed in the next part.
    """

    inlines: Inlines
    line: int
    label: Inlines = ()
    is_prose: bool = False
    is_fragment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainText:
    r"""A text without markup.

    Line endings are kept as `\n`. Code, emoji and merge fields are replaced by OBJECT_CHARACTER.
    """

    text: str
    line: int
    is_prose: bool = False

    def line_at(self, position: int) -> int:
        """Return the line of the file at a position in `text`."""
        return self.line + self.text.count("\n", 0, position)


def find_passages(issue: Issue) -> Iterator[Passage]:
    """Yield every passage of the issue's body in reading order."""
    for section in issue.sections:
        yield Passage(inlines=section.title, line=section.line)
        yield from _in_blocks(section.blocks)


def find_links(issue: Issue) -> tuple[Link, ...]:
    """Return every link of the issue in reading order."""
    return tuple(
        link for passage in find_passages(issue) for link in collect_links((*passage.label, *passage.inlines))
    )


def find_plain_texts(issue: Issue) -> Iterator[PlainText]:
    """Yield the text of every passage in reading order. A label is a separate text."""
    for passage in find_passages(issue):
        label = text_without_markup(passage.label)
        if label:
            yield PlainText(text=label, line=passage.line)
        if passage.inlines:
            line = passage.line + label.count("\n")
            yield PlainText(text=text_without_markup(passage.inlines), line=line, is_prose=passage.is_prose)


def text_without_markup(inlines: Inlines, *, links_as_objects: bool = False) -> str:
    """Return the text without markup.

    links_as_objects: write OBJECT_CHARACTER for each link and image.
    """
    return "".join([_text_of(inline, links_as_objects=links_as_objects) for inline in inlines])


def _text_of(inline: Inline, *, links_as_objects: bool) -> str:
    match inline:
        case Text(text=text):
            return text
        case LineBreak():
            return "\n"
        case Strong() | Emphasis() | Strike() | Subscript() | Superscript():
            return text_without_markup(inline.children, links_as_objects=links_as_objects)
        case Link() if not links_as_objects:
            return text_without_markup(inline.children)
        case Image(alt=alt) if not links_as_objects:
            return alt
        case _:
            return OBJECT_CHARACTER


def _event_date(event: Event) -> Inlines:
    """Return the date of an event. If the author linked the date, return it as a link."""
    date = (Text(text=event.when),)
    if not event.url or event.url in {link.url for link in collect_links((*event.title, *event.note))}:
        return date
    return (Link(url=event.url, children=date, line=event.line),)


def _in_blocks(blocks: Iterable[Block]) -> Iterator[Passage]:
    for block in blocks:
        yield from _in_block(block)


def _in_block(block: Block) -> Iterator[Passage]:
    match block:
        case Paragraph() | Heading():
            yield Passage(inlines=block.inlines, line=block.line, is_prose=isinstance(block, Paragraph))
        case ItemList():
            yield from (passage for item in block.items for passage in _in_item(item))
        case Table():
            yield from (
                Passage(inlines=cell, line=line) for line, row in block.numbered_rows() for cell in row
            )
        case Quote():
            yield from _in_blocks(block.blocks)
        case Notes():
            yield from _in_blocks([inner for note in block.notes for inner in note.blocks])
        case EventTable():
            yield from _in_event_table(block)
        case _:
            pass


def _in_event_table(table: EventTable) -> Iterator[Passage]:
    for group in table.groups:
        line = group.events[0].line if group.events else table.line
        yield Passage(inlines=group.title, line=line)
        for event in group.events:
            yield from _in_event(event)


def _in_event(event: Event) -> Iterator[Passage]:
    if event.when:
        for inlines in (event.title, _event_date(event), event.note):
            yield Passage(inlines=inlines, line=event.line, is_fragment=True)
    else:
        yield Passage(inlines=event.title, line=event.line, is_prose=True)
    yield from _in_blocks(event.blocks)


def _in_item(item: Item) -> Iterator[Passage]:
    yield Passage(inlines=item.inlines, label=item.label, line=item.line, is_prose=True)
    yield from _in_blocks(item.blocks)
