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
LEAST = 4.5
PAIRS = (
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
    def of(cls, theme: Theme) -> "Palette":
        """Read theme.toml's colours; raise ThemeError for one that is missing, no colour or hard to read."""
        light, dark = (_colours(theme, mode) for mode in MODES)
        _check_contrast(theme, "light", light)
        _check_contrast(theme, "dark", dark)
        return cls(light=light, dark=dark)


def _colours(theme: Theme, mode: str) -> dict[str, str]:
    table = theme.settings.get(mode)
    if not isinstance(table, Mapping):
        raise _wrong(theme, _("has no colours under [{mode}]", mode=mode))
    for role in ROLES:
        if not COLOUR.fullmatch(str(table.get(role, ""))):
            raise _wrong(theme, _("[{mode}] {role} must be a colour such as #154273", mode=mode, role=role))
    return {role: str(table[role]).lower() for role in ROLES}


def _check_contrast(theme: Theme, mode: str, colours: Mapping[str, str]) -> None:
    for text, surface in PAIRS:
        ratio = contrast_ratio(colours[text], colours[surface])
        if ratio < LEAST:
            raise _wrong(
                theme,
                _(
                    "[{mode}] {text} ({ink}) on {surface} ({paper}) has a contrast of {ratio:.2f}:1, and readers need {least}:1",
                    mode=mode,
                    text=text,
                    ink=colours[text],
                    surface=surface,
                    paper=colours[surface],
                    ratio=ratio,
                    least=LEAST,
                ),
            )


def _wrong(theme: Theme, what: str) -> ThemeError:
    return ThemeError(
        _("theme {theme}: theme.toml {what}", theme=theme.name, what=what),
        theme=theme.name,
        template="theme.toml",
        hint=_("Change the colour in templates/{theme}/theme.toml.", theme=theme.name),
    )
