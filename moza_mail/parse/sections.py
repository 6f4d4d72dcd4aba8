"""Blocks to sections: the smallest heading level of a body is a section, and one of them is the agenda."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date

from moza_mail.i18n import gettext as _
from moza_mail.model.issue import (
    Agenda,
    Block,
    Blocks,
    Divider,
    Heading,
    Inlines,
    ItemList,
    Quote,
    Section,
    to_plain_text,
)
from moza_mail.parse import agenda as agendas
from moza_mail.parse.merge import refuse


def divide(
    blocks: Blocks, agenda_headings: Sequence[str], issued: date
) -> tuple[tuple[Section, ...], Agenda | None]:
    """Put the blocks of a body under their headings.

    A heading that is an agenda's begins the agenda at any level. A rule at a section's end only separates and is left out.
    """
    wanted = names(agenda_headings)
    sections: list[Section] = []
    agenda: Agenda | None = None
    for heading, inside in parted(blocks, wanted):
        if heading is not None and is_named(heading, wanted):
            refuse(heading.inlines, _("the heading of the agenda"))
            found = agendas.read(heading.inlines, _without_rules(inside), line=heading.line, issued=issued)
            agenda = found if agenda is None else _merged(agenda, found)
        elif heading is not None or _without_rules(inside):
            title = heading.inlines if heading else ()
            line = heading.line if heading else inside[0].line
            sections.append(Section(title=title, blocks=_levelled(_without_rules(inside)), line=line))
    return tuple(sections), agenda


def names(agenda_headings: Sequence[str]) -> frozenset[str]:
    """What a heading must be called to be that of an agenda."""
    return frozenset(map(_name, agenda_headings))


def is_named(heading: Heading | None, names: AbstractSet[str]) -> bool:
    """Whether a heading is called one of these."""
    return heading is not None and _name(to_plain_text(heading.inlines)) in names


def _name(title: str) -> str:
    return " ".join(title.split()).strip(" :").casefold()


def parted(blocks: Sequence[Block], names: AbstractSet[str]) -> list[tuple[Heading | None, list[Block]]]:
    """(heading, what stands under it); the agenda ends at the next heading that is not below it."""
    parts: list[tuple[Heading | None, list[Block]]] = [(None, [])]
    smallest = min((block.level for block in blocks if isinstance(block, Heading)), default=2)
    ends_at = smallest
    for block in blocks:
        if isinstance(block, Heading) and (block.level <= ends_at or is_named(block, names)):
            ends_at = block.level if is_named(block, names) else smallest
            parts.append((block, []))
        else:
            parts[-1][1].append(block)
    return parts


def _without_rules(blocks: Sequence[Block]) -> Blocks:
    """The blocks without the rules at their beginning and end."""
    kept = list(blocks)
    while kept and isinstance(kept[0], Divider):
        kept.pop(0)
    while kept and isinstance(kept[-1], Divider):
        kept.pop()
    return tuple(kept)


def _levelled(blocks: Blocks) -> Blocks:
    """Headings below the section's own, from 3 on and never more than one deeper than the one before (WCAG 2.2, 1.3.1).

    Those in lists and quotes count along, for a screen reader meets them in the same row.
    """
    above: list[int] = []

    def level(block: Block) -> Block:
        match block:
            case Heading():
                while above and above[-1] >= block.level:
                    above.pop()
                above.append(block.level)
                return replace(block, level=min(len(above) + 2, 6))
            case Quote():
                return replace(block, blocks=tuple(map(level, block.blocks)))
            case ItemList():
                items = (replace(item, blocks=tuple(map(level, item.blocks))) for item in block.items)
                return replace(block, items=tuple(items))
            case _:
                return block

    return tuple(map(level, blocks))


def _merged(first: Agenda, second: Agenda) -> Agenda:
    """A second agenda section stands below the first, its title as the group of its events."""
    named: Inlines = second.title
    events = tuple(
        event if event.group else replace(event, group=to_plain_text(named)) for event in second.events
    )
    return replace(
        first,
        events=first.events + events,
        outro=first.outro + second.intro + second.outro,
    )
