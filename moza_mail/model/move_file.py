"""The first line of a move file, which has everything about the subscribers of a project."""

import json
from collections.abc import Mapping
from typing import Any

VERSION = 1


def read_header(line: str) -> Mapping[str, Any] | None:
    """Return the header of a move file, `secret_id` among it; None for the first line of another file."""
    if not line.lstrip("\ufeff").startswith("{"):
        return None
    try:
        header = json.loads(line)
    except ValueError:
        return None
    return header if isinstance(header, dict) and "move_file" in header else None
