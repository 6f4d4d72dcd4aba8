"""Name the colours of the cells of a workbook, and find the rows that a colour sets apart."""

import colorsys
import re
from collections import Counter
from collections.abc import Mapping, Sequence

RGB = re.compile(r"#?(?:[0-9A-Fa-f]{2})?([0-9A-Fa-f]{6})")
MIN_ROWS = 3
MIN_SATURATION = 0.15
MIN_LIGHTNESS, MAX_LIGHTNESS = 0.12, 0.9
HUES = (
    (20, "red"),
    (45, "orange"),
    (70, "yellow"),
    (165, "green"),
    (260, "blue"),
    (330, "purple"),
    (360, "red"),
)
"""The end of each range of hues, in degrees."""


def name_colour(text: str) -> str:
    """Return the name of a colour; "" for black, white and a text that is no colour."""
    found = RGB.fullmatch(text)
    if found is None:
        return ""
    red, green, blue = (int(found[1][place : place + 2], 16) / 255 for place in (0, 2, 4))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    if saturation < MIN_SATURATION:
        return "grey" if MIN_LIGHTNESS < lightness < MAX_LIGHTNESS else ""
    return next(name for end, name in HUES if hue * 360 <= end) if lightness > MIN_LIGHTNESS else ""


def find_rare_colours(colours: Mapping[int, str], rows: Sequence[int]) -> dict[int, str]:
    """Return the colour of each row whose colour is rare, so that it may mean something.

    A colour of every second row is not rare: it only makes a table easier to read.

    colours: the colour of each coloured row with an address.
    rows: the numbers of all rows with an address.
    """
    if set(colours) in (set(rows[::2]), set(rows[1::2])) and len(rows) > MIN_ROWS:
        return {}
    counts = Counter(colours.values())
    return {row: colour for row, colour in colours.items() if counts[colour] * 2 < len(rows)}
