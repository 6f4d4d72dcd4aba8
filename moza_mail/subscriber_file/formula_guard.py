"""Cells of a table that a person may open in a spreadsheet, which would run those that begin as a formula does.

Excel and LibreOffice take a cell that begins with = + - or @ for a formula (CWE-1236), and so do they a piece of a cell
behind a separator, when their own separator is not the file's. An apostrophe before it makes it a text again.
"""

import re

# The wide forms are taken for the narrow ones by some.
SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
DANGEROUS = re.compile(rf"(^|[,;|])('*)(?=[{SIGNS}])")
GUARDED = re.compile(rf"(^|[,;|])'('*)(?=[{SIGNS}])")


def guard_formula(cell: str) -> str:
    """The cell as it is written into a file: what a spreadsheet would run has an apostrophe before it."""
    return DANGEROUS.sub(r"\1'\2", cell)


def unguard_formula(cell: str) -> str:
    """The cell as it was before it was guarded."""
    return GUARDED.sub(r"\1\2", cell) if "'" in cell else cell
