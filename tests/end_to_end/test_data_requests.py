"""Requests for access and erasure, answered with one command each, and retention."""

import os
import sqlite3
import time
from contextlib import closing

import pytest

from tests.support.project_folder import folder
from tests.support.smtp_servers import free_port


@pytest.fixture
def project(tmp_path):
    made = folder(tmp_path)
    made.add_readers(3)
    assert made.run("send", "2026-01-14", "--yes").code == 0
    return made


def test_a_person_gets_all_stored_data_and_is_then_erased(project):
    held = project.run("subscribers", "show", "Lezer1@example.org", "--json").json
    assert (held["email"], held["name"]) == ("lezer1@example.org", "Lezer 1")
    assert held["subscriptions"][0]["consent"] == "test"
    assert held["deliveries"][0]["state"] == "accepted"
    refused = project.run("subscribers", "erase", "lezer1@example.org")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    done = project.run("subscribers", "erase", "lezer1@example.org", "--yes", "--json")
    assert (done.code, done.json["complete"], done.json["rows"]["deliveries"]) == (0, True, 1)
    files = b"".join(path.read_bytes() for path in (project.path / "subscribers").glob("moza-mail.db*"))
    assert b"lezer1@" not in files.lower()
    assert b"lezer2@" in files.lower()
    assert project.states() == {"accepted": 3}
    with (project.path / "readers.csv").open("a") as file:
        file.write("lezer1@example.org,Lezer 1\n")
    again = project.run("subscribers", "import", "--yes", "readers.csv", "--consent", "test", "--json")
    assert again.json["erased"] == 1
    assert project.run("subscribers", "show", "lezer1@example.org").code == 1
    acts = [
        line.split("  ")[2]
        for line in project.run("privacy", "audit", "--address", "lezer1@example.org").out.splitlines()
    ]
    assert acts == ["export", "erase"]
    assert project.run("privacy", "audit", "--verify").code == 0
    assert "nothing was left" in project.run("subscribers", "erase", "lezer1@example.org", "--yes").out
    assert project.run("subscribers", "erase", "niemand@example.org", "--yes").code == 1


def test_another_secret_is_refused_by_every_command_until_it_is_adopted(project):
    other = {"MOZA_MAIL_SECRET": "another secret of sixteen and more"}
    for command in (
        ("status",),
        ("subscribers", "import", "--yes", "readers.csv", "--consent", "x"),
        ("send", "2026-01-14"),
    ):
        done = project.run(*command, **other)
        assert (done.code, "another secret" in done.err, "adopt-secret" in done.err) == (1, True, True)
    asked = project.run("privacy", "adopt-secret", **other)
    assert (asked.code, "unsubscribe links" in asked.err) == (2, True)
    assert project.run("privacy", "adopt-secret", "--yes", **other).code == 0
    assert project.run("status", **other).code == 0
    assert project.run("status").code == 1


def test_expired_data_is_deleted_and_counted(project):
    box = project.path / "mail"
    for name in ("new", "cur", "tmp", ".processed/cur"):
        (box / name).mkdir(parents=True)
    old, young = box / ".processed/cur/old:2,S", box / ".processed/cur/young:2,S"
    for message, days in ((old, 31), (young, 29)):
        message.write_text("From: lezer1@example.org")
        moment = time.time() - days * 86400
        os.utime(message, (moment, moment))
    project.set(bounce_mailbox="maildir:mail")
    with closing(sqlite3.connect(project.path / "subscribers" / "moza-mail.db")) as plain, plain:
        plain.execute("UPDATE mailings SET created_at = '2025-01-01T00:00:00.000000+00:00'")
        plain.execute("UPDATE deliveries SET changed_at = '2025-01-01T00:00:00.000000+00:00'")
    would = project.run("privacy", "retention", "--dry-run", "--json").json
    assert (would["deleted"]["deliveries"], would["deleted"]["messages"], old.exists()) == (3, 1, True)
    done = project.run("privacy", "retention")
    assert (done.code, "3 recipients" in done.out, "1 messages" in done.out) == (0, True, True)
    assert (old.exists(), young.exists()) == (False, True)
    assert project.states() == {"accepted": 3}
    assert "(no longer kept)" in project.run("status", "--state", "accepted").out
    assert sum(project.run("privacy", "retention", "--json").json["deleted"].values()) == 0
    assert project.run("subscribers", "show", "lezer1@example.org").code == 0


