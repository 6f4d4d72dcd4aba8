"""The modules that a command imports at its start: no plugins of other packages, and nothing that it does not need."""

import subprocess

import pytest

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
    # This process has told its children already.
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
