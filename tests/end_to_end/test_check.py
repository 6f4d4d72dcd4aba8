"""Checking an issue by hand, and before a send: an error stops a new mailing but not one in progress."""

import subprocess
import sys

import pytest

from tests.support.project_folder import ISSUE, folder

SUMMARY = "summary: Er is nieuws, en op 3 februari komt MOZa Pulse weer bijeen.\n"
HEAD = f"---\ntitle: MOZa Weekly 21 januari 2026\ndate: 2026-01-21\n{SUMMARY}---\n\n"
GOOD = f"{HEAD}## Algemeen\n\nEr is nieuws.\n\n## Agenda\n\n- MOZa Pulse: 3 februari\n"
BAD = f"{HEAD}## Algemeen\n\nEr is nieuws.\n\n## Leeg\n\n## Agenda\n\n- MOZa Pulse: 3 februari\n"
DOUBTFUL = GOOD.replace("Er is nieuws.", "Er is nieuws van de profiel service.")


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


def write(project, text, name="issues/2026-01-21.md"):
    (project.path / name).write_text(text, encoding="utf-8")
    return name


def test_an_issue_without_findings_gives_exit_code_0(project):
    done = project.run("check", write(project, GOOD))
    assert (done.code, done.out.splitlines()[-1]) == (0, "issues/2026-01-21.md: 1 remark.")
    assert "[no-subject]" in done.out


def test_the_sample_issue_has_no_findings_to_fix(project):
    done = project.run("check", ISSUE, "--json")
    assert (done.code, done.json["errors"]) == (0, 0)


@pytest.mark.parametrize("lang", ["", "lang: nl\n"])
def test_dates_are_read_in_the_language_of_the_list_if_the_issue_names_none(project, lang):
    text = GOOD.replace("3 februari\n", "3 februari om half drie\n").replace(SUMMARY, SUMMARY + lang)
    found = project.run("check", write(project, text), "--json").json["findings"]
    assert [one["message"].split("'")[1] for one in found if one["rule"] == "event-date"] == ["om half drie"]
    afternoon = text.replace("half drie", "half drie 's middags")
    sections = project.run("show", write(project, afternoon), "--json").json["sections"]
    assert sections[1]["events"][0]["start"].endswith("14:30:00+01:00")


def test_an_error_is_printed_with_file_and_line_and_exit_code_3(project):
    done = project.run("check", write(project, BAD))
    assert done.code == 3
    assert "issues/2026-01-21.md:11: the section 'Leeg' is empty [empty-section]" in done.out
    assert "Write something below the heading" in done.out
    assert done.out.endswith("issues/2026-01-21.md: 1 error, 1 remark.\n")


def test_an_image_next_to_the_issue_and_a_field_of_the_list_are_recognised_without_their_markup(project):
    (project.path / "issues" / "team.jpg").write_bytes(b"")
    lists = project.path / "subscribers" / "lists.toml"
    lists.write_text(
        lists.read_text("utf-8").replace("lang = ", 'attributes = ["organisatie"]\nlang = ', 1), "utf-8"
    )
    text = GOOD.replace("Er is nieuws.\n", "Er is nieuws voor {organisatie}, zie [de foto](team.jpg).\n")
    found = project.run("check", write(project, text), "--json").json["findings"]
    rules = {"merge-field-braces", "image-as-link"}
    assert {(one["rule"], one["line"]) for one in found if one["rule"] in rules} == {
        (rule, 9) for rule in rules
    }


def test_empty_items_are_reported_once_each_with_their_lines(project):
    text = GOOD.replace("Er is nieuws.\n", "Er is nieuws.\n\n-\n-\n")
    findings = project.run("check", write(project, text), "--json").json["findings"]
    errors = [(one["rule"], one["line"]) for one in findings if one["severity"] == "error"]
    assert errors == [("empty-item", 11), ("empty-item", 12)]


def test_json_output_contains_every_finding(project):
    done = project.run("check", write(project, BAD), "--json")
    assert done.code == 3
    assert done.json["issue"] == "issues/2026-01-21.md"
    assert [done.json[kind] for kind in ("errors", "warnings", "infos")] == [1, 0, 1]
    assert done.json["findings"][0] == {
        "rule": "empty-section",
        "severity": "error",
        "source": "issues/2026-01-21.md",
        "line": 11,
        "message": "the section 'Leeg' is empty",
        "fix": "Write something below the heading, or remove the heading.",
    }


def test_an_unreadable_issue_is_a_finding_in_json_output_too(project):
    done = project.run("check", write(project, f"{HEAD}## A\n\n{{{{< gallery 1 >}}}}\n"), "--json")
    assert done.code == 1
    assert [(each["rule"], each["line"]) for each in done.json["findings"]] == [("unreadable", 9)]
    assert "the shortcode `gallery` is unknown" in done.err


def test_send_refuses_an_issue_with_errors_and_gives_a_hint(project):
    project.add_readers(2)
    done = project.run("send", write(project, BAD), "--yes")
    assert done.code == 3
    assert "issues/2026-01-21.md:11: the section 'Leeg' is empty" in done.err
    assert "moza-mail check issues/2026-01-21.md" in done.err
    assert project.outbox() == []
    assert project.run("send", "issues/2026-01-21.md", "--yes", "--json").json["errors"] == 1


def test_a_dry_run_reports_that_send_would_refuse(project):
    project.add_readers(2)
    done = project.run("send", write(project, BAD), "--dry-run")
    assert done.code == 3
    assert "error    issues/2026-01-21.md:11" in done.err


