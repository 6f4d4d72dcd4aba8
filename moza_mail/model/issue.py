"""Issue: one dated newsletter as a tree of its parts. No Markdown and no HTML is left in it.

    Issue
     + Section      title, blocks
     |  + Block     Paragraph, Heading, ItemList > Item, Table, Quote, CodeBlock, Rule
     |     + Inline Text, Strong, Emphasis, Strike, Code, Link, Image, Emoji, LineBreak, Field
     + Agenda       intro blocks, Event

`line` counts the lines of the issue's file from 1.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from types import MappingProxyType
from typing import Any

from moza_mail.model.merge_field import MergeField
from moza_mail.model.send_time import LocalDateTime

# U+FFFD is what an earlier program left of a character it lost. The rest is everything outside the Char production of
# XML 1.0 (2.2), which MJML and HTML parsers refuse or drop, plus CR and the C1 controls.
UNMAILABLE = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffc\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Plain characters."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strong:
    """Important text (bold)."""

    children: "Inlines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emphasis:
    """Stressed text (italic)."""

    children: "Inlines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """Text that no longer holds."""

    children: "Inlines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Characters to be read as typed."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link; `url` is absolute, or site-relative as written when the project has no `site_url`."""

    url: str
    children: "Inlines"
    title: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image; an empty `alt` says that it is decoration."""

    src: str
    alt: str
    title: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Emoji:
    """A sign; a decorative one is hidden from screen readers."""

    character: str
    decorative: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LineBreak:
    """A line's end: a hard one is kept, a soft one is a space."""

    hard: bool


Inline = Text | Strong | Emphasis | Strike | Code | Link | Image | Emoji | LineBreak | MergeField
Inlines = tuple[Inline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph."""

    inlines: Inlines
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading inside a section: 3 is the first level below the section's own."""

    level: int
    inlines: Inlines
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A list's item: `**Label:** inlines`, with what hangs below it in `blocks`.

    `label` is without its colon and without its bold; empty when the item has none.
    """

    label: Inlines = ()
    inlines: Inlines = ()
    blocks: tuple["Block", ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemList:
    """A bulleted or numbered list; a loose one has paragraphs between its items."""

    items: tuple[Item, ...]
    ordered: bool = False
    start: int = 1
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A data table; `align` says left, center, right or an empty string for each column."""

    header: tuple[Inlines, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    align: tuple[str, ...] = ()
    line: int = 0

    def numbered_rows(self) -> Iterator[tuple[int, tuple[Inlines, ...]]]:
        """The header and each row, with its line of the file: the line below the header only draws it."""
        for number, row in enumerate((self.header, *self.rows)):
            yield self.line + number + (number > 0), row


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Another's words."""

    blocks: tuple["Block", ...]
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBlock:
    """Lines to be read as typed."""

    text: str
    language: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Divider:
    """A break between thoughts."""

    line: int = 0


Block = Paragraph | Heading | ItemList | Table | Quote | CodeBlock | Divider
Blocks = tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the issue under one heading; what stands before the first heading is a section without a title."""

    title: Inlines
    blocks: Blocks
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line of the agenda.

    `dates` is every day of it in order, empty when no date is known; `when` is the date as written. `starts` and
    `ends` are wall-clock times in the issue's time zone.
    """

    title: Inlines
    when: str = ""
    dates: tuple[date, ...] = ()
    start_time: time | None = None
    end_time: time | None = None
    note: Inlines = ()
    group: str = ""
    url: str = ""
    line: int = 0

    def start_in(self, zone: tzinfo) -> date | datetime | None:
        """The first day, or the moment it begins when a time is given."""
        return self._moment(0, self.start_time, zone)

    def end_in(self, zone: tzinfo) -> date | datetime | None:
        """The last day (inclusive), or the moment it ends; an event with only a beginning ends as it begins."""
        return self._moment(-1, self.end_time or self.start_time, zone)

    def _moment(self, which: int, clock: time | None, zone: tzinfo) -> date | datetime | None:
        if not self.dates:
            return None
        day = self.dates[which]
        return day if clock is None else datetime.combine(day, clock, tzinfo=zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """The section of dated lines: its heading as written, what stands above and below the lines, and the events.

    Events keep the order of the file; `group` on each says which bold heading it stood under.
    """

    title: Inlines
    intro: Blocks = ()
    events: tuple[Event, ...] = ()
    outro: Blocks = ()
    line: int = 0


Days = tuple[date, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongWeekday:
    """A date as `written` on a line, with a weekday that is not that of the `day` it means."""

    written: str
    day: date
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One newsletter; `slug` is its identity.

    `source` is the file it came from, `lang` a BCP 47 tag, `extra` the front matter we do not use. `title`, `subject` and
    `summary` are as written, with their fields in them; `fields` are those and the body's, in order, each with its line.
    `send_at` is when it is to be sent, if not by its list's slot. `title_days` are the dates that the title names, `misnamed` those of the body that go by a wrong weekday.
    """

    title: str
    date: date
    slug: str
    lang: str = "nl"
    summary: str = ""
    subject: str = ""
    list_slug: str = ""
    theme: str = ""
    draft: bool = False
    send_at: LocalDateTime | None = None
    sections: tuple[Section, ...] = ()
    agenda: Agenda | None = None
    merge_fields: tuple[MergeField, ...] = ()
    source: str = ""
    title_dates: Days = ()
    wrong_weekdays: tuple[WrongWeekday, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueHeader:
    """What an issue's front matter says of it: enough to tell one issue from another."""

    slug: str
    title: str
    date: date
    list_slug: str = ""
    source: str = ""
    draft: bool = False
    send_at: LocalDateTime | None = None


CONTAINER_TYPES = frozenset(
    {
        Strong, Emphasis, Strike, Link, Paragraph, Heading, Item, ItemList, Table, Quote, Section, Event, Agenda, Issue,
    }
)  # fmt: skip
"""What holds other parts of an issue."""


def to_plain_text(inlines: Inlines) -> str:
    """The characters a reader sees, on one line: an image gives its alt text, a decorative sign itself, a field what is typical."""
    return "".join([_plain(inline) for inline in inlines])


def _plain(inline: Inline) -> str:
    match inline:
        case Text(text=text) | Code(text=text):
            return text
        case Strong() | Emphasis() | Strike() | Link():
            return to_plain_text(inline.children)
        case Image(alt=alt):
            return alt
        case Emoji(character=sign):
            return sign
        case MergeField():
            return inline.example_value
        case LineBreak():
            return " "


def collect_links(inlines: Inlines) -> Iterator[Link]:
    """Every link in the order of reading."""
    for inline in inlines:
        match inline:
            case Link():
                yield inline
            case Strong() | Emphasis() | Strike():
                yield from collect_links(inline.children)
            case _:
                pass


def collect_merge_fields(part: Any) -> Iterator[MergeField]:
    """Every field in a part of an issue, whatever part that is, in the order of reading."""
    if isinstance(part, MergeField):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from collect_merge_fields(one)
    elif type(part) in CONTAINER_TYPES:
        for name in part.__slots__:
            yield from collect_merge_fields(getattr(part, name))


def find_unmailable(text: str) -> str:
    """The first character that cannot be sent, as U+001B; empty when all can."""
    found = UNMAILABLE.search(text)
    return f"U+{ord(found.group()):04X}" if found else ""
