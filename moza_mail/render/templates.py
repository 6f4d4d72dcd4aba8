"""Fill in Jinja2 templates of a theme.

An error becomes a RenderError with the template and line.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

from jinja2 import (
    BaseLoader,
    BytecodeCache,
    Environment,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from moza_mail.errors import RenderError
from moza_mail.i18n import gettext as _
from moza_mail.model import issue as model
from moza_mail.model.issue import Inlines, to_plain_text
from moza_mail.model.theme import Theme
from moza_mail.render.merge import text_length

# This text temporarily replaces a `<!--` in an issue. libxml2 would write `<!--` unescaped in attributes, where Outlook
# may read it as a comment. U+FFFD cannot occur in an issue, so it identifies text that is not from a template.
COMMENT_START = "\ufffd!--"
MAX_COMPILED = 500
# Three columns of words of this length just fit a mail of 640 pixels.
LONGEST_CELL_WORD = 24
# Most values, such as colours, need no escaping. This search is faster than escaping them.
NEEDS_ESCAPE = re.compile(r"""[&<>"'{\n]""")
TEMPLATE_CODE = re.compile(r"\{\{|\{%|\{#")
TEMPLATE_TESTS = (
    model.Text, model.Strong, model.Emphasis, model.Strike, model.Code, model.Link, model.Image, model.Emoji,
    model.LineBreak, model.Paragraph, model.Heading, model.ItemList, model.Table, model.Quote, model.CodeBlock,
    model.Divider, model.EventTable, model.Subscript, model.Superscript, model.NoteReference, model.Notes,
)  # fmt: skip


def render_markup(theme: Theme, path: str, variables: Mapping[str, Any]) -> str:
    """Fill in a template of HTML or MJML, and escape every value and the braces in it.

    Raises RenderError if the result contains a `{{`, because only a template can have left it there.
    """
    theme.read_template(path)
    return _refuse_template_code(_render(_make_environment(_files(theme), "markup"), path, variables), path)


def render_plain(theme: Theme, path: str, variables: Mapping[str, Any]) -> str:
    """Fill in a template of plain text or CSS, without escaping the values."""
    theme.read_template(path)
    filled = _refuse_template_code(_render(_make_environment(_files(theme), "plain"), path, variables), path)
    return filled.replace("\0", "")


def _files(theme: Theme) -> tuple[tuple[str, str], ...]:
    return tuple(theme.files.items())


class _MemoryLoader(BaseLoader):
    """Loads templates from memory. Tracebacks show the names of these templates."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Any]:
        del environment
        if template not in self.files:
            raise TemplateNotFound(template)
        return self.files[template], template, lambda: True


class _CompiledTemplates(BytecodeCache):
    """The compiled templates of all themes, so that only changed templates are compiled again."""

    def __init__(self) -> None:
        self.compiled: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.compiled.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if len(self.compiled) >= MAX_COMPILED:
            self.compiled.clear()
        if bucket.code:
            self.compiled[bucket.key, bucket.checksum] = bucket.code


# HTML and plain text have separate caches, because the compiled code depends on how values are escaped.
COMPILED_TEMPLATES = {"markup": _CompiledTemplates(), "plain": _CompiledTemplates()}


# Compiling the templates of a theme takes longer than filling them in.
@lru_cache(maxsize=16)
def _make_environment(files: tuple[tuple[str, str], ...], kind: str) -> Environment:
    environment = Environment(
        loader=_MemoryLoader(dict(files)),
        autoescape=kind == "markup",  # noqa: S701  # plain text and CSS have nothing to escape
        finalize=_escape if kind == "markup" else _mark_braces,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=COMPILED_TEMPLATES[kind],
    )
    for part in TEMPLATE_TESTS:
        environment.tests[part.__name__.lower()] = _make_type_test(part)
    environment.tests["long_worded"] = _has_long_word
    environment.filters["prefixed"] = _prefix_selectors
    environment.filters["underlined"] = lambda text, sign: f"{text}\n{sign * min(text_length(text), 72)}"
    return environment


def _prefix_selectors(css: str, prefix: str) -> str:
    """Put a prefix before each selector in CSS. The CSS must have one rule on each line."""
    rows = [row.partition("{") for row in css.split("\n")]
    written = [
        ", ".join(f"{prefix} {selector.strip()}" for selector in selectors.split(",")) + f" {brace}{rest}"
        for selectors, brace, rest in rows
        if brace
    ]
    marked = "".join(f"{row}\n" for row in written)
    return Markup(marked) if isinstance(css, Markup) else marked  # noqa: S704  # the CSS was escaped before


def _has_long_word(inlines: Inlines) -> bool:
    """Return True if a word, such as an address, may not fit a column of a table on a phone."""
    return any(text_length(word) > LONGEST_CELL_WORD for word in to_plain_text(inlines).split())


def _make_type_test(part: type) -> Any:
    return lambda value: isinstance(value, part)


def _escape(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    if type(value) is str and not NEEDS_ESCAPE.search(value):
        return Markup(value)  # noqa: S704  # the value contains nothing to escape
    # MJML writes a line end in an attribute as \n, so line ends are escaped too.
    text = str(escape(value)).replace("{", "&#123;").replace("\n", "&#10;")
    return Markup(text.replace("&lt;!--", COMMENT_START))  # noqa: S704  # escaped on the line above


def _mark_braces(value: Any) -> Any:
    # NUL cannot occur in an issue. It marks the braces in values, and `render_plain` removes it.
    return value.replace("{", "{\0") if isinstance(value, str) else value


def _refuse_template_code(filled: str, path: str) -> str:
    if found := TEMPLATE_CODE.search(filled):
        around = filled[found.start() : found.start() + 40].split("\n", maxsplit=1)[0]
        raise RenderError(
            _("{around!r} is left over in the output of this template", around=around), template=path
        )
    return filled


def _render(environment: Environment, path: str, variables: Mapping[str, Any]) -> str:
    try:
        return environment.get_template(path).render(variables)
    except TemplateNotFound as error:
        name, line = _find_place(error, environment, path)
        raise RenderError(
            _("the template {name} does not exist", name=str(error.name)),
            template=name,
            line=line,
            written=str(error.name),
        ) from None
    except TemplateSyntaxError as error:
        raise RenderError(
            _without_full_stop(error.message or "not Jinja"), template=error.name or path, line=error.lineno
        ) from None
    except (
        TemplateError,
        TypeError,
        ValueError,
        AttributeError,
        LookupError,
        ArithmeticError,
        MemoryError,
    ) as error:
        name, line = _find_place(error, environment, path)
        problem = _without_full_stop(str(error)) or type(error).__name__
        raise RenderError(problem, template=name, line=line) from None
    except RecursionError as error:
        name, line = _find_place(error, environment, path)
        raise RenderError(_("a macro or include calls itself endlessly"), template=name, line=line) from None


def _find_place(error: Exception, environment: Environment, path: str) -> tuple[str, int]:
    """Return the template and line of an error.

    They come from the last frame of the traceback that is in a template.
    """
    place = (path, 0)
    files = environment.loader.files if isinstance(environment.loader, _MemoryLoader) else {}
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename in files:
            place = (frame.tb_frame.f_code.co_filename, frame.tb_lineno)
        frame = frame.tb_next
    return place


def _without_full_stop(sentence: str) -> str:
    return sentence.rstrip(".")
