"""Render the web pages of `moza-mail serve` in the look of a theme."""

from collections.abc import Mapping
from typing import Any

from moza_mail.model.theme import Theme
from moza_mail.render import templates
from moza_mail.render.locale import ThemeLocale, read_texts
from moza_mail.render.palette import Palette
from moza_mail.render.view import DEFAULT_FONT


def render_page(theme: Theme, name: str, lang: str, values: Mapping[str, Any]) -> str:
    """Fill in a page template.

    The template gets `values`, the function `t` for its texts, the language as `lang`, and the direction of
    its script as `dir`.
    """
    words = ThemeLocale.load(theme, lang)
    names = {"t": words.translate, "lang": lang, "dir": words.direction}
    return templates.render_markup(theme, f"pages/{name}.html", {**names, **values})


def render_stylesheet(theme: Theme) -> str:
    """Render the style sheet in the colours and font of the theme."""
    palette = Palette.load(theme)
    font = str(theme.settings.get("font", DEFAULT_FONT))
    return templates.render_plain(
        theme, "pages/style.css", {"light": palette.light, "dark": palette.dark, "font": font}
    )


def find_languages(theme: Theme) -> Mapping[str, str]:
    """Return the name of each language of the web pages, by the name of its file in locale/.

    The name is the key `language` of the file. A file without that key is only used for mails.
    """
    paths = sorted(path for path in theme.files if path.startswith("locale/") and path.endswith(".toml"))
    named = {path: read_texts(theme, path).get("language", "") for path in paths}
    return {path[len("locale/") : -len(".toml")]: own for path, own in named.items() if own}
