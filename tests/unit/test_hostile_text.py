"""Thousands of hostile texts in every part of an issue: each is rendered unchanged, or raises an IssueError."""

import json
import random
import re
from datetime import date

import pytest
from lxml.html import document_fromstring

from moza_mail import parse, render
from moza_mail.errors import IssueError
from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import (
    Emphasis,
    Image,
    Item,
    ItemList,
    Link,
    Paragraph,
    Section,
    Strong,
    Table,
    Text,
)
from tests.support import builders as build
from tests.support.examples import scale

# Texts that cause mistakes in MJML, premailer, HTML, Jinja, Rust's escapes or Markdown.
PIECES = [
    *"abcXYZ019 '\"\\&<>{}%#$`/-!=;:|*_[]()~^+@.,?", "<!--", "-->", "--!>", "<![endif]-->", "<!--[if mso]>", "]]>", "<![CDATA[", "<?xml?>",
    "{{", "}}", "{%", "%}", "{#", "#}", "{{< emoji", "&amp;", "&#160;", "&nbsp;", "&lt", "\\u{a0}", "\\n", "\\\\", "%20", "%s", "$1",
    "</title>", "</h2>", "</a>", "<br>", "<mj-text>", "</mj-section>", "<style>", "</style>", "<script>", "onload=", "javascript:",
    "\u00a0", "\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff", "\u202e", "\u034f", "e\u0301", "a\u0308\u0323", "\ufe0f", "✔\ufe0f", "👩\u200d💻", "👨\u200d👩\u200d👧", "🇳🇱",
    "é", "ß", "ﬁ", "漢字", "مرحبا", "שלום", "–", "“", "”", "’", "…", "€", "½", "\U0001f600", "\U000e0041", "ĳ",
]  # fmt: skip
PER_ISSUE = 29
ISSUES = scale(105, quick=30)  # 3,045 texts
SEED = 20260114
PNG = ImageFile(name="a.png", content_type="image/png", content=b"bytes", width=10, height=10)


def text(chance):
    """A text whose first and last characters are visible. Its first letter is a capital, as at the start of a paragraph."""
    return (
        chance.choice("AZ9É")
        + "".join(chance.choices(PIECES, k=chance.randint(1, 9)))
        + chance.choice("bY0ï")
    )


def spaced(words):
    """Collapse white space to one space, except no-break spaces."""
    return re.sub(r"[ \t\n]+", " ", words)


def seen(element):
    return spaced(element.text_content())


def issue(texts):
    """Return one issue with each text in another place."""
    sections = [
        Section(
            title=build.text(texts.pop()),
            blocks=(
                ItemList(items=(Item(label=build.text(texts.pop()), inlines=build.text(texts.pop())),)),
                Paragraph(
                    inlines=(
                        Link(
                            url="https://example.org/a", title=texts.pop(), children=build.text(texts.pop())
                        ),
                        Text(text=texts.pop()),
                        Image(src="a.png", alt=texts.pop()),
                        Strong(children=(Emphasis(children=build.text(texts.pop())),)),
                    )
                ),
            ),
        )
        for _ in range(3)
    ]
    table = Table(header=(build.text(texts.pop()),), rows=((build.text(texts.pop()),),))
    events = (
        build.event(
            texts.pop(), date(2026, 2, 3), when="3 februari", note=build.text(texts.pop()), group="Groep"
        ),
    )
    title = texts.pop()
    assert texts == []
    last = Section(title=build.text("Tabel"), blocks=(table,))
    return build.issue(*sections, last, title=title, agenda=build.agenda(*events))


def in_html(html):
    """Return the texts that an HTML parser finds, in the order of `issue`."""
    tree = document_fromstring(html)
    found = []
    for heading in tree.iter("h2"):
        if seen(heading) in {"Tabel", "Agenda"}:
            continue
        label = heading.getnext()
        paragraph = heading.xpath("following-sibling::p[a]")[0]
        link, image, strong = paragraph.find("a"), paragraph.find("img"), paragraph.find("strong")
        found += [
            seen(heading),
            *label_and_words(label),
            spaced(link.get("title")),
            seen(link),
            spaced(link.tail),
            spaced(image.get("alt")),
            seen(strong),
        ]
    (table,) = tree.find_class("data")
    (agenda,) = tree.find_class("agenda")
    found += [seen(table.find(".//th")), seen(table.find(".//tbody//td"))]
    found += [seen(agenda.find(".//td/strong")), seen(agenda.find(".//td/span"))]
    (heading,) = tree.iter("h1")
    assert seen(tree.find(".//title")) == seen(heading)
    return [*found, seen(heading)]


