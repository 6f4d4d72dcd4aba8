"""Tables of an author: words and amounts stay whole, and the mail never scrolls sideways."""

from datetime import date

import pytest

from moza_mail import parse, render
from tests.support import builders as build

ROWS = """
| Gemeente | Aantal | Bedrag | Contactpersoon | Website |
| --- | ---: | ---: | --- | --- |
| Amsterdam | 1.250 | 12.500,00 | Jan de Vries | amsterdam.example |
| Utrecht | 98 | 1.980,50 | Fatima Ouali | utrecht.example |
"""
LONG_ADDRESS = f"https://www.example.org/{'subsidieregeling/' * 6}aanvraag"
# This script returns the words in cells that are shown on more than one line. A hyphen may end a line.
BROKEN = """() => [...document.querySelectorAll('.data th, .data td')].flatMap((cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), broken = [];
  for (let text = texts.nextNode(); text; text = texts.nextNode())
    for (const found of text.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(text, found.index);
      range.setEnd(text, found.index + found[0].length);
      if (new Set([...range.getClientRects()].map((box) => box.top)).size > 1) broken.push(found[0]);
    }
  return broken;
})"""
PAGE_WIDTH = "document.documentElement.scrollWidth"
HIDDEN_WIDTH = (
    "(() => { const at = document.querySelector('.scroll'); return at.scrollWidth - at.clientWidth; })()"
)


def render_table(rows, theme="moza"):
    head = f"---\ntitle: Tabel\ndate: {date(2026, 12, 1)}\n---\n\n## Cijfers\n"
    issue = parse.parse_issue(head + rows, "issue.md", site_url="https://example.org")
    mail = render.render_issue(issue, build.theme(theme), build.COLOPHON, zone=build.AMSTERDAM)
    return mail.fill_with_typical_values().html


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 640, 390, 320])
@pytest.mark.parametrize("theme", ["moza", "default", "plain"])
def test_words_and_amounts_in_a_table_stay_whole(show, theme, width, scheme):
    shown = show(render_table(ROWS, theme), width=width, scheme=scheme)
    assert shown.evaluate(BROKEN) == []
    assert shown.evaluate(PAGE_WIDTH) == width
    assert width < 640 or shown.evaluate(HIDDEN_WIDTH) == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_address_in_a_table_is_broken(show, width):
    rows = f"{ROWS}| Ede | 7 | 1.234.567,89 | Mia | {LONG_ADDRESS} |\n"
    shown = show(render_table(rows), width=width)
    assert shown.evaluate(BROKEN) == [LONG_ADDRESS]
    assert shown.evaluate(PAGE_WIDTH) == width
    assert width < 640 or shown.evaluate(HIDDEN_WIDTH) == 0
