"""Translate sentences with the gettext catalogs in `locale/`.

Each language has a folder there.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

from moza_mail.i18n.formats import decimal_sign
from moza_mail.i18n.message import MessagePart, Translatable

DOMAIN = "moza_mail"
LOCALE = Path(__file__).parent / "locale"
SOURCE_LANGUAGE = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A sentence, and the language it is in."""

    text: str
    lang: str


@cache
def languages() -> tuple[str, ...]:
    """Return the codes of English and of the languages that have a catalog."""
    return (SOURCE_LANGUAGE, *sorted(path.parts[-3] for path in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")))


def match_language(tag: str) -> str | None:
    """Return the language of a tag such as `nl`, `nl-BE` or `nl_NL.UTF-8`.

    Return None if that language has no catalog.
    """
    lang = re.split(r"[-_.@]", tag.strip().lower(), maxsplit=1)[0]
    return lang if lang in languages() else None


def translate(text: str, lang: str) -> Translation:
    """Translate a sentence.

    Return the English sentence if it is not Translatable or the catalog does not have it.
    """
    if lang == SOURCE_LANGUAGE or lang not in languages() or not isinstance(text, Translatable):
        return Translation(text=text, lang=SOURCE_LANGUAGE)
    try:
        template = _find_template(text, lang)
    except LookupError:
        return Translation(text=text, lang=SOURCE_LANGUAGE)
    return Translation(text=_fill(template, text.parts, lang), lang=lang)


def _find_template(text: Translatable, lang: str) -> str:
    if not text.plural:
        return _catalog(lang).gettext(text.template)
    return _catalog(lang).ngettext(text.template, text.plural, int(text.parts["count"]))


class _NoTranslation(NullTranslations):
    """A fallback that raises LookupError for a sentence that the catalog does not have.

    gettext itself would return the English sentence. Then the caller could not see that a translation is
    missing, because some translations equal the English.
    """

    def gettext(self, message: str) -> str:
        raise LookupError(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        raise LookupError(msgid1, msgid2, n)


@cache
def _catalog(lang: str) -> GNUTranslations:
    with (LOCALE / lang / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
        catalog = GNUTranslations(file)
    catalog.add_fallback(_NoTranslation())
    return catalog


def _fill(template: str, parts: Mapping[str, MessagePart], lang: str) -> str:
    if not parts:
        return template
    translated = {
        name: translate(part, lang).text if isinstance(part, Translatable) else part
        for name, part in parts.items()
    }
    if not any(isinstance(part, float) for part in translated.values()):
        return template.format(**translated)
    return _NumberFormatter(decimal_sign(lang)).vformat(template, (), translated)


class _NumberFormatter(string.Formatter):
    """Fills in a template as `str.format` does, with the decimal sign of a language."""

    def __init__(self, decimal_sign: str) -> None:
        self.decimal_sign = decimal_sign

    def format_field(self, value: Any, format_spec: str) -> str:
        text: str = super().format_field(value, format_spec)
        return text.replace(".", self.decimal_sign) if isinstance(value, float) else text
