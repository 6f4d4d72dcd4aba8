"""The modules that a command imports at its start: no plugins of other packages, and nothing that it does not need."""

import subprocess

import pytest

from moza_mail.cli.app import app
from tests.support.child_process import read_output, start_python
from tests.support.project_folder import ISSUE, ROOT, folder

LEFT = """
import pathlib
pathlib.Path({mark!r}).touch()
"""
LOADED = """
import sys
from moza_mail.cli import main
sys.argv = ["moza-mail", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(*sorted(sys.modules))
"""


NEVER = (
    "rich",
    "psycopg",
    "sqlalchemy.dialects.postgresql",
    "httpx",
    "starlette",
    "uvicorn",
    "python_calamine",
)
RENDERING = ("jinja2", "lxml", "mjml", "premailer", "babel")


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


def loaded(project, *arguments):
    return set(read_output(start_python(LOADED, *arguments, cwd=project.path)).split())


def test_an_installed_pydantic_plugin_is_not_run(project, tmp_path):
    place, mark = tmp_path / "packages", tmp_path / "was run"
    (place / "stray-1.dist-info").mkdir(parents=True)
    (place / "stray-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: stray\nVersion: 1\n")
    (place / "stray-1.dist-info/entry_points.txt").write_text("[pydantic]\nstray = stray:plugin\n")
    (place / "stray.py").write_text(LEFT.format(mark=str(mark)) + "plugin = None\n")

    command = project.command("show", ISSUE, PYTHONPATH=f"{ROOT}:{place}")
    # This process has set the variable for its children already.
    command["env"].pop("PYDANTIC_DISABLE_PLUGINS", None)
    subprocess.run(**command, check=True, capture_output=True)
    assert not mark.exists()


@pytest.mark.parametrize("command", ["show", "check"])
def test_reading_an_issue_imports_no_module_for_sending_or_other_time_zones(project, command):
    brought = loaded(project, command, ISSUE)

    assert "moza_mail.parse" in brought
    assert not {"sqlalchemy", "asyncio", "cryptography", "httpx", "pytz"} & brought


def test_dutch_messages_do_not_import_babel(project):
    assert "babel" not in loaded(project, "--lang", "nl", "show", ISSUE)


def test_pytz_can_be_imported_after_babel_was_loaded_without_it():
    program = """
import sys
from datetime import date
from moza_mail.project import find_project
from moza_mail.render.locale import ThemeLocale
print(ThemeLocale.load(find_project().read_theme("moza"), "nl").format_day(date(2026, 1, 14)))
sys.modules["pytz"] = known = object()
ThemeLocale.load(find_project().read_theme("moza"), "en").format_day(date(2026, 1, 14))
import pytz
print(pytz is known)
"""
    assert read_output(start_python(program, cwd=ROOT)) == "woensdag 14 januari 2026\nTrue\n"


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    here = folder(tmp_path_factory.mktemp("start"))
    here.add_readers(1)
    assert here.run("send", ISSUE, "--yes").code == 0
    return here


@pytest.mark.parametrize(
    ("arguments", "unused"),
    [
        (["--help"], (*RENDERING, "sqlalchemy", "pydantic", "asyncio", "markdown_it")),
        (["status"], (*RENDERING, "markdown_it", "cryptography", "icalendar", "moza_mail.bounces.classify")),
        (["check", ISSUE], ("icalendar", "cryptography", "moza_mail.bounces.classify")),
        (["render", ISSUE], ("sqlalchemy", "tinycss2")),
        (["send", ISSUE, "--yes"], ("icalendar", "tinycss2", "moza_mail.bounces.classify")),
    ],
    ids=lambda value: value[0],
)
def test_a_command_does_not_import_what_it_does_not_use(sent, arguments, unused):
    assert loaded(sent, *arguments) & {*NEVER, *unused} == set()


def test_help_lists_every_command_with_its_whole_summary(sent):
    shown = " ".join(sent.run("--help").out.split())
    commands = [
        each
        for group in app.registered_groups
        if not group.name
        for each in group.typer_instance.registered_commands
    ]
    assert len(commands) > 15
    for command in commands:
        summary = " ".join((command.help or command.callback.__doc__).split())
        assert f"{command.name or command.callback.__name__} {summary}" in shown
    for group in (group for group in app.registered_groups if group.name):
        assert f"{group.name} {group.typer_instance.info.help}" in shown
