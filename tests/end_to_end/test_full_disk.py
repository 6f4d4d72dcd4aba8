"""A disk that is full at many moments: one error, nothing stored by half, and the command continues when space is free."""

import json
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes, policy

import pytest

from tests.support.project_folder import ISSUE, ROOT
from tests.support.small_disk import SmallDisk, small_disk

READERS = 300
IMPORT = ("subscribers", "import", "--yes", "readers.csv", "--consent", "test")
SEND = ("send", ISSUE, "--yes")
BOUNCES = ("bounces", "maildir:bounces")
ARCHIVE = ("archive", "build", "site")

CHECK = """
import sqlite3
print(*sqlite3.connect("subscribers/moza-mail.db").execute("PRAGMA integrity_check").fetchone())
"""


@dataclass(frozen=True, kw_only=True)
class ProjectOnDisk:
    """A project folder on a small disk, and the commands that run there."""

    disk: SmallDisk

    @property
    def path(self):
        return self.disk.path

    def run(self, *arguments: str):
        done = self.disk.run(
            [sys.executable, "-m", "moza_mail", *arguments], PYTHONPATH=str(ROOT), NO_COLOR="1"
        )
        assert "our mistake" not in done.stderr, done.stderr
        return done

    def fails_for_want_of_space(self, kilobytes: int, *arguments: str) -> None:
        """Run a command on a full disk, and check that it gives one error with a hint."""
        self.disk.leave_free(kilobytes)
        done = self.run(*arguments)
        self.disk.free()
        errors = [row for row in done.stderr.splitlines() if row.startswith("moza-mail: ")]
        assert done.returncode in {1, 2, 75}, (kilobytes, done)
        assert len(errors) == 1, done.stderr
        assert "disk is full" in errors[0] or "No space left" in errors[0], errors
        assert done.stderr.rstrip().splitlines()[-1].startswith("  "), done.stderr
        self.store_is_sound()

    def store_is_sound(self) -> None:
        store = self.path / "subscribers" / "moza-mail.db"
        if store.exists() and store.stat().st_size:
            checked = self.disk.run([sys.executable, "-c", CHECK])
            assert checked.stdout == "ok\n", checked

    def recipients(self) -> Counter[str]:
        """Count the messages of each recipient, and check that each message is complete."""
        found = Counter()
        for path in (self.path / "outbox" / "new").glob("*"):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            assert message.get_body(("html",)).get_content().rstrip().endswith("</html>")
            found[str(message["To"])] += 1
        return found


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with small_disk(tmp_path_factory.mktemp("disk"), 64) as disk:
        for name in ("issues", "subscribers"):
            (disk.path / name).mkdir()
        for name in ("moza-mail.toml", ISSUE, "subscribers/lists.toml"):
            shutil.copy(ROOT / name, disk.path / name)
        rows = "".join(f"lezer{number}@example.org,Lezer {number}\n" for number in range(READERS))
        (disk.path / "readers.csv").write_text(f"email,name\n{rows}")
        yield ProjectOnDisk(disk=disk)


def test_every_command_continues_after_a_full_disk(project):
    """Fill the disk before each of twelve commands. Each command needs the data of the previous one."""
    for kilobytes in (0, 40, 200):
        project.fails_for_want_of_space(kilobytes, *IMPORT)
    done = project.run(*IMPORT)
    assert done.returncode == 0, done.stderr
    assert project.run("subscribers", "list", "--json").stdout.count("\n") == READERS

    for kilobytes in (0, 40, 100):
        project.fails_for_want_of_space(kilobytes, *SEND)
        assert project.recipients() == {}
    for kilobytes in (8_700, 10_000):
        project.fails_for_want_of_space(kilobytes, *SEND)
        states = json.loads(project.run("status", "--json").stdout)["states"]
        assert states["accepted"] + states["pending"] == READERS
        assert project.recipients().total() == states["accepted"]
    assert 0 < project.recipients().total() < READERS
    done = project.run(*SEND)
    assert done.returncode == 0, done.stderr
    assert set(project.recipients().values()) == {1}
    assert project.recipients().total() == READERS

    for name in ("new", "cur", "tmp"):
        (project.path / "bounces" / name).mkdir(parents=True)
    bounce_files = sorted((ROOT / "tests" / "data" / "bounces").rglob("*.eml"))
    for bounce_file in bounce_files:
        shutil.copy(bounce_file, project.path / "bounces" / "new" / bounce_file.name)
    for kilobytes in (0, 40):
        project.fails_for_want_of_space(kilobytes, *BOUNCES)
    read = json.loads(project.run(*BOUNCES, "--json").stdout)["read"]
    assert read == len(bounce_files)

    for kilobytes in (0, 36):
        project.fails_for_want_of_space(kilobytes, *ARCHIVE)
    done = project.run(*ARCHIVE)
    assert done.returncode == 0, done.stderr
    for page in (project.path / "site").rglob("*.html"):
        assert page.read_text().rstrip().endswith("</html>")
    assert project.run(*ARCHIVE).returncode == 0
