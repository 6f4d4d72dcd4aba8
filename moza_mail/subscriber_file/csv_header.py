"""Split the header of a CSV file into cells."""

import csv
from collections.abc import Sequence

SEPARATORS = ",;\t|"


def split_header(lines: Sequence[str], separator: str) -> tuple[str, ...]:
    """Return the cells of a header; empty if the header cannot be split by this separator."""
    try:
        return tuple(cell.strip() for cell in next(csv.reader(lines, delimiter=separator, strict=True), []))
    except csv.Error:
        return ()
