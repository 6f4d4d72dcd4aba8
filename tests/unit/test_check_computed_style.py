"""Computed styles, features and privacy of a mail, function by function."""

import re

import pytest
from lxml.html import document_fromstring

from moza_mail.check import clients, css, features, privacy
from moza_mail.check.computed_style import compute_styles


def look(body, css_text="", *, dark=False, head=""):
    tree = document_fromstring(
        f"<html><head>{head}<style>{css_text}</style></head><body>{body}</body></html>"
    )
    return compute_styles(tree, dark=dark)[tree.get_element_by_id("x")]


def colours(*args, **options):
    found = look(*args, **options)
    return found.colour, found.background


P = '<p id="x">x</p>'


@pytest.mark.parametrize(
    ("css_text", "body", "colour"),
    [
        ("p { color: red }", P, "#ff0000"),
        ("p { color: red } #x { color: lime } p { color: blue }", P, "#00ff00"),
        ("p { color: red }", '<p id="x" style="color:#00f">x</p>', "#0000ff"),
        ("p { color: red !important }", '<p id="x" style="color:#00f">x</p>', "#ff0000"),
        ("p { color: red !important }", '<p id="x" style="color:#00f !important">x</p>', "#0000ff"),
        ("div { color: red }", '<div><p id="x">x</p></div>', "#ff0000"),
        ("div > p, .no { color: red }", '<div><p id="x">x</p></div>', "#ff0000"),
        ("[data-ogsc] p { color: red }", P, "#000000"),
        ("[data-ogsc] p { color: red }", '<div data-ogsc><p id="x">x</p></div>', "#ff0000"),
        ("P, TD { color: red }", P, "#ff0000"),
        (".Big.red { color: red }", '<p class="red Big" id="x">x</p>', "#ff0000"),
        ("div.big p { color: red }", '<div class="small big"><p id="x">x</p></div>', "#ff0000"),
        ("@media print { p { color: red } }", P, "#000000"),
        ("@media (min-width: 480px) { p { color: red } }", P, "#ff0000"),
        ("@media (max-width: 480px) { p { color: red } }", P, "#000000"),
        ("@media (prefers-color-scheme: dark) { p { color: red } }", P, "#000000"),
        ("p { color: rgba(0, 0, 0, 0.5) }", P, "#808080"),
        ("p { color: nonsense } p::before { color: red } p { color", P, "#000000"),
        ("", '<a href="#" id="x">x</a>', "#0000ee"),
        ("", '<font color="#ff0000" id="x">x</font>', "#ff0000"),
    ],
)
def test_the_cascade_decides_the_colour_of_text(css_text, body, colour):
    assert look(body, css_text).colour == colour


@pytest.mark.parametrize(
    ("body", "background"),
    [
        ('<div style="background:#eee"><p id="x">x</p></div>', "#eeeeee"),
        ('<table bgcolor="#eeeeee"><tr><td id="x">x</td></tr></table>', "#eeeeee"),
        ('<div style="background:#eee"><p id="x" style="background:none">x</p></div>', "#eeeeee"),
        ('<div style="background:#000"><p id="x" style="background-color:rgba(255,255,255,.5)">x</p></div>', "#808080"),
        ('<div style="background:url(cid:a) #eee"><p id="x">x</p></div>', None),
        ('<div style="background:linear-gradient(red, blue)"><p id="x" style="background-color:#fff">x</p></div>', "#ffffff"),
        ('<div background="cid:a"><p id="x">x</p></div>', None),
    ],
)  # fmt: skip
def test_the_background_is_the_nearest_painted_one_or_none_for_an_image(body, background):
    assert look(body).background == background


def test_dark_mode_uses_the_dark_rules_or_the_browser_defaults():
    rule = "@media (prefers-color-scheme: dark) { p { color: #e2e8f0 !important } body { background-color: #0f172a !important } }"
    assert colours('<p id="x" style="color:#0f172a">x</p>', rule, dark=True) == ("#e2e8f0", "#0f172a")
    assert colours('<p id="x" style="color:#0f172a">x</p>', rule) == ("#0f172a", "#ffffff")
    scheme = '<meta name="color-scheme" content="light dark">'
    assert colours(P, dark=True, head=scheme) == ("#ffffff", "#121212")
    assert colours(P, dark=True) == ("#000000", "#ffffff")


