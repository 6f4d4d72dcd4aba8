"""Translate: what `say` made, in the language of who reads it. A language is a file here, with its own form for each English one."""

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from moza_mail.i18n.message import MessagePart, Translatable

__all__ = ["LANGUAGES", "Translation", "forms", "translate"]

LANGUAGES = ("nl",)
"""Those that have a file; English needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A sentence, and the language it is in."""

    text: str
    lang: str


def translate(sentence: str, lang: str) -> Translation:
    """A sentence in a language; in English as it stands when that language has no form for it, or nobody said it with `say`."""
    if (
        lang not in LANGUAGES
        or not isinstance(sentence, Translatable)
        or sentence.template not in forms(lang)
    ):
        return Translation(text=sentence, lang="en")
    form = forms(lang)[sentence.template]
    return Translation(text=_filled(form, sentence.parts, lang), lang=lang)


def _filled(form: str, parts: Mapping[str, MessagePart], lang: str) -> str:
    if not parts:
        return form
    own = {
        name: translate(part, lang).text if isinstance(part, Translatable) else part
        for name, part in parts.items()
    }
    if not any(isinstance(part, float) for part in own.values()):
        return form.format(**own)
    return _Numbers(_read(lang)["decimal"]).vformat(form, (), own)


class _Numbers(string.Formatter):
    """Fills a form as `str.format` does, with the language's own sign before the decimals."""

    def __init__(self, decimal: str) -> None:
        self.decimal = decimal

    def format_field(self, value: Any, format_spec: str) -> str:
        text: str = super().format_field(value, format_spec)
        return text.replace(".", self.decimal) if isinstance(value, float) else text


@cache
def forms(lang: str) -> Mapping[str, str]:
    """A language's forms by their English ones."""
    tables = (table for table in _read(lang).values() if isinstance(table, dict))
    return {english: own for table in tables for english, own in table.items()}


@cache
def _read(lang: str) -> Mapping[str, Any]:
    return tomllib.loads(files("moza_mail.i18n").joinpath(f"{lang}.toml").read_text(encoding="utf-8"))
