"""Read the shortcodes of Hugo and the tags of Jekyll and Eleventy.

Examples: `{{< name arguments >}}` and `{% name arguments %}`.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import Emoji, Image, Inlines, LineBreak, Link, Text
from moza_mail.parse.embedded_pages import page_of_frame
from moza_mail.parse.long_lines import find_last

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

ARGUMENT = re.compile(r"""(?:([\w-]+)=)?(?:"([^"]*)"|'([^']*)'|`([^`]*)`|([^\s"'`]+))""")
ENDS = {"{{<": ">}}", "{{%": "%}}", "{%": "%}"}
WEB_ADDRESS = re.compile(r"https?://[^\s<>\"']+")
HANDLE = re.compile(r"[\w.-]+")
# The page that a shortcode embeds. Each `{}` is replaced by the next argument.
PAGES = {
    "youtube": "https://www.youtube.com/watch?v={}",
    "vimeo": "https://vimeo.com/{}",
    "gist": "https://gist.github.com/{}/{}",
    "tweet": "https://twitter.com/{}/status/{}",
    "x": "https://x.com/{}/status/{}",
    "instagram": "https://www.instagram.com/p/{}/",
}
NAMES = {"twitter": "tweet", "x_simple": "x", "twitter_simple": "tweet", "vimeo_simple": "vimeo", "instagram_simple": "instagram"}  # fmt: skip
KNOWN = "emoji, figure, ref, relref, rawhtml, raw, comment, highlight, link, youtube, vimeo, tweet, x, gist and instagram"
# The names of the arguments, in the order in which they may be given without names.
ARGUMENT_NAMES = {"gist": ("user", "id"), "tweet": ("user", "id"), "x": ("user", "id")}


def install_shortcodes(markdown: "MarkdownIt") -> None:
    """Make the Markdown parser read a shortcode or tag as one token of type `shortcode`."""
    # This rule comes before all others. Otherwise Markdown would read the quotes and angle brackets in a
    # shortcode.
    markdown.inline.ruler.before("escape", "shortcode", _read_token)


def _start_of(code: str) -> str:
    return code[:3] if code[:3] in ENDS else code[:2]


def _read_token(state: "StateInline", silent: bool) -> bool:
    start = _start_of(state.src[state.pos : state.pos + 3])
    end = ENDS.get(start)
    if end is None:
        return False
    if start == "{%" and find_last(state, end) < state.pos:
        return False
    # A tag ends on its line. The end of a shortcode is searched in the whole paragraph. This happens only
    # once for an unclosed shortcode, because it is an error.
    line_end = state.src.find("\n", state.pos) if start == "{%" else -1
    close = state.src.find(end, state.pos + len(start), line_end if line_end >= 0 else state.posMax)
    if close < 0 and start == "{%":
        return False
    stop = close + len(end) if close >= 0 else state.posMax
    if not silent:
        state.push("shortcode", "", 0).content = state.src[state.pos : stop]
    state.pos = stop
    return True


def parse_shortcode(code: str) -> Inlines | Translatable:
    """Return the content that replaces a shortcode or tag, or a message if it cannot be read."""
    start = _start_of(code)
    end = ENDS[start]
    if not code.endswith(end) or len(code) < len(start) + len(end):
        return _("the shortcode `{code}` is not closed by `{end}`", code=code[:30], end=end)
    body = code[len(start) : -len(end)].strip("-" if start == "{%" else "").strip()
    if body.startswith("/*") and body.endswith("*/"):
        return (Text(text=f"{start} {body[2:-2].strip()} {end}"),)
    name, _sep, rest = body.partition(" ")
    arguments = ARGUMENT.findall(rest)
    named = {key: a or b or c or d for key, a, b, c, d in arguments if key}
    unnamed = [a or b or c or d for key, a, b, c, d in arguments if not key]
    name = NAMES.get(name, name)
    match name:
        case "emoji":
            return _emoji(named, unnamed)
        case "figure" if start != "{%":
            return _figure(named)
        case "embed":
            return _link(unnamed[0], "") if unnamed and WEB_ADDRESS.fullmatch(unnamed[0]) else _no_page(name)
        case _ if name in PAGES:
            return _embedded(name, named, unnamed)
        case _:
            return _(
                "the shortcode `{name}` is unknown; moza-mail knows {known}", name=name or body, known=KNOWN
            )


def _emoji(named: Mapping[str, str], unnamed: list[str]) -> Inlines | Translatable:
    character = named.get("teken") or "".join(unnamed[-1:])
    if not character:
        return _('the shortcode `emoji` needs a character: {{< emoji teken="💡" >}}')
    return (Emoji(character=character, decorative=named.get("aria-hidden") == "true"),)


def _figure(given: Mapping[str, str]) -> Inlines | Translatable:
    """Return an image with its caption below it."""
    if not given.get("src"):
        return _('the shortcode `figure` needs an image: {{< figure src="image.png" alt="what it shows" >}}')
    caption = given.get("caption") or given.get("title", "")
    alt = given.get("alt") or caption
    image: Inlines = (Image(src=given["src"], alt=alt, lacks_alt=not alt and "alt" not in given),)
    if caption and given.get("link"):
        return (*image, LineBreak(hard=True), Link(url=given["link"], children=(Text(text=caption),)))
    return (*image, LineBreak(hard=True), Text(text=caption)) if caption else image


def _embedded(name: str, named: Mapping[str, str], unnamed: list[str]) -> Inlines | Translatable:
    """Return a link to the page of a video or post, because mail programs do not embed it."""
    title = named.get("title", "")
    names = ARGUMENT_NAMES.get(name, ("id",))
    values = [named[key] for key in names if key in named] or unnamed
    if values and WEB_ADDRESS.fullmatch(values[0]):
        return _link(page_of_frame(values[0]), title)
    parts = [part for value in values for part in value.split("/")][: len(names)]
    if len(parts) < len(names) or not all(map(HANDLE.fullmatch, parts)):
        if name == "gist" and len(parts) == 1 and HANDLE.fullmatch(parts[0]):
            return _link(f"https://gist.github.com/{parts[0]}", title)
        return _no_page(name)
    return _link(PAGES[name].format(*parts), title)


def _link(url: str, title: str) -> Inlines:
    return (Link(url=url, children=(Text(text=title or url),)),)


def _no_page(name: str) -> Translatable:
    return _("the shortcode `{name}` needs the number or the address of the page that it shows", name=name)
