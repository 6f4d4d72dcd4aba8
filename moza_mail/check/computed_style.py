"""Compute colours, sizes and underlines of the text in a mail (CSS Cascade 4, section 6).

Styles are computed for light or dark mode, on a screen 640 px wide. Not supported: images and gradients
behind text (the background is then None), text that is positioned over another element, partial opacity,
`inherit` and similar keywords, variables, calc(), and colours that a mail program changes. Selectors for
specific mail programs (`[data-ogsc]`) match nothing, as in a browser.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from moza_mail.check import css

# The initial text, background and link colours. The dark ones apply if the mail supports dark mode (CSS Color Adjust 1,
# section 2).
LIGHT_COLOURS = ("#000000", "#ffffff", "#0000ee")
DARK_COLOURS = ("#ffffff", "#121212", "#9e9eff")

MEDIUM_SIZE = 16.0
NAMED_SIZES = {
    "xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": MEDIUM_SIZE, "large": 18.0, "x-large": 24.0, "xx-large": 32.0,
}  # fmt: skip
RELATIVE_SIZES = {"smaller": 1 / 1.2, "larger": 1.2}
# Font sizes of HTML's rendering section (15.3), relative to the parent.
SIZE_BY_TAG = {
    "h1": 2.0, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 1 / 1.2, "big": 1.2, "sub": 1 / 1.2, "sup": 1 / 1.2,
    "code": 13 / 16, "kbd": 13 / 16, "pre": 13 / 16, "samp": 13 / 16, "tt": 13 / 16,
}  # fmt: skip
BOLD_TAGS = {"b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"}
UNDERLINED_TAGS = {"u", "ins"}
HIDDEN_TAGS = {"head", "script", "style", "template", "title", "noscript"}
NORMAL_LINE_HEIGHT = 1.2
# The attributes that decide how an element looks.
ATTRIBUTES = ("style", "href", "color", "background", "bgcolor", "hidden")

LENGTH = re.compile(r"(-?[\d.]+)(px|pt|em|rem|%)?")
UNITS = {"px": 1.0, "pt": 4 / 3, "rem": MEDIUM_SIZE}
FONT_SIZE = re.compile(
    r"(?:^|\s)([\d.]+(?:px|pt|em|rem|%)|(?:x{1,2}-)?(?:small|large)|medium)(?:\s*/\s*([\d.]+[a-z%]*))?(?:\s|$)"
)
WORD = re.compile(r"[^\s(]+(?:\([^)]*\))?")
IMAGE = re.compile(r"url\(|gradient\(|image-set\(|element\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedStyle:
    """The style of the text directly inside an element. Lengths are in CSS pixels.

    background: None if there is an image behind the text.
    padding: the sum of the padding above and below the text.
    """

    colour: str
    background: str | None
    font_size: float
    is_bold: bool
    is_underlined: bool
    is_hidden: bool
    has_own_background: bool
    line_height: float
    padding: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inherited:
    style: ComputedStyle
    line_height_factor: float | None
    """Set for a line height without a unit, which descendants multiply with their own font size."""


def compute_styles(tree: Any, *, dark: bool = False, style_blocks: bool = True) -> dict[Any, ComputedStyle]:
    """Compute the style of every element, optionally as if the style blocks were removed."""
    declared = _match_style_blocks(tree, dark=dark) if style_blocks else {}
    text_colour, background, link = DARK_COLOURS if dark and _supports_dark(tree) else LIGHT_COLOURS
    start = ComputedStyle(
        colour=text_colour,
        background=background,
        font_size=MEDIUM_SIZE,
        is_bold=False,
        is_underlined=False,
        is_hidden=False,
        has_own_background=False,
        line_height=MEDIUM_SIZE * NORMAL_LINE_HEIGHT,
        padding=0,
    )
    found = {None: _Inherited(style=start, line_height_factor=NORMAL_LINE_HEIGHT)}
    for element in tree.iter("*"):
        above = found.get(element.getparent(), found[None])
        attributes = tuple((name, element.get(name)) for name in ATTRIBUTES if name in element.attrib)
        from_blocks = tuple(declared.get(element, ()))
        found[element] = _apply_cascade((str(element.tag), attributes), from_blocks, above, link)
    return {element: each.style for element, each in found.items() if element is not None}


def _supports_dark(tree: Any) -> bool:
    metas = (
        str(meta.get("content", "")).lower()
        for meta in tree.iter("meta")
        if meta.get("name") == "color-scheme"
    )
    return any("dark" in content for content in metas)


_WeightedDeclaration = tuple[tuple[bool, tuple[int, int, int], int], css.Declaration]
_TagAndAttributes = tuple[str, tuple[tuple[str, str], ...]]


def _match_style_blocks(tree: Any, *, dark: bool) -> dict[Any, list[_WeightedDeclaration]]:
    """Return the declarations of the style blocks for each element, with their cascade weight."""
    found: dict[Any, list[_WeightedDeclaration]] = {}
    names = css.find_names(tree)
    order = 0
    for sheet in css.parse_style_blocks(tree):
        for ruleset in sheet.rules:
            order += 1
            wanted = [each for each in ruleset.declarations if each.name in READERS]
            if not wanted or not ruleset.applies(dark=dark):
                continue
            for selector in (one for one in ruleset.selectors if css.may_select(one, names)):
                weight = css.specificity(selector)
                for element in css.select(tree, selector):
                    found.setdefault(element, []).extend(
                        ((each.is_important, weight, order), each) for each in wanted
                    )
    return found


# Cached, because most elements of a mail have the same tag, attributes and surroundings as an earlier
# element.
@lru_cache(maxsize=2048)
def _apply_cascade(
    element: _TagAndAttributes, from_blocks: tuple[_WeightedDeclaration, ...], above: _Inherited, link: str
) -> _Inherited:
    tag, attributes = element[0], dict(element[1])
    inline = [each for each in css.parse_declarations(attributes.get("style", "")) if each.name in READERS]
    weighted = sorted(from_blocks, key=lambda each: each[0])
    values: dict[str, str] = {}
    for declaration in (
        *(each for weight, each in weighted if not weight[0]),
        *(each for each in inline if not each.is_important),
        *(each for weight, each in weighted if weight[0]),
        *(each for each in inline if each.is_important),
    ):
        READERS[declaration.name](values, declaration.name, declaration.value)
    return _compute(tag, attributes, values, above, link)


def _compute(
    tag: str, attributes: Mapping[str, str], values: Mapping[str, str], above: _Inherited, link: str
) -> _Inherited:
    parent = above.style
    is_link = tag == "a" and "href" in attributes
    size = _compute_size(values.get("size", ""), parent.font_size, tag)
    factor, leading = _compute_line_height(values.get("leading", ""), size, above)
    background, filled = _compute_background(attributes, values, parent)
    text_colour = css.resolve_colour(values.get("color", ""), background or parent.colour)
    hint = css.resolve_colour(attributes.get("color", ""), "#ffffff") if tag == "font" else None
    line = values.get("line", "")
    underlined = "underline" in line or (not line and (is_link or tag in UNDERLINED_TAGS))
    weight = values.get("weight", "")
    look = ComputedStyle(
        colour=text_colour or hint or (link if is_link else parent.colour),
        background=background,
        font_size=size,
        is_bold=_is_bold(weight) if weight else parent.is_bold or tag in BOLD_TAGS,
        is_underlined=underlined or (parent.is_underlined and not is_link),
        is_hidden=parent.is_hidden or tag in HIDDEN_TAGS or "hidden" in attributes or _is_hidden(values),
        has_own_background=filled,
        line_height=leading,
        padding=sum(
            _to_pixels(values.get(side, ""), size) or 0 for side in ("padding-top", "padding-bottom")
        ),
    )
    return _Inherited(style=look, line_height_factor=factor)


def _compute_size(value: str, around: float, tag: str) -> float:
    declared = NAMED_SIZES.get(value) or _to_pixels(value, around, whole=around)
    if declared is None and value in RELATIVE_SIZES:
        declared = around * RELATIVE_SIZES[value]
    return around * SIZE_BY_TAG.get(tag, 1) if declared is None else declared


def _compute_line_height(value: str, size: float, above: _Inherited) -> tuple[float | None, float]:
    if value == "normal":
        return NORMAL_LINE_HEIGHT, NORMAL_LINE_HEIGHT * size
    number = LENGTH.fullmatch(value)
    if number and not number[2]:
        factor = _parse_number(number[1])
        return factor, factor * size
    length = _to_pixels(value, size, whole=size)
    if length is not None:
        return None, length
    return (
        above.line_height_factor,
        above.style.line_height if above.line_height_factor is None else above.line_height_factor * size,
    )


def _compute_background(
    attributes: Mapping[str, str], values: Mapping[str, str], parent: ComputedStyle
) -> tuple[str | None, bool]:
    parent_background = parent.background
    if IMAGE.search(values.get("image", "")) or attributes.get("background"):
        return None, True
    declared = values.get("background", attributes.get("bgcolor", ""))
    resolved = css.resolve_colour(declared, parent_background or "#ffffff")
    if resolved is None or declared == "transparent":
        return parent_background, False
    if parent_background is None and css.resolve_colour(declared, "#000000") != resolved:
        return None, True
    return resolved, resolved != parent_background or "background" in values


def _is_bold(weight: str) -> bool:
    return weight in {"bold", "bolder"} or (weight.isdecimal() and int(weight) >= 600)


def _is_hidden(values: Mapping[str, str]) -> bool:
    nothing = (values.get(name, "") for name in ("max-height", "height", "max-width", "width"))
    clipped = values.get("overflow", "").startswith("hidden") and any(
        _to_pixels(each, 1) == 0 for each in nothing
    )
    return (
        values.get("display") == "none"
        or values.get("visibility") == "hidden"
        or _to_pixels(values.get("opacity", ""), 1) == 0
        or clipped
    )


def _parse_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _to_pixels(value: str, em: float, *, whole: float = 0) -> float | None:
    """Convert a length to pixels; return None if `value` is not a length.

    A percentage is relative to `whole`.
    """
    found = LENGTH.fullmatch(value)
    if not found:
        return None
    number, unit = _parse_number(found[1]), found[2]
    if unit == "%":
        return number / 100 * whole if whole else None
    if unit == "em":
        return number * em
    return number * UNITS.get(unit or "px", 1.0) if unit or number == 0 else None


def _read_value(values: dict[str, str], name: str, value: str) -> None:
    values[LONG_NAMES.get(name, name)] = value


def _read_background(values: dict[str, str], _name: str, value: str) -> None:
    """Read the `background` shorthand, which sets both colour and image."""
    values["image"] = value
    resolved = [word for word in WORD.findall(value) if css.resolve_colour(word, "#ffffff")]
    values["background"] = resolved[0] if resolved else "transparent"


def _read_font(values: dict[str, str], _name: str, value: str) -> None:
    if found := FONT_SIZE.search(value):
        values["size"], values["leading"] = found[1], found[2] or "normal"
        values["weight"] = next((word for word in value.split() if _is_bold(word)), "normal")


def _read_padding(values: dict[str, str], _name: str, value: str) -> None:
    sides = value.split()
    if sides:
        values["padding-top"], values["padding-bottom"] = sides[0], sides[2 if len(sides) > 2 else 0]


LONG_NAMES = {
    "background-color": "background",
    "background-image": "image",
    "font-size": "size",
    "font-weight": "weight",
    "line-height": "leading",
    "text-decoration": "line",
    "text-decoration-line": "line",
}
PROPERTIES: Iterable[str] = (
    *LONG_NAMES, "color", "display", "visibility", "opacity", "overflow", "max-height", "height", "max-width", "width",
    "padding-top", "padding-bottom",
)  # fmt: skip
READERS = {
    **dict.fromkeys(PROPERTIES, _read_value),
    "background": _read_background,
    "font": _read_font,
    "padding": _read_padding,
}
