"""Write numbers and dates in the format of a language, with Babel.

Babel is imported on first use.
"""

import sys
from datetime import date
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

FALLBACK = "en"


@cache
def decimal_sign(lang: str) -> str:
    """Return the decimal sign of a language, such as a comma."""
    locale = load_locale(lang)
    from babel.numbers import get_decimal_symbol

    return get_decimal_symbol(locale)


def format_date(day: date, pattern: str, locale: "Locale") -> str:
    """Format a day as `full`, `long` or a pattern such as `d MMM` (Unicode TR35)."""
    _import_dates()
    from babel.dates import format_date

    return format_date(day, pattern, locale=locale)


def format_skeleton(skeleton: str, day: date, locale: "Locale") -> str:
    """Format the fields of a skeleton, such as `MMMd`, in the order of a language: `15 jan`."""
    _import_dates()
    from babel.dates import format_skeleton

    return format_skeleton(skeleton, day, locale=locale).rstrip(".")


def format_interval(first: date, last: date, skeleton: str, locale: "Locale") -> str:
    """Format two days as an interval, such as `19–20 jan`."""
    _import_dates()
    from babel.dates import format_interval

    # Newer locale data has thin spaces, which few fonts of mail programs contain.
    return format_interval(first, last, skeleton, locale=locale).replace("\u2009", " ").rstrip(".")


@lru_cache(maxsize=32)
def load_locale(lang: str) -> "Locale":
    """Return Babel's locale for a tag such as `nl-BE`.

    If there is none, return the locale for the language of the tag, else for English.
    """
    # Babel imports babel.dates when it loads the data of a locale.
    _import_dates()
    from babel import Locale, UnknownLocaleError

    for tag in (lang, lang.split("-", maxsplit=1)[0]):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(FALLBACK)


@cache
def _import_dates() -> None:
    """Import babel.dates without pytz.

    If pytz is installed, Babel imports it, and pytz looks at each of its 600 files. Without pytz, Babel
    uses Python's own time zones.
    """
    hidden = "pytz" not in sys.modules
    if hidden:
        sys.modules["pytz"] = None  # type: ignore[assignment]  # tells Python that there is no such module
    try:
        import babel.dates  # noqa: F401  # imported for its effect on sys.modules
    finally:
        if hidden:
            del sys.modules["pytz"]
