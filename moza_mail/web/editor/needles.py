"""Needles: what to look for in a mail to point at a line of its issue. Pure."""

import re

MARKUP = (
    (re.compile(r"^\s*(?:[*+-]|\d+[.)]|>|#{1,6})\s+"), ""),
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\{\{.*?\}\}"), ""),
    (re.compile(r"[*_`~<>|]+"), ""),
)


def needle(row: str) -> str:
    """The words of a row as a reader sees them, nearly: without the signs of Markdown."""
    for pattern, by in MARKUP:
        row = pattern.sub(by, row)
    return " ".join(row.split())
