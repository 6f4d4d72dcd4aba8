"""The header of a move file, which is its first line.

A move file contains all data about the subscribers of a project.
"""

import json
from collections.abc import Mapping
from typing import Any

VERSION = 1


def read_header(line: str) -> Mapping[str, Any] | None:
    """Parse the first line of a move file, and return its values such as `secret_id`.

    None if the line belongs to another kind of file.
    """
    if not line.lstrip("\ufeff").startswith("{"):
        return None
    try:
        header = json.loads(line)
    except ValueError:
        return None
    return header if isinstance(header, dict) and "move_file" in header else None
