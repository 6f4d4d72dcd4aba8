"""Restore the original line endings of a file after an edit that ignored them."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

BYTE_ORDER_MARK = "\ufeff"
ROW = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")


def restore_line_endings(original: str, edited: str) -> str:
    r"""Return the edited text with the line endings and byte order mark of the original.

    An unchanged line keeps its ending. A new line gets the most frequent ending.

    original: the text of the file.
    edited: its new text, in which every line ending is `\n`.
    """
    mark = BYTE_ORDER_MARK if original.startswith(BYTE_ORDER_MARK) else ""
    rows, ends = _split_rows(original.removeprefix(BYTE_ORDER_MARK))
    kinds = Counter(ends[:-1])
    usual = kinds.most_common(1)[0][0] if kinds else "\n"
    new = edited.split("\n")
    if len(kinds) < 2:
        return mark + usual.join(new)
    restored = [ends[at] if at is not None and ends[at] else usual for at in _match_rows(rows, new)]
    out = [mark]
    for row, end, next_row, next_end in zip_longest(
        new, restored[:-1], new[1:], restored[1:-1], fillvalue=""
    ):
        # A `\r`, an empty line and a `\n` together would be read as the single line ending `\r\n`.
        would_merge = end == "\r" and not next_row and next_end.startswith("\n")
        out += [row, "\n" if would_merge else end]
    return "".join(out)


def _split_rows(text: str) -> tuple[list[str], list[str]]:
    """Split a text into its lines and their endings. The ending of the last line is empty."""
    found = ROW.findall(text)
    # If the last line has no ending, the pattern also matches the empty text after that line.
    if len(found) > 1 and found[-1] == ("", "") and found[-2][1] == "":
        found.pop()
    return [row for row, _ in found], [end for _, end in found]


def _match_rows(old: Sequence[str], new: Sequence[str]) -> list[int | None]:
    """Return the index of the old line for each new line, None for an added line."""
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    matches: list[int | None] = [*range(first), *[None] * (len(new) - first - last)]
    matches += range(len(old) - last, len(old))
    between = SequenceMatcher(
        None, old[first : len(old) - last], new[first : len(new) - last], autojunk=False
    )
    for block in between.get_matching_blocks():
        for step in range(block.size):
            matches[first + block.b + step] = first + block.a + step
    return matches
