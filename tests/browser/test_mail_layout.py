"""The layout of the sample issue and of awkward issues in Chromium, without network access."""

import re

import pytest

from tests.support import rendered_mails
from tests.support.rendered_mails import SAMPLE, SOURCES, WEEKLIES

ALL = [*SOURCES, *WEEKLIES]


def mail(path, theme="moza"):
    return rendered_mails.render_page(path, theme)


def colour(page, selector, of="color"):
    return page.eval_on_selector(selector, f"e => getComputedStyle(e).getPropertyValue('{of}')")


@pytest.mark.parametrize("theme", ["moza", "default"])
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_the_mail_is_in_standards_mode_and_fits_every_screen_with_or_without_styles_and_images(
    show, path, theme
):
    html = mail(path, theme)
    for version in (html, rendered_mails.strip_styles(html), rendered_mails.strip_images(html)):
        page = show(version)
        assert page.evaluate("document.compatMode") == "CSS1Compat"
        for width in (640, 375, 320):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_light_and_dark_colours_are_those_of_the_theme(show):
    light, dark = (show(mail(SAMPLE), scheme=scheme) for scheme in ("light", "dark"))
    said = [
        ("body", "background-color", "rgb(243, 243, 243)", "rgb(15, 23, 42)"),
        (".card", "background-color", "rgb(255, 255, 255)", "rgb(30, 41, 59)"),
        (".info", "background-color", "rgb(217, 235, 247)", "rgb(30, 58, 95)"),
        (".card li", "color", "rgb(15, 23, 42)", "rgb(226, 232, 240)"),
        (".card li a", "color", "rgb(1, 104, 155)", "rgb(147, 220, 250)"),
        ("h2", "color", "rgb(21, 66, 115)", "rgb(128, 213, 252)"),
        (".band a", "color", "rgb(255, 255, 255)", "rgb(255, 255, 255)"),
        (".button a", "color", "rgb(255, 255, 255)", "rgb(30, 41, 59)"),
        (".agenda .when.head", "color", "rgb(51, 65, 85)", "rgb(184, 196, 208)"),
        (".foot a", "color", "rgb(1, 104, 155)", "rgb(147, 220, 250)"),
    ]
    for selector, of, by_day, by_night in said:
        assert (colour(light, selector, of), colour(dark, selector, of)) == (by_day, by_night), selector


@pytest.mark.parametrize("theme", ["moza", "default"])
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_all_text_contrasts_with_its_background(show, path, theme):
    """Check the computed contrast of every element with text, to find elements that a rule misses."""
    html = mail(path, theme)
    for version in (html, rendered_mails.strip_styles(html)):
        page = show(version)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(FAINT) == [], scheme


def test_outlook_on_the_web_gets_dark_colours_by_its_own_attributes(show):
    html = mail(SAMPLE).replace("<body ", '<body data-ogsc="" data-ogsb="" ', 1)
    page = show(html)
    assert colour(page, ".card li") == "rgb(226, 232, 240)"
    assert colour(page, ".card", "background-color") == "rgb(30, 41, 59)"


def test_a_screen_reader_finds_every_heading_list_table_and_link(show):
    tree = show(mail(SAMPLE)).locator("body").aria_snapshot()
    for line in (
        '- heading "MOZa Weekly 14 januari 2026" [level=1]',
        '- heading "Algemeen" [level=2]',
        '- heading "Profiel en berichten" [level=2]',
        '- heading "Agenda" [level=2]',
        '- columnheader "Wanneer"',
        '- rowheader "19 en 20 januari"',
        '- cell "Werkplaats Begrijpelijke Brieven"',
        '- link "Afmelden voor deze nieuwsbrief"',
        '- link "Lees dit nummer op de website"',
    ):
        assert line in tree
    assert len(re.findall(r"- list:", tree)) == 3
    assert re.findall(r"- table(.*):", tree) == [' "Wat er aankomt"']
    assert len(re.findall(r"- listitem", tree)) == 3 + 6 + 4


def test_the_button_is_large_enough_for_a_thumb(show):
    box = show(mail(SAMPLE), width=320).locator(".button a").bounding_box()
    assert box["height"] >= 44


FAINT = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const found = channels(getComputedStyle(e).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const e of document.body.querySelectorAll('*')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || getComputedStyle(e).display === 'none' || !e.getClientRects().length) continue;
    const [low, high] = [luminance(channels(getComputedStyle(e).color)), luminance(behind(e))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 40)}`);
  }
  return faint;
}"""
