"""The issue: one dated newsletter as a tree of parts, without Markdown or HTML.

    Issue
     + Section      title, blocks; an agenda also has events
        + Block     Paragraph, Heading, ItemList > Item, Table, Quote, CodeBlock, Divider, EventTable > EventGroup > Event
           + Inline Text, Strong, Emphasis, Strike, Code, Link, Image, Emoji, LineBreak, MergeField

`line` is a line of the issue's file, counted from 1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from types import MappingProxyType
from typing import Any

from moza_mail.model.date_problem import DateProblem, WrongWeekday
from moza_mail.model.merge_field import MergeField
from moza_mail.model.send_time import LocalDateTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Plain characters."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strong:
    """Important text, shown bold."""

    children: "Inlines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emphasis:
    """Stressed text, shown italic."""

    children: "Inlines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """Text that is no longer valid, shown struck through."""

    children: "Inlines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscript:
    """Text below the line, as in H₂O."""

    children: tuple["Inline", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Superscript:
    """Text above the line, as in m²."""

    children: tuple["Inline", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReference:
    """The number of a footnote, in the text that the note is about."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Code in a line of text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link; `url` is absolute, or as written if the project has no `site_url`."""

    url: str
    children: "Inlines"
    title: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image. If `alt` is empty, it is decoration, unless the author forgot the text: then `lacks_alt` is True."""

    src: str
    alt: str
    title: str = ""
    lacks_alt: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Emoji:
    """An emoji; a decorative one is hidden from screen readers."""

    character: str
    decorative: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LineBreak:
    """The end of a line in the file: a hard one is kept, a soft one becomes a space."""

    hard: bool


Inline = (
    Text
    | Strong
    | Emphasis
    | Strike
    | Subscript
    | Superscript
    | Code
    | Link
    | Image
    | Emoji
    | LineBreak
    | NoteReference
    | MergeField
)
Inlines = tuple[Inline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph."""

    inlines: Inlines
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading inside a section. Its level is 3 or more, or 2 or more in a section without a title."""

    level: int
    inlines: Inlines
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of a list: `**Label:** inlines`, and the `blocks` below that line.

    `label` is without its colon and bold markup; it may be empty.
    """

    label: Inlines = ()
    inlines: Inlines = ()
    blocks: tuple["Block", ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemList:
    """A bulleted or numbered list."""

    items: tuple[Item, ...]
    ordered: bool = False
    start: int = 1
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A data table; `align` is left, center, right or empty for each column."""

    header: tuple[Inlines, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    align: tuple[str, ...] = ()
    line: int = 0

    def numbered_rows(self) -> Iterator[tuple[int, tuple[Inlines, ...]]]:
        """Yield the header and each row with its line in the file."""
        # The line below the header is the `|---|` row.
        for number, row in enumerate((self.header, *self.rows)):
            yield self.line + number + (number > 0), row


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A block quotation."""

    blocks: tuple["Block", ...]
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeBlock:
    """Lines of code."""

    text: str
    language: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Divider:
    """A horizontal line (in CommonMark: a thematic break)."""

    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event, recognised in a line of text.

    title: the text of the line without its date; the whole line if `when` is empty.
    when: the date as written; empty if there is none, or if the line cannot be divided without losing text.
    dates: all days of the event in order, empty if no date is known.
    start_time, end_time: local times in `zone`, or else in the time zone of the project.
    note: the text after the date.
    blocks: the blocks below the line.
    group: the heading above the event.
    """

    title: Inlines
    when: str = ""
    dates: tuple[date, ...] = ()
    start_time: time | None = None
    end_time: time | None = None
    zone: tzinfo | None = None
    note: Inlines = ()
    blocks: tuple["Block", ...] = ()
    group: str = ""
    url: str = ""
    line: int = 0

    def start_in(self, zone: tzinfo) -> date | datetime | None:
        """Return the time at which the event begins, or its first day if it has no time."""
        return self._day_or_time(0, self.start_time, zone)

    def end_in(self, zone: tzinfo) -> date | datetime | None:
        """Return the time at which the event ends, or its last day if it has no time.

        An event without an end time ends when it begins.
        """
        return self._day_or_time(-1, self.end_time or self.start_time, zone)

    def _day_or_time(self, index: int, clock: time | None, zone: tzinfo) -> date | datetime | None:
        if not self.dates:
            return None
        day = self.dates[index]
        return day if clock is None else self.moment(day, clock, zone)

    def moment(self, day: date, clock: time, zone: tzinfo) -> datetime:
        """Return a day and a clock time of this event as one time in `zone`.

        clock: a time in the zone of the event, or in `zone` if the event has none.
        """
        if self.zone is None:
            return datetime.combine(day, clock, tzinfo=zone)
        return datetime.combine(day, clock, tzinfo=self.zone).astimezone(zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventGroup:
    """The events under one heading in an agenda; `title` is empty if they have no heading."""

    title: Inlines = ()
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable:
    """Consecutive events of an agenda, shown as a table of dates and titles."""

    groups: tuple[EventGroup, ...]
    line: int = 0

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of all groups."""
        return tuple(event for group in self.groups for event in group.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A footnote."""

    number: int
    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """The footnotes, below all other text."""

    notes: tuple[Note, ...]
    line: int = 0


Block = Paragraph | Heading | ItemList | Table | Quote | CodeBlock | Divider | EventTable | Notes
Blocks = tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The text under one heading; text above the first heading is a section without a title.

    is_agenda: the title says that the section is an agenda.
    events_in_text: events in blocks that are shown as typed, in addition to the events in an EventTable.
    dated_lines: how many lines look like lines of an agenda, although the section is not one.
    """

    title: Inlines
    blocks: Blocks
    line: int = 0
    is_agenda: bool = False
    events_in_text: tuple[Event, ...] = ()
    dated_lines: int = 0

    @property
    def events(self) -> tuple[Event, ...]:
        """All events of the section, in reading order."""
        in_tables = [
            event for block in self.blocks if isinstance(block, EventTable) for event in block.events
        ]
        return tuple(sorted((*in_tables, *self.events_in_text), key=lambda event: event.line))


# In the class Issue, `date` is a field and cannot be a type.
Dates = tuple[date, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One newsletter, identified by its slug.

    title, subject, summary: as written, with their merge fields.
    lang: a language tag (BCP 47).
    send_at: when to send the issue, if not at the scheduled time of its list.
    merge_fields: the merge fields of title, subject, summary and body, in order.
    source: the path of the issue's file.
    title_dates: the dates in the title.
    wrong_weekdays: the dates in the body with a wrong weekday.
    date_problems: the dates and times in the body that are wrong or uncertain.
    similar_keys: unknown keys of the front matter, each with the known key that was probably meant.
    extra: the other keys of the front matter.
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
    merge_fields: tuple[MergeField, ...] = ()
    source: str = ""
    title_dates: Dates = ()
    wrong_weekdays: tuple[WrongWeekday, ...] = ()
    date_problems: tuple[DateProblem, ...] = ()
    similar_keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def events(self) -> tuple[Event, ...]:
        """All events, in reading order."""
        return tuple(event for section in self.sections for event in section.events)


CONTAINER_TYPES = frozenset(
    {
        Strong, Emphasis, Strike, Subscript, Superscript, Note, Notes, Link, Paragraph, Heading, Item, ItemList, Table, Quote, Section, Event, EventGroup, EventTable,
        Issue,
    }
)  # fmt: skip
"""The types that contain other parts of an issue."""
MAY_HOLD_IMAGES = CONTAINER_TYPES | {tuple, Image}


def to_plain_text(inlines: Inlines) -> str:
    """Return the text that a recipient sees, on one line.

    An image becomes its alternative text, and a merge field its default or its name in brackets.
    """
    return "".join([inline.text if type(inline) is Text else _inline_text(inline) for inline in inlines])


def _inline_text(inline: Inline) -> str:
    match inline:
        case Text(text=text) | Code(text=text):
            return text
        case Strong() | Emphasis() | Strike() | Subscript() | Superscript() | Link():
            return to_plain_text(inline.children)
        case Image(alt=alt):
            return alt
        case Emoji(character=character):
            return character
        case MergeField():
            return inline.example_value
        case NoteReference(number=number):
            return f"[{number}]"
        case LineBreak():
            return " "


def collect_merge_fields(part: Any) -> Iterator[MergeField]:
    """Yield all merge fields in any part of an issue, in reading order."""
    return _collect(part, MergeField)


def collect_links(part: Any) -> Iterator[Link]:
    """Yield all links in any part of an issue, in reading order."""
    return _collect(part, Link)


def _collect(part: Any, kind: type[Any]) -> Iterator[Any]:
    if isinstance(part, kind):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from _collect(one, kind)
    elif type(part) in CONTAINER_TYPES:
        for name in part.__slots__:
            yield from _collect(getattr(part, name), kind)


def find_images(issue: Issue) -> Iterator[Image]:
    """Yield every image of an issue in reading order."""
    waiting: list[Any] = [issue]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Image):
            yield part
        elif isinstance(part, tuple):
            waiting.extend(reversed(part))
        elif type(part) in CONTAINER_TYPES:
            inside = [getattr(part, name) for name in reversed(part.__slots__)]
            waiting.extend(each for each in inside if type(each) in MAY_HOLD_IMAGES)
