"""Every sentence that `say` makes has its Dutch, and what an editor meets on the desk is said in no other way."""

import ast
import copy
import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest

from moza_mail.errors import AddressError, IssueError
from moza_mail.i18n import Translatable, catalog
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity

PACKAGE = Path(__file__).parents[2] / "moza_mail"
# What stops an issue; the rest of the errors are an operator's, and stay in English.
OF_AN_ISSUE = {"IssueError", "ThemeError", "PictureError", "FieldError", "Misplaced", "refuse"}
# Raised where a template is filled or its mail is looked at.
OF_A_RENDERING = {"RenderError"}
# Where commands of their own are, and what makes a message of a rendering that is good.
NOT_THE_DESKS = ("edit/next_issue.py", "sending/", "compose/", "errors.py", "cli/archive.py", "cli/new.py")


@cache
def trees() -> dict[str, ast.Module]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}


def calls(tree: ast.Module, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in names:
                yield node


def makes_sentences(tree: ast.Module) -> bool:
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return any(
        node.module == "moza_mail.i18n" and "gettext" in {name.name for name in node.names}
        for node in imports
    )


@cache
def said() -> dict[str, tuple[str, set[str]]]:
    """Every form in the code: where it stands first, and the parts that are given with it."""
    found: dict[str, tuple[str, set[str]]] = {}
    for path, tree in trees().items():
        if not makes_sentences(tree) and path != "i18n/message.py":
            continue
        for call in calls(tree, {"_", "gettext"}):
            first = call.args[0] if call.args else None
            form = first.value if isinstance(first, ast.Constant) else None
            assert isinstance(form, str), f"{path}:{call.lineno}: the form is to stand in the call"
            found.setdefault(form, (f"{path}:{call.lineno}", {str(word.arg) for word in call.keywords}))
    return found


def parts(form: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in string.Formatter().parse(form) if name is not None)


def test_dutch_has_every_sentence() -> None:
    known = catalog.forms("nl")
    missing = [f"{place}: {form}" for form, (place, _) in said().items() if form not in known]
    assert not missing, "write its Dutch in moza_mail/i18n/nl.toml:\n" + "\n".join(missing)


def test_dutch_has_no_sentence_that_is_said_no_more() -> None:
    assert set(catalog.forms("nl")) - set(said()) == set()


def test_each_sentence_has_the_same_parts_in_dutch() -> None:
    for form, (place, given) in said().items():
        if given:
            own = parts(catalog.forms("nl")[form])
            assert set(parts(form)) == given, place
            assert set(own) == given, f"{place}: {catalog.forms('nl')[form]}"


def test_nothing_but_a_said_sentence_tells_of_an_issue() -> None:
    """A text that is written where something goes wrong, and not said with `say`, would stay English."""
    bare = []
    for path, tree in trees().items():
        if path.startswith(NOT_THE_DESKS):
            continue
        names = OF_AN_ISSUE | (OF_A_RENDERING if path.startswith("render/") else set())
        for call in calls(tree, names):
            hints = [word.value for word in call.keywords if word.arg in {"hint", "message"}]
            bare += [
                f"{path}:{call.lineno}"
                for told in [*call.args[:3], *hints]
                if isinstance(told, ast.JoinedStr)
                or (isinstance(told, ast.Constant) and isinstance(told.value, str) and " " in told.value)
            ]
    assert bare == []


def test_a_sentence_is_said_in_dutch_with_its_parts() -> None:
    told = catalog.translate(_("the section {title!r} is empty", title="Nieuws {0}"), "nl")
    assert (told.text, told.lang) == ("het deel 'Nieuws {0}' is leeg", "nl")


def test_a_part_that_was_said_is_dutch_too_and_one_that_was_written_is_not() -> None:
    form = "{written!r} cannot be: {day} is a {weekday}"
    told = catalog.translate(_(form, written="Monday", day="5 mei", weekday=_("Monday")), "nl")
    assert told.text == "'Monday' kan niet kloppen: 5 mei is een maandag"


def test_decimals_stand_behind_a_comma_in_dutch_and_a_point_in_english() -> None:
    sentence = _("the HTML is {size:.1f} kB, and Gmail cuts a mail off at about 102 kB", size=98.25)
    assert "98.2 kB" in sentence
    assert "98,2 kB" in catalog.translate(sentence, "nl").text


@pytest.mark.parametrize(
    ("sentence", "lang"),
    [
        (_("the section {title!r} is empty", title="x"), "en"),
        (_("the section {title!r} is empty", title="x"), "de"),
        ("the section 'x' is empty", "nl"),
        (_("no locale has this"), "nl"),
    ],
)
def test_what_a_language_lacks_is_said_in_english(sentence: str, lang: str) -> None:
    assert catalog.translate(sentence, lang) == catalog.Translation(text=str(sentence), lang="en")


def test_every_dutch_sentence_can_be_filled() -> None:
    """With numbers for what is written as one, and else with a text that holds what would spoil a form."""
    for form, (place, given) in said().items():
        specs = {name: spec for _, name, spec, _ in string.Formatter().parse(form) if name} if given else {}
        values = {name: 66 if spec else "{x} %s 'y'" for name, spec in specs.items()}
        told = catalog.translate(_(form, **values), "nl")
        assert told.lang == "nl", place
        assert told.text, place


def test_a_sentence_is_a_text_to_json_and_keeps_its_form_in_a_copy() -> None:
    message = _("{title!r} stands in the agenda without a date", title="Borrel")
    finding = Finding(
        rule="event-date", severity=Severity.WARNING, source="a.md", line=3, message=message, fix=_("x")
    )
    copied = asdict(finding)["message"]
    assert copied == "'Borrel' stands in the agenda without a date"
    assert isinstance(copied, Translatable)
    assert copy.deepcopy(message).template == message.template


def test_an_error_is_english_to_who_prints_it_and_dutch_to_who_asks() -> None:
    error = IssueError(_("`{key}` is given twice", key="date"), source="a.md", line=4)
    assert str(error) == "a.md, line 4: `date` is given twice"
    assert catalog.translate(error.reason, "nl").text == "`date` staat er twee keer"
    wrong = AddressError("jan", _("is not one plain address"))
    assert catalog.translate(wrong.message, "nl").text == "jan: is niet één gewoon adres"
