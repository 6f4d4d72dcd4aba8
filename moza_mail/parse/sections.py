"""Divide blocks into sections at the highest heading level; one of them is the agenda."""

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
    ItemList,
    Quote,
    Section,
    to_plain_text,
)
from moza_mail.parse.agenda import parse_agenda
from moza_mail.parse.merge_fields import refuse_merge_fields


def divide_into_sections(
    blocks: Blocks, agenda_headings: Sequence[str], issued: date
) -> tuple[tuple[Section, ...], Agenda | None]:
    """Divide the blocks of a body into sections and the agenda.

    The heading of an agenda may have any level. A divider at the end of a section is dropped.
    """
    agenda_names = normalize_titles(agenda_headings)
    sections: list[Section] = []
    agenda: Agenda | None = None
    for heading, inside in group_by_heading(blocks, agenda_names):
        if heading is not None and has_title(heading, agenda_names):
            refuse_merge_fields(heading.inlines, _("the heading of the agenda"))
            found = parse_agenda(heading.inlines, _strip_dividers(inside), line=heading.line, issued=issued)
            agenda = found if agenda is None else _merge_agendas(agenda, found)
        elif heading is not None or _strip_dividers(inside):
            title = heading.inlines if heading else ()
            line = heading.line if heading else inside[0].line
            sections.append(Section(title=title, blocks=_level_headings(_strip_dividers(inside)), line=line))
    return tuple(sections), agenda


def normalize_titles(titles: Sequence[str]) -> frozenset[str]:
    """Normalize titles for `has_title`."""
    return frozenset(map(_normalize_title, titles))


def has_title(heading: Heading | None, titles: AbstractSet[str]) -> bool:
    """Return True if the title of a heading is one of these normalized titles."""
    return heading is not None and _normalize_title(to_plain_text(heading.inlines)) in titles


def _normalize_title(title: str) -> str:
    return " ".join(title.split()).strip(" :").casefold()


def group_by_heading(
    blocks: Sequence[Block], agenda_names: AbstractSet[str]
) -> list[tuple[Heading | None, list[Block]]]:
    """Group blocks under the headings that begin a section; blocks above the first have None.

    The agenda ends at the next heading of its own level or a higher one.
    """
    groups: list[tuple[Heading | None, list[Block]]] = [(None, [])]
    highest = min((block.level for block in blocks if isinstance(block, Heading)), default=2)
    ends_at = highest
    for block in blocks:
        if isinstance(block, Heading) and (block.level <= ends_at or has_title(block, agenda_names)):
            ends_at = block.level if has_title(block, agenda_names) else highest
            groups.append((block, []))
        else:
            groups[-1][1].append(block)
    return groups


def _strip_dividers(blocks: Sequence[Block]) -> Blocks:
    """Remove the dividers at the beginning and the end."""
    kept = list(blocks)
    while kept and isinstance(kept[0], Divider):
        kept.pop(0)
    while kept and isinstance(kept[-1], Divider):
        kept.pop()
    return tuple(kept)


def _level_headings(blocks: Blocks) -> Blocks:
    """Number the levels of headings from 3 without skipping one (WCAG 2.2, 1.3.1).

    Headings in lists and quotes count too, because a screen reader puts all headings in one list.
    """
    ancestors: list[int] = []

    def level(block: Block) -> Block:
        match block:
            case Heading():
                while ancestors and ancestors[-1] >= block.level:
                    ancestors.pop()
                ancestors.append(block.level)
                return replace(block, level=min(len(ancestors) + 2, 6))
            case Quote():
                return replace(block, blocks=tuple(map(level, block.blocks)))
            case ItemList():
                items = (replace(item, blocks=tuple(map(level, item.blocks))) for item in block.items)
                return replace(block, items=tuple(items))
            case _:
                return block

    return tuple(map(level, blocks))


def _merge_agendas(first: Agenda, second: Agenda) -> Agenda:
    """Append a second agenda section to the first; its title becomes the group of its events."""
    group = to_plain_text(second.title)
    events = tuple(event if event.group else replace(event, group=group) for event in second.events)
    return replace(
        first,
        events=first.events + events,
        outro=first.outro + second.intro + second.outro,
    )
