"""The Markdown that authors write.

It is CommonMark with tables, footnotes, task lists, notes, attributes and emoji names.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from moza_mail.parse import merge_fields
from moza_mail.parse.long_lines import install_long_line_rules
from moza_mail.parse.shortcodes import install_shortcodes

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

# markdown-it silently drops text that is nested deeper than this. Our own limit is much lower.
PARSER_NESTING = 100
# URLs that normalizeLink returns unchanged. Longer hostnames, ports and user names are left to the library.
URL_CHARACTERS = "[A-Za-z0-9/?#=&._~+,;:@!$*()'-]*"
NORMAL_URL = re.compile(
    r"https?://[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,60}){1,3}"
    rf"(?:[/?#]{URL_CHARACTERS}(?:%[0-9A-Fa-f]{{2}}{URL_CHARACTERS})*)?"
)
# Attributes such as `{: .note}`, `{:target="_blank"}` and `{#news .wide}`. They are not text and only affect the appearance.
ATTRIBUTES = re.compile(
    r"[ \t]?\{(?::[^{}\n]{0,200}"
    r"|\s*(?:(?:[#.][A-Za-z][\w-]*|[A-Za-z][\w-]*=(?:\"[^\"{}\n]*\"|'[^'{}\n]*'|[\w:./%-]+))\s*)+)\}"
)
EMOJI_NAME = re.compile(r":[a-z][a-z0-9_+-]{1,40}:|:[+-]1:")
# The text after the colons in `:::note Title` and `:::{note}`.
NOTE_NAME = re.compile(r"\s*\{?([A-Za-z][\w-]*)\}?\s*(.*)")


@cache
def make_markdown() -> "MarkdownIt":
    """Return the Markdown parser. It is created once, at the first use."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.admon import admon_plugin
    from mdit_py_plugins.container import container_plugin
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.footnote import footnote_plugin
    from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin
    from mdit_py_plugins.subscript import sub_plugin
    from mdit_py_plugins.superscript import superscript_plugin

    markdown = MarkdownIt(
        "commonmark", {"html": True, "maxNesting": PARSER_NESTING, "tasklists": True, "alerts": True}
    )
    markdown.enable(["table", "strikethrough"])
    # Let every link become a token, so that we refuse a forbidden one instead of showing it as raw Markdown.
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005  # the library's own hook
    markdown.normalizeLink = _normalize_url  # type: ignore[method-assign]
    install_long_line_rules(markdown)
    install_shortcodes(markdown)
    merge_fields.install_merge_fields(markdown)
    markdown.use(footnote_plugin).use(deflist_plugin).use(admon_plugin)
    markdown.use(sub_plugin).use(superscript_plugin).use(gfm_autolink_plugin)
    markdown.use(container_plugin, "note", validate=_is_note)
    markdown.inline.ruler.after("field", "attributes", _skip_attributes)
    markdown.inline.ruler.after("attributes", "emoji", _read_emoji)
    markdown.inline.add_terminator_char("{")
    markdown.inline.add_terminator_char(":")
    return markdown


def _normalize_url(url: str) -> str:
    # Nearly all URLs are normal already, and recognising that is faster than normalizing them.
    from markdown_it.common.normalize_url import normalizeLink

    return url if NORMAL_URL.fullmatch(url) else normalizeLink(url)


def _is_note(info: str, *_more: object) -> bool:
    return NOTE_NAME.fullmatch(info) is not None


def note_title(info: str) -> str:
    """Return the title of `:::note Title`, or else the name of the note."""
    found = NOTE_NAME.fullmatch(info)
    return (found[2].strip() or found[1].replace("-", " ").capitalize()) if found else info.strip()


def _skip_attributes(state: "StateInline", silent: bool) -> bool:
    """Skip attributes such as `{: .note}`, so that they are not shown.

    They may follow a link, an image, code or a heading, or be at the end of a line.
    """
    if state.src[state.pos] != "{":
        return False
    found = ATTRIBUTES.match(state.src, state.pos)
    if found is None or not _may_have_attributes(state, found):
        return False
    if not silent:
        state.pending = state.pending.removesuffix(" ")
    state.pos = found.end()
    return True


def _may_have_attributes(state: "StateInline", found: re.Match[str]) -> bool:
    is_kramdown = state.src.startswith("{:", state.pos)
    is_last = found.end() >= state.posMax or state.src[found.end()] == "\n"
    follows_markup = state.pos > 0 and state.src[state.pos - 1] in ")`]*_>"
    return is_kramdown or is_last or follows_markup


def _read_emoji(state: "StateInline", silent: bool) -> bool:
    """Read `:tada:` as the emoji of that name. An unknown name stays as typed."""
    if state.src[state.pos] != ":":
        return False
    found = EMOJI_NAME.match(state.src, state.pos)
    if found is None or (state.pos and state.src[state.pos - 1].isalnum()):
        return False
    character = find_emoji(found.group())
    if not character:
        return False
    if not silent:
        state.pending += character
    state.pos = found.end()
    return True


@cache
def _emoji_by_name() -> dict[str, str]:
    # Imported at the first emoji name, because the table is large.
    from emoji import EMOJI_DATA

    names: dict[str, str] = {}
    for character, entry in EMOJI_DATA.items():
        aliases: Sequence[str] = entry.get("alias", ())
        for name in (entry.get("en", ""), *aliases):
            names.setdefault(name.lower(), character)
    return names


def find_emoji(name: str) -> str:
    """Return the emoji with a name such as `:tada:`; empty if there is none."""
    return _emoji_by_name().get(name, "")
