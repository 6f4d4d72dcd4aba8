"""A new newsletter: `init` creates its folder, and the first commands succeed at once."""

import os
import pty
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from moza_mail.project import find_project
from tests.support.builders import ROOT
from tests.support.project_folder import Folder

FLAGS = ("--title", "Onze nieuwsbrief", "--sender", "redactie@voorbeeld.example.org")


def started(path: Path, *more: str) -> Folder:
    done = Folder(path=path).run("init", "brief", *FLAGS, *more)
    assert done.code == 0, done.err
    return Folder(path=path / "brief")


def issue(project: Folder) -> str:
    (path,) = (project.path / "issues").glob("*.md")
    return f"issues/{path.name}"


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_a_new_project_passes_check_and_a_dry_run(tmp_path, lang):
    project = started(tmp_path, "--language", lang)

    checked = project.run("check", issue(project), "--strict", "--json")
    assert checked.code == 0, checked.out
    assert {each["severity"] for each in checked.json["findings"]} <= {"info"}
    dry = project.run("send", issue(project), "--dry-run")
    assert dry.code == 0, dry.err
    assert "to an example recipient was composed" in dry.out
    assert "The list onze-nieuwsbrief has no subscribers" in dry.err
    assert not (project.path / "outbox/new").exists()


def test_a_new_project_can_mail_its_example_subscribers_and_make_the_next_issue(tmp_path):
    project = started(tmp_path)

    brought = project.run(
        "subscribers", "import", "--yes", "subscribers/example.csv", "--consent", "verzonnen"
    )
    assert brought.code == 0, brought.err
    assert project.run("send", issue(project), "--yes").code == 0
    assert {str(mail["From"]) for mail in project.outbox()} == {
        "Onze nieuwsbrief <redactie@voorbeeld.example.org>"
    }
    assert project.run("new").code == 0


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_the_comments_in_the_readme_are_in_one_column(tmp_path, lang):
    project = started(tmp_path, "--language", lang)
    rows = [
        row for row in (project.path / "README.md").read_text().split("\n") if row.startswith("moza-mail ")
    ]
    assert len({row.index("#") for row in rows if "#" in row}) == 1


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_the_values_of_the_plan_of_a_send_are_in_one_column(tmp_path, lang):
    project = started(tmp_path)
    project.run("subscribers", "add", "jan@example.org", "--consent", "ja")
    done = project.run("--lang", lang, "send", issue(project), "--dry-run")
    rows = [row for row in done.err.split("\n") if re.match(r"  \w", row)]
    assert len(rows) >= 5
    assert len({re.match(r"  \S+ +", row).end() for row in rows}) == 1, rows


def test_a_colour_and_a_logo_make_a_theme_of_the_project(tmp_path):
    (tmp_path / "logo.png").write_bytes((ROOT / "tests/data/issues/logo@2x.png").read_bytes())
    project = started(tmp_path, "--colour", "#FFD500", "--logo", "logo.png", "--sender-name", "Team Één")

    theme = tomllib.loads((project.path / "templates/default/theme.toml").read_text())
    assert theme == {"colour": "#ffd500", "logo": {"file": "assets/logo.png", "alt": "Team Één"}}
    checked = project.run("check", issue(project), "--strict")
    assert checked.code == 0, checked.out
    assert project.run("render", issue(project), "-o", "out").code == 0
    assert 'alt="Team Één"' in (project.path / "out/issue.html").read_text()


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--colour", "groen", "is not a colour"),
        ("--logo", "weg.png", "cannot be read"),
        ("--logo", "tekst.png", "is not a PNG"),
    ],
)
def test_with_an_unusable_colour_or_logo_no_file_is_written(tmp_path, option, value, reason):
    (tmp_path / "tekst.png").write_text("geen plaatje")
    done = Folder(path=tmp_path).run("init", "brief", *FLAGS, option, value)
    assert (done.code, reason in done.err) == (2, True), done.err
    assert not (tmp_path / "brief").exists()


