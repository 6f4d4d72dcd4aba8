"""The shades that a theme computes from one colour are readable, whatever the colour is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.errors import ThemeError
from moza_mail.model.colour import contrast_ratio
from moza_mail.model.oklch import Oklch
from moza_mail.render.palette import TEXT_SURFACES, Palette
from tests.support import builders as build

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
AWKWARD = ["#000000", "#ffffff", "#808080", "#ffff00", "#00ff00", "#0000ff", "#ff0000", "#0b6e4f", "#154273"]


def palette(colour, **tables):
    return Palette.load(replace(build.theme("default"), settings={"colour": colour, **tables}))


def assert_readable(made):
    for colours in (made.light, made.dark):
        for text, surface in TEXT_SURFACES:
            assert contrast_ratio(colours[text], colours[surface]) >= 4.5, (text, surface)
        assert contrast_ratio(colours["accent"], colours["band"]) >= 3


@given(COLOURS)
def test_text_of_any_colour_is_readable_in_light_and_dark(colour):
    assert_readable(palette(colour))


@pytest.mark.parametrize("colour", AWKWARD)
def test_extreme_colours_are_not_refused(colour):
    assert_readable(palette(colour))


def test_a_readable_colour_is_used_as_it_is():
    made = palette("#0b6e4f")
    assert made.light["link"] == made.light["accent"] == "#0b6e4f"


def test_a_colour_in_a_table_overrides_a_computed_one():
    made = palette("#0b6e4f", light={"heading": "#154273"})
    assert (made.light["heading"], made.light["link"]) == ("#154273", "#0b6e4f")


def test_an_invalid_colour_is_refused():
    with pytest.raises(ThemeError, match="`colour` must be a colour"):
        palette("groen")


@given(COLOURS)
def test_a_colour_is_unchanged_by_conversion_to_oklch_and_back(colour):
    back = Oklch.from_hex(colour).to_hex()
    assert all(abs(int(colour[at : at + 2], 16) - int(back[at : at + 2], 16)) <= 1 for at in (1, 3, 5))


def test_shades_have_the_requested_lightness():
    green = Oklch.from_hex("#0b6e4f")
    lightness = [Oklch.from_hex(green.shade(step / 10, 0.05)).lightness for step in range(2, 10)]
    assert lightness == pytest.approx([step / 10 for step in range(2, 10)], abs=0.01)
