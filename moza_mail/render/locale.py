"""The texts and date formats of one language, from the theme's locale/ folder."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from moza_mail.errors import RenderError, ThemeError
from moza_mail.i18n import gettext as _
from moza_mail.i18n.formats import FALLBACK, format_date, load_locale
from moza_mail.model.theme import Theme

if TYPE_CHECKING:
    from babel import Locale


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeLocale:
    """The texts and date formats of a language. English texts replace missing texts."""

    lang: str
    texts: Mapping[str, str]
    locale: "Locale"

    @classmethod
    def load(cls, theme: Theme, lang: str) -> "ThemeLocale":
        """Load `nl-BE` from locale/nl-be.toml, or else from locale/nl.toml, or else English.

        A text that is missing in the first file comes from the next one.
        """
        texts: dict[str, str] = {}
        for tag in (FALLBACK, lang.lower().split("-")[0], lang.lower()):
            path = f"locale/{tag}.toml"
            if path in theme.files:
                texts |= read_texts(theme, path)
        return cls(lang=lang, texts=texts, locale=load_locale(lang))

    @property
    def direction(self) -> str:
        """The direction of the script: `ltr` or `rtl`."""
        return str(self.locale.text_direction)

    def translate(self, key: str, **values: str) -> str:
        """Return a text with its {names} filled in. Templates call this `t`."""
        try:
            return self.texts[key].format(**values)
        except KeyError as error:
            name = error.args[0]
            problem = _("has no text")
            if name != key:
                problem = _("needs {{{name}}}, which it does not get,", name=name)
        except (ValueError, IndexError, AttributeError):
            problem = _("has a { or } too many or too few")
        path = f"locale/{self.lang.lower().split('-')[0]}.toml"
        raise RenderError(
            _(
                "{key} {problem} in this file or in locale/{fallback}.toml",
                key=key,
                problem=problem,
                fallback=FALLBACK,
            ),
            template=path,
        )

    def format_day(self, day: date) -> str:
        """Format a day in full: woensdag 14 januari 2026."""
        return format_date(day, "full", self.locale)

    def format_short_day(self, day: date) -> str:
        """Format a day without its weekday: 14 januari 2026."""
        return format_date(day, "long", self.locale)


def read_texts(theme: Theme, path: str) -> dict[str, str]:
    """Read the texts of one file in locale/. Raises ThemeError if it is not valid TOML."""
    try:
        return _parse_texts(theme.read_template(path))
    except tomllib.TOMLDecodeError as error:
        raise ThemeError(
            _(
                "theme {theme}: {path} is not valid TOML: {error}",
                theme=theme.name,
                path=path,
                error=str(error),
            ),
            theme=theme.name,
            template=path,
        ) from None


@lru_cache(maxsize=32)
def _parse_texts(text: str) -> dict[str, str]:
    return {key: str(value) for key, value in tomllib.loads(text).items()}
