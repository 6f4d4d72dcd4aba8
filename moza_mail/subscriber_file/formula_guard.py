"""Guard the cells of a CSV file, so that a spreadsheet does not run them as formulas.

Excel and LibreOffice read a cell that begins with = + - or @ as a formula (CWE-1236). They do the same with the text after a
separator inside a cell, if their own separator differs from that of the file. An apostrophe before it makes it text.
"""

import re

# Some programs read the full-width forms as the ASCII ones.
FORMULA_CHARACTERS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
FORMULA_STARTS = frozenset("=+-@'\uff1d\uff0b\uff0d\uff20")
FORMULA = re.compile(rf"(^|[,;|])('*)(?=[{FORMULA_CHARACTERS}])")
GUARDED_FORMULA = re.compile(rf"(^|[,;|])'('*)(?=[{FORMULA_CHARACTERS}])")


def guard_formula(cell: str) -> str:
    """Return a cell for a CSV file, with an apostrophe before what a spreadsheet would run."""
    # Nearly all cells are safe at a glance, and an export has millions of them.
    if cell[:1] not in FORMULA_STARTS and not ("," in cell or ";" in cell or "|" in cell):
        return cell
    return FORMULA.sub(r"\1'\2", cell)


def unguard_formula(cell: str) -> str:
    """Remove the apostrophes that `guard_formula` added."""
    return GUARDED_FORMULA.sub(r"\1\2", cell) if "'" in cell else cell
