"""Merge fields such as `{{ name }}`, which are replaced by a value of each recipient."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _

NAME_FIELD = "name"
"""The merge field that every list has: the name of the recipient."""

# A default contains no backslash and no brace, so nothing in it needs escaping. One kind of quote may contain another.
MERGE_FIELD = re.compile(
    r"\{\{[ \u00a0]*(?P<name>[a-z][a-z0-9_]*)[ \u00a0]*"
    r"(?:\|[ \u00a0]*default[ \u00a0]*\([ \u00a0]*"
    r'(?:"(?P<a>[^"\\{}\n]*)"|'
    r"'(?P<b>[^'\\{}\n]*)'|[“”„](?P<c>[^“”„\\{}\n]*)[“”]|[‘’‚](?P<d>[^‘’‚\\{}\n]*)[‘’])"
    r"[ \u00a0]*\)[ \u00a0]*)?\}\}"
)
MERGE_FIELD_EXAMPLE = _(
    'Write a merge field as {{ name }} or {{ name | default("lezer") }}: lower-case letters, and a default between quotes.'
)


class MergeFieldError(ValueError):
    """A `{{` that does not begin a merge field.

    reason: a clause.
    """

    def __init__(self, reason: Translatable) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeField:
    """A place in the text for an attribute of the recipient.

    default: used for recipients without a value; if None, they are skipped.
    line: the line in the file of the issue.
    """

    name: str
    default: str | None = None
    line: int = 0

    @classmethod
    def parse(cls, written: str, *, line: int = 0) -> "MergeField":
        """Parse the text from `{{` to `}}`; raise MergeFieldError with the reason."""
        found = MERGE_FIELD.fullmatch(written)
        if found is None:
            raise MergeFieldError(_reason(written))
        given = (found[group] for group in ("a", "b", "c", "d"))
        default = next((text for text in given if text is not None), None)
        return cls(name=found["name"], default=default, line=line)

    @property
    def example_value(self) -> str:
        """The value to show without a recipient: the default, or the name in brackets."""
        return self.default if self.default and not self.default.isspace() else f"[{self.name}]"

    def value_for(self, values: Mapping[str, str]) -> str | None:
        """Return the value of a recipient, or else the default.

        A value of only white space counts as no value.
        """
        own = values.get(self.name, "")
        return own if own and not own.isspace() else self.default


def split_merge_fields(text: str, *, line: int = 0) -> Iterator[str | MergeField]:
    """Split a line into texts and merge fields.

    Raises MergeFieldError for a `{{` that does not begin a merge field.
    """
    rest = text
    while "{{" in rest:
        before, _, after = rest.partition("{{")
        inside, closed, rest = after.partition("}}")
        yield before
        yield MergeField.parse(f"{{{{{inside}{closed}", line=line)
    yield rest


def _reason(written: str) -> Translatable:
    shown = written if len(written) <= 60 else f"{written[:60]}…"
    if not written.endswith("}}"):
        return _("`{shown}` is not closed by `}}}}` on its line", shown=shown)
    if "\\" in written:
        return _("`{shown}` contains a backslash, which is not allowed in a merge field", shown=shown)
    return _("`{shown}` is not a merge field", shown=shown)
