"""The wording and dates of one language: every sentence comes from the theme's locale/ folder."""

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
    """The texts of `lang`, with the fallback's for what it lacks, and how it writes dates."""

    lang: str
    texts: Mapping[str, str]
    locale: "Locale"

    @classmethod
    def load(cls, theme: Theme, lang: str) -> "ThemeLocale":
        """Find `nl-BE` in locale/nl-be.toml, else locale/nl.toml, else English."""
        texts: dict[str, str] = {}
        for tag in (FALLBACK, lang.lower().split("-")[0], lang.lower()):
            path = f"locale/{tag}.toml"
            if path in theme.files:
                texts |= read_texts(theme, path)
        return cls(lang=lang, texts=texts, locale=load_locale(lang))

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return str(self.locale.text_direction)

    def translate(self, key: str, **values: str) -> str:
        """A sentence with its {names} filled in; templates call it `t`."""
        try:
            return self.texts[key].format(**values)
        except KeyError as missing:
            name = missing.args[0]
            reason = _("has no wording")
            if name != key:
                reason = _("asks for {{{name}}}, which is not given,", name=name)
        except (ValueError, IndexError, AttributeError):
            reason = _("has a { or } too many or too few")
        path = f"locale/{self.lang.lower().split('-')[0]}.toml"
        raise RenderError(
            _(
                "{key} {reason} in this file or in locale/{fallback}.toml",
                key=key,
                reason=reason,
                fallback=FALLBACK,
            ),
            template=path,
        )

    def format_day(self, day: date) -> str:
        """A day in full: woensdag 14 januari 2026."""
        return format_date(day, "full", self.locale)

    def format_short_day(self, day: date) -> str:
        """A day without its weekday: 14 januari 2026."""
        return format_date(day, "long", self.locale)


def read_texts(theme: Theme, path: str) -> dict[str, str]:
    """The texts of one file of locale/; raise ThemeError when it is no TOML."""
    try:
        return _parse_texts(theme.read_template(path))
    except tomllib.TOMLDecodeError as error:
        raise ThemeError(
            _("theme {theme}: {path} is not TOML: {error}", theme=theme.name, path=path, error=str(error)),
            theme=theme.name,
            template=path,
        ) from None


@lru_cache(maxsize=32)
def _parse_texts(text: str) -> dict[str, str]:
    return {key: str(value) for key, value in tomllib.loads(text).items()}
