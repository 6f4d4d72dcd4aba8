"""The colours of a theme, light and dark, and whether a reader can tell them apart."""

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

# WCAG 2.2, 1.4.3: text stands 4.5:1 or more against what is behind it. (A rule or accent is decoration.)
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
    """Role to colour (`#rrggbb`), once for light and once for dark."""

    light: Mapping[str, str]
    dark: Mapping[str, str]

    @classmethod
    def load(cls, theme: Theme) -> "Palette":
        """Read theme.toml's colours; raise ThemeError for one that is missing, no colour or hard to read."""
        light, dark = (_read_colours(theme, mode) for mode in MODES)
        _check_contrast(theme, "light", light)
        _check_contrast(theme, "dark", dark)
        return cls(light=light, dark=dark)


def _read_colours(theme: Theme, mode: str) -> dict[str, str]:
    table = theme.settings.get(mode)
    if not isinstance(table, Mapping):
        raise _make_error(theme, _("has no colours under [{mode}]", mode=mode))
    for role in ROLES:
        if not COLOUR.fullmatch(str(table.get(role, ""))):
            raise _make_error(
                theme, _("[{mode}] {role} must be a colour such as #154273", mode=mode, role=role)
            )
    return {role: str(table[role]).lower() for role in ROLES}


def _check_contrast(theme: Theme, mode: str, colours: Mapping[str, str]) -> None:
    for text, surface in TEXT_SURFACES:
        ratio = contrast_ratio(colours[text], colours[surface])
        if ratio < MIN_CONTRAST:
            raise _make_error(
                theme,
                _(
                    "[{mode}] {text} ({ink}) on {surface} ({paper}) has a contrast of {ratio:.2f}:1, and readers need {least}:1",
                    mode=mode,
                    text=text,
                    ink=colours[text],
                    surface=surface,
                    paper=colours[surface],
                    ratio=ratio,
                    least=MIN_CONTRAST,
                ),
            )


def _make_error(theme: Theme, what: str) -> ThemeError:
    return ThemeError(
        _("theme {theme}: theme.toml {what}", theme=theme.name, what=what),
        theme=theme.name,
        template="theme.toml",
        hint=_("Change the colour in templates/{theme}/theme.toml.", theme=theme.name),
    )
