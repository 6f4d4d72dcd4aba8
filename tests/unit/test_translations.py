"""Translate a message into the language of its reader."""

import copy
from dataclasses import asdict

import pytest

from moza_mail.errors import AddressError, IssueError
from moza_mail.i18n import Translatable, catalog, ngettext
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.web.editor import i18n as editor


def test_the_editor_offers_each_language_by_its_own_name() -> None:
    assert editor.language_names() == {"en": "English", "nl": "Nederlands"}


def test_a_sentence_is_translated_with_its_parts() -> None:
    translation = catalog.translate(_("the section {title!r} is empty", title="Nieuws {0}"), "nl")
    assert (translation.text, translation.lang) == ("het deel 'Nieuws {0}' is leeg", "nl")


def test_a_translatable_part_is_translated_and_a_plain_part_is_not() -> None:
    template = "{written!r} is wrong: {day} is a {weekday}"
    sentence = _(template, written="Monday", day="5 mei", weekday=_("Monday"))
    assert catalog.translate(sentence, "nl").text == "'Monday' kan niet kloppen: 5 mei is een maandag"


def test_a_number_chooses_the_plural_form() -> None:
    one, two = (ngettext("{count} page", "{count} pages", count) for count in (1, 2))
    assert (one, two) == ("1 page", "2 pages")
    assert (one.template, one.plural, one.parts) == ("{count} page", "{count} pages", {"count": 1})


def test_decimals_follow_a_comma_in_dutch_and_a_point_in_english() -> None:
    sentence = _("the HTML is {size:.1f} kB, and Gmail cuts off a mail at about 102 kB", size=98.25)
    assert "98.2 kB" in sentence
    assert "98,2 kB" in catalog.translate(sentence, "nl").text


@pytest.mark.parametrize(
    ("sentence", "lang"),
    [
        (_("the section {title!r} is empty", title="x"), "en"),
        (_("the section {title!r} is empty", title="x"), "de"),
        ("the section 'x' is empty", "nl"),
        (_("no catalog has this"), "nl"),
        (ngettext("{count} text without Dutch", "{count} texts without Dutch", 2), "nl"),
    ],
)
def test_a_text_without_a_translation_stays_english_and_is_marked(sentence: str, lang: str) -> None:
    assert catalog.translate(sentence, lang) == catalog.Translation(text=str(sentence), lang="en")


def test_a_translatable_text_is_plain_in_json_and_keeps_its_template_in_a_copy() -> None:
    message = _("{title!r} stands in the agenda without a date", title="Borrel")
    finding = Finding(
        rule="event-date", severity=Severity.WARNING, source="a.md", line=3, message=message, fix=_("x")
    )
    copied = asdict(finding)["message"]
    assert copied == "'Borrel' stands in the agenda without a date"
    assert isinstance(copied, Translatable)
    assert copy.deepcopy(message).template == message.template


def test_an_error_is_english_and_its_reason_can_be_translated() -> None:
    error = IssueError(_("the key `{key}` occurs twice", key="date"), source="a.md", line=4)
    assert str(error) == "a.md, line 4: the key `date` occurs twice"
    assert catalog.translate(error.reason, "nl").text == "`date` staat er twee keer"
    wrong = AddressError("jan", _("is not one plain address"))
    assert catalog.translate(wrong.message, "nl").text == "jan: is niet één gewoon adres"
