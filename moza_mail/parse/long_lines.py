"""Rules that keep the time of the Markdown parser linear in the length of a paragraph.

markdown-it collects plain characters in `state.pending`. It copies that text at each step, and the rule
gfm_autolink searches that text at each colon.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

MAX_PENDING = 1000
# The characters that rules look back at, such as the part of a mail address before its `@`.
KEPT = 256
LAST = "moza_mail_last"


def install_long_line_rules(markdown: "MarkdownIt") -> None:
    """Install the rules of this module before the other inline rules of the parser."""
    markdown.inline.ruler.before("text", "flush_pending", _flush_pending)
    markdown.inline.ruler.before("text", "unclosed_bracket", _read_unclosed_bracket)


def find_last(state: "StateInline", text: str) -> int:
    """Return the last position of a short text in the source of a paragraph.

    The result is -1 if the paragraph does not contain the text. Each text is searched only once.
    """
    source, found = state.env.get(LAST, ("", {}))
    if source is not state.src:
        found = {}
        state.env[LAST] = (state.src, found)
    if text not in found:
        found[text] = state.src.rfind(text)
    return int(found[text])


def _flush_pending(state: "StateInline", silent: bool) -> bool:
    """If the collected text is long, make it a token, except for its last characters."""
    if not silent and len(state.pending) > MAX_PENDING:
        tail = state.pending[-KEPT:]
        state.pending = state.pending[:-KEPT]
        state.pushPending()
        state.pending = tail
    return False


def _read_unclosed_bracket(state: "StateInline", silent: bool) -> bool:
    """Read `[` or `![` as text if no `]` follows.

    Without this rule, the parser would look for the end of a link at each such bracket.
    """
    if state.src[state.pos] not in "[!":
        return False
    if not state.src.startswith(("[", "!["), state.pos) or find_last(state, "]") > state.pos:
        return False
    if not silent:
        state.pending += state.src[state.pos]
    state.pos += 1
    return True
