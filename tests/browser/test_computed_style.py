"""Compare the styles that `check` computes with those of a browser: colours, sizes, lines and visibility, light and dark."""

import pytest
from lxml.html import document_fromstring

from moza_mail.check.computed_style import compute_styles
from moza_mail.check.html_tree import own_text
from tests.support import rendered_mails
from tests.support.rendered_mails import SOURCES, WEEKLIES

# This script returns the computed style of every element of the page, in document order.
COMPUTED = """() => [...document.querySelectorAll('body *')].map((e) => {
  const style = getComputedStyle(e);
  const behind = () => {
    for (let at = e; at; at = at.parentElement) {
      const found = getComputedStyle(at).backgroundColor;
      if (found !== 'rgba(0, 0, 0, 0)') return found;
    }
    return 'rgb(255, 255, 255)';
  };
  const hidden = (at) => at && (getComputedStyle(at).display === 'none' || hidden(at.parentElement));
  const hex = (text) => '#' + text.match(/\\d+/g).slice(0, 3).map((c) => (+c).toString(16).padStart(2, '0')).join('');
  const leading = parseFloat(style.lineHeight);
  return [e.tagName.toLowerCase(), hidden(e), hex(style.color), hex(behind()), parseFloat(style.fontSize),
    +style.fontWeight >= 600, Number.isNaN(leading) ? 0 : leading];
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", ["moza", "default"])
@pytest.mark.parametrize("path", [*SOURCES, *WEEKLIES], ids=lambda path: path.stem)
def test_computed_styles_equal_those_of_chromium(show, path, theme, scheme):
    html = rendered_mails.render_page(path, theme)
    for version, blocks in ((html, True), (rendered_mails.strip_styles(html), False)):
        shown = show(version, scheme=scheme).evaluate(COMPUTED)
        tree = document_fromstring(html)
        found = compute_styles(tree, dark=scheme == "dark", style_blocks=blocks)
        elements = list(tree.find("body").iterdescendants("*"))
        assert len(shown) == len(elements)
        seen = 0
        for (tag, hidden, colour, background, size, bold, leading), element in zip(
            shown, elements, strict=True
        ):
            look = found[element]
            assert look.is_hidden == bool(hidden), tag
            if hidden or not own_text(element):
                continue
            seen += 1
            assert (look.colour, look.background, look.is_bold) == (colour, background, bold), tag
            assert look.font_size == pytest.approx(size, abs=0.01), tag
            assert not leading or look.line_height == pytest.approx(leading, abs=0.01), tag
        assert seen > 20
