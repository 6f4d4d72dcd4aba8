"""Copy the rules of a theme's inline.css into the elements, and change nothing else.

Only this module imports premailer.
"""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from premailer import Premailer

COMMENT = re.compile(r"(<!--.*?-->)", re.DOTALL)
IGNORED_STYLE = '<style data-premailer="ignore"'
ELEMENT_NAMES = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)")
# A pattern that begins with a literal is 40 times as fast as one with \b.
CLASS_NAMES = re.compile(r' class="([^"]*)"')
# A selector that consists only of element names, class names and descendant combinators.
SIMPLE_SELECTOR = re.compile(r"[\w. -]+")
SELECTOR_NAMES = re.compile(r"\.?[\w-]+")


def inline_css(html: str, css: str) -> str:
    """Copy the rules in `css` into the style attributes of a complete page.

    The page gets an upper-case doctype, which premailer needs. Its own style blocks are marked as IGNORED_STYLE, so that
    premailer leaves them as they are.
    """
    pieces = COMMENT.split(html.replace("<!doctype html>", "<!DOCTYPE html>", 1))
    pieces[::2] = [piece.replace("<style", IGNORED_STYLE) for piece in pieces[::2]]
    page = "".join(pieces)
    inliner = _load_inliner()(
        css_text=css,
        keep_style_tags=False,
        disable_leftover_css=True,
        strip_important=False,
        disable_validation=True,
        allow_network=False,
        allow_loading_external_files=False,
        align_floating_images=False,
        remove_unset_properties=False,
        include_star_selectors=False,
        remove_classes=False,
        disable_link_rewrites=True,
        method="html",
        cssutils_logging_level=logging.CRITICAL,
    )
    inliner.names = _find_names(page)
    return str(inliner.transform(page, pretty_print=False)).replace(IGNORED_STYLE, "<style")


def _find_names(page: str) -> frozenset[str]:
    """Return the element names (`p`) and the class names (`.card`) in a page."""
    classes = {f".{name}" for written in CLASS_NAMES.findall(page) for name in written.split()}
    return frozenset(classes | {name.lower() for name in ELEMENT_NAMES.findall(page)})


def _may_select(selector: str, names: frozenset[str]) -> bool:
    """Return False if a selector contains an element or class that is not in `names`."""
    return not SIMPLE_SELECTOR.fullmatch(selector) or names.issuperset(SELECTOR_NAMES.findall(selector))


@cache
def _load_inliner() -> "type[Premailer]":
    with _without_modules("requests", "urllib.request"):
        import cssutils
        from premailer import Premailer, merge_style

    # `disable_validation` has no effect on this function of premailer, and validating takes longer than parsing.
    without_validation = partial(merge_style.csstext_to_pairs, validate=False)
    lock = merge_style.csstext_to_pairs._lock  # noqa: SLF001  # the function finds its lock by its own name
    vars(without_validation)["_lock"] = lock
    merge_style.csstext_to_pairs = without_validation
    cssutils.log.setLevel(logging.CRITICAL)
    cssutils.ser.prefs.minimizeColorHash = False

    class Inliner(Premailer):  # type: ignore[misc]  # premailer is untyped
        """premailer with a cache for parsed style sheets, because parsing takes most of its time.

        names: the elements and classes of the page. Rules for other names are left out, because searching the
        page for each rule takes time.
        """

        names: frozenset[str] = frozenset()

        def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
            rules, leftover = _rules(css_body, ruleset_index)
            return [rule for rule in rules if _may_select(rule[1], self.names)], list(leftover)

        def _style_to_basic_html_attributes(self, element: Any, style_content: str, *, force: bool) -> None:
            """Do nothing, so that attributes such as `width` stay as the theme wrote them."""

        def read(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
            """Parse the rules of a style sheet, without the cache."""
            rules, leftover = super()._parse_style_rules(css_body, ruleset_index)
            return rules, leftover

    @lru_cache(maxsize=16)
    def _rules(css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
        return Inliner(strip_important=False, disable_validation=True).read(css_body, ruleset_index)

    return Inliner


@contextmanager
def _without_modules(*names: str) -> Iterator[None]:
    """Replace the named modules by empty ones during an import.

    premailer and cssutils import two modules for network access, but inlining needs no network. Loading these two
    modules takes longer than all other work of premailer and cssutils.
    """
    left_out = {name: ModuleType(name) for name in names if name not in sys.modules}
    sys.modules.update(left_out)
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]
