"""Approval: a colleague looks at the issue, and only what they saw is sent."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest

from moza_mail.store import open_store
from tests.support.project_folder import ISSUE, folder

READERS = 4


@pytest.fixture
def project(tmp_path):
    project = folder(tmp_path)
    project.add_readers(READERS)
    project.set(approval="required")
    return project


def edit(project, old, new):
    path = project.path / ISSUE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def in_store(project, work):
    async def run():
        store = await open_store(f"sqlite:///{project.path / 'subscribers' / 'moza-mail.db'}")
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def test_without_approval_no_mailing_begins_and_nothing_is_sent(project):
    refused = project.run("send", ISSUE, "--yes")
    assert refused.code == 1
    assert "`2026-01-14` may not be sent to the list `weekly`: it is not approved" in refused.err
    assert "moza-mail approve 2026-01-14" in refused.err
    assert project.outbox() == []
    assert project.run("status").code == 1


def test_the_approved_issue_is_sent_and_status_names_the_approver(project):
    shown = project.run("approve", ISSUE, "--as", "Noor de Vries")
    assert shown.code == 0
    assert "Noor de Vries" in shown.out
    for told in ("subject  MOZa Weekly 14 januari 2026", "to       4 of weekly", "bytes of HTML", "digest"):
        assert told in shown.err
    assert project.run("send", ISSUE, "--yes").code == 0
    assert len(project.outbox()) == READERS
    status = project.run("status", "--json").json
    assert status["approved_by"] == "Noor de Vries"
    assert "approved by Noor de Vries on " in project.run("status").out


def test_approve_prints_json(project):
    given = project.run("approve", ISSUE, "--as", "Noor", "--json").json
    assert (given["issue"], given["list"], given["audience"], given["approval"], given["approved_by"]) == (
        "2026-01-14",
        "weekly",
        "weekly",
        "approved",
        "Noor",
    )
    assert re.fullmatch(r"[0-9a-f]{64}", given["digest"])
    assert datetime.now(UTC) - datetime.fromisoformat(given["approved_at"]) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "change",
    [
        lambda project: edit(project, "drie nieuwe", "vier nieuwe"),
        lambda project: edit(project, "---\n", "---\nsubject: Iets anders\n"),
        lambda project: edit(project, "---\n", "---\nsummary: Iets anders\n"),
        lambda project: project.set(view_url="https://www.example.org/elders/{slug}/"),
    ],
    ids=["text", "subject", "summary", "setting"],
)
def test_a_change_withdraws_the_approval_and_undoing_it_restores_it(project, change):
    text, config = (project.path / ISSUE).read_text(), (project.path / "moza-mail.toml").read_text()
    project.run("approve", ISSUE, "--as", "Noor")
    change(project)
    refused = project.run("send", ISSUE, "--yes")
    assert (refused.code, "approved by Noor on " in refused.err, "changed since" in refused.err) == (
        1,
        True,
        True,
    )
    assert project.outbox() == []
    (project.path / ISSUE).write_text(text)
    (project.path / "moza-mail.toml").write_text(config)
    assert project.run("send", ISSUE, "--yes").code == 0


def test_a_withdrawn_approval_stops_a_mailing_in_progress(project):
    project.run("approve", ISSUE, "--as", "Noor")
    assert project.run("send", ISSUE, "--yes", "--limit", "1").code == 0
    taken = project.run("approve", ISSUE, "--withdraw", "--as", "Teun", "--json")
    assert (taken.json["approval"], taken.json["withdrawn"]) == ("withdrawn", 1)
    refused = project.run("send", ISSUE, "--yes")
    assert (refused.code, "withdrawn by Teun" in refused.err) == (1, True)
    assert len(project.outbox()) == 1
    project.run("approve", ISSUE, "--as", "Noor")
    assert project.run("send", ISSUE, "--yes").code == 0
    assert len(project.outbox()) == READERS


def test_a_test_copy_and_a_dry_run_need_no_approval(project):
    assert project.run("send", ISSUE, "--dry-run").code == 0
    assert project.run("send", ISSUE, "--test", "ik@example.org").code == 0
    assert len(project.outbox()) == 1


def test_under_four_eyes_the_sender_cannot_be_the_only_approver(project):
    project.set(approval="four-eyes")
    project.run("approve", ISSUE)
    refused = project.run("send", ISSUE, "--yes")
    assert (refused.code, "a second person must approve" in refused.err) == (1, True)
    project.run("approve", ISSUE, "--as", "Noor")
    assert project.run("send", ISSUE, "--yes").code == 0


def test_a_list_may_have_its_own_policy(project):
    lists = project.path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + 'approval = "off"\n')
    assert project.run("send", ISSUE, "--yes").code == 0


def test_an_issue_with_errors_cannot_be_approved(project):
    edit(project, "## Algemeen\n", "## Leeg\n\n## Algemeen\n")
    refused = project.run("approve", ISSUE, "--json")
    assert (refused.code, refused.json["errors"]) == (3, 1)
    assert in_store(project, lambda store: store.approvals.list_for_issue("2026-01-14", "weekly")) == []


@pytest.mark.parametrize("name", ["a\nb", "x" * 101, "\x1b[31mNoor"])
def test_an_invalid_approver_name_is_refused(project, name):
    refused = project.run("approve", ISSUE, "--as", name)
    assert (refused.code, "--as NAME" in refused.err) == (1, True)


def test_a_repeated_approval_counts_once_and_a_second_person_is_added(project):
    for name in ("Noor", "Noor", "Teun"):
        project.run("approve", ISSUE, "--as", name)
    found = in_store(project, lambda store: store.approvals.list_for_issue("2026-01-14", "weekly"))
    assert [one.approved_by for one in found] == ["Teun", "Noor"]


def test_the_audit_log_records_approval_and_withdrawal(project):
    project.run("approve", ISSUE, "--as", "Noor")
    project.run("approve", ISSUE, "--withdraw", "--as", "Teun")

    async def entries(store):
        return [entry.detail async for entry in store.audit_log.iter_entries() if entry.action == "approve"]

    given, taken = in_store(project, entries)
    assert given.startswith("2026-01-14 by Noor: ")
    assert taken == "2026-01-14: withdrawn by Teun"
