"""The documentation on the command line, completion for shells, and the man page."""

import re
import subprocess
import sys

import pytest

from tests.support.project_folder import ROOT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, *arguments], env=own, capture_output=True, text=True, check=False, timeout=60
    )


def test_help_lists_every_page_of_the_documentation(tmp_path):
    done = run("-m", "moza_mail", "help")
    listed = [row.split()[0] for row in done.stdout.splitlines()]
    assert listed == sorted(page.stem for page in (ROOT / "docs").glob("*.md"))
    assert run("-m", "moza_mail", "help", "send").stdout.startswith("# Sending an issue\n")


def test_an_unknown_topic_names_the_topics():
    done = run("-m", "moza_mail", "help", "zenden")
    assert done.returncode == 2
    assert "configuration, decisions" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_suggests_commands(shell):
    # The completion library would ask its parent process for the name of the shell. The variable prevents that.
    script = run(
        "-m", "moza_mail", "--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )
    assert "_MOZA_MAIL_COMPLETE" in script.stdout + script.stderr or script.returncode == 0
    asked = {
        "bash": {"COMP_WORDS": "moza-mail sta", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "moza-mail sta"},
        "fish": {"_TYPER_COMPLETE_ARGS": "moza-mail sta", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    program = "import sys; sys.argv = ['moza-mail']; from moza_mail.cli import main; main()"
    done = run("-c", program, _MOZA_MAIL_COMPLETE=f"complete_{shell}", **asked)
    assert "status" in done.stdout, done


def test_the_man_page_has_every_command_and_its_options():
    page = run(str(ROOT / "packaging" / "man_page.py")).stdout
    commands = re.findall(r"^\.SS moza\\-mail ([a-z\\ -]+?) ?(?:\\?\[|\{|$)", page, re.MULTILINE)
    assert {"send", "status", "archive build", "dkim new", "help"} <= set(commands)
    assert "\\-\\-dry\\-run" in page
    assert not re.search(r"^\.(?!TH|SH|SS|TP|B )", page, re.MULTILINE)
