"""Find the HTML and CSS features that a mail uses.

A feature has the name that Can I email gives it, such as `css-border-radius`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from moza_mail.check import css, html_tree
from moza_mail.check.computed_style import ComputedStyle

# Tags whose feature is not simply `html-` plus their name.
TAG_FEATURES = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    **dict.fromkeys(
        ("article", "aside", "details", "figcaption", "figure", "footer", "header", "main", "mark", "nav", "section",
         "summary", "time"),
        "html-semantics",
    ),
    "s": "html-strike",
    "map": "html-image-maps",
}  # fmt: skip
INPUT_TYPES = {"checkbox", "hidden", "radio", "reset", "submit", "text"}
ATTRIBUTE_FEATURES = {
    "sizes": "html-srcset", "loading": "html-loading-attribute", "inert": "css-inert-attribute",
    **{
        name: f"html-{name}"
        for name in (
            "align", "aria-describedby", "aria-hidden", "aria-label", "aria-labelledby", "aria-live", "background", "cellpadding",
            "cellspacing", "dir", "height", "hidden", "lang", "popover", "required", "role", "srcset", "target", "valign", "width",
        )
    },
}  # fmt: skip
# Attributes whose value decides whether a client supports them.
DESCRIBED_ATTRIBUTES = {"value", "reversed", "dir", "align"}
IMAGE_FORMAT_ALIASES = {"jpeg": "jpg", "tif": "tiff", "heic": "heif"}
IMAGE_ENDING = re.compile(
    r"\.(apng|avif|bmp|gif|heic|heif|ico|jpe?g|mp4|png|svg|tiff?|webp)(?:[?#]|$)", re.IGNORECASE
)

# Properties whose feature is not simply `css-` plus their name.
PROPERTY_FEATURES = {
    **dict.fromkeys(("left", "right", "top", "bottom"), "css-left-right-top-bottom"),
    **dict.fromkeys(("column-gap", "row-gap"), "css-gap"),
    **dict.fromkeys(("columns", "column-width"), "css-column-layout-properties"),
    "font-family": "",
}
LONGHAND = re.compile(
    r"(border|margin|padding)(?:-(?:top|right|bottom|left))?(?:-(?:width|style|color))?|(overflow)-[xy]|(outline)-(?:width|style|color)"
)
FUNCTION = re.compile(
    r"(rgba?|calc|clamp|min|max|light-dark|linear-gradient|radial-gradient|conic-gradient|var|lch|oklch|lab|oklab)\("
)
FUNCTION_FEATURES = {
    "rgb": "css-rgb", "rgba": "css-rgba", "calc": "css-unit-calc", "clamp": "css-function-clamp", "min": "css-function-min",
    "max": "css-function-max", "light-dark": "css-function-light-dark", "linear-gradient": "css-linear-gradient",
    "radial-gradient": "css-radial-gradient", "conic-gradient": "css-conic-gradient", "var": "css-variables",
    **dict.fromkeys(("lch", "oklch", "lab", "oklab"), "css-modern-color"),
}  # fmt: skip
UNIT = re.compile(r"(?<![\w#.-])-?\d*\.?\d+(px|em|rem|%|pt|pc|cm|mm|in|ex|ch|vh|vw|vmin|vmax)(?![\w])")
UNIT_FEATURES = {"%": "percent"}
PSEUDO = re.compile(r"(::?)([a-z-]+)")
MEDIA = re.compile(r"\(\s*(?:any-)?(prefers-color-scheme|prefers-reduced-motion|orientation|hover)\b")


@dataclass(slots=True, kw_only=True)
class FeatureUse:
    """The uses of one feature in a mail.

    on_elements: the uses on elements, written as `<tag attribute="value"> property: value`.
    in_style_blocks: the uses in style blocks only.
    count: the number of uses on elements. Equal uses are counted separately.
    """

    on_elements: set[str] = field(default_factory=set)
    in_style_blocks: set[str] = field(default_factory=set)
    count: int = 0
    first_tag: str = ""


def find_features(tree: Any, known_features: frozenset[str]) -> dict[str, FeatureUse]:
    """Return the known features that the mail uses.

    A hidden element counts as one `display: none`.
    """
    uses: dict[str, FeatureUse] = {}
    for slug, tag, use in _find_on_elements(tree):
        if slug in known_features:
            found = uses.setdefault(slug, FeatureUse())
            found.on_elements.add(use)
            found.count += 1
            found.first_tag = found.first_tag or tag
    for slug, use in _find_in_style_blocks(tree):
        if slug in known_features:
            uses.setdefault(slug, FeatureUse()).in_style_blocks.add(use)
    return uses


def _find_on_elements(tree: Any) -> Iterator[tuple[str, str, str]]:
    yield "html-doctype", "html", "<!doctype html>"
    hidden: set[Any] = set()
    for element in tree.iter("*"):
        tag = str(element.tag)
        declared = css.parse_declarations(element.get("style", ""))
        described = _describe(element, tag)
        if element.getparent() in hidden:
            hidden.add(element)
            continue
        if any(each.name == "display" and each.value == "none" for each in declared):
            hidden.add(element)
            yield "css-display-none", tag, f"{described} display: none"
            continue
        if not _is_in_head(element):
            yield from ((slug, tag, described) for slug in _features_of_element(element, tag))
        elif tag == "meta" and element.get("name") == "color-scheme":
            yield "html-meta-color-scheme", tag, described
        for declaration in declared:
            use = f"{described} {declaration.name}: {declaration.value}"
            yield from ((slug, tag, use) for slug in _features_of(declaration))


def _is_in_head(element: Any) -> bool:
    return any(each.tag == "head" for each in (element, *element.iterancestors()))


def _describe(element: Any, tag: str) -> str:
    attributes = [
        f' {name}="{element.get(name)}"' for name in sorted(DESCRIBED_ATTRIBUTES & set(element.attrib))
    ]
    image_attributes = [
        f' {name}="{element.get(name)}"'
        for name in ("width", "height", "src")
        if tag == "img" and element.get(name)
    ]
    return f"<{tag}{''.join(attributes + image_attributes)}>"


def _features_of_element(element: Any, tag: str) -> Iterator[str]:
    kind = element.get("type", "").lower()
    if tag in {"input", "button"}:
        yield f"html-{tag}-{kind}" if tag == "button" or kind in INPUT_TYPES else "html-input-text"
    yield TAG_FEATURES.get(tag, f"html-{tag}")
    yield from (ATTRIBUTE_FEATURES[name] for name in element.attrib if name in ATTRIBUTE_FEATURES)
    if tag == "a":
        target = element.get("href", "")
        # The number of a footnote is in the text, so a reader misses nothing if its link does not work.
        if target.startswith("#") and len(target) > 1 and not target.startswith("#note-"):
            yield "html-anchor-links"
        elif target.lower().startswith("mailto:"):
            yield "html-mailto-links"
    if tag in {"img", "source", "input"}:
        yield from _features_of_image(element.get("src", ""))


def _features_of_image(src: str) -> Iterator[str]:
    if src.lower().startswith("data:"):
        yield "image-base64"
    elif found := IMAGE_ENDING.search(src):
        kind = found[1].lower()
        yield f"image-{IMAGE_FORMAT_ALIASES.get(kind, kind)}"


# Cached, because a mail repeats the same few declarations on hundreds of elements.
@lru_cache(maxsize=1024)
def _features_of(declaration: css.Declaration) -> tuple[str, ...]:
    """Return the CSS features of one declaration: its property, and parts of its value."""
    name, value = declaration.name, declaration.value
    if name.startswith("--"):
        return ("css-variables",)
    short = LONGHAND.fullmatch(name)
    found = [PROPERTY_FEATURES.get(name, f"css-{next(filter(None, short.groups())) if short else name}")]
    if name == "display" and value in {"none", "flex", "inline-flex", "grid", "inline-grid"}:
        found.append(f"css-display-{value.removeprefix('inline-')}")
    if declaration.is_important:
        found.append("css-important")
    found += [FUNCTION_FEATURES[function] for function in set(FUNCTION.findall(value))]
    found += [f"css-unit-{UNIT_FEATURES.get(unit, unit)}" for unit in set(UNIT.findall(value))]
    return tuple(found)


def _find_in_style_blocks(tree: Any) -> Iterator[tuple[str, str]]:
    for block in css.parse_style_blocks(tree):
        yield "html-style", "<style>"
        for at_rule in block.at_rules:
            yield f"css-at-{at_rule.name}", f"@{at_rule.name}"
        for ruleset in block.rules:
            for condition in ruleset.media:
                yield "css-at-media", f"@media {condition}"
                yield from (
                    (f"css-at-media-{name}", f"@media {condition}") for name in MEDIA.findall(condition)
                )
            for selector in ruleset.selectors:
                yield from ((slug, selector) for slug in _features_of_selector(selector))
            for declaration in ruleset.declarations:
                use = f"{', '.join(ruleset.selectors)} {declaration.name}: {declaration.value}"
                yield from ((slug, use) for slug in _features_of(declaration))


def _features_of_selector(selector: str) -> Iterator[str]:
    for character, slug in (
        (">", "child"),
        ("+", "adjacent-sibling"),
        ("~", "general-sibling"),
        ("[", "attribute"),
        ("*", "universal"),
    ):
        if character in selector:
            yield f"css-selector-{slug}"
    for colons, name in PSEUDO.findall(selector):
        yield f"css-pseudo-{'element' if colons == '::' else 'class'}-{name}"


def depends_on_style_blocks(
    styles: Mapping[Any, ComputedStyle], inline_only: Mapping[Any, ComputedStyle]
) -> bool:
    """Return True if text looks different without the style blocks.

    Gmail removes the style blocks for some of its users.
    """
    return any(
        _appearance(style) != _appearance(inline_only[element])
        for element, style in styles.items()
        if html_tree.own_text(element) and not (style.is_hidden and inline_only[element].is_hidden)
    )


def _appearance(style: ComputedStyle) -> tuple[Any, ...]:
    return style.colour, style.background, style.font_size, style.is_hidden
