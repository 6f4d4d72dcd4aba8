"""Merge fields in an issue become slots, one for each name and default, before any template sees them."""

from dataclasses import fields as fields_of
from dataclasses import is_dataclass, replace
from typing import Any

from moza_mail.model.field import Field, pieces
from moza_mail.model.issue import Issue, Text
from moza_mail.model.message import SLOT, field_slot

FIELD_WIDTH = 12


def width(text: str) -> int:
    """How long a line is, near enough to draw under or fold it: with 12 characters for what is each reader's own."""
    return len(SLOT.sub("x" * FIELD_WIDTH, text))


class Slots:
    """The slots of one rendering: each distinct field has its own, in the order in which they are met."""

    def __init__(self) -> None:
        self._numbers: dict[Field, int] = {}

    @property
    def fields(self) -> tuple[Field, ...]:
        """What fills each slot, by its number."""
        return tuple(self._numbers)

    def length(self, text: str) -> int:
        """How long a text is for a typical reader."""
        typical = {f"field_{number}": field.typical for field, number in self._numbers.items()}
        return len(SLOT.sub(lambda found: typical.get(found[1], found[0]), text))

    def open(self, issue: Issue) -> Issue:
        """The issue with a slot's mark in the place of each field, in its title, subject and summary too."""
        return replace(
            issue,
            title=self._line(issue.title),
            subject=self._line(issue.subject),
            summary=self._line(issue.summary),
            sections=self._part(issue.sections),
            agenda=self._part(issue.agenda),
        )

    def _line(self, text: str) -> str:
        return "".join(piece if isinstance(piece, str) else self._mark(piece) for piece in pieces(text))

    def _mark(self, field: Field) -> str:
        return field_slot(self._numbers.setdefault(replace(field, line=0), len(self._numbers)))

    def _part(self, part: Any) -> Any:
        """Any part of the tree, with its fields opened."""
        if isinstance(part, Field):
            return Text(text=self._mark(part))
        if isinstance(part, tuple):
            return tuple(self._part(one) for one in part)
        if not is_dataclass(part) or isinstance(part, type):
            return part
        values = {one.name: getattr(part, one.name) for one in fields_of(part)}
        changed = {name: self._part(value) for name, value in values.items() if not isinstance(value, str)}
        return replace(part, **changed)