def label_and_words(element):
    """Return the label and words of the item that begins with this element: a heading, or a list for a long label."""
    if element.tag == "ul":
        label = element.find("li/strong")
        return seen(label).removesuffix(":"), spaced(label.tail).removeprefix(" ")
    return seen(element), seen(element.getnext())


def assert_in_text(mail, texts):
    """Each text is in the text version, in its own place."""
    rows = spaced(mail.replace("\n", "\0")).replace("\0", "\n")
    parts = iter(texts)
    place = 0
    for _ in range(3):
        heading, label, words, _title, link, behind, alt, strong = (next(parts) for _ in range(8))
        for wanted in (
            f"\n{heading}\n---",
            f"\n{label}\n{words}\n" if len(label) <= 60 else f"\n- {label}: {words}\n",
            f"\n{link} [1]{behind}Afbeelding: {alt}{strong}\n",
        ):
            place = rows.index(wanted, place)
    name, cell, event, note = (next(parts) for _ in range(4))
    for wanted in (f"\n- {name}: {cell}\n", f"\n- dinsdag 3 feb: {event} ({note})\n"):
        place = rows.index(wanted, place)
    title = next(parts)
    assert rows.startswith(f"{title}\n\nMOZa Weekly, ")


def hostile(seed, count):
    chance = random.Random(f"{SEED} {seed}")
    return [text(chance) for _ in range(count)]


@pytest.mark.parametrize("tenth", range(10))
def test_every_text_of_an_issue_is_unchanged_in_the_mail(tenth):
    for number in range(tenth, ISSUES, 10):
        texts = hostile(number, PER_ISSUE)
        # In a title this begins a merge field.
        texts[-1] = texts[-1].replace("{{", "{")
        mail = render.render_issue(
            issue(texts[::-1]), build.theme(), build.COLOPHON, zone=build.AMSTERDAM, images={"a.png": PNG}
        )
        wanted = [spaced(each) for each in texts]
        assert in_html(mail.html) == wanted
        assert_in_text(mail.text, wanted)
        assert mail.subject == texts[-1]


def written(words):
    """Escape a text in Markdown so that each character is literal (CommonMark 2.4)."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", words)


@pytest.mark.slow
def test_every_text_of_a_markdown_file_is_unchanged_in_the_mail_or_refused():
    refused = 0
    for number in range(60):
        texts = hostile(f"markdown {number}", 6)
        if number % 5:
            texts[0] = re.sub("[<>]", "", texts[0])
        title, heading, label, link, alt, word = texts
        file = (
            f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\ndate: 2026-01-14\n---\n\n## {written(heading)}\n\n"
            f"* **{written(label)}:** [{written(link)}](https://example.org/a)\n\n![{written(alt)}](a.png) {written(word)}\n"
        )
        try:
            read = parse.parse_issue(file, "issues/a.md")
            mail = render.render_issue(
                read, build.theme(), build.COLOPHON, zone=build.AMSTERDAM, images={"a.png": PNG}
            )
        except IssueError:
            # These are refused: a title with < or >, a `{{` that is not a merge field, and the beginning of a comment.
            assert re.search("[<>]|{{", title) or "{{" in alt or "<!--" in "".join(texts)
            refused += 1
            continue
        tree = document_fromstring(mail.html)
        found = [
            seen(tree.find(".//h1")),
            seen(tree.find(".//h2")),
            label_and_words(tree.find(".//h2").getnext())[0],
            seen(tree.xpath("//a[@href='https://example.org/a']")[0]),
            spaced(tree.find(".//img").get("alt")),
            spaced(tree.find(".//img").tail).strip(" "),
        ]
        assert found == [spaced(each) for each in texts]
        assert f"\n{heading}\n---" in mail.text
        item = f"{label}\n{link} [1]" if len(label) <= 60 else f"- {label}: {link} [1]"
        assert f"\n{item}\n\nAfbeelding: {alt} {word}\n" in mail.text
    assert 5 < refused < 40


@pytest.mark.parametrize("sign", ["\x00", "\x0b", "\x1b", "\x7f", "\x85", "\r", "\ufffd", "\ufffe", "\uffff"])
def test_a_control_character_is_refused_everywhere(sign):
    for place in range(PER_ISSUE):
        texts = ["gewoon"] * PER_ISSUE
        texts[place] = f"a{sign}b"
        with pytest.raises(IssueError, match=rf"a control character \(U\+{ord(sign):04X}\)"):
            render.render_issue(issue(texts), build.theme(), build.COLOPHON, zone=build.AMSTERDAM)
