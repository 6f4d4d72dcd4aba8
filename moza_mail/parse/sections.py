"""Divide blocks into sections at the highest heading level, and find the agenda."""

import re
import unicodedata
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from moza_mail.i18n import gettext as _
from moza_mail.model.issue import (
    Block,
    Blocks,
    Divider,
    Heading,
    Inlines,
    ItemList,
    Notes,
    Quote,
    Section,
    to_plain_text,
)
from moza_mail.parse.agenda import annotate_agenda, count_dated_lines, find_events_in_tables
from moza_mail.parse.date_words import MONTHS
from moza_mail.parse.dates import DateContext
from moza_mail.parse.merge_fields import refuse_merge_fields

WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
# Words that may be around the title of an agenda.
WORDS_AROUND = frozenset(
    [
        "upcoming",
        "coming",
        "next",
        "this",
        "the",
        "our",
        "for",
        "of",
        "in",
        "and",
        "aankomende",
        "komende",
        "volgende",
        "deze",
        "dit",
        "de",
        "het",
        "onze",
        "voor",
        "van",
        "en",
        "met",
        "week",
        "weeks",
        "weken",
        "maand",
        "maanden",
        "month",
        "months",
        "jaar",
        "year",
        "kommende",
        "nachste",
        "der",
        "die",
        "das",
        "und",
        "fur",
        "im",
        "à",
        "venir",
        "a",
        "prochains",
        "prochaines",
        "les",
        "nos",
        "du",
        "mois",
        "et",
    ]
)


def divide_into_sections(
    blocks: Blocks, agenda_headings: Sequence[str], context: DateContext
) -> tuple[Section, ...]:
    """Divide the blocks of a body into sections, and find the events in each agenda.

    The heading of an agenda may have any level. A divider at the beginning or end of a section is dropped.
    """
    agenda_names = normalize_titles(agenda_headings)
    sections: list[Section] = []
    notes: list[Notes] = []
    for heading, inside in group_by_heading(blocks, agenda_names):
        notes += [block for block in inside if isinstance(block, Notes)]
        others = _strip_dividers([block for block in inside if not isinstance(block, Notes)])
        kept = _level_headings(others, highest=2 if heading is None else 3)
        if heading is None:
            sections += [_make_section((), kept, inside[0].line, context)] if kept else []
            continue
        if not has_title(heading, agenda_names):
            sections.append(_make_section(heading.inlines, kept, heading.line, context))
            continue
        refuse_merge_fields(heading.inlines, _("the heading of the agenda"))
        kept, events = annotate_agenda(kept, context)
        sections.append(
            Section(
                title=heading.inlines, blocks=kept, line=heading.line, is_agenda=True, events_in_text=events
            )
        )
    sections += [Section(title=(), blocks=tuple(notes), line=notes[0].line)] if notes else []
    return tuple(sections)


def _make_section(title: Inlines, blocks: Blocks, line: int, context: DateContext) -> Section:
    """Return a section that is not an agenda. Its tables may still contain events."""
    return Section(
        title=title,
        blocks=blocks,
        line=line,
        events_in_text=find_events_in_tables(blocks, context),
        dated_lines=count_dated_lines(blocks, context),
    )


def normalize_titles(titles: Sequence[str]) -> frozenset[str]:
    """Return titles in the normalized form that `has_title` compares."""
    return frozenset(map(_normalize_title, titles))


def has_title(heading: Heading | None, titles: AbstractSet[str]) -> bool:
    """Return True if the title of a heading is one of `titles`, which are normalized.

    The heading may also contain emoji, months, years and words such as `upcoming`: `📅 Agenda januari 2026`.
    """
    if heading is None:
        return False
    title = _normalize_title(to_plain_text(heading.inlines))
    if title in titles:
        return True
    words = [word for word in WORD.findall(title) if word not in WORDS_AROUND and word not in MONTHS]
    return bool(words) and (" ".join(words) in titles or all(word in titles for word in words))


def _normalize_title(title: str) -> str:
    decomposed = unicodedata.normalize("NFKD", title)
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(bare.split()).strip(" :").casefold()


def group_by_heading(
    blocks: Sequence[Block], agenda_names: AbstractSet[str]
) -> list[tuple[Heading | None, list[Block]]]:
    """Group blocks below the headings that begin a section.

    Blocks above the first heading have None as heading. An agenda ends at the next heading of its own level or a higher one.
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
    """Remove dividers at the beginning and the end."""
    kept = list(blocks)
    while kept and isinstance(kept[0], Divider):
        kept.pop(0)
    while kept and isinstance(kept[-1], Divider):
        kept.pop()
    return tuple(kept)


def _level_headings(blocks: Blocks, *, highest: int) -> Blocks:
    """Renumber the levels of headings from `highest`, and skip no level (WCAG 2.2, 1.3.1).

    Headings in lists and quotes count too, because a screen reader shows all headings in one list.
    """
    ancestors: list[int] = []

    def level(block: Block) -> Block:
        match block:
            case Heading():
                while ancestors and ancestors[-1] >= block.level:
                    ancestors.pop()
                ancestors.append(block.level)
                return replace(block, level=min(len(ancestors) + highest - 1, 6))
            case Quote():
                return replace(block, blocks=tuple(map(level, block.blocks)))
            case ItemList():
                items = (replace(item, blocks=tuple(map(level, item.blocks))) for item in block.items)
                return replace(block, items=tuple(items))
            case _:
                return block

    return tuple(map(level, blocks))