def test_retention_reports_the_mailbox_it_cannot_clear(project):
    (project.path / "reports").write_text("From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n\n")
    project.set(bounce_mailbox="mbox:reports")
    done = project.run("privacy", "retention")
    assert (done.code, "never changes mbox:reports" in done.err) == (0, True)
    assert (project.path / "reports").read_text().startswith("From ")

    project.set(bounce_mailbox=f"imaps://bounces@127.0.0.1:{free_port()}/INBOX")
    done = project.run("privacy", "retention", "--json", MOZA_MAIL_IMAP_PASSWORD="geheim")
    assert (done.code, done.json["complete"], done.json["remains"]) == (3, False, "")
    assert "does not answer" in done.json["remarks"][0]
    assert "No message was deleted from the mailbox" in done.err


@pytest.mark.parametrize("table", ["deliveries = 30", "sign_ups = 7", "bounces = 0", "people = 3"])
def test_an_invalid_retention_period_is_refused(project, table):
    path = project.path / "moza-mail.toml"
    path.write_text(f"{path.read_text()}\n[retention]\n{table}\n")
    done = project.run("privacy", "retention")
    assert (done.code, table.split(" ")[0] in done.err) == (2, True)


def run_sql(project, *statements):
    with closing(sqlite3.connect(project.path / "subscribers" / "moza-mail.db")) as plain, plain:
        for statement in statements:
            plain.execute(statement)


def test_a_printed_or_mailed_anchor_reveals_an_older_database(project):
    database = project.path / "subscribers" / "moza-mail.db"
    older = database.read_bytes()
    assert project.run("subscribers", "suppress", "lezer2@example.org", "--evidence", "test").code == 0
    made = project.run("privacy", "anchor", "--mail", "officer@example.org")
    assert (made.code, made.out.startswith("moza-mail-anchor ")) == (0, True), made.err
    (mailed,) = [
        path for path in (project.path / "outbox" / "new").iterdir() if b"officer@" in path.read_bytes()
    ]
    verify = ("privacy", "audit", "--verify")
    assert project.run(*verify, "--anchor", str(mailed)).code == 0
    assert project.run(*verify, "--anchor", made.out.strip()).code == 0
    assert project.run(*verify, "--anchor", "moza-mail-anchor").code == 2
    for side in ("-wal", "-shm"):
        database.with_name(database.name + side).unlink(missing_ok=True)
    database.write_bytes(older)
    assert project.run(*verify).code == 0
    found = project.run(*verify, "--anchor", str(mailed), "--json")
    assert (found.code, found.json["problems"][0]["kind"]) == (3, "older")


def test_a_changed_audit_log_is_reported_by_status_doctor_and_retention(project):
    assert project.run("status").code == 0
    run_sql(project, "DROP TRIGGER audit_log_delete", "DELETE FROM audit_log WHERE id = 1")
    for command in (
        ("status",),
        ("doctor", "--offline"),
        ("privacy", "anchor"),
        ("privacy", "audit", "--verify"),
    ):
        done = project.run(*command)
        assert (done.code, "deleted entries: 1" in done.out + done.err) == (3, True), (command, done.err)
    assert not project.run("status", "--json").json["audit_log"]["intact"]
    assert "none of its entries was deleted" in project.run("privacy", "retention").err
    adopted = project.run("privacy", "adopt-secret", "--yes")
    assert (adopted.code, "unsubscribe links" in adopted.err) == (0, False)
    assert project.run("privacy", "audit", "--verify").code == 0
    assert project.run("status").code == 0
