"""The colours of a theme in light and dark mode. Text has enough contrast in both."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from moza_mail.errors import ThemeError
from moza_mail.i18n import gettext as _
from moza_mail.model.colour import contrast_ratio
from moza_mail.model.theme import Theme

MODES = ("light", "dark")
ROLES = (
    "page", "card", "info", "band", "band_text", "text", "muted", "heading", "link", "button", "button_text", "rule", "accent",
)  # fmt: skip
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

# WCAG 2.2, 1.4.3: text needs at least 4.5:1 with its background. (`rule` and `accent` are decoration.)
MIN_CONTRAST = 4.5
TEXT_SURFACES = (
    ("text", "card"),
    ("text", "info"),
    ("text", "page"),
    ("muted", "card"),
    ("muted", "info"),
    ("muted", "page"),
    ("heading", "card"),
    ("heading", "info"),
    ("link", "card"),
    ("link", "info"),
    ("link", "page"),
    ("band_text", "band"),
    ("button_text", "button"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours (`#rrggbb`) by role, for light and for dark mode."""

    light: Mapping[str, str]
    dark: Mapping[str, str]

    @classmethod
    def load(cls, theme: Theme) -> "Palette":
        """Read the colours of theme.toml.

        Raises ThemeError if a colour is missing, invalid or has too little contrast.
        """
        light, dark = (_read_colours(theme, mode) for mode in MODES)
        _check_contrast(theme, "light", light)
        _check_contrast(theme, "dark", dark)
        return cls(light=light, dark=dark)


def _read_colours(theme: Theme, mode: str) -> dict[str, str]:
    table = theme.settings.get(mode)
    if not isinstance(table, Mapping):
        raise _make_error(theme, _("the table [{mode}] with colours is missing", mode=mode))
    for role in ROLES:
        if not COLOUR.fullmatch(str(table.get(role, ""))):
            raise _make_error(
                theme, _('`{role}` in [{mode}] must be a colour such as "#154273"', mode=mode, role=role)
            )
    return {role: str(table[role]).lower() for role in ROLES}


def _check_contrast(theme: Theme, mode: str, colours: Mapping[str, str]) -> None:
    for text, surface in TEXT_SURFACES:
        ratio = contrast_ratio(colours[text], colours[surface])
        if ratio < MIN_CONTRAST:
            raise _make_error(
                theme,
                _(
                    "`{text}` ({text_colour}) on `{surface}` ({surface_colour}) in [{mode}] has a contrast of {ratio:.2f}:1 and needs {least}:1",
                    mode=mode,
                    text=text,
                    text_colour=colours[text],
                    surface=surface,
                    surface_colour=colours[surface],
                    ratio=ratio,
                    least=MIN_CONTRAST,
                ),
            )


def _make_error(theme: Theme, problem: str) -> ThemeError:
    return ThemeError(
        _("theme {theme}, theme.toml: {problem}", theme=theme.name, problem=problem),
        theme=theme.name,
        template="theme.toml",
        hint=_("Change the colour in templates/{theme}/theme.toml.", theme=theme.name),
    )
