"""The command line in Dutch, with --lang or on a Dutch system; --json and --help stay English."""

from collections.abc import Iterator

import pytest

from moza_mail.cli import output
from tests.support.project_folder import folder

ISSUE = "issues/2026-02-01.md"


@pytest.fixture
def project(tmp_path):
    project = folder(tmp_path)
    (project.path / ISSUE).write_text("---\ntitle: Februari\ndate: 2026-02-31\n---\n\nTekst.\n")
    return project


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    output.OutputLanguage.current = "en"


def first_line(result):
    return result.err.splitlines()[0]


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "nl_NL.UTF-8"},
        {"LANG": "en_GB.UTF-8", "LC_MESSAGES": "nl_BE.UTF-8"},
        {"LANG": "en_GB.UTF-8", "LC_ALL": "nl"},
    ],
)
def test_messages_are_in_the_language_of_the_system(project, environment):
    result = project.run("show", ISSUE, **environment)
    assert result.code == 1
    assert first_line(result).startswith(f"moza-mail: {ISSUE}, regel 3: ")
    assert "een dag die niet bestaat" in result.err


def test_the_option_overrides_the_language_of_the_system(project):
    dutch = project.run("--lang", "nl", "show", ISSUE, LANG="en_US.UTF-8")
    english = project.run("--lang", "en", "show", ISSUE, LANG="nl_NL.UTF-8")
    assert ", regel 3: " in first_line(dutch)
    assert ", line 3: " in first_line(english)


@pytest.mark.parametrize("lang", ["", "C.UTF-8", "POSIX", "de_DE.UTF-8"])
def test_messages_are_english_on_a_system_in_another_language(project, lang):
    assert ", line 3: " in first_line(project.run("show", ISSUE, LANG=lang))


def test_an_unsupported_language_is_refused(project):
    result = project.run("--lang", "de", "show", ISSUE)
    assert result.code == 2
    assert "choose from en, nl" in result.err


def test_json_and_help_stay_english(project):
    found = project.run("--lang", "nl", "check", ISSUE, "--json").json
    assert [each["message"] for each in found["findings"]] == [
        each["message"] for each in project.run("check", ISSUE, "--json").json["findings"]
    ]
    assert project.run("--lang", "nl", "--help").out == project.run("--help").out


def test_a_missing_yes_option_is_reported_in_dutch(project):
    project.add_readers(1)
    result = project.run("--lang", "nl", "send", "issues/2026-01-14.md")
    assert result.code == 2
    assert result.err.splitlines()[-1] == "  Voeg --yes toe."
