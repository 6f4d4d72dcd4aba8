"""The colours of a theme in light and dark mode. Text has enough contrast in both."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from moza_mail.errors import ThemeError
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.colour import contrast_ratio
from moza_mail.model.oklch import STEP, Oklch
from moza_mail.model.theme import Theme

MODES = ("light", "dark")
ROLES = (
    "page", "card", "info", "band", "band_text", "text", "muted", "heading", "link", "button", "button_text", "rule", "accent",
)  # fmt: skip
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

# WCAG 2.2, 1.4.3: text needs at least 4.5:1 with its background. (`rule` and `accent` are decoration.)
MIN_CONTRAST = 4.5
# Shades are computed with some reserve, because a mail program may round colours.
COMPUTED_CONTRAST = 4.7
# Lines and other shapes need 3:1 (WCAG 2.2, 1.4.11).
SHAPE_CONTRAST = 3.0
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
        """Read the colours of theme.toml, and compute missing colours from its main `colour`.

        Raises ThemeError if a colour is missing and cannot be computed, is invalid, or has too little contrast.
        """
        computed = _compute_palettes(theme)
        light, dark = (_read_colours(theme, mode, computed.get(mode, {})) for mode in MODES)
        _check_contrast(theme, "light", light)
        _check_contrast(theme, "dark", dark)
        return cls(light=light, dark=dark)


def _compute_palettes(theme: Theme) -> Mapping[str, Mapping[str, str]]:
    colour = theme.settings.get("colour")
    if colour is None:
        return {}
    if not COLOUR.fullmatch(str(colour)):
        raise _make_error(theme, _('`colour` must be a colour such as "#154273"'), "colour")
    base = Oklch.from_hex(str(colour))
    return {"light": _compute_light(base), "dark": _compute_dark(base)}


def _compute_light(base: Oklch) -> dict[str, str]:
    page, card, info = base.shade(0.955, 0.008), "#ffffff", base.shade(0.97, 0.016)
    text = base.shade(0.25, 0.02)
    link = base.readable_on(page, card, info, minimum=COMPUTED_CONTRAST, step=-STEP)
    return {
        "page": page,
        "card": card,
        "info": info,
        "band": card,
        "band_text": text,
        "text": text,
        "muted": base.shade(0.45, 0.02),
        "heading": link,
        "link": link,
        "button": link,
        "button_text": card,
        "rule": base.shade(0.86, 0.025),
        "accent": base.readable_on(card, minimum=SHAPE_CONTRAST, step=-STEP),
    }


def _compute_dark(base: Oklch) -> dict[str, str]:
    page, card, info = base.shade(0.16, 0.015), base.shade(0.21, 0.02), base.shade(0.27, 0.03)
    text = base.shade(0.93, 0.012)
    bright = replace(base, lightness=max(base.lightness, 0.8), chroma=min(base.chroma, 0.13))
    link = bright.readable_on(page, card, info, minimum=COMPUTED_CONTRAST, step=STEP)
    return {
        "page": page,
        "card": card,
        "info": info,
        "band": info,
        "band_text": text,
        "text": text,
        "muted": base.shade(0.78, 0.02),
        "heading": link,
        "link": link,
        "button": link,
        "button_text": page,
        "rule": base.shade(0.42, 0.03),
        "accent": base.readable_on(info, minimum=SHAPE_CONTRAST, step=STEP),
    }


def _read_colours(theme: Theme, mode: str, computed: Mapping[str, str]) -> dict[str, str]:
    own = theme.settings.get(mode, {} if computed else None)
    if not isinstance(own, Mapping):
        raise _make_error(theme, _("the table [{mode}] with colours is missing", mode=mode), mode)
    table = {**computed, **own}
    for role in ROLES:
        if not COLOUR.fullmatch(str(table.get(role, ""))):
            raise _make_error(
                theme,
                _('`{role}` in [{mode}] must be a colour such as "#154273"', mode=mode, role=role),
                role if role in own else mode,
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
                text,
            )


def _make_error(theme: Theme, problem: Translatable, key: str) -> ThemeError:
    hint = _("Change the colour in templates/{theme}/theme.toml.", theme=theme.name)
    return theme.setting_error(problem, hint, key=key)
