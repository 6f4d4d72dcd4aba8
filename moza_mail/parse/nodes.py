"""The tokens of the Markdown parser as a tree, including Hugo shortcodes.

markdown-it has its own tree class, but building it is slower: it links nodes in ways that nothing here uses.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import Emoji, Image, Inlines, LineBreak, Link, Text

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

SHORTCODE_ARGUMENT = re.compile(r"""(?:([\w-]+)=)?(?:"([^"]*)"|'([^']*)'|`([^`]*)`|([^\s"'`]+))""")
SHORTCODE_ENDS = {"{{<": ">}}", "{{%": "%}}"}


@dataclass(slots=True)
class Node:
    """A token, or a pair of opening and closing tokens with the nodes between them.

    type: the type of the token, without `_open`.
    """

    type: str
    token: "Token"
    children: "list[Node]" = field(default_factory=list)

    @property
    def rows(self) -> list[int] | None:
        """The first row and the stop row in the body, counted from 0; None inside a line."""
        return self.token.map

    def walk(self) -> "Iterator[Node]":
        """Yield this node and all nodes below it, in reading order."""
        yield self
        for child in self.children:
            yield from child.walk()


def build_tree(tokens: "Sequence[Token]") -> list[Node]:
    """Build the top-level nodes of a list of tokens."""
    parents: list[list[Node]] = []
    siblings: list[Node] = []
    for token in tokens:
        if token.nesting < 0:
            siblings = parents.pop()
            continue
        node = Node(token.type, token)
        siblings.append(node)
        if token.nesting > 0:
            node.type = token.type.removesuffix("_open")
            parents.append(siblings)
            siblings = node.children
        elif token.children:
            node.children = build_tree(token.children)
    return siblings


def install_shortcodes(markdown: "MarkdownIt") -> None:
    """Make the Markdown parser read `{{< name arguments >}}` as one token of type `shortcode`."""
    # Before the first rule, or Markdown would read the quotes and angle brackets in it.
    markdown.inline.ruler.before("escape", "shortcode", _read_token)


def _read_token(state: "StateInline", silent: bool) -> bool:
    end = SHORTCODE_ENDS.get(state.src[state.pos : state.pos + 3])
    if end is None:
        return False
    close = state.src.find(end, state.pos + 3)
    stop = close + 3 if close >= 0 else state.posMax
    if not silent:
        state.push("shortcode", "", 0).content = state.src[state.pos : stop]
    state.pos = stop
    return True


def parse_shortcode(code: str) -> Inlines | Translatable:
    """Return the content that replaces a shortcode, or a message if it cannot be read."""
    body = code[3:-3].strip()
    end = SHORTCODE_ENDS[code[:3]]
    if not code.endswith(end):
        return _("the shortcode `{code}` is not closed by `{end}`", code=code[:30], end=end)
    if body.startswith("/*") and body.endswith("*/"):
        return (Text(text=f"{code[:3]} {body[2:-2].strip()} {code[-3:]}"),)
    name, _sep, rest = body.partition(" ")
    given = {key or "": a or b or c or d for key, a, b, c, d in SHORTCODE_ARGUMENT.findall(rest)}
    match name:
        case "emoji":
            character = given.get("teken") or given.get("")
            if not character:
                return _('the shortcode `emoji` needs a character: {{< emoji teken="💡" >}}')
            return (Emoji(character=character, decorative=given.get("aria-hidden") == "true"),)
        case "figure":
            return _figure(given)
        case "youtube" | "vimeo":
            return _video(name, given)
        case _:
            return _(
                "the shortcode `{name}` is unknown; moza-mail knows emoji, figure, youtube, vimeo, ref and relref",
                name=name or body,
            )


def _figure(given: Mapping[str, str]) -> Inlines | Translatable:
    """Return an image with its caption below it."""
    if not given.get("src"):
        return _('the shortcode `figure` needs an image: {{< figure src="image.png" alt="what it shows" >}}')
    caption = given.get("caption") or given.get("title", "")
    image: Inlines = (Image(src=given["src"], alt=given.get("alt") or caption),)
    if caption and given.get("link"):
        return (*image, LineBreak(hard=True), Link(url=given["link"], children=(Text(text=caption),)))
    return (*image, LineBreak(hard=True), Text(text=caption)) if caption else image


def _video(name: str, given: Mapping[str, str]) -> Inlines | Translatable:
    """Return a link to the page of a video, because mail programs do not play it."""
    video = given.get("id") or given.get("", "")
    if not re.fullmatch(r"[\w-]+", video):
        return _("the shortcode `{name}` needs the number of the video", name=name)
    url = f"https://vimeo.com/{video}" if name == "vimeo" else f"https://www.youtube.com/watch?v={video}"
    return (Link(url=url, children=(Text(text=given.get("title") or url),)),)
