"""Hugo shortcodes, read before Markdown would take their quotes and angle brackets for its own."""

import re
from typing import TYPE_CHECKING

from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.issue import Emoji, Inline, Text

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

ARGUMENT = re.compile(r"""(?:([\w-]+)=)?(?:"([^"]*)"|'([^']*)'|`([^`]*)`|([^\s"'`]+))""")
ENDS = {"{{<": ">}}", "{{%": "%}}"}


def install(markdown: "MarkdownIt") -> None:
    """Teach the parser that `{{< name arguments >}}` is one token, `shortcode`."""
    markdown.inline.ruler.before("escape", "shortcode", _rule)


def _rule(state: "StateInline", silent: bool) -> bool:
    end = ENDS.get(state.src[state.pos : state.pos + 3])
    if end is None:
        return False
    close = state.src.find(end, state.pos + 3)
    stop = close + 3 if close >= 0 else state.posMax
    if not silent:
        state.push("shortcode", "", 0).content = state.src[state.pos : stop]
    state.pos = stop
    return True


def read(code: str) -> Inline | Translatable:
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
    return Emoji(sign=given["teken"], decorative=given.get("aria-hidden") == "true")
