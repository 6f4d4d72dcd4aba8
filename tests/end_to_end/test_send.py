"""Sending an issue with the commands of an author and of cron."""

import asyncio
import os
import pty
import subprocess
from datetime import UTC, datetime, timedelta
from email import message_from_string
from zoneinfo import ZoneInfo

import pytest

from moza_mail.app.open_project import open_store
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.project import find_project
from tests.support.project_folder import ISSUE, SHARED_WEEKLIES, folder, only_states
from tests.support.smtp_servers import smtp_sink

IMPORT = (
    "subscribers",
    "import",
    "--yes",
    "subscribers/example.csv",
    "--list",
    "weekly",
    "--consent",
    "demo",
)


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


def test_every_confirmed_subscriber_gets_one_mail_and_a_second_send_mails_nobody(project):
    assert project.run(*IMPORT).code == 0
    sent = project.run("send", ISSUE, "--yes", "--json")
    assert sent.code == 0
    assert sent.json["audience"] == 13
    assert sent.json["states"] == only_states(accepted=13)
    again = project.run("send", "2026-01-14", "--yes", "--json")
    assert (again.code, again.json["mailing"]) == (0, sent.json["mailing"])
    assert len(project.outbox()) == 13
    assert len({message["To"].addresses[0].addr_spec for message in project.outbox()}) == 13
    status = project.run("status", "--json").json
    assert status["states"]["accepted"] == status["audience"] == 13
    assert {key: status[key] for key in ("issue", "list", "relay")} == {
        "issue": "2026-01-14",
        "list": "weekly",
        "relay": "outbox:outbox",
    }
    assert status["digest"] == sent.json["digest"]


