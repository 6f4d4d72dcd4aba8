"""Backups, restores, and stores that are lost, swapped or older than they should be: nobody is mailed twice."""

import asyncio
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import time
import tomllib
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from moza_mail.model.store_mark import StoreMark
from moza_mail.project.store_mark import read_mark, write_mark
from moza_mail.store import open_store
from tests.support.postgres import cluster
from tests.support.project_folder import ISSUE, folder
from tests.support.smtp_servers import smtp_sink

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
        assert "is missing" in done.err
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
    assert "not the store that this project used" in done.err


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


def test_who_was_erased_or_left_after_the_backup_stays_erased_or_left_after_a_restore(project, tmp_path):
    erased, left, stays = "lezer1@example.org", "lezer2@example.org", "lezer3@example.org"
    backup = str(tmp_path / "backup.db")
    assert project.run("backup", backup).code == 0
    project.run("subscribers", "add", "later@example.org", "--consent", "test")
    for address in (erased, "later@example.org"):
        assert project.run("subscribers", "erase", address, "--yes").code == 0
    assert project.run("subscribers", "unsubscribe", left, "--list", "weekly").code == 0

    done = project.run("restore", backup, "--yes")

    assert (done.code, "people erased again: 1; subscriptions ended again: 1" in done.err) == (0, True), (
        done.err
    )
    assert "It contains personal data: delete it" in done.err
    states = [project.run("subscribers", "show", address).out for address in (erased, left, stays)]
    assert [erased in states[0], "unsubscribed" in states[1], "confirmed" in states[2]] == [False, True, True]
    for address in (erased, "later@example.org"):
        assert project.run("subscribers", "add", address, "--consent", "test").code == 3
    assert project.run("privacy", "audit", "--verify").code == 0


def test_a_backup_that_is_not_there_is_reported_before_any_question(project):
    done = project.run("restore", "nope.db")
    assert ("there is no backup" in done.err, "--yes" in done.err) == (True, False), done.err


def test_a_restore_works_when_the_earlier_store_cannot_be_read(project, tmp_path):
    backup = str(tmp_path / "backup.db")
    assert project.run("backup", backup).code == 0
    remove_store(project)
    (project.path / STORE).write_text("not a database")
    done = project.run("restore", backup, "--yes")
    assert (done.code, "unsubscriptions, bounces and erasures of that time are lost" in done.err) == (
        0,
        True,
    ), done.err


def test_a_restore_during_a_mailing_mails_nobody_twice(project, tmp_path):
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


def write_log(path: Path, messages, first: datetime, last: datetime) -> None:
    """Write a log of Postfix that accepts these messages. Its first and its last line have these times."""
    lines = [f"{first.isoformat()} mail postfix/smtpd[1]: connect from localhost[127.0.0.1]"]
    for number, message in enumerate(messages):
        lines += [
            f"{first.isoformat()} mail postfix/cleanup[1]: Q{number:04X}: message-id={message['Message-ID']}",
            f"{first.isoformat()} mail postfix/smtp[1]: Q{number:04X}: to=<x@example.org>, status=sent (250 Ok)",
        ]
    lines.append(f"{last.isoformat()} mail postfix/smtpd[1]: disconnect from localhost[127.0.0.1]")
    path.write_text("\n".join(lines) + "\n")


def covering_log(path: Path, messages) -> None:
    """Write a log that covers the time from before the backup until after the restore."""
    now = datetime.now(UTC)
    write_log(path, messages, now - timedelta(days=1), now + timedelta(minutes=1))


