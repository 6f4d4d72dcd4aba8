"""Repair bullets and no-break spaces that people type or paste, and that Markdown does not read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_ROWS = 50
NO_BREAK = "\u00a0"
FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
ITEM = re.compile(r"[ \t]*(?:[*+-]|\d{1,3}[.)])[ \t]")
# The bullets of word processors. A dash counts as a bullet only next to another row with a dash.
WORD_BULLET = re.compile(rf"([ \t]*)[•▪◦‣●○■□➢✓·\uf0b7\uf0a7][ \t{NO_BREAK}]*(?=\S)")
DASH = re.compile(rf"([ \t]*)[–—][ \t{NO_BREAK}]+(?=\S)")
# `*[HTML]: HyperText ...` is an abbreviation of MkDocs.
STAR = re.compile(r"([ \t]*)\*(?=[^\s*_])(?!\[[^\]\n]*\]:)")
HYPHEN = re.compile(r"([ \t]*)-(?=[^\W\d_])")
BOLD = re.compile(r"\*\*[^*]+\*\*|`[^`]*`|\\\*")
# No-break spaces: after a Markdown mark, where they keep the mark from working; in an indent; beside a space or between words.
MARK_BEFORE = re.compile(rf"^([ \t]*(?:[*+-]|\d{{1,3}}[.)]|#{{1,6}}|>)){NO_BREAK}+")
INDENT = re.compile(rf"^[ \t]*{NO_BREAK}[ \t{NO_BREAK}]*(?=\S)")
NEEDLESS_SPACE = re.compile(rf"(?<=[^\W\d_]){NO_BREAK}(?=[^\W\d_])|(?<= ){NO_BREAK}+|{NO_BREAK}+(?=[ \n]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownRepair:
    """A row of an issue that can be repaired.

    row: counted from 0.
    is_bullet: True if a bullet is repaired, False if only no-break spaces are.
    """

    row: int
    before: str
    after: str
    is_bullet: bool


def find_repairs(rows: list[str]) -> Iterator[MarkdownRepair]:
    """Yield the repairs of the rows of an issue, except of its front matter and code."""
    fence = ""
    for number in range(_first_body_row(rows), len(rows)):
        before = rows[number]
        marks = FENCE.match(before)
        if marks and (not fence or marks[1].startswith(fence)):
            fence = "" if fence else marks[1]
        elif not fence and not before.startswith("    "):
            spaced = _repair_spaces(before)
            after = _repair_bullet(rows, number, spaced)
            if after != before:
                yield MarkdownRepair(
                    row=number,
                    before=before,
                    after=after,
                    is_bullet=after != spaced or MARK_BEFORE.match(before) is not None,
                )


def _first_body_row(rows: list[str]) -> int:
    marks = [number for number, row in enumerate(rows) if row.rstrip() in {"---", "+++", "..."}][:2]
    return marks[1] + 1 if len(marks) == 2 and not any(row.strip() for row in rows[: marks[0]]) else 0


def _repair_spaces(row: str) -> str:
    if NO_BREAK not in row:
        return row
    row = INDENT.sub(lambda found: found.group().replace(NO_BREAK, " "), MARK_BEFORE.sub(r"\1 ", row))
    return NEEDLESS_SPACE.sub(
        lambda found: (
            " " if len(found.group()) == 1 and found.string[found.start() - 1 : found.start()] != " " else ""
        ),
        row,
    )


def _repair_bullet(rows: list[str], number: int, row: str) -> str:
    if found := WORD_BULLET.match(row):
        return f"{found[1]}* {row[found.end() :]}"
    beside = [rows[near] for near in (number - 1, number + 1) if 0 <= near < len(rows)]
    if (found := DASH.match(row)) and any(DASH.match(near) for near in beside):
        return f"{found[1]}- {row[found.end() :]}"
    if (found := STAR.match(row)) and not _has_other_star(rows, number):
        return f"{found[1]}* {row[found.end() :]}"
    if (found := HYPHEN.match(row)) and all(_is_list_or_blank(near) for near in beside):
        return f"{found[1]}- {row[found.end() :]}"
    return row


def _has_other_star(rows: list[str], number: int) -> bool:
    """Return True if a paragraph has a star besides those that begin its rows. Then the star of a row may begin italics."""
    begin, stop = number, number + 1
    while begin and rows[begin - 1].strip("- \t+") and number - begin < MAX_ROWS:
        begin -= 1
    while stop < len(rows) and rows[stop].strip() and stop - number < MAX_ROWS:
        stop += 1
    return any("*" in BOLD.sub("", row).lstrip()[1:] for row in rows[begin:stop])


def _is_list_or_blank(row: str) -> bool:
    return not row.strip() or ITEM.match(row) is not None or HYPHEN.match(row) is not None
