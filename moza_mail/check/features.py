"""The features of HTML and CSS that a mail uses, by the names that Can I email gives them (`css-border-radius`)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moza_mail.check import css, html_tree
from moza_mail.check.computed_style import ComputedStyle

# Tags whose feature is not just `html-` and their name.
TAGS = {
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
INPUTS = {"checkbox", "hidden", "radio", "reset", "submit", "text"}
ATTRIBUTES = {
    "sizes": "html-srcset", "loading": "html-loading-attribute", "inert": "css-inert-attribute",
    **{
        name: f"html-{name}"
        for name in (
            "align", "aria-describedby", "aria-hidden", "aria-label", "aria-labelledby", "aria-live", "background", "cellpadding",
            "cellspacing", "dir", "height", "hidden", "lang", "popover", "required", "role", "srcset", "target", "valign", "width",
        )
    },
}  # fmt: skip
# Attributes whose value a client's support hangs on.
TOLD = {"value", "reversed", "dir", "align"}
IMAGES = {"jpeg": "jpg", "tif": "tiff", "heic": "heif"}
IMAGE = re.compile(
    r"\.(apng|avif|bmp|gif|heic|heif|ico|jpe?g|mp4|png|svg|tiff?|webp)(?:[?#]|$)", re.IGNORECASE
)

# Properties whose feature is not just `css-` and their name.
PROPERTIES = {
    **dict.fromkeys(("left", "right", "top", "bottom"), "css-left-right-top-bottom"),
    **dict.fromkeys(("column-gap", "row-gap"), "css-gap"),
    **dict.fromkeys(("columns", "column-width"), "css-column-layout-properties"),
    "font-family": "",
}
SHORTHANDS = re.compile(
    r"(border|margin|padding)(?:-(?:top|right|bottom|left))?(?:-(?:width|style|color))?|(overflow)-[xy]|(outline)-(?:width|style|color)"
)
FUNCTION = re.compile(
    r"(rgba?|calc|clamp|min|max|light-dark|linear-gradient|radial-gradient|conic-gradient|var|lch|oklch|lab|oklab)\("
)
FUNCTIONS = {
    "rgb": "css-rgb", "rgba": "css-rgba", "calc": "css-unit-calc", "clamp": "css-function-clamp", "min": "css-function-min",
    "max": "css-function-max", "light-dark": "css-function-light-dark", "linear-gradient": "css-linear-gradient",
    "radial-gradient": "css-radial-gradient", "conic-gradient": "css-conic-gradient", "var": "css-variables",
    **dict.fromkeys(("lch", "oklch", "lab", "oklab"), "css-modern-color"),
}  # fmt: skip
UNIT = re.compile(r"(?<![\w#.-])-?\d*\.?\d+(px|em|rem|%|pt|pc|cm|mm|in|ex|ch|vh|vw|vmin|vmax)(?![\w])")
UNITS = {"%": "percent"}
PSEUDO = re.compile(r"(::?)([a-z-]+)")
MEDIA = re.compile(r"\(\s*(?:any-)?(prefers-color-scheme|prefers-reduced-motion|orientation|hover)\b")


@dataclass(slots=True, kw_only=True)
class Use:
    """What a mail uses a feature for.

    `needed` are the uses, as `<tag attribute="value"> property: value`, on the elements themselves; `count` counts them.
    What stands only in style blocks is in `blocks`.
    """

    needed: set[str] = field(default_factory=set)
    blocks: set[str] = field(default_factory=set)
    count: int = 0
    first: str = ""


def used(tree: Any, known: frozenset[str]) -> dict[str, Use]:
    """The features of `known` that the mail uses, each with its uses. Elements that are not shown count as one `display: none`."""
    uses: dict[str, Use] = {}
    for slug, tag, use in _on_elements(tree):
        if slug in known:
            found = uses.setdefault(slug, Use())
            found.needed.add(use)
            found.count += 1
            found.first = found.first or tag
    for slug, use in _in_blocks(tree):
        if slug in known:
            uses.setdefault(slug, Use()).blocks.add(use)
    return uses


def _on_elements(tree: Any) -> Iterator[tuple[str, str, str]]:
    yield "html-doctype", "html", "<!doctype html>"
    hidden: set[Any] = set()
    for element in tree.iter("*"):
        tag = str(element.tag)
        declared = css.declarations(element.get("style", ""))
        told = _told(element, tag)
        if element.getparent() in hidden:
            hidden.add(element)
            continue
        if any(each.name == "display" and each.value == "none" for each in declared):
            hidden.add(element)
            yield "css-display-none", tag, f"{told} display: none"
            continue
        if not _is_in_head(element):
            yield from ((slug, tag, told) for slug in _of_element(element, tag))
        elif tag == "meta" and element.get("name") == "color-scheme":
            yield "html-meta-color-scheme", tag, told
        for declaration in declared:
            use = f"{told} {declaration.name}: {declaration.value}"
            yield from ((slug, tag, use) for slug in of_declaration(declaration))


def _is_in_head(element: Any) -> bool:
    return any(each.tag == "head" for each in (element, *element.iterancestors()))


def _told(element: Any, tag: str) -> str:
    said = [f' {name}="{element.get(name)}"' for name in sorted(TOLD & set(element.attrib))]
    width = [
        f' {name}="{element.get(name)}"'
        for name in ("width", "height", "src")
        if tag == "img" and element.get(name)
    ]
    return f"<{tag}{''.join(said + width)}>"


def _of_element(element: Any, tag: str) -> Iterator[str]:
    kind = element.get("type", "").lower()
    if tag in {"input", "button"}:
        yield f"html-{tag}-{kind}" if tag == "button" or kind in INPUTS else "html-input-text"
    yield TAGS.get(tag, f"html-{tag}")
    yield from (ATTRIBUTES[name] for name in element.attrib if name in ATTRIBUTES)
    if tag == "a":
        target = element.get("href", "")
        if target.startswith("#") and len(target) > 1:
            yield "html-anchor-links"
        elif target.lower().startswith("mailto:"):
            yield "html-mailto-links"
    if tag in {"img", "source", "input"}:
        yield from _of_image(element.get("src", ""))


def _of_image(src: str) -> Iterator[str]:
    if src.lower().startswith("data:"):
        yield "image-base64"
    elif found := IMAGE.search(src):
        kind = found[1].lower()
        yield f"image-{IMAGES.get(kind, kind)}"


def of_declaration(declaration: css.Declaration) -> Iterator[str]:
    """The features of one declaration: its property, and what its value is made of."""
    name, value = declaration.name, declaration.value
    if name.startswith("--"):
        yield "css-variables"
        return
    short = SHORTHANDS.fullmatch(name)
    yield PROPERTIES.get(name, f"css-{next(filter(None, short.groups())) if short else name}")
    if name == "display" and value in {"none", "flex", "inline-flex", "grid", "inline-grid"}:
        yield f"css-display-{value.removeprefix('inline-')}"
    if declaration.important:
        yield "css-important"
    for function in set(FUNCTION.findall(value)):
        yield FUNCTIONS[function]
    for unit in set(UNIT.findall(value)):
        yield f"css-unit-{UNITS.get(unit, unit)}"


def _in_blocks(tree: Any) -> Iterator[tuple[str, str]]:
    for block in css.sheets(tree):
        yield "html-style", "<style>"
        for at_rule in block.at_rules:
            yield f"css-at-{at_rule.name}", f"@{at_rule.name}"
        for ruleset in block.rulesets:
            for condition in ruleset.media:
                yield "css-at-media", f"@media {condition}"
                yield from (
                    (f"css-at-media-{name}", f"@media {condition}") for name in MEDIA.findall(condition)
                )
            for selector in ruleset.selectors:
                yield from ((slug, selector) for slug in _of_selector(selector))
            for declaration in ruleset.declarations:
                use = f"{', '.join(ruleset.selectors)} {declaration.name}: {declaration.value}"
                yield from ((slug, use) for slug in of_declaration(declaration))


def _of_selector(selector: str) -> Iterator[str]:
    for sign, slug in (
        (">", "child"),
        ("+", "adjacent-sibling"),
        ("~", "general-sibling"),
        ("[", "attribute"),
        ("*", "universal"),
    ):
        if sign in selector:
            yield f"css-selector-{slug}"
    for colons, name in PSEUDO.findall(selector):
        yield f"css-pseudo-{'element' if colons == '::' else 'class'}-{name}"


def depends_on_style_blocks(
    styles: Mapping[Any, ComputedStyle], inline_only: Mapping[Any, ComputedStyle]
) -> bool:
    """True if text looks different without the style blocks, which Gmail removes for some of its users."""
    return any(
        _appearance(style) != _appearance(inline_only[element])
        for element, style in styles.items()
        if html_tree.own_text(element) and not (style.is_hidden and inline_only[element].is_hidden)
    )


def _appearance(style: ComputedStyle) -> tuple[Any, ...]:
    return style.colour, style.background, style.font_size, style.is_hidden
