"""No unmasked address in standard error, log records or audit logs; the fixture `output_recorder` checks the whole test run.

Standard output that exists to list people (`show`, `export`, `list`, `status --state`) is for the person who asked. Standard error
may contain an address that was typed in the same command, or that belongs to the project.
"""

import pytest

from tests.support.captured_output import CapturedText, find_unmasked, read_audit_logs
from tests.support.project_folder import folder

AWAY = (
    "Return-Path: <>\nSubject: afwezig\nFrom: lezer2@example.org\nTo: weekly@example.org\n\nIk ben er niet.\n"
)


@pytest.fixture
def project(tmp_path):
    made = folder(tmp_path)
    made.add_readers(4)
    return made


def run_everything(project) -> None:
    """Run every command on a list, also with mistakes."""
    (project.path / "fout.csv").write_text(
        "email,name,consent\nlezer9@,X,ja\ndéa@example.org,Y,ja\nlezer3@example.org,Z,\n"
        '"lezer8@example.org,lezer7@example.org",V,ja\n'
    )
    (project.path / "mail").mkdir()
    for name in ("new", "cur", "tmp"):
        (project.path / "mail" / name).mkdir()
    (project.path / "mail/new/1").write_text(AWAY)
    for command in (
        ("subscribers", "import", "--yes", "fout.csv"),
        ("subscribers", "add", "lezer0@example.org", "--consent", "ja"),
        ("subscribers", "suppress", "lezer1@example.org", "--evidence", "lezer1@example.org phoned"),
        ("subscribers", "unsubscribe", "lezer2@example.org"),
        ("send", "2026-01-14", "--yes"),
        ("send", "2026-01-14", "--test", "lezer3@example.org"),
        ("status",),
        ("bounces", "maildir:mail"),
        ("subscribers", "export"),
        ("subscribers", "show", "lezer3@example.org", "--json"),
        ("subscribers", "erase", "lezer3@example.org", "--yes"),
        ("subscribers", "import", "--yes", "readers.csv", "--consent", "x"),
        ("privacy", "retention"),
        ("privacy", "audit"),
    ):
        project.run(*command)


def test_no_log_contains_an_unmasked_address(project, output_recorder):
    run_everything(project)
    said = [*output_recorder.texts, *read_audit_logs(project.path.parent)]
    assert sum(one.source.startswith("standard error") for one in said) >= 5
    assert sum(one.source.startswith("audit log") for one in said) >= 1
    assert any("***@example.org" in one.text for one in said)
    assert find_unmasked(said) == {}


@pytest.mark.parametrize(
    "text", ["lezer1@example.org left", "<Zoë.x+1@sub.example.org>", "to 'a@b.example':"]
)
def test_the_search_finds_an_unmasked_address(text):
    assert CapturedText(source="a log", text=text).unmasked_addresses()
    assert not CapturedText(
        source="a log", text="l***@example.org postgresql://moza@127.0.0.1/db"
    ).unmasked_addresses()
