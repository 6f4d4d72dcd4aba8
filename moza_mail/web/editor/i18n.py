"""Words: what the desk says, in the editor's language. `locale/` holds it, a file for each."""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request

from moza_mail.errors import IssueError, MozaMailError
from moza_mail.i18n.catalog import translate

FOLDER = Path(__file__).parent / "locale"
LANGUAGES = ("nl", "en")
SCHEMES = ("auto", "light", "dark")
LANG_COOKIE, SCHEME_COOKIE = "desk-lang", "desk-scheme"


@cache
def words(lang: str) -> Mapping[str, Any]:
    """The sentences of a language by name; those in the table `script` are the script's."""
    return tomllib.loads((FOLDER / f"{lang}.toml").read_text(encoding="utf-8"))


def day(moment: date, words: Mapping[str, Any]) -> str:
    """A day as a list shows it: 14 jan."""
    return f"{moment.day} {words['months'].split()[moment.month - 1]}"


def moment(at: date | None, words: Mapping[str, Any]) -> str:
    """A day with its year, and the clock where it is known: 14 jan 2026, 09:00."""
    if at is None:
        return ""
    clock = f", {at:%H:%M}" if isinstance(at, datetime) else ""
    return f"{day(at, words)} {at.year}{clock}"


def in_a_breath(error: MozaMailError, lang: str) -> str:
    """An error in a language as one line, the line of the issue told."""
    if not isinstance(error, IssueError):
        return f"{translate(error.message, lang).text} {translate(error.hint, lang).text}".strip()
    where = f"{error.line}: " if error.line else ""
    return f"{where}{translate(error.reason, lang).text}. {translate(error.hint, lang).text}".strip()


def language(request: Request) -> str:
    """The language chosen on the desk, else the first the browser asks for that we have, else Dutch."""
    if (chosen := request.cookies.get(LANG_COOKIE)) in LANGUAGES:
        return str(chosen)
    for wanted in request.headers.get("accept-language", "").lower().split(","):
        if (tag := wanted.partition(";")[0].strip().partition("-")[0]) in LANGUAGES:
            return tag
    return LANGUAGES[0]


def scheme(request: Request) -> str:
    """The colours chosen on the desk; `auto` follows the browser."""
    chosen = request.cookies.get(SCHEME_COOKIE, "")
    return chosen if chosen in SCHEMES else SCHEMES[0]
