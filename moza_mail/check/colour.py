"""Colours as CSS writes them."""

from functools import lru_cache


@lru_cache(maxsize=1024)
def parsed(value: str, behind: str) -> str | None:
    """What a colour of CSS comes to on an opaque one behind it, `#rrggbb`; None for what is no colour of its own."""
    from tinycss2.color3 import parse_color

    try:
        colour = parse_color(value)
    except (ValueError, TypeError):
        return None
    if colour is None or isinstance(colour, str):
        return None
    under = [int(behind[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    opacity = min(max(float(colour.alpha), 0.0), 1.0)
    mixed = (
        opacity * min(max(float(mine), 0.0), 1.0) + (1 - opacity) * theirs
        for mine, theirs in zip((colour.red, colour.green, colour.blue), under, strict=True)
    )
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in mixed)
