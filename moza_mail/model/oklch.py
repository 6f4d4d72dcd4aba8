"""Colours in OKLCH, in which equal steps of lightness look equal (CSS Color 4, 8.4)."""

import math
from dataclasses import dataclass, replace

from moza_mail.model.colour import contrast_ratio

STEP = 0.005
"""The steps in which a shade gets lighter or darker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oklch:
    """A colour: lightness from 0 to 1, chroma from 0 (grey) to about 0.37, and hue in radians."""

    lightness: float
    chroma: float
    hue: float

    @classmethod
    def from_hex(cls, colour: str) -> "Oklch":
        """Convert a colour `#rrggbb`."""
        red, green, blue = (_to_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
        long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
        medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
        short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
        lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
        a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
        b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
        return cls(lightness=lightness, chroma=math.hypot(a, b), hue=math.atan2(b, a))

    def to_hex(self) -> str:
        """Convert to `#rrggbb`, with less chroma if a screen cannot show the colour."""
        chroma = self.chroma
        while not _is_displayable(channels := _to_rgb(self.lightness, chroma, self.hue)) and chroma > 0:
            chroma = max(0.0, chroma - STEP)
        return "#" + "".join(f"{round(_to_gamma(min(max(channel, 0), 1)) * 255):02x}" for channel in channels)

    def shade(self, lightness: float, max_chroma: float) -> str:
        """Return a lighter or darker shade of the same hue, with at most `max_chroma`, as `#rrggbb`."""
        return replace(self, lightness=lightness, chroma=min(self.chroma, max_chroma)).to_hex()

    def readable_on(self, *surfaces: str, minimum: float, step: float) -> str:
        """Return the nearest shade with a contrast of `minimum` on all surfaces, as `#rrggbb`.

        step: positive for lighter shades, negative for darker shades.
        """
        lightness = self.lightness
        while 0 < lightness < 1:
            colour = self.shade(lightness, self.chroma)
            if all(contrast_ratio(colour, surface) >= minimum for surface in surfaces):
                return colour
            lightness += step
        return "#ffffff" if step > 0 else "#000000"


def _to_rgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """Return the linear channels, which are outside 0 to 1 if a screen cannot show the colour."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _is_displayable(channels: tuple[float, float, float]) -> bool:
    return all(-0.0005 <= channel <= 1.0005 for channel in channels)


def _to_linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _to_gamma(channel: float) -> float:
    return channel * 12.92 if channel <= 0.0031308 else float(1.055 * channel ** (1 / 2.4) - 0.055)