def test_a_process_of_the_command_ends_with_its_exit_code(project):
    done = subprocess.run(**project.command("show", "geen.md"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("moza-mail: geen.md: the file does not exist")


def test_a_message_has_the_headers_and_parts_that_mail_programs_expect(project):
    project.run(
        "subscribers", "add", "bram@bücher.example.org", "--name", "Bram Özdemir", "--consent", "test"
    )
    project.run("send", ISSUE, "--yes")
    (message,) = project.outbox()
    assert message["To"].addresses[0].display_name == "Bram Özdemir"
    assert message["To"].addresses[0].addr_spec == "bram@xn--bcher-kva.example.org"
    assert message["List-Id"] == "MOZa Weekly <weekly.example.org>"
    assert message["List-Unsubscribe"].startswith("<https://nieuwsbrief.example.org/unsubscribe/weekly/")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    leave = message["List-Unsubscribe"].strip("<>")
    assert leave in text.get_content()
    assert leave in html.get_content()
    assert "slot.invalid" not in message.as_string()


def test_show_prints_the_parsed_issue(project):
    shown = project.run("show", ISSUE, "--json").json
    assert (shown["title"], shown["date"], shown["slug"]) == (
        "MOZa Weekly 14 januari 2026",
        "2026-01-14",
        "2026-01-14",
    )
    assert [section["title"] for section in shown["sections"]] == [
        "Algemeen",
        "Profiel en berichten",
        "Agenda",
    ]
    assert all(item["label"] and item["text"] for section in shown["sections"] for item in section["items"])
    range_, undated = shown["sections"][-1]["events"][1], shown["sections"][-1]["events"][4]
    assert (range_["start"], range_["end"], range_["all_day"]) == ("2026-01-19", "2026-01-20", True)
    assert range_["dates"] == ["2026-01-19", "2026-01-20"]
    assert (undated["start"], undated["end"], undated["dates"]) == (None, None, [])
    assert "Algemeen" in project.run("show", ISSUE).out


def test_a_time_is_shown_with_the_offset_of_amsterdam(project):
    text = "---\ntitle: T\ndate: 2026-05-13\n---\n## Agenda\n\n* Inloop: 21 mei van 9:00 tot 9:30\n* Pulse: 3 februari 2027 om 14:00\n"
    (project.path / "issues" / "t.md").write_text(text)
    first, second = project.run("show", "t", "--json").json["sections"][-1]["events"]
    assert (first["start"], first["end"]) == ("2026-05-21T09:00:00+02:00", "2026-05-21T09:30:00+02:00")
    assert (second["start"], second["all_day"]) == ("2027-02-03T14:00:00+01:00", False)


def test_render_writes_html_text_calendar_and_message(project):
    done = project.run("render", ISSUE, "-o", "uit")
    assert done.code == 0
    assert sorted(path.name for path in (project.path / "uit").iterdir()) == [
        "issue.eml",
        "issue.html",
        "issue.ics",
        "issue.txt",
    ]
    assert "slot.invalid" not in (project.path / "uit" / "issue.html").read_text()


def test_a_dry_run_composes_everything_and_changes_nothing(project):
    project.run(*IMPORT)
    store = project.path / "subscribers" / "moza-mail.db"
    before = store.read_bytes()
    done = project.run("send", ISSUE, "--dry-run", "--json", MOZA_MAIL_RELAY="smtp://127.0.0.1:1")
    assert done.code == 0
    assert (done.json["dry_run"], done.json["messages"]) == (True, 13)
    assert 20_000 < done.json["bytes_min"] <= done.json["bytes_max"] < 60_000
    assert store.read_bytes() == before
    assert not (project.path / "outbox").exists()
    assert project.run("status").code == 1


def test_a_dry_run_shows_one_whole_message_and_its_recipients(project):
    project.add_readers(25)
    done = project.run("send", ISSUE, "--dry-run")
    assert done.code == 0
    assert "Subject: MOZa Weekly 14 januari 2026\n" in done.out
    assert "List-Unsubscribe: " in done.out
    assert "oliebollen" in done.out
    assert "[text/html, " in done.out
    shown = [row.strip() for row in done.out.split("Recipients:\n")[1].splitlines()]
    assert shown[:20] == [f"lezer{number}@example.org" for number in range(20)]
    assert shown[20].startswith("and 5 more.")
    example = project.run("send", ISSUE, "--dry-run", "--json").json["example"]
    assert shown[0] in message_from_string(example)["To"]


def test_a_test_copy_is_marked_and_not_in_the_ledger(project):
    first = project.run("send", ISSUE, "--test", "redactie@example.org")
    assert first.code == 0
    project.run("send", ISSUE, "--test", "redactie@example.org")
    messages = project.outbox()
    assert [message["Subject"] for message in messages] == ["[TEST] MOZa Weekly 14 januari 2026"] * 2
    assert len({message["Message-ID"] for message in messages}) == 2
    assert project.run("status").code == 1


def test_a_limit_mails_that_many_recipients_and_the_next_run_continues(project):
    project.run(*IMPORT)
    assert project.run("send", ISSUE, "--yes", "--limit", "5", "--json").json["states"] == only_states(
        accepted=5, pending=8
    )
    assert len(project.outbox()) == 5
    assert project.run("send", ISSUE, "--yes", "--json").json["states"] == only_states(accepted=13)
    assert len(project.outbox()) == 13


def test_without_a_terminal_and_without_yes_nothing_is_sent(project):
    project.run(*IMPORT)
    refused = project.run("send", ISSUE)
    assert refused.code == 2
    assert "--yes" in refused.err
    assert project.outbox() == []


@pytest.mark.parametrize(("answer", "code", "messages"), [(b"y\n", 0, 13), (b"n\n", 1, 0)])
def test_on_a_terminal_the_plan_is_shown_and_confirmed(project, answer, code, messages):
    project.run(*IMPORT)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        **{**project.command("send", ISSUE), "stdin": theirs}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        os.write(ours, answer)
        _, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert b"13 of weekly" in err
    assert process.returncode == code
    assert len(project.outbox()) == messages


def test_an_issue_edited_after_its_mailing_began_is_refused(project):
    project.run(*IMPORT)
    project.run("send", ISSUE, "--yes", "--limit", "3")
    issue = project.path / ISSUE
    text = issue.read_text()
    issue.write_text(text.replace("gezond en vrolijk", "gezond en blij"))
    refused = project.run("send", ISSUE, "--yes")
    assert refused.code == 1
    assert "has changed since its mailing" in refused.err
    assert len(project.outbox()) == 3
    issue.write_text(text)
    assert project.run("send", ISSUE, "--yes").code == 0
    assert len(project.outbox()) == 13


def test_a_draft_is_not_mailed_but_a_test_copy_can_be_sent(project):
    project.run(*IMPORT)
    issue = project.path / ISSUE
    issue.write_text(issue.read_text().replace("---\n", "---\ndraft: true\n", 1))
    refused = project.run("send", ISSUE, "--yes")
    assert (refused.code, "is a draft" in refused.err) == (1, True)
    assert project.run("send", ISSUE, "--test", "ik@example.org").code == 0
    assert len(project.outbox()) == 1


@pytest.mark.parametrize("source", SHARED_WEEKLIES, ids=lambda path: path.stem)
def test_a_real_weekly_is_checked_rendered_and_sent(project, source):
    project.run(*IMPORT)
    shown = project.run("show", str(source), "--json").json
    assert shown["sections"]
    assert shown["sections"][-1]["events"]
    assert project.run("render", str(source), "-o", "uit").code == 0
    html = (project.path / "uit" / "issue.html").read_text()
    assert len(html.encode()) < 80_000
    with smtp_sink() as sink:
        sent = project.run("send", str(source), "--yes", "--json", MOZA_MAIL_RELAY=sink.relay)
        assert sent.code == 0, sent.err
        assert sent.json["states"] == only_states(accepted=13)
        assert {len(copies) for copies in sink.received().values()} == {1}
        assert len(sink.received()) == 13


def test_real_weeklies_are_tested_if_they_are_present():
    if not SHARED_WEEKLIES:
        pytest.skip("the programme's own issues are not beside this checkout")
    assert len(SHARED_WEEKLIES) >= 6


def test_a_second_send_reports_that_the_mailing_is_finished(project):
    project.add_readers(2)
    assert project.run("send", ISSUE, "--yes").code == 0
    again = project.run("send", ISSUE, "--yes")
    assert again.code == 0
    assert "Nobody was mailed now." in again.err


def test_a_test_copy_goes_to_each_address_once(project):
    addresses = ("--test", "een@example.org", "--test", "twee@example.org", "--test", "een@example.org")
    done = project.run("send", ISSUE, *addresses)
    assert done.code == 0, done.err
    assert sorted(str(message["To"]) for message in project.outbox()) == [
        "een@example.org",
        "twee@example.org",
    ]


def test_one_wrong_test_address_sends_no_copy(project):
    done = project.run("send", ISSUE, "--test", "een@example.org", "--test", "geen adres")
    assert done.code == 1
    assert project.outbox() == []


def test_a_clock_that_is_behind_the_store_stops_a_send_and_is_reported_once_by_cron(project):
    project.add_readers(2)

    async def log_tomorrow() -> None:
        entry = AuditEntry(
            occurred_at=datetime.now(UTC) + timedelta(days=1), action=AuditAction.EXPORT, detail="test"
        )
        async with open_store(find_project(project.path)) as store:
            await store.audit_log.add(entry)

    asyncio.run(log_tomorrow())
    done = project.run("send", ISSUE, "--yes")
    assert done.code == 1
    assert "the clock of this machine is wrong" in done.err
    assert "timedatectl" in done.err
    path = project.path / ISSUE
    path.write_text(path.read_text().replace("---\n", "---\nsend_at: 2026-01-14 08:00\n", 1))
    first, second = (project.run("send", "--due") for _ in range(2))
    assert "the clock of this machine is wrong" in first.err
    assert second.err == ""
    assert project.outbox() == []


def test_status_lists_the_mailings_in_local_time(project):
    project.add_readers(3)
    assert project.run("send", ISSUE, "--yes").code == 0
    other = (project.path / ISSUE).read_text().replace("14 januari 2026", "21 januari 2026")
    (project.path / "issues" / "2026-01-21.md").write_text(
        other.replace("2026-01-14", "2026-01-21").replace("##", "## Anders")
    )
    assert project.run("send", "2026-01-21", "--yes", "--limit", "1").code == 0
    shown = project.run("status")
    rows = shown.out.split("Mailings:\n")[1].splitlines()
    assert "2026-01-21 to weekly: 1 of 3 accepted, 2 to do" in rows[0]
    assert "2026-01-14 to weekly: 3 of 3 accepted, 0 to do" in rows[1]
    assert "UTC" not in shown.out
    listed = project.run("status", "--json").json
    moment = datetime.fromisoformat(listed["mailings"][0]["created_at"])
    assert f"{moment.astimezone(ZoneInfo('Europe/Amsterdam')):%Y-%m-%d %H:%M CE}" in rows[0]
    assert listed["created_at"].endswith("+00:00")
