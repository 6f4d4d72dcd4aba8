"""One address in every spelling: found in any text, and told from other addresses."""

import json
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.model.address import Address, mask_addresses, normalise_address
from moza_mail.model.address_search import AddressFinder, AddressSetFinder, canonicalise

MARK = "(no longer kept)"
ZOE = Address.parse("Zoë.Müller+nieuws@Bücher.example", international=True)
PLAIN = Address.parse("Noor.Devries@voorbeeld.example")
TURKISH = Address.parse("İrem@örnek.example", international=True)
GREEK = Address.parse("ΝΙΚΟΣ@παράδειγμα.example", international=True)
LATIN_I = Address.parse("IREM@voorbeeld.example")
SHARP = Address.parse("weiß@straße.example", international=True)


def decomposed(text):
    return unicodedata.normalize("NFD", text)


SPELLINGS = {
    ZOE: [
        "zoë.müller+nieuws@bücher.example",
        "ZOË.MÜLLER+NIEUWS@BÜCHER.EXAMPLE",
        decomposed("Zoë.Müller+nieuws@bücher.example"),
        "zoë.müller+nieuws@xn--bcher-kva.example",
        "Zoë.Müller+Nieuws@XN--BCHER-KVA.EXAMPLE",
        quote("zoë.müller+nieuws@bücher.example"),
        quote("zoë.müller+nieuws@bücher.example", safe=""),
        json.dumps("zoë.müller+nieuws@bücher.example")[1:-1],
        "zo&#235;.m&#xFC;ller&plus;nieuws&commat;b&#xfc;cher&period;example",
        "zoë.müller+nieuws＠bücher．example",
        "zoë.müller+nieuws@bü\u00adcher。example",
        '"zoë.müller+nieuws"@bücher.example',
        "zoë.müller+nieuws=bücher.example",
    ],
    PLAIN: [
        "noor.devries@voorbeeld.example",
        "NOOR.DEVRIES@VOORBEELD.EXAMPLE",
        '"noor.devries"@voorbeeld.example',
        "noor.devries%40voorbeeld.example",
        "ｎｏｏｒ.devries@voorbeeld.example",
    ],
    TURKISH: [
        "i\u0307rem@örnek.example",
        "I\u0307REM@ÖRNEK.EXAMPLE",
        decomposed("İrem@örnek.example"),
        "İREM@xn--rnek-4qa.example",
    ],
    LATIN_I: ["irem@voorbeeld.example", "Irem@VOORBEELD.example"],
    GREEK: ["νικος@παράδειγμα.example", "νικοσ@ΠΑΡΆΔΕΙΓΜΑ.example", decomposed("Νικος@παράδειγμα.example")],
    SHARP: ["WEIẞ@STRAẞE.example", "weiß@xn--strae-oqa.example"],
}
OTHERS = {
    ZOE: [
        "zoe.muller+nieuws@bucher.example",
        "zoë.müller@bücher.example",
        "azoë.müller+nieuws@bücher.example",
    ],
    PLAIN: [
        "not-noor.devries@voorbeeld.example",
        "a.noor.devries@voorbeeld.example",
        "noor.devries@voorbeeld.example.org",
        "noor.devries@voorbeeld.examples",
        "noor.devries@voorbeeld.example-x",
    ],
    TURKISH: ["irem@örnek.example", "ırem@örnek.example", "IREM@ÖRNEK.EXAMPLE"],
    GREEK: ["νικο@παράδειγμα.example"],
    LATIN_I: ["ırem@voorbeeld.example", "İrem@voorbeeld.example"],
    SHARP: ["weiss@straße.example", "weiß@strasse.example", "WEISS@STRASSE.EXAMPLE"],
}
AROUND = [
    "{}",
    "<{}>",
    "mailto:{}?x=y",
    "van {}, en",
    "({}).",
    "rfc822;{}",
    "import {}.csv",
    "to=<{}>",
    "{}.\n",
]


@pytest.mark.parametrize("address", SPELLINGS)
def test_every_spelling_is_found_and_only_the_address_is_removed(address):
    finder = AddressFinder(address)
    for spelling in SPELLINGS[address]:
        for around in AROUND:
            text = around.format(spelling)
            assert finder.is_in(text), text
            assert finder.remove(text) == around.format(MARK), text
            twice = f"é {text} en {text}"
            assert finder.remove(twice) == f"é {around.format(MARK)} en {around.format(MARK)}"


