"""Change one value in the front matter and keep all other characters, comments included."""

import json
from collections.abc import Iterator
from typing import Any

from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.model.unmailable import find_unmailable
from moza_mail.parse import FrontMatter, read_front_matter
from moza_mail.parse.front_matter_keys import canonical_key


def set_front_matter_value(text: str, key: str, value: str, source: str) -> str:
    """Set a key of the front matter and return the new text. An empty value deletes the key.

    A value in quotes stays in quotes, and a value gets quotes if YAML needs them. Raises IssueError if the
    front matter cannot be read, or if the value cannot be written in it.
    """
    value = " ".join(value.split())
    if found := find_unmailable(value):
        raise IssueError(
            _("`{key}` contains a control character ({found})", key=key, found=found), source=source, line=1
        )
    before = read_front_matter(text, source)
    if before.one_line(key) == value and (key in before.texts or not value):
        return text
    for candidate in () if before.is_toml else _candidate_texts(text, before, key, value):
        if _has_only_changed(candidate, before, key, value):
            return candidate
    raise IssueError(
        _("`{key}` cannot be changed here", key=key),
        source=source,
        line=before.lines.get(key, 1),
        hint=_("Change it in the text of the file."),
    )


def _candidate_texts(text: str, front: FrontMatter, key: str, value: str) -> Iterator[str]:
    """Yield the text with the value in each YAML style, the most likely one first."""
    first, stop = front.yaml_start, front.yaml_stop
    node = _find_value_node(text[first:stop], key)
    if node is None:
        rows = [f"{key}: {written}\n" for written in _styles(value, "")]
        yield from (f"{text[:stop]}{row}{text[stop:]}" for row in rows)
        return
    start = first + node.start_mark.index
    end = start + len(text[start : first + node.end_mark.index].rstrip())
    if not value:
        yield from _without_key(text, front, key, start, end)
        return
    space = "" if text[start - 1 : start].isspace() else " "
    for written in _styles(value, node.style or ""):
        yield f"{text[:start]}{space}{written}{text[end:]}"


def _without_key(text: str, front: FrontMatter, key: str, start: int, end: int) -> Iterator[str]:
    """Yield the text without a key, then the text with the key but without its value."""
    row_start = sum(len(row) + 1 for row in text.split("\n")[: front.lines[key] - 1])
    row_end = text.index("\n", end) + 1
    if not text[end:row_end].strip():
        yield text[:row_start] + text[row_end:]
    yield text[:start].rstrip(" ") + text[end:]


def _styles(value: str, current_style: str) -> list[str]:
    single = "'" + value.replace("'", "''") + "'"
    double = json.dumps(value, ensure_ascii=False)
    if current_style == "'":
        return [single, double]
    if current_style == '"':
        return [double, single]
    return [value, single, double]


def _find_value_node(yaml_text: str, key: str) -> Any:
    """Return the YAML node of a value, None if the key is missing."""
    import yaml

    root: Any = yaml.SafeLoader(yaml_text).get_single_node()
    return next((value for name, value in root.value if canonical_key(str(name.value)) == key), None)


def _has_only_changed(text: str, before: FrontMatter, key: str, value: str) -> bool:
    """Return True if the key has the new value, and all other keys and the body are unchanged."""
    try:
        after = read_front_matter(text, before.source)
    except IssueError:
        return False
    unchanged = {name: old for name, old in before.values.items() if name != key}
    return (
        after.body == before.body
        and after.one_line(key) == value
        and {name: new for name, new in after.values.items() if name != key} == unchanged
    )
