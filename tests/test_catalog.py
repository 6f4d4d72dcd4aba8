"""Every text in the code has a Dutch translation, and the catalog is compiled."""

import ast
import io
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from moza_mail.i18n import catalog, ngettext
from moza_mail.i18n import gettext as _
from moza_mail.web.editor import i18n as editor

PACKAGE = Path(__file__).parents[1] / "moza_mail"
LANGUAGES = tuple(lang for lang in catalog.languages() if lang != "en")
RUN = "run `make translations`, fill what is empty or fuzzy, and run it again"
# Exceptions whose text becomes the reason of another error, and a function that makes an IssueError.
REASONS = {"ImageError", "MergeFieldError", "MisplacedMergeFieldError", "issue_error"}
# Packages whose errors are still plain English in part.
PLAIN = {"store"}


@dataclass(frozen=True, kw_only=True)
class Text:
    """A call of gettext or ngettext; `parts` is None if only its template is known."""

    place: str
    forms: tuple[str, ...]
    parts: frozenset[str] | None


@cache
def modules() -> dict[str, tuple[ast.AST, ...]]:
    """Return the syntax nodes of each module of the package."""
    return {
        path.relative_to(PACKAGE).as_posix(): tuple(ast.walk(ast.parse(path.read_text("utf-8"))))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def calls(nodes: tuple[ast.AST, ...], names: set[str]) -> Iterator[ast.Call]:
    for node in nodes:
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in names:
                yield node


def imported_names(nodes: tuple[ast.AST, ...]) -> dict[str, str]:
    """Return the names by which a module calls gettext and ngettext."""
    return {
        alias.asname or alias.name: alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "moza_mail.i18n"
        for alias in node.names
        if alias.name in {"gettext", "ngettext"}
    }


@cache
def texts_in_code() -> tuple[Text, ...]:
    found = []
    for path, nodes in modules().items():
        names = {"gettext": "gettext"} if path == "i18n/message.py" else imported_names(nodes)
        for call in calls(nodes, set(names)):
            function = names[getattr(call.func, "id", "")]
            place = f"{path}:{call.lineno}"
            templates = call.args[: 2 if function == "ngettext" else 1]
            forms = tuple(getattr(each, "value", None) for each in templates)
            assert all(isinstance(form, str) for form in forms), f"{place}: write the text in the call itself"
            given = {str(word.arg) for word in call.keywords} | ({"count"} if len(forms) > 1 else set())
            found.append(Text(place=place, forms=forms, parts=frozenset(given)))
    return tuple(found)


@cache
def texts_of_the_editor() -> tuple[Text, ...]:
    """Return the texts in the editor's templates and scripts, as Babel finds them."""
    kinds = {"jinja2": "editor/html/*.html", "javascript": "editor/static/*.js"}
    return tuple(
        Text(place=f"{path.name}:{line}", forms=forms(text), parts=None)
        for method, pattern in kinds.items()
        for path in sorted((PACKAGE / "web").glob(pattern))
        for line, text, *_ in extract_from_file(method, path)
    )


def all_texts() -> tuple[Text, ...]:
    return (*texts_in_code(), *texts_of_the_editor())


@cache
def read_catalog(lang: str) -> Catalog:
    with (catalog.LOCALE / lang / "LC_MESSAGES/moza_mail.po").open("rb") as file:
        return read_po(file, locale=lang, domain="moza_mail")


def messages(lang: str) -> list[Message]:
    return [message for message in read_catalog(lang) if message.id]


def forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_catalog_has_exactly_the_texts_of_the_code(lang: str) -> None:
    known = {forms(message.id) for message in messages(lang)}
    missing = [f"{text.place}: {text.forms[0]}" for text in all_texts() if text.forms not in known]
    assert not missing, f"{RUN}:\n" + "\n".join(missing)
    assert known - {text.forms for text in all_texts()} == set(), RUN


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_is_translated_in_all_its_plural_forms(lang: str) -> None:
    known = read_catalog(lang)
    wrong = [
        message.id
        for message in messages(lang)
        if message.fuzzy
        or not all(forms(message.string))
        or (message.pluralizable and len(message.string) != known.num_plurals)
    ]
    assert wrong == [], RUN


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_compiled_catalog_matches_the_source(lang: str) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, read_catalog(lang))
    assert (catalog.LOCALE / lang / "LC_MESSAGES/moza_mail.mo").read_bytes() == compiled.getvalue(), RUN


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_text_and_each_has_a_value(lang: str) -> None:
    translated = {forms(message.id): forms(message.string) for message in messages(lang)}
    for text in all_texts():
        if text.parts == frozenset():  # used as it is, braces included
            continue
        given = placeholders(text.forms[-1]) if text.parts is None else text.parts
        for form in (*text.forms, *translated[text.forms]):
            # A text need not contain `count`, the number that chooses its plural form.
            assert placeholders(form) | {"count"} == given | {"count"}, f"{text.place}: {form}"


def test_the_scripts_of_the_editor_get_every_text_they_use() -> None:
    scripts = {text.forms[0] for text in texts_of_the_editor() if ".js:" in text.place}
    assert editor.script_texts("nl").keys() == scripts


@cache
def error_classes() -> set[str]:
    """Return the names of MozaMailError and its subclasses."""
    classes = [node for nodes in modules().values() for node in nodes if isinstance(node, ast.ClassDef)]
    found = {"MozaMailError"}
    while more := {each.name for each in classes if found & set(map(ast.unparse, each.bases))} - found:
        found |= more
    return found


def is_plain(text: ast.expr) -> bool:
    """Return True for a literal text without gettext; a single word may be a name."""
    if isinstance(text, ast.IfExp):
        return is_plain(text.body) or is_plain(text.orelse)
    is_sentence = isinstance(text, ast.Constant) and isinstance(text.value, str) and " " in text.value
    return isinstance(text, ast.JoinedStr) or is_sentence


def test_errors_are_translatable() -> None:
    names = error_classes() | REASONS
    plain = [
        f"{path}:{argument.lineno}: {ast.unparse(argument)}"
        for path, nodes in modules().items()
        if path.split("/")[0] not in PLAIN
        for call in calls(nodes, names)
        for argument in [
            *call.args,
            *(each.value for each in call.keywords if each.arg in {"hint", "message"}),
        ]
        if is_plain(argument)
    ]
    assert plain == []


def test_every_translation_can_be_filled() -> None:
    """Fill each placeholder with a number if the template formats one, and otherwise with a text that contains braces."""
    for text in texts_in_code():
        fields = string.Formatter().parse(text.forms[-1]) if text.parts else ()
        values = {name: 66 if spec else "{x} %s 'y'" for _, name, spec, _ in fields if name}
        sentence = (
            _(text.forms[0], **values)
            if len(text.forms) == 1
            else ngettext(*text.forms, 66, **{name: values[name] for name in values if name != "count"})
        )
        for lang in LANGUAGES:
            translation = catalog.translate(sentence, lang)
            assert translation.lang == lang, text.place
            assert translation.text, text.place
