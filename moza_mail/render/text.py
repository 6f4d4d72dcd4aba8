"""The text part, from the model: never from the HTML. One line per paragraph; the reader's client wraps it."""

from dataclasses import dataclass
from textwrap import indent

from moza_mail.errors import RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import (
    Block,
    Blocks,
    Code,
    CodeBlock,
    Emoji,
    Emphasis,
    Event,
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
    collect_links,
    to_plain_text,
)
from moza_mail.model.merge_field import MergeField
from moza_mail.render import templates
from moza_mail.render.locale import Words
from moza_mail.render.merge import width
from moza_mail.render.view import View

TEMPLATE = "issue.txt"

# A list whose items are longer than a line is easier to read with air between them.
LONG = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section or the agenda as text: its title on one line and what stands below it."""

    title: str
    body: str


def render(view: View) -> str:
    """The issue as plain text, LF line ends, its slots open; raise RenderError naming the template that is wrong."""
    names = view.names() | {
        "title": _line(view.issue.title),
        "contents": [_line(to_plain_text(title)) for title in view.contents()],
        "sections": parts(view),
    }
    return templates.plain(view.theme, TEMPLATE, names).strip("\n") + "\n"


def parts(view: View) -> list[Part]:
    """The sections and the agenda, in the order of the issue."""
    writer = _Writer(view.words)
    issue = view.issue
    sections = [writer.part(section.title, writer.blocks(section.blocks)) for section in issue.sections]
    if issue.agenda:
        pieces = [writer.blocks(issue.agenda.intro)]
        pieces += [writer.events(group.name, group.events) for group in view.groups()]
        if url := view.calendar_url():
            pieces.append(f"{view.words.sentence('calendar')}:\n{url}")
        pieces.append(writer.blocks(issue.agenda.outro))
        sections.append(writer.part(issue.agenda.title, _apart(pieces)))
    return sections


def _apart(pieces: list[str]) -> str:
    return "\n\n".join(piece for piece in pieces if piece)


def _line(text: str) -> str:
    return text.replace("\n", " ")


class _Writer:
    """Writes blocks in order and numbers their links: one number per address in the whole issue."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.numbers: dict[str, int] = {}
        self.met: list[str] = []

    def part(self, title: Inlines, body: str) -> Part:
        """A section with the list of the links met since the one before."""
        for link in collect_links(title):
            self._note(link.url)
        listed = [f"[{self.numbers[url]}] {url}" for url in sorted(self.met, key=self.numbers.__getitem__)]
        self.met = []
        heading = f"{self.words.sentence('links')}:"
        return Part(
            title=_line(to_plain_text(title)),
            body=_apart([body, "\n".join([heading, *listed]) if listed else ""]),
        )

    def blocks(self, blocks: Blocks) -> str:
        return _apart([self._block(block) for block in blocks])

    def events(self, name: str, events: tuple[Event, ...]) -> str:
        lines = [self._event(event) for event in events]
        return "\n".join([f"{name}:", *lines] if name else lines)

    def _event(self, event: Event) -> str:
        when = event.when or self.words.sentence("undated")
        note = f" ({self._inlines(event.note)})" if event.note else ""
        own = next(collect_links(event.title), None) is None
        number = f" {self._note(event.url)}" if event.url and own else ""
        return f"- {when}: {self._inlines(event.title)}{number}{note}"

    def _block(self, block: Block) -> str:
        match block:
            case Paragraph(inlines=inlines) | Heading(inlines=inlines):
                return self._inlines(inlines)
            case ItemList():
                return self._list(block)
            case Table():
                return self._table(block)
            case Quote(blocks=inner):
                return "\n".join(f"> {line}".rstrip(" ") for line in self.blocks(inner).split("\n"))
            case CodeBlock(text=text):
                return indent(text.rstrip("\n"), "    ")
            case _:
                return "* * *"

    def _list(self, block: ItemList) -> str:
        items = []
        for number, item in enumerate(block.items, start=block.start):
            mark = f"{number}. " if block.ordered else "- "
            hanging = indent(self._item(item), " " * len(mark))
            items.append(mark + hanging[len(mark) :])
        return ("\n\n" if any(width(item) > LONG for item in items) else "\n").join(items)

    def _item(self, item: Item) -> str:
        label = f"{self._inlines(item.label)}: " if item.label else ""
        first = (label + self._inlines(item.inlines)).rstrip(" ")
        below = self.blocks(item.blocks)
        tight = all(isinstance(block, ItemList) for block in item.blocks) and "\n\n" not in below
        return ("\n" if tight else "\n\n").join(piece for piece in (first, below) if piece)

    def _table(self, block: Table) -> str:
        """Each row as one bullet that names its columns: a drawn table falls apart on a phone and in the ear."""
        names = [self._inlines(cell) for cell in block.header]
        rows = []
        for row in block.rows:
            cells = [
                f"{name}: {text}" if name else text
                for name, text in zip(names, map(self._inlines, row), strict=False)
            ]
            rows.append("- " + "; ".join(cells))
        return "\n".join(rows)

    def _inlines(self, inlines: Inlines) -> str:
        return "".join(self._inline(inline) for inline in inlines)

    def _inline(self, inline: Inline) -> str:
        match inline:
            case Text(text=text) | Code(text=text):
                return text
            case Strong(children=children) | Emphasis(children=children):
                return self._inlines(children)
            case Strike(children=children):
                return self.words.sentence("struck", text=self._inlines(children))
            case Link():
                return self._link(inline)
            case Image(alt=alt):
                return self.words.sentence("image", alt=alt) if alt else ""
            case Emoji(character=sign):
                return sign
            case MergeField():
                raise RenderError(_("the field {name} was not opened", name=inline.name), template=TEMPLATE)
            case LineBreak(hard=hard):
                return "\n" if hard else " "

    def _link(self, link: Link) -> str:
        shown = self._inlines(link.children)
        if shown in {link.url, link.url.removeprefix("mailto:")}:
            return shown
        number = self._note(link.url)
        return f"{shown} {number}" if shown else number

    def _note(self, url: str) -> str:
        number = self.numbers.setdefault(url, len(self.numbers) + 1)
        if url not in self.met:
            self.met.append(url)
        return f"[{number}]"