def test_a_test_copy_is_sent_despite_errors(project):
    done = project.run("send", write(project, BAD), "--test", "proef@example.org")
    assert done.code == 0
    assert "the section 'Leeg' is empty" in done.err
    assert len(project.outbox()) == 1


def test_a_mailing_in_progress_continues_despite_a_new_rule(project):
    project.add_readers(3)
    assert project.run("send", write(project, GOOD), "--yes", "--limit", "1").code == 0
    settings = project.path / "moza-mail.toml"
    settings.write_text(settings.read_text().replace("[check]", '[check]\nrequired_sections = ["Colofon"]'))
    done = project.run("send", "issues/2026-01-21.md", "--yes")
    assert (done.code, project.states()) == (0, {"accepted": 3})


def test_a_rule_can_be_disabled_and_an_unknown_rule_is_refused(project):
    settings = project.path / "moza-mail.toml"
    before = settings.read_text()
    settings.write_text(before.replace("[check]", '[check]\ndisabled = ["empty-section"]'))
    assert project.run("check", write(project, BAD)).code == 0
    settings.write_text(before.replace("[check]", '[check]\ndisabled = ["empty-sectoin"]'))
    done = project.run("check", "issues/2026-01-21.md")
    assert done.code == 2
    assert "unknown rule, `empty-sectoin`" in done.err
    assert "empty-section" in done.err


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("[check]\nword = 3", "`check.word` is not a known key"),
        ("[check]\nrequired_events = 3", "`check.required_events` must be a list"),
        ('[check]\npreferred_words = ["a"]', "`check.preferred_words` must be a table"),
    ],
)
def test_an_invalid_check_setting_is_named(project, table, says):
    (project.path / "moza-mail.toml").write_text(table)
    done = project.run("check", ISSUE)
    assert (done.code, says in done.err) == (2, True), done.err


def test_check_imports_no_module_for_network_access(project):
    program = (
        "import sys; from moza_mail.cli import main; sys.argv = ['moza-mail', 'check', sys.argv[1]]\n"
        "try: main()\n"
        "except SystemExit: print(sorted({'requests', 'urllib3', 'ssl', 'httpx', 'asyncio'} & sys.modules.keys()))"
    )
    command = project.command()
    done = subprocess.run(
        **{**command, "args": [sys.executable, "-c", program, ISSUE]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_fix_repairs_the_file_shows_the_diff_and_checks_again(project):
    path = project.path / write(project, f"{HEAD}## A\n\nWe zagen:\n\n*het plan\n*de brief\n\nKlaar.\n")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = project.run("check", str(path), "--json").json
    assert "unread-bullet" in {one["rule"] for one in before["findings"]}
    done = project.run("check", str(path), "--fix", "--json")
    assert "+* het plan\n+* de brief\n" in done.err
    assert "unread-bullet" not in {one["rule"] for one in done.json["findings"]}
    assert b"* het plan\r\n* de brief\r\n" in path.read_bytes()
    assert "nothing to repair" in project.run("check", str(path), "--fix").err


def test_the_diff_of_a_repair_shows_the_addresses_in_the_file(project):
    path = write(project, f"{HEAD}## A\n\nMail weekly@example.org:\n\n*het plan\n*de brief\n")
    assert " Mail weekly@example.org:\n" in project.run("check", path, "--fix").err


def test_every_mistake_of_an_unreadable_issue_is_a_finding(project):
    done = project.run("check", write(project, f"{HEAD}## A\n\n{{{{< a >}}}}\n\n{{{{< b >}}}}\n"), "--json")
    assert [one["line"] for one in done.json["findings"]] == [9, 11]
    assert done.err.count("is unknown") == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("title: MOZa Weekly 14 januari 2026", "title: MOZa Weekly 14 januari 2026 "), "reads the same as"),
        (("oliebollen", "appelflappen"), "has almost the same words as"),
    ],
)
def test_check_names_an_earlier_mailing_of_the_same_issue(project, change, words):
    project.add_readers(2)
    assert project.run("send", ISSUE, "--yes").code == 0
    renamed = project.path / "issues" / "anders.md"
    renamed.write_text((project.path / ISSUE).read_text().replace(*change))
    done = project.run("check", "issues/anders.md", "--json")
    (found,) = [one for one in done.json["findings"] if one["rule"] == "sent-before"]
    assert f"{words} `2026-01-14`, which `weekly` got on" in found["message"]
    assert found["severity"] == "warning"
    assert project.run("check", "issues/anders.md", "--strict").code == 3
    sent = project.run("check", ISSUE, "--json").json["findings"]
    assert [one for one in sent if one["rule"] == "sent-before"] == []


def test_check_says_that_the_store_cannot_be_read(project):
    project.add_readers(2)
    (project.path / "subscribers" / "moza-mail.db").unlink()
    done = project.run("check", ISSUE, "--json")
    (found,) = [one for one in done.json["findings"] if one["rule"] == "sent-before"]
    assert (found["severity"], done.code) == ("info", 0)
    assert "is missing" in found["message"]


def test_the_search_for_earlier_mailings_can_be_disabled(project):
    project.add_readers(2)
    (project.path / "subscribers" / "moza-mail.db").unlink()
    settings = project.path / "moza-mail.toml"
    settings.write_text(settings.read_text().replace("[check]", '[check]\ndisabled = ["sent-before"]'))
    found = project.run("check", ISSUE, "--json").json["findings"]
    assert [one for one in found if one["rule"] == "sent-before"] == []
