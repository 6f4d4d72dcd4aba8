"""Read front matter in TOML, which Hugo allows between `+++` lines."""

import re
import tomllib
from datetime import date, datetime
from typing import Any

from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.parse.front_matter_keys import canonical_key

KEY = re.compile(r"^[ \t]*[\"']?([\w-]+)[\"']?[ \t]*=", re.MULTILINE)
ERROR_LINE = re.compile(r"\(at line (\d+)")


def parse_toml(
    text: str, source: str, first_line: int
) -> tuple[dict[str, str], dict[str, Any], dict[str, int]]:
    """Return three mappings by key: the value as written, the parsed value, and the line.

    first_line: the line of the opening `+++`.

    Raises IssueError with the line of a mistake.
    """
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = ERROR_LINE.search(str(error))
        row = int(found[1]) if found else 1
        raise IssueError(
            _("the front matter is not TOML: {problem}", problem=str(error).partition(" (at")[0]),
            source=source,
            line=first_line + row,
            quoted=[*text.split("\n"), ""][row - 1],
        ) from None
    lines: dict[str, int] = {}
    for found in KEY.finditer(text):
        lines.setdefault(canonical_key(found[1]), first_line + 1 + text.count("\n", 0, found.start(1)))
    values = {canonical_key(key): _plain_value(value) for key, value in parsed.items()}
    texts = {key: str(value) for key, value in values.items() if not isinstance(value, dict | list)}
    return texts, values, {key: lines.get(key, first_line + 1) for key in values}


def _plain_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
