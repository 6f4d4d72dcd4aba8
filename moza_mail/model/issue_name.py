"""The name and the default slug of an issue, made from the path of its file."""

import re
from datetime import date
from pathlib import PurePath


def issue_name(path: str) -> str:
    """Return the name of an issue's file without its ending: `2026-01-14`.

    A page bundle has the name of its folder: `2026-01-14/index.md`.
    """
    file = PurePath(path)
    return file.parent.name if file.name.startswith("index.") and file.parent.name else file.stem


def default_slug(path: str, day: date) -> str:
    """Return the slug of an issue whose front matter has none, made from the name of its file."""
    name = re.sub(r"[^a-z0-9._-]+", "-", issue_name(path).lower()).strip("-._")[:100]
    return name or day.isoformat()