def test_the_answers_are_in_the_settings(tmp_path):
    project = started(
        tmp_path, "--sender-name", "Team Één", "--site", "https://team.example.org", "--list", "team"
    )

    lists = tomllib.loads((project.path / "subscribers/lists.toml").read_text())
    assert lists["team"]["sender_name"] == "Team Één"
    assert lists["team"]["list_id"] == "team.voorbeeld.example.org"
    config = find_project(project.path).config
    assert (config.site_url, config.default_list) == ("https://team.example.org/", "team")
    assert config.relay == "outbox:outbox"


def test_git_ignores_subscribers_keys_and_mail(tmp_path):
    project = started(tmp_path)
    project.run("subscribers", "import", "--yes", "subscribers/example.csv", "--consent", "verzonnen")
    project.run("send", issue(project), "--yes")
    (project.path / "backup").mkdir()
    assert project.run("backup", "backup/2026-12-01.db").code == 0
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=project.path, check=True)

    listed = subprocess.run(["git", "ls-files"], cwd=project.path, check=True, capture_output=True, text=True)

    assert sorted(listed.stdout.split()) == sorted(
        [
            ".gitignore",
            "README.md",
            issue(project),
            "moza-mail.toml",
            "subscribers/example.csv",
            "subscribers/lists.toml",
        ]
    )


def test_a_setting_added_at_the_end_of_the_settings_is_read(tmp_path):
    project = started(tmp_path)
    with (project.path / "moza-mail.toml").open("a") as settings:
        settings.write('rate = "50/s"\n')
    assert find_project(project.path).config.rate == "50/s"


def test_existing_files_are_never_overwritten(tmp_path):
    project = started(tmp_path)
    (project.path / "moza-mail.toml").unlink()
    before = {path: path.read_bytes() for path in project.path.rglob("*") if path.is_file()}

    refused = Folder(path=tmp_path).run("init", "brief", *FLAGS)

    assert refused.code == 2
    assert "exists already; nothing was written" in refused.err
    assert {path: path.read_bytes() for path in project.path.rglob("*") if path.is_file()} == before


def test_without_a_terminal_the_example_has_no_masked_address(tmp_path):
    refused = Folder(path=tmp_path).run("init", "brief")
    assert (refused.code, "--sender ADDRESS" in refused.err, "***" in refused.err) == (2, True, False)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "--title and --sender must be given"),
        (("--title", "X"), "--sender must be given"),
        (("--title", "X", "--sender", "geen adres"), "--sender: geen adres"),
        (("--title", "a: {b}", "--sender", "a@example.org"), "cannot be a title"),
        (("--title", "X", "--sender", "a@example.org", "--site", "example"), "is not a web address"),
        (("--title", "X", "--sender", "a@example.org", "--list", "Één"), "cannot be the name of a list"),
        (
            ("--title", "X", "--sender", "a@example.org", "--language", "fy"),
            "--language nl, or --language en",
        ),
    ],
)
def test_with_unusable_answers_nothing_is_created(tmp_path, flags, said):
    refused = Folder(path=tmp_path).run("init", "brief", *flags)

    assert refused.code == 2
    assert said in refused.err
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_questions_repeat_until_the_answer_is_usable(tmp_path):
    ours, theirs = pty.openpty()
    command = {**Folder(path=tmp_path).command("init", "brief"), "stdin": theirs}
    answers = "De brief\ngeen adres\nbrief@example.org\n\n\nbrief\nen\n"
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
        os.close(theirs)
        os.write(ours, answers.encode())
        out, err = asking.communicate(timeout=60)
    os.close(ours)

    assert asking.returncode == 0, err
    assert "From which mail address is it sent?" in err
    assert "geen adres" in err
    assert "brief/moza-mail.toml" in out
    assert find_project(tmp_path / "brief").read_list("").title == "De brief"
    assert find_project(tmp_path / "brief").read_list("").lang == "en"
