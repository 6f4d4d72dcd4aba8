"""Render the text version from the issue, never from the HTML.

Each paragraph is one line; the mail program wraps it.
"""

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
    EventTable,
    Heading,
    Image,
    Inline,
    Inlines,
    Item,
    ItemList,
    LineBreak,
    Link,
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
    collect_links,
    to_plain_text,
)
from moza_mail.model.merge_field import MergeField
from moza_mail.render import templates
from moza_mail.render.agenda_rows import AgendaRow
from moza_mail.render.merge import text_length
from moza_mail.render.pictures import split_picture
from moza_mail.render.view import SEPARATOR, IssueView

TEMPLATE = "issue.txt"

# If a list item is longer than this, empty lines between the items make the list easier to read.
MAX_LINE = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """A section as text, with its title on one line."""

    title: str
    body: str


def render_text(view: IssueView) -> str:
    """Render the issue as plain text with LF line endings and open placeholders.

    Raises RenderError with the name of the template that failed.
    """
    names = view.variables() | {
        "title": _on_one_line(view.issue.title),
        "contents": SEPARATOR.join(_on_one_line(to_plain_text(entry)) for entry in view.contents()),
        "sections": make_parts(view),
    }
    return templates.render_plain(view.theme, TEMPLATE, names).strip("\n") + "\n"


def make_parts(view: IssueView) -> list[TextPart]:
    """Return the sections as text, in the order of the issue."""
    writer = _TextWriter(view)
    url = view.calendar_url()
    parts = []
    for part in view.parts:
        pieces = [writer.write_blocks(part.above)]
        if url and part.has_calendar:
            pieces.append(f"{view.locale.translate('calendar')}:\n{url}")
        pieces.append(writer.write_blocks(part.below))
        parts.append(writer.make_part(part.title, _join_paragraphs(pieces)))
    return parts


def _join_paragraphs(pieces: list[str]) -> str:
    return "\n\n".join(piece for piece in pieces if piece)


def _on_one_line(text: str) -> str:
    return text.replace("\n", " ")


