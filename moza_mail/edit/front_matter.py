"""Front matter with one value changed: every other character of it stays, comments and all."""

import json
from collections.abc import Iterator
from typing import Any

from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import find_unmailable
from moza_mail.parse import front_matter
from moza_mail.parse.front_matter import FrontMatter


def set_front_matter_value(text: str, key: str, value: str, source: str) -> str:
    """The text with a key of its front matter set; an empty value takes the key out.

    The value keeps the quotes it has, and gets them where it needs them. Raises IssueError when the front matter cannot be
    read, or the value cannot be written in it.
    """
    value = " ".join(value.split())
    if found := find_unmailable(value):
        raise IssueError(
            _("`{key}` holds a control character ({found})", key=key, found=found), source=source, line=1
        )
    before = front_matter.read(text, source)
    if said(before, key) == value and (key in before.words or not value):
        return text
    for candidate in _candidates(text, before, key, value):
        if _holds(candidate, before, key, value):
            return candidate
    raise IssueError(
        _("`{key}` cannot be changed here", key=key),
        source=source,
        line=before.lines.get(key, 1),
        hint=_("Change it in the text of the file."),
    )


def said(front: FrontMatter, key: str) -> str:
    """What a key says, on one line; empty when it is not there, or a list."""
    return " ".join(front.words.get(key, "").split())


def values(text: str, source: str) -> dict[str, str]:
    """What each key of the front matter says, on one line; a list is left out. Raises IssueError when it cannot be read."""
    front = front_matter.read(text, source)
    return {key: said(front, key) for key in front.words}


def keys(text: str, source: str) -> tuple[str, ...]:
    """The keys of the front matter in their order. Raises IssueError when it cannot be read."""
    return tuple(front_matter.read(text, source).lines)


def body_line(text: str, source: str) -> int:
    """The line of the `---` that closes the front matter. Raises IssueError when it cannot be read."""
    return front_matter.read(text, source).body_line


def _candidates(text: str, front: FrontMatter, key: str, value: str) -> Iterator[str]:
    """The text with the value in each way that YAML knows to write it, the likeliest first."""
    first, stop = front_matter.bounds(text)
    node = _node(text[first:stop], key)
    if node is None:
        rows = [f"{key}: {written}\n" for written in _styles(value, "")]
        yield from (f"{text[:stop]}{row}{text[stop:]}" for row in rows)
        return
    start = first + node.start_mark.index
    end = start + len(text[start : first + node.end_mark.index].rstrip())
    if not value:
        yield from _without(text, front, key, start, end)
        return
    space = "" if text[start - 1 : start].isspace() else " "
    for written in _styles(value, node.style or ""):
        yield f"{text[:start]}{space}{written}{text[end:]}"


def _without(text: str, front: FrontMatter, key: str, start: int, end: int) -> Iterator[str]:
    """The text without the key's rows; with the key and no value where a comment stands behind it."""
    row_start = sum(len(row) + 1 for row in text.split("\n")[: front.lines[key] - 1])
    row_end = text.index("\n", end) + 1
    if not text[end:row_end].strip():
        yield text[:row_start] + text[row_end:]
    yield text[:start].rstrip(" ") + text[end:]


def _styles(value: str, own: str) -> list[str]:
    single = "'" + value.replace("'", "''") + "'"
    double = json.dumps(value, ensure_ascii=False)
    if own == "'":
        return [single, double]
    if own == '"':
        return [double, single]
    return [value, single, double]


def _node(yaml_text: str, key: str) -> Any:
    """The value of a key as YAML places it, None when the key is not there."""
    import yaml

    root: Any = yaml.SafeLoader(yaml_text).get_single_node()
    return next((value for name, value in root.value if name.value == key), None)


def _holds(text: str, before: FrontMatter, key: str, value: str) -> bool:
    """Whether the text says what was meant, and of every other key what it said."""
    try:
        after = front_matter.read(text, before.source)
    except IssueError:
        return False
    others = {name: said for name, said in before.values.items() if name != key}
    return (
        after.body == before.body
        and said(after, key) == value
        and {name: said for name, said in after.values.items() if name != key} == others
    )
