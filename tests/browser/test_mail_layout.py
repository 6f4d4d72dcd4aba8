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
        ("html", "background-color", "rgba(0, 0, 0, 0)", "rgb(7, 12, 23)"),
        ("body", "background-color", "rgb(238, 242, 246)", "rgb(7, 12, 23)"),
        (".card", "background-color", "rgb(255, 255, 255)", "rgb(18, 27, 46)"),
        (".info", "background-color", "rgb(239, 247, 252)", "rgb(26, 42, 69)"),
        ("h3 + p", "color", "rgb(15, 23, 42)", "rgb(226, 232, 240)"),
        (".card .text a", "color", "rgb(1, 104, 155)", "rgb(147, 220, 250)"),
        ("h2", "color", "rgb(21, 66, 115)", "rgb(159, 220, 255)"),
        ("h3", "color", "rgb(15, 23, 42)", "rgb(226, 232, 240)"),
        (".band p", "color", "rgb(255, 255, 255)", "rgb(255, 255, 255)"),
        (".agenda .weekday", "color", "rgb(71, 85, 105)", "rgb(180, 192, 206)"),
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


def test_outlook_on_the_web_shows_dark_colours_from_its_own_attributes(show):
    html = mail(SAMPLE).replace("<body ", '<body data-ogsc="" data-ogsb="" ', 1)
    page = show(html)
    assert colour(page, "h3") == "rgb(226, 232, 240)"
    assert colour(page, ".card", "background-color") == "rgb(18, 27, 46)"


def test_a_screen_reader_finds_every_heading_list_table_and_link(show):
    tree = show(mail(SAMPLE)).locator("body").aria_snapshot()
    for line in (
        '- heading "MOZa Weekly" [level=1]',
        "- paragraph: woensdag 14 januari 2026",
        '- heading "Algemeen" [level=2]',
        '- heading "Nieuwe website" [level=3]',
        '- heading "Profiel en berichten" [level=2]',
        '- heading "Agenda" [level=2]',
        '- rowheader "ma en di 19–20 jan"',
        '- cell "Werkplaats Begrijpelijke Brieven"',
        '- link "Afmelden voor deze nieuwsbrief"',
        '- link "Lees dit nummer online"',
    ):
        assert line in tree
    assert tree.count('MOZa Weekly" [level=1]') == tree.count("14 januari 2026") == 1
    assert len(re.findall(r"- table", tree)) == 1
    assert len(re.findall(r"\[level=3\]", tree)) == 6 + 4


def test_links_outside_sentences_are_large_enough_for_a_thumb(show):
    links = show(mail(SAMPLE), width=320).locator(".way a")
    assert links.count() == 2
    assert min(box["height"] for box in (links.nth(index).bounding_box() for index in range(2))) >= 44


@pytest.mark.parametrize("theme", ["moza", "default", "plain"])
@pytest.mark.parametrize("path", [SAMPLE, *WEEKLIES], ids=lambda path: path.stem)
def test_the_first_news_is_on_the_first_screen_of_a_phone(show, path, theme):
    page = show(mail(path, theme), width=375)
    news = page.locator(".lead, h3, li").first
    assert news.bounding_box()["y"] < 300


@pytest.mark.parametrize("width", [640, 375, 320])
def test_no_text_is_smaller_than_16_pixels(show, width):
    page = show(mail(SAMPLE), width=width)
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('h1, h2, h3, p, a, th, td, span')]
            .filter((e) => e.innerText.trim() && e.getClientRects().length)
            .map((e) => parseFloat(getComputedStyle(e).fontSize)).filter((size) => size && size < 16)"""
    )
    assert sizes == []


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