@pytest.mark.parametrize(
    ("body", "size"),
    [
        ('<p id="x" style="font-size:17px">x</p>', 17),
        ('<div style="font-size:20px"><p id="x" style="font-size:.8em">x</p></div>', 16),
        ('<div style="font-size:20px"><p id="x" style="font-size:80%">x</p></div>', 16),
        ('<div style="font-size:20px"><p id="x" style="font-size:1rem">x</p></div>', 16),
        ('<p id="x" style="font-size:12pt">x</p>', 16),
        ('<p id="x" style="font:bold 18px/1.5 Arial">x</p>', 18),
        ('<h1 id="x">x</h1>', 32),
        ('<p id="x" style="font-size:large">x</p>', 18),
        ('<p id="x" style="font-size:calc(1px + 2em)">x</p>', 16),
    ],
)
def test_font_sizes_are_computed_in_pixels(body, size):
    assert look(body).font_size == pytest.approx(size)


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "visibility:hidden",
        "opacity:0",
        "max-height:0; overflow:hidden",
        "width:0; overflow:hidden",
    ],
)
def test_hidden_text_is_not_checked(style):
    assert look(f'<div style="{style}"><p id="x">x</p></div>').is_hidden
    assert not look('<div style="max-height:0"><p id="x">x</p></div>').is_hidden
    assert not look('<div style="opacity:.5"><p id="x">x</p></div>').is_hidden


def used(body, head=""):
    tree = document_fromstring(f"<html><head>{head}</head><body>{body}</body></html>")
    return features.find_features(tree, frozenset(clients.load_data().support))


def test_features_are_found_by_their_can_i_email_names():
    found = used(
        '<h2 lang="nl">x</h2><ol reversed><li>y</li></ol><a href="mailto:a@example.org">z</a><img src="cid:a.webp" width="10" alt="">'
        '<div style="display:flex; margin-top:-2px; width:calc(1rem + 50%); color:rgba(0,0,0,.5)">x</div>'
        '<div style="display:none; clip-path:none"><video></video></div>',
        "<style>@font-face { src: url(x) } a:hover > b + c { gap: 1px } @media (prefers-color-scheme: dark) { p { color: red !important } }</style>",
    )
    needed = {slug for slug, use in found.items() if use.on_elements}
    assert needed >= {
        "html-h1-h6", "html-lang", "html-lists", "html-mailto-links", "image-webp", "html-width", "css-display-flex", "css-margin",
        "css-unit-calc", "css-unit-rem", "css-unit-percent", "css-rgba", "css-display-none", "html-doctype",
    }  # fmt: skip
    assert not {"css-clip-path", "html-video"} & found.keys()
    in_blocks = {slug for slug, use in found.items() if use.in_style_blocks and not use.on_elements}
    assert in_blocks >= {
        "html-style", "css-at-font-face", "css-pseudo-class-hover", "css-selector-child", "css-selector-adjacent-sibling", "css-gap",
        "css-at-media", "css-at-media-prefers-color-scheme", "css-important",
    }  # fmt: skip


def test_the_can_i_email_data_has_a_date_and_all_features_of_the_policy():
    data, reading = clients.load_data(), clients.load_policy()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", data.date)
    assert len(data.support) == 307
    assert len(reading.default_clients) == 13
    assert set(reading.default_clients) <= data.clients.keys()
    assert (reading.enhancements.keys() | reading.note_patterns.keys()) <= data.support.keys()
    for entry in reading.enhancements.values():
        assert entry["because"].endswith(".")
        re.compile(entry.get("only", ""))
    for slug, notes in reading.note_patterns.items():
        reported = {note for support in data.support[slug].values() for note in support.notes}
        assert notes.keys() <= reported, slug


@pytest.mark.parametrize(
    ("slug", "client", "use", "level"),
    [
        ("css-border-collapse", "outlook.windows", "<table> border-collapse: collapse", 1),
        ("css-max-width", "outlook.windows", "<div> max-width: 640px", 0.5),
        ("css-display-flex", "outlook.windows", "<div> display: flex", 0),
        ("html-lists", "gmail.ios", "<ul>", 1),
        ("html-lists", "gmail.ios", "<ol reversed>", 0.5),
        ("css-margin", "gmail.ios", "<p> margin: 0 0 12px 0", 1),
        ("css-margin", "gmail.ios", "<p> margin: 0 -12px", 0.5),
        ("css-cursor", "outlook.windows", "<a> cursor: auto", None),
    ],
)
def test_support_depends_on_the_use_of_a_feature(slug, client, use, level):
    found = clients.support_level(slug, client, features.FeatureUse(on_elements={use}))
    assert found == level


