"""Replace the merge fields of an issue: by placeholders in mails, by defaults on the web."""

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
    """Return the length of a line, with 12 characters for each placeholder.

    This length decides how long an underline is, and when blank lines separate the items of a list.
    """
    return len(PLACEHOLDER.sub("x" * TYPICAL_LENGTH, text))


class FieldPlaceholders:
    """The placeholders of one mail: one for each distinct merge field, in order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[MergeField, int] = {}

    @property
    def fields(self) -> tuple[MergeField, ...]:
        """The merge fields, in the order of their placeholder numbers."""
        return tuple(self._numbers)

    def typical_length(self, text: str) -> int:
        """Return the length of a text with the example value of each merge field."""
        typical = {f"field_{number}": field.example_value for field, number in self._numbers.items()}
        return len(PLACEHOLDER.sub(lambda found: typical.get(found[1], found[0]), text))

    def open_fields(self, issue: Issue) -> Issue:
        """Replace each merge field of an issue by its placeholder.

        Merge fields in the title, subject and summary are replaced too.
        """
        return replace_fields(issue, self._placeholder_for) if issue.merge_fields else issue

    def _placeholder_for(self, field: MergeField) -> str:
        return make_field_placeholder(self._numbers.setdefault(replace(field, line=0), len(self._numbers)))


def fill_for_web(issue: Issue, locale: ThemeLocale) -> Issue:
    """Replace each merge field by its default, or else by a neutral word of the locale."""

    def neutral_text(field: MergeField) -> str:
        if field.default and not field.default.isspace():
            return field.default
        return locale.translate("reader" if field.name == NAME_FIELD else "anything")

    return replace_fields(issue, neutral_text) if issue.merge_fields else issue


def replace_fields(issue: Issue, text_for: Callable[[MergeField], str]) -> Issue:
    """Replace each merge field of an issue by the text that `text_for` returns for it.

    Merge fields in the title, subject and summary are replaced too.
    """

    def replace_in_line(text: str) -> str:
        return "".join(
            piece if isinstance(piece, str) else text_for(piece) for piece in split_merge_fields(text)
        )

    def replace_in_part(value: Any) -> Any:
        if isinstance(value, MergeField):
            return Text(text=text_for(value))
        if isinstance(value, tuple):
            return tuple(replace_in_part(one) for one in value)
        if not is_dataclass(value) or isinstance(value, type):
            return value
        values = {one.name: getattr(value, one.name) for one in fields_of(value)}
        changed = {
            name: replace_in_part(inner) for name, inner in values.items() if not isinstance(inner, str)
        }
        return replace(value, **changed)

    return replace(
        issue,
        title=replace_in_line(issue.title),
        subject=replace_in_line(issue.subject),
        summary=replace_in_line(issue.summary),
        sections=replace_in_part(issue.sections),
    )
