"""Show a mail's HTML as different mail programs would. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import cbrt

STYLES = re.compile(r"<style.*?</style>", re.DOTALL)
PREFERS = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)")
SCHEMES = re.compile(r'(<meta name="(?:supported-)?color-schemes?" content=")[^"]*"')
ROOT_SCHEMES = re.compile(r"((?:supported-)?color-schemes?\s*:\s*)light dark")
IMAGE = re.compile(r'(<img\b[^>]*?\bsrc=")[^"]*"')
# Colours are written as #rrggbb in style attributes, style blocks and bgcolor attributes.
COLOUR = re.compile(r"#([0-9a-fA-F]{6})\b")
STYLED = re.compile(r'(style="[^"]*"|<style.*?</style>|bgcolor="[^"]*")', re.DOTALL)
# The lightness, from 0 to 1, that a mail program which inverts colours gives to white.
MIN_LIGHTNESS = 0.22


class ColourScheme(StrEnum):
    """The colours of a mail program: light, dark, or FORCED.

    With FORCED, the program makes a mail dark by inverting its colours.
    """

    LIGHT = "light"
    DARK = "dark"
    FORCED = "forced"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientView:
    """Display settings of a mail program.

    images: True if it shows images.
    styles: True if it supports <style> blocks.
    """

    scheme: ColourScheme = ColourScheme.LIGHT
    images: bool = True
    styles: bool = True

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "ClientView":
        """Return the view in the query parameters, with defaults for unknown values."""
        scheme = query.get("scheme", "")
        return cls(
            scheme=ColourScheme(scheme) if scheme in set(ColourScheme) else ColourScheme.LIGHT,
            images=query.get("images", "") != "off",
            styles=query.get("styles", "") != "off",
        )


def apply_client_view(html: str, view: ClientView) -> str:
    """Return the HTML as a mail program would show it.

    The colour scheme that the browser prefers has no effect.
    """
    if not view.images:
        html = IMAGE.sub(r'\1data:,"', html)
    if not view.styles:
        html = STYLES.sub("", html)
    dark = view.scheme is ColourScheme.DARK
    wanted = "dark" if dark else "light"
    html = PREFERS.sub(lambda found: "(min-width: 0)" if found[1] == wanted else "(max-width: 0)", html)
    html = SCHEMES.sub(rf'\g<1>{wanted}"', html)
    html = ROOT_SCHEMES.sub(rf"\g<1>{wanted}", html)
    return _force_dark(html) if view.scheme is ColourScheme.FORCED else html


def _force_dark(html: str) -> str:
    """Invert the lightness of every colour, as Gmail on phones and Outlook for Windows do."""
    inverted = STYLED.sub(lambda part: COLOUR.sub(lambda found: invert(found[1]), part[0]), html)
    # Text without a colour of its own is black on white, and is inverted too.
    background = f"<style>html {{ background: {invert('ffffff')}; color: {invert('000000')}; }}</style>"
    return inverted.replace("</head>", f"{background}</head>", 1)


def invert(colour: str) -> str:
    """Invert the lightness of a colour and keep its hue (OKLab, Ottosson 2020).

    colour: six hexadecimal digits.
    """
    red, green, blue = (_to_linear(int(colour[at : at + 2], 16) / 255) for at in (0, 2, 4))
    long = cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return _from_oklab(MIN_LIGHTNESS + (1 - lightness) * (1 - MIN_LIGHTNESS), a, b)


def _from_oklab(lightness: float, a: float, b: float) -> str:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    channels = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _to_srgb(channel)):02x}" for channel in channels)


def _to_linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _to_srgb(channel: float) -> float:
    bounded = min(max(channel, 0.0), 1.0)
    return bounded * 12.92 if bounded <= 0.0031308 else 1.055 * bounded ** (1 / 2.4) - 0.055
