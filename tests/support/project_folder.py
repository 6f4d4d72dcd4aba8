"""A temporary project folder in which tests run commands, as a person or cron does."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from moza_mail.cli import main
from moza_mail.cli.output import STOP_SIGNALS
from moza_mail.model.mailing import DeliveryState
from tests.support.captured_output import RecordedProcess, record_text

ROOT = Path(__file__).parents[2]
SHARED_WEEKLIES = sorted((ROOT.parent / "shared" / "weeklies").glob("2*.md"))
ISSUE = "issues/2026-01-14.md"


@dataclass(frozen=True, kw_only=True)
class Result:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A project folder."""

    path: Path

    def command(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """Return the arguments for `subprocess` to run moza-mail here, without the settings of this machine."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("MOZA_MAIL_")}
        return {
            "args": [sys.executable, "-m", "moza_mail", *arguments],
            "cwd": self.path,
            "env": {**own, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **environment},
            "stdin": subprocess.DEVNULL,
        }

    def run(self, *arguments: str, **environment: str) -> Result:
        """Run a command in this process, because starting Python takes longer than most commands."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.path)
            patch.setattr(sys, "argv", ["moza-mail", *arguments])
            patch.setattr(sys, "stdin", io.StringIO())
            for name in [name for name in os.environ if name.startswith("MOZA_MAIL_")]:
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
            try:
                main()
                code = 0
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 0
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)
        record_text(f"standard error of {' '.join(arguments[:2])}", err.getvalue(), arguments, self.path)
        for bug in ("this is our mistake", "this is a bug in moza-mail"):
            assert bug not in err.getvalue(), err.getvalue()
        return Result(code=code, out=out.getvalue(), err=err.getvalue())

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = RecordedProcess(**self.command(*arguments), **pipes)
        process.folder = self.path
        return process

    def set(self, **settings: Any) -> None:
        """Change settings of moza-mail.toml."""
        path = self.path / "moza-mail.toml"
        kept = [row for row in path.read_text().split("\n") if row.split(" ")[0] not in settings]
        # The settings are written at the top, because keys below a [table] belong to that table.
        path.write_text(
            "\n".join([*(f"{key} = {json.dumps(value)}" for key, value in settings.items()), *kept])
        )

    def add_readers(self, count: int) -> None:
        """Subscribe this many invented readers to the list."""
        rows = "".join(f"lezer{number}@example.org,Lezer {number}\n" for number in range(count))
        (self.path / "readers.csv").write_text(f"email,name\n{rows}")
        done = self.run("subscribers", "import", "--yes", "readers.csv", "--consent", "test")
        assert done.code == 0, done.err

    def states(self) -> dict[str, int]:
        """Return the numbers of deliveries of the newest mailing by state, without zeros."""
        return {state: count for state, count in self.run("status", "--json").json["states"].items() if count}

    def outbox(self) -> list[EmailMessage]:
        """Return the messages in the outbox."""
        paths = sorted((self.path / "outbox" / "new").glob("*.eml"))
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]


def folder(path: Path) -> Folder:
    """Create a project folder like the example project, without subscribers."""
    for name in ("issues", "subscribers"):
        (path / name).mkdir()
    for name in ("moza-mail.toml", ISSUE, "subscribers/lists.toml", "subscribers/example.csv"):
        shutil.copy(ROOT / name, path / name)
    return Folder(path=path)


def only_states(**states: int) -> dict[str, int]:
    """Return these counts with a zero for every other state, as a report has them."""
    return {**dict.fromkeys((state.value for state in DeliveryState), 0), **states}
