"""The runs of text of an issue, each with its line, and the links in them."""

from collections.abc import Iterator
from dataclasses import dataclass

from moza_mail.model.issue import (
    Block,
    Blocks,
    Emphasis,
    Heading,
    Inline,
    Inlines,
    Issue,
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
    links,
)

# Stands for what is no plain text: a link, a picture, code, a sign.
OBJECT = "\ufffc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One paragraph, heading, item or cell; not `is_whole` when it is a piece of an agenda line that was taken apart."""

    inlines: Inlines
    line: int
    is_whole: bool = True


def runs(issue: Issue) -> Iterator[Run]:
    """Every run in the order of reading."""
    for section in issue.sections:
        yield Run(inlines=section.title, line=section.line)
        yield from _of(section.blocks)
    if agenda := issue.agenda:
        yield Run(inlines=agenda.title, line=agenda.line)
        yield from _of(agenda.intro)
        for event in agenda.events:
            yield Run(inlines=event.title, line=event.line, is_whole=False)
            if event.url and event.url not in {link.url for link in links((*event.title, *event.note))}:
                # The link stood on the date, which is kept as plain words.
                dated = Link(url=event.url, children=(Text(text=event.when),), line=event.line)
                yield Run(inlines=(dated,), line=event.line, is_whole=False)
            yield Run(inlines=event.note, line=event.line, is_whole=False)
        yield from _of(agenda.outro)


def all_links(issue: Issue) -> tuple[Link, ...]:
    """Every link of an issue in the order of reading."""
    return tuple(link for run in runs(issue) for link in links(run.inlines))


def shown(inlines: Inlines) -> str:
    """The plain text of a run: OBJECT for a link and for what is no text, a line end for each of the file."""
    return "".join(map(_shown, inlines))


def _shown(inline: Inline) -> str:
    match inline:
        case Text(text=text):
            return text
        case Strong() | Emphasis() | Strike():
            return shown(inline.children)
        case LineBreak():
            return "\n"
        case _:
            return OBJECT


def objects(inlines: Inlines) -> Iterator[Link | None]:
    """What each OBJECT of `shown` stands for: a link, or None for anything else."""
    for inline in inlines:
        match inline:
            case Strong() | Emphasis() | Strike():
                yield from objects(inline.children)
            case Link():
                yield inline
            case Text() | LineBreak():
                pass
            case _:
                yield None


def _of(blocks: Blocks) -> Iterator[Run]:
    for block in blocks:
        yield from _runs(block)


def _runs(block: Block) -> Iterator[Run]:
    match block:
        case Paragraph() | Heading():
            yield Run(inlines=block.inlines, line=block.line)
        case ItemList():
            for item in block.items:
                yield from _item(item)
        case Table():
            for line, row in block.lines():
                yield from (Run(inlines=cell, line=line) for cell in row)
        case Quote():
            yield from _of(block.blocks)
        case _:
            pass


def _item(item: Item) -> Iterator[Run]:
    yield Run(
        inlines=(*item.label, Text(text=" "), *item.inlines) if item.label else item.inlines, line=item.line
    )
    yield from _of(item.blocks)
