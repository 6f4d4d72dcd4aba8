"""Guard the cells of a CSV file, so that a spreadsheet does not run them as formulas.

Excel and LibreOffice read a cell that begins with = + - or @ as a formula (CWE-1236). If they expect another
separator than the file has, they also split cells, and may read a part of a cell as a formula. An apostrophe
before the formula makes it text.
"""

import re

# Some programs read the full-width forms as the ASCII ones.
FORMULA_CHARACTERS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
FORMULA_STARTS = frozenset("=+-@'\uff1d\uff0b\uff0d\uff20")
FORMULA = re.compile(rf"(^|[,;|])('*)(?=[{FORMULA_CHARACTERS}])")
GUARDED_FORMULA = re.compile(rf"(^|[,;|])'('*)(?=[{FORMULA_CHARACTERS}])")


def guard_formula(cell: str) -> str:
    """Return a cell for a CSV file, with an apostrophe before any formula in it."""
    # Nearly all cells are safe at a glance, and an export has millions of them.
    if cell[:1] not in FORMULA_STARTS and not ("," in cell or ";" in cell or "|" in cell):
        return cell
    return FORMULA.sub(r"\1'\2", cell)


def unguard_formula(cell: str) -> str:
    """Remove the apostrophes that `guard_formula` added."""
    return GUARDED_FORMULA.sub(r"\1\2", cell) if "'" in cell else cell
