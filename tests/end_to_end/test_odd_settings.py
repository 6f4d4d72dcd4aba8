"""An odd setting is reported with its file and line, and never causes an internal error."""

import json

import pytest

from moza_mail.project.config import ProjectConfig
from moza_mail.project.lists import ListSettings
from tests.support.project_folder import ISSUE, folder

VALUES = ["a\0b", "\x1b[31m", "//[", "a" * 5000, "../../../../etc/passwd", "http://[::1", "\u202e"]
TEXTS = [name for name, field in ProjectConfig.model_fields.items() if isinstance(field.default, str)]
LIST_TEXTS = [name for name, field in ListSettings.model_fields.items() if field.annotation is str]


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


def is_a_sentence(done, name=""):
    assert done.code in {0, 1, 2, 3, 75}, done.err
    assert "\0" not in done.out + done.err
    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_no_value_of_a_setting_causes_an_internal_error(project, value):
    original = (project.path / "moza-mail.toml").read_text()
    for name in TEXTS:
        project.set(**{name: value})
        is_a_sentence(project.run("send", ISSUE, "--dry-run"))
        (project.path / "moza-mail.toml").write_text(original)


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_no_value_of_a_list_key_causes_an_internal_error(project, value):
    path = project.path / "subscribers" / "lists.toml"
    original = path.read_text()
    for name in LIST_TEXTS:
        rows = [row for row in original.split("\n") if row.partition(" ")[0] != name]
        rows.insert(rows.index("[weekly]") + 1, f"{name} = {json.dumps(value)}")
        path.write_text("\n".join(rows))
        is_a_sentence(project.run("send", ISSUE, "--dry-run"))


def test_a_control_character_is_reported_with_its_line(project):
    project.set(site_url="https://example.org/\x07")
    done = project.run("check", ISSUE)
    assert done.code == 2
    assert "moza-mail.toml, line 1: `site_url` contains a control character" in done.err
