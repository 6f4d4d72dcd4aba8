"""Plain English: phrases that had to be read twice stay out of docstrings, comments, messages and documentation."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("moza_mail", "tests", "benchmarks")

# A docstring begins with an imperative verb or with the noun that it describes.
SUBJECT_CLAUSE = re.compile(r"(?:What|Who|Whom|Whose|Whether|Where|How)\b")

# Few and exact: each of these was always a puzzle. "DKIM signs", "holds a lock" or "behind a proxy" are right.
PUZZLES = {
    r"\bhas had (?:its|their) (?:time|turn|say)\b": "expired, finished",
    r"\b(?:is|are|was|were|be) told (?:once|about|of|at|that|by|to)\b": "name who reports it",
    r"\btells? of\b": "describe, report",
    r"\bsaid of\b": "reported about",
    r"\bof whom\b": "a relative clause less",
    r"\banew\b": "again",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bhand(?:s|ed|ing)? out\b": "return, export",
    r"\bgo(?:es)? along\b": "belong, included",
    r"\bway out\b": "relay, transport, fix",
    r"\bgoodbyes?\b": "unsubscribe, QUIT",
    r"\bput(?:s|ting)? off\b": "defer",
    r"\bfor who\b": "for those who",
    r"\bto who\b": "to those who",
    r"\bbeside who(?:ever)?\b": "while another process",
    r"\bgives? what\b": "return",
    r"\bwhat (?:is|was) (?:wrong|due|left|known|there) (?:is|was|are)\b": "the subject is a noun",
    r"\bstands? (?:as|under|there)\b": "is",
    r"\b(?:the|a|its|at the|our) (?:desk|workshop|crew|lane|needle|deed)s?\b": "the field's word",
}
PHRASES = {re.compile(pattern, re.IGNORECASE): better for pattern, better in PUZZLES.items()}
# Searching for all phrases at once finds nothing in most texts, in a quarter of the time.
ANY_PHRASE = re.compile("|".join(PUZZLES), re.IGNORECASE)


def python_files() -> Iterator[Path]:
    here = Path(__file__)
    return (path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py")) if path != here)


def pages() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def docstrings(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in nodes:
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text


def messages(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """The templates of translatable messages: the strings in calls of `_` and `ngettext`."""
    for node in nodes:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"_", "ngettext"}
        ):
            yield from (
                (each.lineno, each.value)
                for each in node.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )


def comments(text: str) -> Iterator[tuple[int, str]]:
    """Comments, those in consecutive lines as one text."""
    first, last, words = 0, -1, ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, here = token.start[0], token.string.lstrip("# ")
        if line == last + 1:
            words = f"{words} {here}"
        else:
            yield first, words
            first, words = line, here
        last = line
    yield first, words


@cache
def texts_of(path: Path) -> dict[str, list[tuple[int, str]]]:
    """The lines and texts of everything in a Python file that a person reads."""
    text = path.read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(text)))
    return {
        "docstrings": list(docstrings(nodes)),
        "messages": list(messages(nodes)),
        "comments": list(comments(text)),
    }


def puzzles(path: Path, texts: Iterable[tuple[int, str]]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: {found.group()!r} ({better})"
        for line, words in texts
        if ANY_PHRASE.search(text := " ".join(words.split()))
        for phrase, better in PHRASES.items()
        if (found := phrase.search(text))
    ]


def test_no_docstring_begins_with_a_subject_clause():
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in python_files()
        for line, text in texts_of(path)["docstrings"]
        if SUBJECT_CLAUSE.match(text)
    ]
    assert wrong == []


def test_no_puzzle_phrase_is_in_the_code():
    assert [
        each for path in python_files() for texts in texts_of(path).values() for each in puzzles(path, texts)
    ] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_puzzle_phrase_is_in_the_documentation(page):
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    assert puzzles(page, lines) == []