def test_style_blocks_count_only_if_the_mail_looks_different_without_them():
    def leans(css_text, body=P):
        tree = document_fromstring(f"<html><head><style>{css_text}</style></head><body>{body}</body></html>")
        return features.depends_on_style_blocks(
            compute_styles(tree), compute_styles(tree, style_blocks=False)
        )

    assert leans("p { color: #333333 }")
    assert leans("p { font-size: 18px }")
    assert not leans("p { margin: 0 } @media (prefers-color-scheme: dark) { p { color: red } }")
    assert not leans("p { color: #333333 }", '<p id="x" style="color:#111">x</p>')


@pytest.mark.parametrize(
    ("name", "value", "personal"),
    [
        ("utm_source", "nieuwsbrief", False),
        ("utm_campaign", "moza-weekly-2026-01-14", False),
        ("utm_campaign", "MijnOverheidZakelijk2026", False),
        ("utm_campaign", "2026-01-14_MOZa_Weekly_nr3_v2", False),
        ("utm_content", "lezer@example.org", True),
        ("utm_content", "lezer%40example.org", True),
        ("utm_term", "5f4dcc3b5aa765d61d8327deb882cf99", True),
        ("utm_id", "123e4567-e89b-12d3-a456-426614174000", True),
        ("utm_id", "c29tZWJvZHkxMjNA", True),
        ("q", "topic:mijnoverheidzakelijk", False),
        ("d", "w15ab2934f9b24f898218e703b77849b1", False),
        ("data", "05|01|lezer@example.org|abc", True),
        ("mc_eid", "12ab34", True),
        ("email", "", False),
        ("version", "1.2@beta", False),
    ],
)
def test_personal_parameters_are_recognised(name, value, personal):
    assert privacy.is_personal(name, value) is personal


def test_an_address_in_a_parameter_is_masked():
    assert privacy.mask_local_parts("05|01|lezer%40example.org|abc") == "05|01|***@example.org|abc"


@pytest.mark.parametrize(
    ("html", "asked"),
    [
        ('<img src="https://a.test/x.png">', "a.test"),
        ('<img src="//a.test/x.png">', "a.test"),
        ('<img src="cid:x">', ""),
        ('<img src="data:image/png;base64,AAAA">', ""),
        ('<img srcset="cid:x 1x, https://a.test/2x.png 2x">', "a.test"),
        ('<video poster="https://a.test/x.png"></video>', "a.test"),
        ('<td background="https://a.test/x.png"></td>', "a.test"),
        ('<link rel="stylesheet" href="https://a.test/x.css">', "a.test"),
        ("<div style=\"background:url('https://a.test/x.png')\"></div>", "a.test"),
        ("<style>@import 'https://a.test/x.css';</style>", "a.test"),
        ("<style>@import url(https://a.test/x.css);</style>", "a.test"),
        ("<style>@font-face { src: url(https://a.test/x.woff) }</style>", "a.test"),
        ('<!--[if gte mso 9]><v:fill type="tile" src="https://a.test/x.png"/><![endif]-->', "a.test"),
        ('<!--[if mso]><a href="https://a.test/">x</a><![endif]-->', ""),
        ('<a href="https://a.test/">x</a>', ""),
        ('<img src="https://[">', "?"),
        ('<img src="HTTP://a.test/x.png">', "a.test"),
        ('<img src=" //a.test/x.png">', "a.test"),
        ('<img src="plein.png">', ""),
    ],
)
def test_fetched_hosts_are_found(html, asked):
    tree = document_fromstring(f"<html><body><div>{html}</div></body></html>")
    assert {fetch.host for fetch in privacy.find_fetched_resources(tree)} - {""} == (
        {asked} if asked else set()
    )


def test_invalid_css_is_ignored():
    sheet = css.parse_stylesheet("p { color: red } } @media (x { } a { b: c")
    assert sheet.rules[0].selectors == ("p",)
    assert css.parse_declarations("color:red;;:;x") == (
        css.Declaration(name="color", value="red", is_important=False),
    )
    assert list(css.find_urls("a: url( 'b' ); c: url(d)")) == ["b", "d"]