def test_an_issue_with_uncertain_recipients_is_not_called_sent(project, tmp_path):
    project.run("backup", str(tmp_path / "backup.db"))
    assert send(project).code == 0
    assert project.run("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    covering_log(tmp_path / "mail.log", project.outbox()[:1])
    assert project.run("settle", "--log", str(tmp_path / "mail.log")).code == 3
    again = project.run("send", ISSUE, "--yes")
    assert f"It is uncertain whether {READERS - 1} recipients have this issue already." in again.err
    assert "was sent on" not in again.err


def test_the_relays_log_settles_what_the_backup_does_not_know(project, tmp_path):
    assert send(project, "--limit", "2").code == 0
    project.run("backup", str(tmp_path / "backup.db"))
    assert send(project).code == 0
    second = write_second_issue(project)
    assert project.run("send", second, "--yes").code == 0
    mailed = recipients(project)
    assert len(mailed) == 2 * READERS
    assert project.run("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    covering_log(tmp_path / "mail.log", project.outbox())
    assert project.run("send", second, "--yes").code == 1
    settled = project.run("settle", "--log", str(tmp_path / "mail.log"))
    assert settled.code == 0, settled.err
    assert "2026-01-14: mail.log shows that the relay accepted " in settled.out
    for issue in (ISSUE, second):
        done = project.run("send", issue, "--yes", "--json")
        assert json.loads(done.out)["states"]["accepted"] == READERS
    assert recipients(project) == mailed


WEB_LINE = '192.0.2.1 - - [30/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 250 "-" "-"'
MISSING = "Until you settle this, no mailing can begin."


@pytest.mark.parametrize("part", ["starts too late", "ends too early", "of a web server", "empty"])
def test_a_log_that_does_not_cover_the_whole_time_does_not_permit_a_mailing(project, tmp_path, part):
    """Otherwise a message from the missing time could be sent again."""
    project.run("backup", str(tmp_path / "backup.db"))
    second = write_second_issue(project)
    assert project.run("send", second, "--yes").code == 0
    mailed = recipients(project)
    assert project.run("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    now, log = datetime.now(UTC), tmp_path / "part.log"
    if part == "starts too late":
        write_log(log, [], now + timedelta(seconds=1), now + timedelta(minutes=1))
    elif part == "ends too early":
        write_log(log, [], now - timedelta(days=1), now - timedelta(hours=1))
    else:
        log.write_text(f"{WEB_LINE}\n" if part == "of a web server" else "")
    settled = project.run("settle", "--log", str(log))
    assert settled.code == 3
    assert MISSING in settled.err
    time = r"[\d-]{10} \d\d:\d\d:\d\d \w+"
    assert re.search(rf"still unknown what was sent between {time} and {time}\.", settled.err)
    assert project.run("send", second, "--yes").code == 1
    assert recipients(project) == mailed


def test_two_logs_together_cover_the_time(project, tmp_path):
    """The first log ends within the gap, and the second log begins there."""
    project.run("backup", str(tmp_path / "backup.db"))
    second = write_second_issue(project)
    time.sleep(1.1)
    assert project.run("send", second, "--yes").code == 0
    mailed = recipients(project)
    middle = datetime.now(UTC)
    time.sleep(1.1)
    assert project.run("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    write_log(tmp_path / "1.log", project.outbox(), middle - timedelta(days=1), middle)
    write_log(tmp_path / "2.log", [], middle, middle + timedelta(minutes=1))
    first = project.run("settle", "--log", str(tmp_path / "1.log"))
    assert first.code == 3
    assert MISSING in first.err
    assert project.run("settle", "--log", str(tmp_path / "2.log")).code == 0
    assert project.run("send", second, "--yes").code == 0
    assert recipients(project) == mailed


def test_a_log_with_the_times_of_another_zone_is_refused(project, tmp_path):
    project.run("backup", str(tmp_path / "backup.db"))
    assert project.run("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    now = datetime.now(UTC)
    write_log(tmp_path / "mail.log", [], now - timedelta(days=1), now + timedelta(hours=1))
    settled = project.run("settle", "--log", str(tmp_path / "mail.log"))
    assert settled.code == 2
    assert "in the future" in settled.err
    assert "TZ=" in settled.err


def test_a_mailing_to_a_segment_is_recorded_for_its_segment(project, tmp_path):
    lists = project.path / "subscribers" / "lists.toml"
    lists.write_text(f'{lists.read_text()}\n[weekly.segments]\nfew = {{domain = "few.example.org"}}\n')
    (project.path / "few.csv").write_text("email,name\na@few.example.org,A\nb@few.example.org,B\n")
    assert project.run("subscribers", "import", "--yes", "few.csv", "--consent", "test").code == 0
    project.run("backup", str(tmp_path / "backup.db"))
    second = write_second_issue(project)
    assert project.run("send", second, "--segment", "few", "--yes").code == 0
    assert project.run("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    covering_log(tmp_path / "mail.log", project.outbox())
    assert project.run("settle", "--log", str(tmp_path / "mail.log")).code == 0
    assert project.states() == {"accepted": 2}
    again = project.run("send", second, "--segment", "few", "--yes")
    assert "sent on" in again.err
    assert len(project.outbox()) == 2


def test_an_issue_that_was_sent_long_after_its_date_is_not_sent_again(project, tmp_path):
    project.run("backup", str(tmp_path / "backup.db"))
    late = write_second_issue(project, "2020-03-02")
    assert project.run("send", late, "--yes").code == 0
    mailed = recipients(project)
    assert project.run("restore", str(tmp_path / "backup.db"), "--yes").code == 0
    assert project.run("settle", "--assume-sent-until", "2099-01-01").code == 0
    assert project.run("send", late, "--yes").code == 1
    assert recipients(project) == mailed


def test_a_copy_that_was_made_in_the_middle_of_a_run_is_older_than_the_store(project, tmp_path):
    """The run was killed, so the generation of the store was not raised at its end."""
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        project.add_readers(300)
        process = project.start("send", ISSUE, "--yes")
        try:
            wait_for_messages(sink, 40, process)
            copy_live_store(project, tmp_path / "copy.db")
            wait_for_messages(sink, 200, process)
        finally:
            process.kill()
            process.communicate(timeout=60)
        remove_store(project)
        shutil.copy(tmp_path / "copy.db", project.path / STORE)
        done = project.run("send", ISSUE, "--yes")
        received = sink.received()
    assert done.code == 1, done.err
    assert "older copy" in done.err
    assert all(len(copies) == 1 for copies in received.values())


def copy_live_store(project, target: Path) -> None:
    """Copy the store as `sqlite3 FILE .backup` does."""
    with (
        closing(sqlite3.connect(project.path / STORE, timeout=20)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


def wait_for_messages(sink, count: int, process) -> None:
    deadline = time.monotonic() + 60
    while len(list(sink.folder.iterdir())) < count:
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)


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


OTHER_SECRET = "0123456789abcdef" * 4


def swap_secret(project, secret: str = OTHER_SECRET) -> bytes:
    """Replace the secret of a project by another one; return the old one."""
    path = project.path / "subscribers" / "secret"
    own = path.read_bytes()
    path.write_text(secret)
    return own


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("send", ISSUE, "--yes"),
        ("send", "--due"),
        ("confirmations",),
        ("bounces", "maildir:mail"),
        ("subscribers", "list"),
        ("subscribers", "import", "readers.csv", "--yes", "--consent", "x"),
        ("settle", "--assume-sent-until", "2026-11-29"),
        ("serve", "--port", "0"),
    ],
    ids=" ".join,
)
def test_a_swapped_secret_is_refused_and_nobody_is_mailed(project, command):
    for name in ("new", "cur", "tmp"):
        (project.path / "mail" / name).mkdir(parents=True)
    assert send(project, "--limit", "2").code == 0
    path = project.path / ISSUE
    path.write_text(path.read_text().replace("---\n", "---\nsend_at: 2026-01-14 09:00\n", 1))
    before = dump_store(project)
    own = swap_secret(project)

    # In a process of its own, because `serve` would not end if it accepted the secret.
    with project.start(*command) as process:
        try:
            _out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 1, err
    assert b"another secret" in err
    assert b"adopt-secret" in err
    assert dump_store(project) == before
    assert len(recipients(project)) == 2

    (project.path / "subscribers" / "secret").write_bytes(own)
    assert send(project).code == 0
    assert recipients(project) == sorted(f"Lezer {n} <lezer{n}@example.org>" for n in range(READERS))


def dump_store(project) -> list[str]:
    with closing(sqlite3.connect(project.path / STORE)) as connection:
        return list(connection.iterdump())


def test_a_move_file_changes_no_store_that_was_made_with_another_secret(project, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    elsewhere = folder(tmp_path / "elsewhere")
    (elsewhere.path / "subscribers" / "secret").write_text(OTHER_SECRET)
    elsewhere.add_readers(1)
    move = project.path / "all.jsonl"
    move.write_text(elsewhere.run("subscribers", "export", "--all").out)
    before = dump_store(project)
    own = swap_secret(project)
    assert project.run("subscribers", "import", "all.jsonl", "--yes").code == 1
    assert dump_store(project) == before

    (project.path / "subscribers" / "secret").write_bytes(own)
    given = elsewhere.path / "subscribers" / "secret"
    assert project.run("subscribers", "import", "all.jsonl", "--yes", "--secret-file", str(given)).code == 1
    assert dump_store(project) == before
    assert (project.path / "subscribers" / "secret").read_bytes() == own
    assert send(project).code == 0
    assert len(recipients(project)) == READERS


def test_a_store_mark_is_not_written_in_a_read_only_folder():
    """Not even root can write in /sys."""
    write_mark(Path("/sys"), StoreMark(store_id="a", generation=1))
    assert read_mark(Path("/sys")) is None


@pytest.fixture(scope="module")
def postgres():
    with cluster() as server:
        yield server


@pytest.fixture
def server_project(tmp_path, postgres, monkeypatch):
    """Create a project with six readers whose store is a PostgreSQL database."""
    monkeypatch.setenv("PATH", f"{postgres.programs}:{os.environ['PATH']}")
    (tmp_path / "project").mkdir()
    project = folder(tmp_path / "project")
    with postgres.database() as url:
        project.set(store=url)
        project.add_readers(READERS)
        yield project


def url_of(project) -> str:
    return tomllib.loads((project.path / "moza-mail.toml").read_text())["store"]


def test_a_dump_with_another_secret_changes_no_table(server_project, tmp_path):
    dump = str(tmp_path / "backup")
    assert server_project.run("backup", dump).code == 0
    assert send(server_project).code == 0
    own = swap_secret(server_project)
    refused = server_project.run("restore", dump, "--yes")
    assert refused.code == 1
    assert "another secret" in refused.err
    (server_project.path / "subscribers" / "secret").write_bytes(own)
    assert server_project.states() == {"accepted": READERS}


def test_a_dump_of_another_program_is_refused(server_project, tmp_path, postgres):
    with postgres.database() as other:
        dumped = ["pg_dump", "--format=custom", "--exclude-table=*", f"--file={tmp_path}/dump", other]
        subprocess.run(dumped, check=True, timeout=60)
    refused = server_project.run("restore", str(tmp_path / "dump"), "--yes")
    assert refused.code == 1
    assert "another program" in refused.err
    assert server_project.run("subscribers", "list", "--json").code == 0


def test_a_restored_dump_mails_nobody_twice(server_project, tmp_path):
    assert send(server_project, "--limit", "2").code == 0
    dump = str(tmp_path / "backup")
    assert server_project.run("backup", dump).code == 0
    assert send(server_project).code == 0
    restored = server_project.run("restore", dump, "--yes")
    assert restored.code == 0, restored.err
    send(server_project)
    assert server_project.states() == {"accepted": 2, "uncertain": READERS - 2}
    assert len(server_project.outbox()) == READERS


def test_a_dump_is_not_restored_while_another_process_sends(server_project, tmp_path):
    """The other process would claim the restored deliveries, which may have been sent since."""
    dump = str(tmp_path / "backup")
    assert server_project.run("backup", dump).code == 0

    async def restore_during_a_send() -> subprocess.CompletedProcess[bytes]:
        store = await open_store(url_of(server_project))
        try:
            async with store.ledger.hold_sender_lock("moza-mail send other"):
                command = server_project.command("restore", dump, "--yes")
                return await asyncio.to_thread(
                    subprocess.run, **command, capture_output=True, check=False, timeout=60
                )
        finally:
            await store.close()

    refused = asyncio.run(restore_during_a_send())
    assert refused.returncode == 75
    assert b"moza-mail send other" in refused.stderr
