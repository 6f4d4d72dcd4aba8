"""Merge fields in an issue become slots, one for each name and default, before any template sees them; on the web, words."""

from collections.abc import Callable
from dataclasses import fields as fields_of
from dataclasses import is_dataclass, replace
from typing import Any

from moza_mail.model.issue import Issue, Text
from moza_mail.model.merge_field import NAME_FIELD, MergeField, split_merge_fields
from moza_mail.model.message import PLACEHOLDER, make_field_placeholder
from moza_mail.render.locale import ThemeLocale

TYPICAL_LENGTH = 12


def text_length(text: str) -> int:
    """How long a line is, near enough to draw under or fold it: with 12 characters for what is each reader's own."""
    return len(PLACEHOLDER.sub("x" * TYPICAL_LENGTH, text))


class FieldPlaceholders:
    """The slots of one rendering: each distinct field has its own, in the order in which they are met."""

    def __init__(self) -> None:
        self._numbers: dict[MergeField, int] = {}

    @property
    def fields(self) -> tuple[MergeField, ...]:
        """What fills each slot, by its number."""
        return tuple(self._numbers)

    def typical_length(self, text: str) -> int:
        """How long a text is for a typical reader."""
        typical = {f"field_{number}": field.example_value for field, number in self._numbers.items()}
        return len(PLACEHOLDER.sub(lambda found: typical.get(found[1], found[0]), text))

    def open_fields(self, issue: Issue) -> Issue:
        """The issue with a slot's mark in the place of each field, in its title, subject and summary too."""
        return replace_fields(issue, self._placeholder_for) if issue.merge_fields else issue

    def _placeholder_for(self, field: MergeField) -> str:
        return make_field_placeholder(self._numbers.setdefault(replace(field, line=0), len(self._numbers)))


def fill_for_web(issue: Issue, words: ThemeLocale) -> Issue:
    """The issue as it can be shown to anybody: a field is its default, else a word of the locale that is nobody's own."""

    def word(field: MergeField) -> str:
        if field.default and not field.default.isspace():
            return field.default
        return words.translate("reader" if field.name == NAME_FIELD else "anything")

    return replace_fields(issue, word) if issue.merge_fields else issue


def replace_fields(issue: Issue, written: Callable[[MergeField], str]) -> Issue:
    """The issue with a text in the place of each field, in its title, subject and summary too."""

    def line(text: str) -> str:
        return "".join(
            piece if isinstance(piece, str) else written(piece) for piece in split_merge_fields(text)
        )

    def part(value: Any) -> Any:
        if isinstance(value, MergeField):
            return Text(text=written(value))
        if isinstance(value, tuple):
            return tuple(part(one) for one in value)
        if not is_dataclass(value) or isinstance(value, type):
            return value
        values = {one.name: getattr(value, one.name) for one in fields_of(value)}
        changed = {name: part(inner) for name, inner in values.items() if not isinstance(inner, str)}
        return replace(value, **changed)

    return replace(
        issue,
        title=line(issue.title),
        subject=line(issue.subject),
        summary=line(issue.summary),
        sections=part(issue.sections),
        agenda=part(issue.agenda),
    )