@pytest.mark.parametrize("address", OTHERS)
def test_another_mailbox_is_not_found(address):
    finder = AddressFinder(address)
    for other in OTHERS[address]:
        for around in AROUND:
            text = around.format(other)
            assert not finder.is_in(text), text
            assert finder.remove(text) == text


@pytest.mark.parametrize("address", SPELLINGS)
def test_spellings_that_can_be_parsed_have_one_key(address):
    for spelling in SPELLINGS[address][:4]:
        try:
            parsed = Address.parse(spelling, international=True)
        except ValueError:
            continue
        assert parsed.key == address.key, spelling
        assert normalise_address(address.key) == address.key


def test_a_return_address_with_a_prefix_contains_the_address():
    assert AddressFinder(PLAIN).is_in("bounces+noor.devries=voorbeeld.example@lists.example")


def test_texts_and_keys_of_a_json_value_are_searched():
    finder = AddressFinder(ZOE)
    value = {"a": ["x", {"zoë.müller+nieuws@bücher.example": 1}], "b": None}
    assert finder.is_in_value(value)
    assert finder.remove_from_value(value) == {"a": ["x", {MARK: 1}], "b": None}
    assert not finder.is_in_value({"a": [1, None, "zoe"]})


def test_an_escaped_address_is_masked_in_logs():
    assert mask_addresses("import noor%40voorbeeld.example.csv") == "import n***@voorbeeld.example.csv"
    assert mask_addresses('"noor"@voorbeeld.example ｎoor＠voorbeeld.example').count("***@") == 2


@given(st.text(max_size=60))
def test_each_canonical_character_has_its_position_in_the_text(text):
    canonical = canonicalise(text)
    assert len(canonical.text) == len(canonical.starts) == len(canonical.ends)
    assert all(
        0 <= start < end <= len(text) for start, end in zip(canonical.starts, canonical.ends, strict=True)
    )
    assert canonical.starts == sorted(canonical.starts)


@given(st.text(max_size=60))
def test_a_text_without_the_address_is_unchanged(text):
    assert AddressFinder(PLAIN).remove(text) == text


@given(st.text(max_size=30))
def test_normalising_twice_changes_nothing_more(text):
    once = normalise_address(text)
    assert normalise_address(once) == once
    assert normalise_address(decomposed(text)) == once


@pytest.mark.parametrize("address", SPELLINGS)
def test_several_addresses_are_found_at_once_in_every_spelling(address):
    finder = AddressSetFinder([*SPELLINGS])
    for text in (around.format(one) for one in SPELLINGS[address] for around in AROUND):
        assert finder.may_be_in(text), text
        assert finder.find(f"é {text} en x@voorbeeld.example") == {address}, text
    for text in (around.format(one) for one in OTHERS[address] for around in AROUND):
        assert address not in finder.find(text), text


def test_each_of_several_addresses_in_a_text_is_found():
    finder = AddressSetFinder([*SPELLINGS])
    both = f"{SPELLINGS[PLAIN][0]}, {SPELLINGS[ZOE][5]} and {SPELLINGS[LATIN_I][0]}"
    assert finder.find(both) == {PLAIN, ZOE, LATIN_I}
    value = {"a": ["x", {SPELLINGS[ZOE][0]: None}], SPELLINGS[PLAIN][0]: 3}
    assert finder.find_in_value(value) == {PLAIN, ZOE}
    assert not finder.may_be_in("noor.devries@example.org and 1=2")


TOKENS = [
    "noor.devries",
    "NOOR.DEVRIES",
    '"noor.devries"',
    "voorbeeld.example",
    "zoë",
    "@",
    "=",
    "%40",
    ".",
    "-",
    " ",
    "\\",
    "x",
]


@given(st.lists(st.sampled_from(TOKENS), max_size=8).map("".join))
def test_a_finder_for_several_addresses_finds_the_same_as_one_finder_for_each(text):
    finder = AddressSetFinder([*SPELLINGS])
    assert finder.find(text) == {each for each in SPELLINGS if AddressFinder(each).is_in(text)}


def test_each_of_several_addresses_is_removed_and_masked_in_every_line():
    finder = AddressSetFinder([*SPELLINGS])
    lines = [around.format(one) for spellings in SPELLINGS.values() for one in spellings for around in AROUND]
    text = "\n".join(["none here: x@voorbeeld.example", *lines, "end"])
    removed = text
    masked = text
    for address in SPELLINGS:
        removed = AddressFinder(address).remove(removed)
        masked = AddressFinder(address).mask(masked)
    assert finder.remove(text) == removed
    assert finder.mask(text) == masked
    assert (finder.is_in(text), finder.is_in(removed)) == (True, False)