class _TextWriter:
    """Writes blocks in order and numbers their links.

    An address has the same number in the whole issue.
    """

    def __init__(self, view: IssueView) -> None:
        self.view = view
        self.locale = view.locale
        self.link_numbers: dict[str, int] = {}
        self.part_links: list[str] = []

    def make_part(self, title: Inlines, body: str) -> TextPart:
        """Return a part: its title, its body, and a list of its links below the body."""
        for link in collect_links(title):
            self._reference(link.url)
        listed = [
            f"[{self.link_numbers[url]}] {url}"
            for url in sorted(self.part_links, key=self.link_numbers.__getitem__)
        ]
        self.part_links = []
        heading = f"{self.locale.translate('links')}:"
        return TextPart(
            title=_on_one_line(to_plain_text(title)),
            body=_join_paragraphs([body, "\n".join([heading, *listed]) if listed else ""]),
        )

    def write_blocks(self, blocks: Blocks) -> str:
        """Return blocks as text. The text below a heading begins on the next line."""
        written = ""
        is_below_heading = False
        for block in blocks:
            if piece := self._write_block(block):
                gap = "\n" if is_below_heading else "\n\n"
                written = f"{written}{gap}{piece}" if written else piece
                is_below_heading = isinstance(block, Heading)
        return written

    def _write_notes(self, block: Notes) -> str:
        notes = []
        for note in block.notes:
            number = self.locale.translate("note", number=str(note.number))
            notes.append(f"[{number}] {self.write_blocks(note.blocks)}")
        return _join_paragraphs([f"{self.locale.translate('notes')}:", *notes])

    def _write_events(self, table: EventTable) -> str:
        groups = []
        for group in table.groups:
            lines = [self._write_row(row) for row in self.view.arrange_events(group.events)]
            title = self._write_inlines(group.title)
            groups.append("\n".join([f"{title}:", *lines] if title else lines))
        return _join_paragraphs(groups)

    def _write_row(self, row: AgendaRow) -> str:
        when = f"{row.weekday} {row.day}".strip() or (
            self.locale.translate("undated") if row.is_event else ""
        )
        title = self._write_inlines(row.title)
        number = f" {self._reference(row.url)}" if row.url else ""
        details = f" ({self._write_inlines(row.details)})" if row.details else ""
        line = f"- {when}: {title}{number}{details}" if when else f"- {title}{number}{details}"
        below = indent(self.write_blocks(row.blocks), "  ")
        return f"{line}\n{below}" if below else line

    def _write_block(self, block: Block) -> str:
        match block:
            case Paragraph():
                return self._write_paragraph(block)
            case Heading(inlines=inlines):
                return self._write_inlines(inlines)
            case ItemList():
                return self._write_list(block)
            case Table():
                return self._write_table(block)
            case Quote(blocks=inner):
                return "\n".join(f"> {line}".rstrip(" ") for line in self.write_blocks(inner).split("\n"))
            case EventTable():
                return self._write_events(block)
            case Notes():
                return self._write_notes(block)
            case CodeBlock(text=text):
                return indent(text.rstrip("\n"), "    ")
            case _:
                return "* * *"

    def _write_paragraph(self, block: Paragraph) -> str:
        picture = split_picture(block)
        if picture is None:
            return self._write_inlines(block.inlines)
        lines = (self._write_inlines((picture.image,)), self._write_inlines(picture.caption))
        return "\n".join(line for line in lines if line)

    def _write_list(self, block: ItemList) -> str:
        items = []
        for number, item in enumerate(block.items, start=block.start):
            mark = f"{number}. " if block.ordered else "- "
            hanging = indent(self._write_item(item), " " * len(mark))
            items.append(mark + hanging[len(mark) :])
        return ("\n\n" if any(text_length(item) > MAX_LINE for item in items) else "\n").join(items)

    def _write_item(self, item: Item) -> str:
        label = f"{self._write_inlines(item.label)}: " if item.label else ""
        first = (label + self._write_inlines(item.inlines)).rstrip(" ")
        nested = self.write_blocks(item.blocks)
        tight = all(isinstance(block, ItemList) for block in item.blocks) and "\n\n" not in nested
        return ("\n" if tight else "\n\n").join(piece for piece in (first, nested) if piece)

    def _write_table(self, block: Table) -> str:
        """Write each row as a bullet: the name of each column, then its cell.

        A drawn table is unreadable on a phone and in a screen reader.
        """
        columns = [self._write_inlines(cell) for cell in block.header]
        rows = []
        for row in block.rows:
            cells = [
                f"{name}: {text}" if name else text
                for name, text in zip(columns, map(self._write_inlines, row), strict=False)
            ]
            rows.append("- " + "; ".join(cells))
        return "\n".join(rows)

    def _write_inlines(self, inlines: Inlines) -> str:
        return "".join(self._write_inline(inline) for inline in inlines)

    def _write_inline(self, inline: Inline) -> str:
        match inline:
            case Text(text=text) | Code(text=text):
                return text
            case (
                Strong(children=children)
                | Emphasis(children=children)
                | Subscript(children=children)
                | Superscript(children=children)
            ):
                return self._write_inlines(children)
            case Strike(children=children):
                return self.locale.translate("struck", text=self._write_inlines(children))
            case Link():
                return self._write_link(inline)
            case Image(alt=alt):
                return self.locale.translate("image", alt=alt) if alt else ""
            case Emoji(character=sign):
                return sign
            case MergeField():
                raise RenderError(
                    _("the merge field {name} has no placeholder", name=inline.name), template=TEMPLATE
                )
            case NoteReference(number=number):
                return f" [{self.locale.translate('note', number=str(number))}]"
            case LineBreak(hard=hard):
                return "\n" if hard else " "

    def _write_link(self, link: Link) -> str:
        text = self._write_inlines(link.children)
        if text in {link.url, link.url.removeprefix("mailto:")}:
            return text
        number = self._reference(link.url)
        return f"{text} {number}" if text else number

    def _reference(self, url: str) -> str:
        number = self.link_numbers.setdefault(url, len(self.link_numbers) + 1)
        if url not in self.part_links:
            self.part_links.append(url)
        return f"[{number}]"
