"""Ends: the line ends of a file, given back to a text that was edited without them."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

MARK = "\ufeff"
ROW = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")


def restore_line_endings(original: str, edited: str) -> str:
    """The edited text (its lines ended by a newline alone) as its file would have it, `original` being what the file held.

    A byte order mark stays, a line that was there keeps its end, and a new one gets what most lines of the file have.
    """
    mark = MARK if original.startswith(MARK) else ""
    rows, ends = _divided(original.removeprefix(MARK))
    kinds = Counter(ends[:-1])
    usual = kinds.most_common(1)[0][0] if kinds else "\n"
    new = edited.split("\n")
    if len(kinds) < 2:
        return mark + usual.join(new)
    own = [ends[at] if at is not None and ends[at] else usual for at in _origins(rows, new)]
    out = [mark]
    for row, end, next_row, next_end in zip_longest(new, own[:-1], new[1:], own[1:-1], fillvalue=""):
        # A lone return before an empty line would make one line end of the two.
        joins = end == "\r" and not next_row and next_end.startswith("\n")
        out += [row, "\n" if joins else end]
    return "".join(out)


def _divided(text: str) -> tuple[list[str], list[str]]:
    """The lines of a text and their ends; the last has none."""
    found = ROW.findall(text)
    # After a last line end there is an empty line; without one the pattern matches once more at the very end.
    if len(found) > 1 and found[-1] == ("", "") and found[-2][1] == "":
        found.pop()
    return [row for row, _ in found], [end for _, end in found]


def _origins(old: Sequence[str], new: Sequence[str]) -> list[int | None]:
    """Which old line each new one was, None for those that are new."""
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    origins: list[int | None] = [*range(first), *[None] * (len(new) - first - last)]
    origins += range(len(old) - last, len(old))
    between = SequenceMatcher(
        None, old[first : len(old) - last], new[first : len(new) - last], autojunk=False
    )
    for block in between.get_matching_blocks():
        for step in range(block.size):
            origins[first + block.b + step] = first + block.a + step
    return origins
