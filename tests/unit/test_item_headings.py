"""Labelled items become headings with paragraphs, and the rest of a section keeps its form."""

import pytest

from moza_mail.model.issue import (
    Divider,
    Emoji,
    Heading,
    Image,
    Item,
    ItemList,
    Link,
    Paragraph,
    Strong,
    Text,
    to_plain_text,
)
from moza_mail.render.item_headings import arrange_blocks, capitalise
from tests.support import builders as build


def item(label, words, *blocks):
    return Item(
        label=build.text(label) if label else (), inlines=build.text(words) if words else (), blocks=blocks
    )


def arranged(*blocks, level=2, lang="nl"):
    """Return the tag and the words of each block as a short text."""
    return [described(block) for block in arrange_blocks(blocks, level=level, lang=lang)]


def described(block):
    match block:
        case Heading(level=level, inlines=inlines):
            return f"h{level} {to_plain_text(inlines)}"
        case Paragraph(inlines=inlines):
            return f"p {to_plain_text(inlines)}"
        case ItemList(items=items, start=start):
            return f"list {start} " + "/".join(to_plain_text(each.inlines) for each in items)
        case _:
            return type(block).__name__.lower()


def test_a_labelled_item_is_a_heading_with_its_paragraphs():
    nested = ItemList(items=(item("Diep", "blijft"),))
    assert arranged(
        build.bullets(item("Website", "de site staat online", nested), item("Welkom", "noor is er"))
    ) == [
        "h3 Website",
        "p De site staat online",
        "list 1 blijft",
        "h3 Welkom",
        "p Noor is er",
    ]


def test_items_without_a_label_stay_a_list():
    assert arranged(build.bullets(item("", "een"), item("", "twee"))) == ["list 1 een/twee"]


def test_a_divider_keeps_other_text_apart_from_the_item_above_it():
    mixed = build.bullets(item("", "vooraf"), item("Label", "tekst"), item("", "los"), item("", "ook"))
    assert arranged(mixed, Paragraph(inlines=build.text("Slot."))) == [
        "list 1 vooraf",
        "h3 Label",
        "p Tekst",
        "divider",
        "list 1 los/ook",
        "p Slot.",
    ]
    labelled = build.bullets(item("Label", "tekst"))
    assert arranged(labelled, Divider(), Paragraph(inlines=build.text("Slot."))) == [
        "h3 Label",
        "p Tekst",
        "divider",
        "p Slot.",
    ]
    picture = Paragraph(inlines=(Image(src="a.png", alt="plaatje"),))
    assert arranged(labelled, picture) == ["h3 Label", "p Tekst", "p plaatje"]


def test_a_label_is_at_most_60_characters_and_has_text_below_it():
    assert arranged(build.bullets(item("x" * 60, "tekst")))[0].startswith("h3")
    assert arranged(build.bullets(item("x" * 61, "tekst"))) == ["list 1 tekst"]
    assert arranged(build.bullets(item("Leeg", ""))) == ["list 1 "]


def test_numbers_of_labelled_items_stay():
    steps = ItemList(
        items=(item("Meld je aan", "klaar"), item("", "wacht"), item("", "lees")), ordered=True, start=4
    )
    assert arranged(steps) == ["h3 4. Meld je aan", "p Klaar", "divider", "list 5 wacht/lees"]


def test_the_heading_is_one_level_below_the_heading_above_it():
    labelled = build.bullets(item("Label", "tekst"))
    assert arranged(labelled, level=1)[0] == "h2 Label"
    assert arranged(Heading(level=3, inlines=build.text("Kop")), labelled) == [
        "h3 Kop",
        "h4 Label",
        "p Tekst",
    ]
    assert arranged(Heading(level=6, inlines=build.text("Kop")), labelled)[1] == "h6 Label"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("met het team", "Met het team"),
        ("ijverig begonnen", "IJverig begonnen"),
        ("Al een hoofdletter", "Al een hoofdletter"),
        ("'s avonds open", "'s avonds open"),
        ("’t is zover", "’t is zover"),
        ("eHerkenning werkt", "eHerkenning werkt"),
        ("o.a. de gemeente", "O.a. de gemeente"),
        ("developer.overheid.nl is er", "developer.overheid.nl is er"),
        ("https://slot.invalid/field_0 dag", "https://slot.invalid/field_0 dag"),
        ("2026 is begonnen", "2026 is begonnen"),
        ("“welke brief?” vroegen we", "“Welke brief?” vroegen we"),
        ("'welke brief?' vroegen we", "'Welke brief?' vroegen we"),
        ("e-mail werkt", "E-mail werkt"),
        ("één plek", "Eén plek"),
        ("één.twee", "één.twee"),
        ("", ""),
    ],
)
def test_the_first_word_of_an_item_gets_a_capital(words, shown):
    assert to_plain_text(capitalise(build.text(words), "nl")) == shown.replace("Eén", "Één")


def test_only_dutch_and_frisian_have_a_capital_of_two_letters():
    assert to_plain_text(capitalise(build.text("ijs"), "de")) == "Ijs"
    assert to_plain_text(capitalise(build.text("iyi"), "tr")) == "İyi"


def test_the_capital_is_inside_the_markup_of_the_first_word():
    link = Link(url="https://example.org/", children=(Strong(children=build.text("de site")),))
    (emoji, changed) = capitalise((Emoji(character="💡"), link), "nl")
    assert emoji.character == "💡"
    assert changed.children == (Strong(children=(Text(text="de site"),)),)
    (changed,) = capitalise((link,), "nl")
    assert changed.children == (Strong(children=(Text(text="De site"),)),)
