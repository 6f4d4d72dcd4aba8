"""Field: a place in an issue where each reader's own value comes, `{{ name }}` or `{{ name | default("lezer") }}`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _

NAME_FIELD = "name"
"""The field that every list has: what the reader is called."""

# A default may hold no backslash and no brace, so that there is nothing to escape in it; one kind of quote may hold another.
MERGE_FIELD = re.compile(
    r"\{\{[ \u00a0]*(?P<name>[a-z][a-z0-9_]*)[ \u00a0]*"
    r"(?:\|[ \u00a0]*default[ \u00a0]*\([ \u00a0]*"
    r'(?:"(?P<a>[^"\\{}\n]*)"|'
    r"'(?P<b>[^'\\{}\n]*)'|[“”„](?P<c>[^“”„\\{}\n]*)[“”]|[‘’‚](?P<d>[^‘’‚\\{}\n]*)[‘’])"
    r"[ \u00a0]*\)[ \u00a0]*)?\}\}"
)
MERGE_FIELD_EXAMPLE = _(
    'A field is {{ name }} or {{ name | default("lezer") }}: small letters, and a default between quotes.'
)


class MergeFieldError(ValueError):
    """A `{{` that begins no field; `reason` is a clause."""

    def __init__(self, reason: Translatable) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeField:
    """What a reader is asked for: the attribute `name`, or else `default`.

    Without a default (None) a reader who has no value is not mailed. `line` is where the field stands in its file.
    """

    name: str
    default: str | None = None
    line: int = 0

    @classmethod
    def parse(cls, written: str, *, line: int = 0) -> "MergeField":
        """Read what stands from `{{` to `}}`; raise FieldError with the reason."""
        found = MERGE_FIELD.fullmatch(written)
        if found is None:
            raise MergeFieldError(_reason(written))
        given = (found[group] for group in ("a", "b", "c", "d"))
        default = next((text for text in given if text is not None), None)
        return cls(name=found["name"], default=default, line=line)

    @property
    def example_value(self) -> str:
        """What stands for any reader's value where none is at hand: the default, or the name in brackets."""
        return self.default if self.default and not self.default.isspace() else f"[{self.name}]"

    def value_for(self, values: Mapping[str, str]) -> str | None:
        """A reader's own value, or the default; None when there is neither. White space alone is no value."""
        own = values.get(self.name, "")
        return own if own and not own.isspace() else self.default


def split_merge_fields(text: str, *, line: int = 0) -> Iterator[str | MergeField]:
    """Divide one line of text at its fields; raise FieldError for a `{{` that begins none."""
    rest = text
    while "{{" in rest:
        before, _, behind = rest.partition("{{")
        inside, closed, rest = behind.partition("}}")
        yield before
        yield MergeField.parse(f"{{{{{inside}{closed}", line=line)
    yield rest


def _reason(written: str) -> Translatable:
    shown = written if len(written) <= 60 else f"{written[:60]}…"
    if not written.endswith("}}"):
        return _("`{shown}` is not closed by `}}}}` on its line", shown=shown)
    if "\\" in written:
        return _("`{shown}` holds a backslash, which no field may", shown=shown)
    return _("`{shown}` is not a merge field", shown=shown)
