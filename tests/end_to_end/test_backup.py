"""Backups, restores, and stores that are lost, swapped or older than they should be: nobody is mailed twice."""

import json
import shutil
import stat
from pathlib import Path

import pytest

from moza_mail.model.store_mark import StoreMark
from moza_mail.project.store_mark import read_mark, write_mark
from tests.support.project_folder import ISSUE, folder

READERS = 6
STORE = "subscribers/moza-mail.db"


@pytest.fixture
def project(tmp_path):
    """Create a project with six readers whose relay is an outbox."""
    (tmp_path / "project").mkdir()
    project = folder(tmp_path / "project")
    project.add_readers(READERS)
    return project


def send(project, *more: str):
    return project.run("send", ISSUE, "--yes", *more)


def remove_store(project) -> None:
    for name in ("", "-wal", "-shm"):
        (project.path / f"{STORE}{name}").unlink(missing_ok=True)


def recipients(project) -> list[str]:
    return sorted(str(message["To"]) for message in project.outbox())


def write_second_issue(project, date: str = "2026-11-29") -> str:
    text = (project.path / ISSUE).read_text()
    text = text.replace("14 januari 2026", "29 november 2026").replace("2026-01-14", date)
    text = text.replace("MOZa", "MOZa twee")
    (project.path / "issues" / "second.md").write_text(text)
    return "issues/second.md"


def test_a_deleted_store_is_noticed_and_nobody_is_mailed_again(project):
    assert send(project).code == 0
    remove_store(project)
    for command in (("send", ISSUE, "--yes"), ("send", "--due"), ("status",), ("subscribers", "list")):
        done = project.run(*command)
        assert done.code != 0
        assert "is gone" in done.err
        assert "moza-mail restore" in done.err
    assert not (project.path / STORE).exists()
    assert len(project.outbox()) == READERS


def test_a_new_store_is_used_only_when_a_person_says_so(project):
    assert send(project).code == 0
    remove_store(project)
    assert project.run("--new-store", "subscribers", "list", "--json").code == 0
    assert project.run("subscribers", "list", "--json").code == 0


def test_an_older_copy_of_the_store_is_refused(project):
    shutil.copy(project.path / STORE, project.path / "copy.db")
    assert send(project).code == 0
    remove_store(project)
    shutil.copy(project.path / "copy.db", project.path / STORE)
    done = send(project)
    assert done.code == 1
    assert "older copy" in done.err
    assert len(project.outbox()) == READERS


def test_the_store_of_another_project_is_refused(project, tmp_path):
    (tmp_path / "other").mkdir()
    other = folder(tmp_path / "other")
    shutil.copy(project.path / "subscribers" / "secret", other.path / "subscribers" / "secret")
    other.add_readers(2)
    remove_store(project)
    shutil.copy(other.path / STORE, project.path / STORE)
    done = send(project)
    assert done.code == 1
    assert "another store" in done.err


def test_a_lost_secret_is_not_replaced_by_a_new_one(project):
    (project.path / "subscribers" / "secret").unlink()
    done = send(project)
    assert done.code == 2
    assert "is gone: it is the secret of this project's store" in done.err
    assert not (project.path / "subscribers" / "secret").exists()


def test_a_backup_is_private_whole_and_never_overwritten(project, tmp_path):
    file = tmp_path / "backup.db"
    assert project.run("backup", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    again = project.run("backup", str(file))
    assert again.code == 1
    assert "never overwritten" in again.err
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_backup_is_not_a_store(project, tmp_path):
    project.run("backup", str(tmp_path / "backup.db"))
    remove_store(project)
    shutil.copy(tmp_path / "backup.db", project.path / STORE)
    done = send(project)
    assert done.code == 1
    assert "is a backup" in done.err


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\0" * 5000])
def test_a_damaged_backup_changes_nothing(project, tmp_path, content):
    (tmp_path / "backup.db").write_bytes(content)
    done = project.run("restore", str(tmp_path / "backup.db"), "--yes")
    assert done.code == 1, done.err
    assert send(project).code == 0
    assert len(project.outbox()) == READERS


def test_a_restore_in_mid_mailing_mails_nobody_twice(project, tmp_path):
    assert send(project, "--limit", "2").code == 0
    project.run("backup", str(tmp_path / "backup.db"))
    assert send(project).code == 0
    mailed = recipients(project)
    assert len(mailed) == READERS
    restored = project.run("restore", str(tmp_path / "backup.db"), "--yes")
    assert restored.code == 0, restored.err
    assert f"{READERS - 2} messages may have been sent" in restored.err
    send(project)
    project.run("send", "--due")
    assert project.states() == {"accepted": 2, "uncertain": READERS - 2}
    assert recipients(project) == mailed


def test_the_relays_log_settles_what_the_backup_does_not_know(project, tmp_path):
    assert send(project, "--limit", "2").code == 0
    project.run("backup", str(tmp_path / "backup.db"))
    assert send(project).code == 0
    second = write_second_issue(project)
    assert project.run("send", second, "--yes").code == 0
    mailed = recipients(project)
    assert len(mailed) == 2 * READERS
    log = "".join(
        f"Nov 29 10:00:0{number % 10} mail postfix/cleanup[1]: Q{number:04X}: message-id={message['Message-ID']}\n"
        f"Nov 29 10:00:0{number % 10} mail postfix/smtp[1]: Q{number:04X}: to=<x@example.org>, status=sent (250 Ok)\n"
        for number, message in enumerate(project.outbox())
    )
    (tmp_path / "mail.log").write_text(log)
    assert project.run("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    assert project.run("send", second, "--yes").code == 1
    settled = project.run("settle", "--log", str(tmp_path / "mail.log"))
    assert settled.code == 0, settled.err
    for issue in (ISSUE, second):
        done = project.run("send", issue, "--yes", "--json")
        assert json.loads(done.out)["states"]["accepted"] == READERS
    assert recipients(project) == mailed


def test_a_mailing_that_the_backup_does_not_know_is_not_sent_again(project, tmp_path):
    project.run("backup", str(tmp_path / "backup.db"))
    second = write_second_issue(project, "2026-11-30")
    assert project.run("send", second, "--yes").code == 0
    mailed = recipients(project)
    assert project.run("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    refused = project.run("send", second, "--yes")
    assert refused.code == 1
    assert "settle --log" in refused.err
    assert project.run("settle", "--assume-sent-until", "2099-01-01").code == 0
    refused = project.run("send", second, "--yes")
    assert refused.code == 1
    assert "counts as sent" in refused.err
    assert recipients(project) == mailed
    fresh = write_second_issue(project, "2099-02-01")
    assert project.run("send", fresh, "--yes").code == 0


def test_a_store_that_was_restored_twice_still_does_not_know_the_time_before_the_first(project, tmp_path):
    project.run("backup", str(tmp_path / "backup.db"))
    assert send(project).code == 0
    assert project.run("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    project.run("backup", str(tmp_path / "second.db"))
    assert project.run("restore", str(tmp_path / "second.db"), "--yes").code == 0
    assert send(project).code == 1
    assert len(project.outbox()) == READERS


def test_a_folder_that_may_not_be_written_stops_nothing():
    """Not even root may write in /sys."""
    write_mark(Path("/sys"), StoreMark(store_id="a", generation=1))
    assert read_mark(Path("/sys")) is None
