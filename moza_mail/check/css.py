"""Parse CSS and match it with the elements of a mail.

Invalid CSS is ignored, as mail programs do (CSS Syntax 3, section 2.2), and never raises an exception.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

WIDTH_CONDITION = re.compile(r"(min|max)-width\s*:\s*([\d.]+)px")
# Media queries are evaluated for a screen of this width, in CSS pixels.
SCREEN_WIDTH = 640
URL = re.compile(r"""url\(\s*(?:["']([^"']*)["']|([^)"']*))\s*\)|@import\s+["']([^"']*)["']""", re.IGNORECASE)
# A selector that consists only of element names, classes, attributes without a value, and descendant combinators. The names
# are in lower case, as the parser of HTML returns them.
SIMPLE_SELECTOR = re.compile(r"[a-z0-9_. \[\]-]+")
SELECTOR_NAMES = re.compile(r"\[[\w-]+\]|\.?[\w-]+")
# At-rules that are nested deeper are ignored.
MAX_NESTING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One property and its value, both in lower case."""

    name: str
    value: str
    is_important: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleRule:
    """Selectors and their declarations.

    media: the conditions of the media queries around the rule, outermost first.
    """

    selectors: tuple[str, ...]
    declarations: tuple[Declaration, ...]
    media: tuple[str, ...] = ()

    def applies(self, *, dark: bool) -> bool:
        """Return True if every media condition holds on a screen 640 px wide.

        dark: the screen is in dark mode.
        """
        return all(_matches_media(condition, dark=dark) for condition in self.media)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRule:
    """An at-rule other than @media: its name (`import`) and its prelude."""

    name: str
    prelude: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleSheet:
    """The rules of one style block."""

    rules: tuple[StyleRule, ...]
    at_rules: tuple[AtRule, ...]


@lru_cache(maxsize=1024)
def parse_declarations(style: str) -> tuple[Declaration, ...]:
    """Parse the value of a style attribute."""
    import tinycss2

    return _to_declarations(tinycss2.parse_declaration_list(style, skip_comments=True, skip_whitespace=True))


@lru_cache(maxsize=64)
def parse_stylesheet(css: str, media: str = "") -> StyleSheet:
    """Parse a style block. `media` is its media attribute."""
    import tinycss2

    rulesets: list[StyleRule] = []
    at_rules: list[AtRule] = []
    nodes = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    _collect_rules(nodes, (media,) if media else (), rulesets, at_rules)
    return StyleSheet(rules=tuple(rulesets), at_rules=tuple(at_rules))


def parse_style_blocks(tree: Any) -> tuple[StyleSheet, ...]:
    """Parse the style blocks of a mail, except those in comments for Outlook."""
    return tuple(
        parse_stylesheet("".join(element.itertext()), element.get("media", "").lower())
        for element in tree.iter("style")
    )


@lru_cache(maxsize=1024)
def _compile_selector(text: str) -> tuple[tuple[int, int, int], Any] | None:
    """Return the specificity of a selector (Selectors 3, section 9) and its matcher.

    Return None for a selector that can match nothing.
    """
    import cssselect
    from lxml.cssselect import CSSSelector

    try:
        parsed = cssselect.parse(text)
        if len(parsed) != 1 or parsed[0].pseudo_element:
            return None
        return parsed[0].specificity(), CSSSelector(text, translator="html")
    except (cssselect.SelectorError, ValueError, RecursionError):
        return None


def find_names(tree: Any) -> frozenset[str]:
    """Return the names on a page as selectors write them: `table`, `.agenda` and `[dir]`."""
    names: set[str] = set()
    for element in tree.iter("*"):
        names.add(str(element.tag))
        names.update([f"[{name}]" for name in element.attrib])
        names.update([f".{name}" for name in element.get("class", "").split()])
    return frozenset(names)


def may_select(selector: str, names: frozenset[str]) -> bool:
    """Return False if a selector contains a name that is not on the page.

    This saves time, because most selectors of a mail are for mail programs that change its markup.

    names: the names of elements, classes and attributes on the page, as `find_names` returns them.
    """
    return not SIMPLE_SELECTOR.fullmatch(selector) or names.issuperset(SELECTOR_NAMES.findall(selector))


def select(tree: Any, selector: str) -> list[Any]:
    """Return the elements that a selector matches."""
    from lxml.etree import XPathError

    compiled = _compile_selector(selector)
    try:
        return list(compiled[1](tree)) if compiled else []
    except (XPathError, UnicodeError):
        return []


def specificity(selector: str) -> tuple[int, int, int]:
    """Return the specificity of a selector."""
    compiled = _compile_selector(selector)
    return compiled[0] if compiled else (0, 0, 0)


def _collect_rules(
    nodes: list[Any], media: tuple[str, ...], rulesets: list[StyleRule], at_rules: list[AtRule]
) -> None:
    import tinycss2

    for node in nodes:
        if node.type == "qualified-rule":
            selectors = tuple(part.strip() for part in _serialize(node.prelude).split(",") if part.strip())
            inner = tinycss2.parse_declaration_list(node.content, skip_comments=True, skip_whitespace=True)
            rulesets.append(StyleRule(selectors=selectors, declarations=_to_declarations(inner), media=media))
        elif node.type == "at-rule":
            prelude = _serialize(node.prelude).strip().lower()
            if node.lower_at_keyword != "media":
                at_rules.append(AtRule(name=node.lower_at_keyword, prelude=prelude))
            elif node.content and len(media) < MAX_NESTING:
                inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
                _collect_rules(inner, (*media, prelude), rulesets, at_rules)


def _to_declarations(nodes: list[Any]) -> tuple[Declaration, ...]:
    return tuple(
        Declaration(
            name=node.lower_name, value=_serialize(node.value).strip().lower(), is_important=node.important
        )
        for node in nodes
        if node.type == "declaration"
    )


def _serialize(nodes: list[Any]) -> str:
    import tinycss2

    return str(tinycss2.serialize([node for node in nodes if node.type != "comment"]))


def _matches_media(condition: str, *, dark: bool) -> bool:
    return any(_matches_media_query(query, dark=dark) for query in condition.split(","))


def _matches_media_query(query: str, *, dark: bool) -> bool:
    if "print" in query or query.strip().startswith("not"):
        return False
    if "prefers-color-scheme" in query and ("dark" in query) != dark:
        return False
    bounds = ((bound, float(width)) for bound, width in WIDTH_CONDITION.findall(query))
    return all(width <= SCREEN_WIDTH if bound == "min" else width >= SCREEN_WIDTH for bound, width in bounds)


def find_urls(css: str) -> Iterator[str]:
    """Yield the addresses that the CSS would fetch: url(...) and @import."""
    for quoted, bare, imported in URL.findall(css):
        yield (quoted or bare or imported).strip()


@lru_cache(maxsize=1024)
def resolve_colour(value: str, below: str) -> str | None:
    """Return a CSS colour as `#rrggbb`, blended with the colour below it.

    Return None if `value` is not a colour.
    """
    from tinycss2.color3 import parse_color

    try:
        colour = parse_color(value)
    except (ValueError, TypeError):
        return None
    if colour is None or isinstance(colour, str):
        return None
    background = [int(below[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    opacity = min(max(float(colour.alpha), 0.0), 1.0)
    mixed = (
        opacity * min(max(float(own), 0.0), 1.0) + (1 - opacity) * base
        for own, base in zip((colour.red, colour.green, colour.blue), background, strict=True)
    )
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in mixed)
