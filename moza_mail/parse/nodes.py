"""The parser's row of tokens as a tree, for as much of it as is read: its own tree takes longer than ours and links both ways."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import Emoji, Inline, Text

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

ARGUMENT = re.compile(r"""(?:([\w-]+)=)?(?:"([^"]*)"|'([^']*)'|`([^`]*)`|([^\s"'`]+))""")
ENDS = {"{{<": ">}}", "{{%": "%}}"}


@dataclass(slots=True)
class Node:
    """A token, or a pair that opens and closes with what stands between; `type` is without its `_open`."""

    type: str
    token: "Token"
    children: "list[Node]" = field(default_factory=list)

    @property
    def rows(self) -> list[int] | None:
        """The rows of the body it takes, counted from 0, the last excluded; None inside a line."""
        return self.token.map

    def walk(self) -> "Iterator[Node]":
        """It and all below it, in the order of reading."""
        yield self
        for child in self.children:
            yield from child.walk()


def nodes(tokens: "Sequence[Token]") -> list[Node]:
    """The nodes that stand beside each other in a row of tokens."""
    around: list[list[Node]] = []
    here: list[Node] = []
    for token in tokens:
        if token.nesting < 0:
            here = around.pop()
            continue
        node = Node(token.type, token)
        here.append(node)
        if token.nesting > 0:
            node.type = token.type.removesuffix("_open")
            around.append(here)
            here = node.children
        elif token.children:
            node.children = nodes(token.children)
    return here


def install_shortcodes(markdown: "MarkdownIt") -> None:
    """Teach the parser that `{{< name arguments >}}` is one token, `shortcode`."""
    markdown.inline.ruler.before("escape", "shortcode", _shortcode_rule)


def _shortcode_rule(state: "StateInline", silent: bool) -> bool:
    end = ENDS.get(state.src[state.pos : state.pos + 3])
    if end is None:
        return False
    close = state.src.find(end, state.pos + 3)
    stop = close + 3 if close >= 0 else state.posMax
    if not silent:
        state.push("shortcode", "", 0).content = state.src[state.pos : stop]
    state.pos = stop
    return True


def read_shortcode(code: str) -> Inline | Translatable:
    """What a shortcode stands for, or the sentence that says why it cannot be read."""
    body = code[3:-3].strip()
    if not code.endswith(ENDS[code[:3]]):
        return _("the shortcode `{code}` is not closed by `{end}`", code=code[:30], end=ENDS[code[:3]])
    if body.startswith("/*") and body.endswith("*/"):
        return Text(text=f"{code[:3]} {body[2:-2].strip()} {code[-3:]}")
    name, _sep, rest = body.partition(" ")
    if name != "emoji":
        return _("the shortcode `{name}` is not known; moza-mail knows only `emoji`", name=name or body)
    given = {key or "teken": a or b or c or d for key, a, b, c, d in ARGUMENT.findall(rest)}
    if not given.get("teken"):
        return _('the shortcode `emoji` needs a sign: {{< emoji teken="💡" >}}')
    return Emoji(character=given["teken"], decorative=given.get("aria-hidden") == "true")
