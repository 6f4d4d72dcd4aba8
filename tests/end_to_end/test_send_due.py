"""`send --due` every minute: each issue is sent once, at its send time, or the reason is reported."""

import re
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.project_folder import ISSUE, ROOT, folder, only_states
from tests.support.smtp_servers import smtp_sink

READERS = 5


@pytest.fixture
def project(tmp_path):
    project = folder(tmp_path)
    project.add_readers(READERS)
    return project


def format_past_time(**span):
    """Return a past time as front matter writes it."""
    return f"{datetime.now(UTC) - timedelta(**span):%Y-%m-%d %H:%M}Z"


def set_front(project, row, issue=ISSUE):
    path = project.path / issue
    text = re.sub(rf"^{row.split(':')[0]}: .*\n", "", path.read_text(), flags=re.MULTILINE)
    path.write_text(text.replace("---\n", f"---\n{row}\n", 1))


def copy(project, name, row):
    """Write another issue with this date and title."""
    text = (project.path / ISSUE).read_text().replace("14 januari 2026", f"{name[8:10]} januari 2026")
    path = f"issues/{name}.md"
    (project.path / path).write_text(text.replace("date: 2026-01-14", f"date: {name}"))
    set_front(project, row, path)
    return path


def run_due(project, *more, **environment):
    return project.run("send", "--due", *more, **environment)


def has_no_output(result):
    return (result.code, result.out, result.err) == (0, "", "")


def test_issues_without_a_send_time_or_with_a_later_one_are_skipped_silently(project):
    assert has_no_output(run_due(project))
    set_front(project, f"send_at: {format_past_time(hours=-2)}")
    assert has_no_output(run_due(project))
    assert project.outbox() == []


def test_a_due_issue_is_sent_and_reported_once(project):
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    first = run_due(project)
    assert first.code == 0
    assert f"{READERS} accepted" in first.out
    for _ in range(3):
        assert has_no_output(run_due(project))
    assert len(project.outbox()) == READERS


def test_json_output_lists_the_sent_issues_or_an_empty_list(project):
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    (sent,) = run_due(project, "--json").json["issues"]
    assert (sent["issue"], sent["state"], sent["finished"], sent["error"]) == (
        "2026-01-14",
        "due",
        READERS,
        None,
    )
    assert sent["mailing"]["states"] == only_states(accepted=READERS)
    assert run_due(project, "--json").json == {"issues": [], "errors": []}


def test_the_schedule_of_the_list_gives_an_issue_its_send_time(project):
    yesterday = datetime.now(UTC) - timedelta(hours=12)
    lists = project.path / "subscribers" / "lists.toml"
    day = "mon tue wed thu fri sat sun".split()[yesterday.weekday()]  # noqa: SIM905
    lists.write_text(lists.read_text() + f'schedule = "{day} {yesterday:%H:%M} UTC"\n')
    told = run_due(project)
    assert (told.code, "SendTimeMissed" not in told.err, "days ago" in told.err) == (3, True, True)
    path = project.path / ISSUE
    path.write_text(
        path.read_text().replace("2026-01-14", f"{yesterday:%Y-%m-%d}").replace("14 januari 2026", "nu")
    )
    path.rename(project.path / "issues" / "nu.md")
    assert run_due(project).code == 0
    assert len(project.outbox()) == READERS


def test_a_draft_is_never_sent_automatically(project):
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    set_front(project, "draft: true")
    assert has_no_output(run_due(project))
    assert "draft" in run_due(project, "--verbose").err
    assert project.outbox() == []
    set_front(project, "draft: false")
    assert run_due(project).code == 0
    assert len(project.outbox()) == READERS


def test_an_issue_that_is_too_late_is_reported_once_and_blocks_no_other(project):
    set_front(project, f"send_at: {format_past_time(hours=30)}")
    copy(project, "2026-01-21", f"send_at: {format_past_time(hours=2)}")
    told = run_due(project)
    assert told.code == 3
    assert told.err.count("30 hours ago") == 1
    assert "moza-mail send 2026-01-14" in told.err
    assert len(project.outbox()) == READERS
    assert {message["Subject"] for message in project.outbox()} == {"MOZa Weekly 21 januari 2026"}
    assert has_no_output(run_due(project))
    (again,) = run_due(project, "--json").json["issues"]
    assert (again["state"], again["error"], again["reported_before"]) == ("stale", "SendTimeMissed", True)
    assert project.run("send", "2026-01-14", "--yes").code == 0
    assert run_due(project, "--json").json["issues"] == []


def test_the_maximum_lateness_can_be_set(project):
    set_front(project, f"send_at: {format_past_time(hours=30)}")
    project.set(max_age="2d")
    assert run_due(project).code == 0
    assert len(project.outbox()) == READERS


def test_an_issue_that_a_person_sent_is_not_sent_again(project):
    assert project.run("send", ISSUE, "--yes").code == 0
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    assert has_no_output(run_due(project))
    assert len(project.outbox()) == READERS


def test_an_issue_with_errors_is_reported_once_and_sent_after_the_fix(project):
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    path = project.path / ISSUE
    text = path.read_text()
    path.write_text(text.replace("## Algemeen\n", "## Leeg\n\n## Algemeen\n", 1))
    told = run_due(project)
    assert (told.code, "check finds 1 error" in told.err) == (3, True)
    assert has_no_output(run_due(project))
    path.write_text(text)
    assert run_due(project).code == 0
    assert len(project.outbox()) == READERS


def test_an_issue_that_needs_approval_waits_for_it(project):
    project.set(approval="required")
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    told = run_due(project)
    assert (told.code, "not approved" in told.err) == (3, True)
    assert has_no_output(run_due(project))
    assert project.outbox() == []
    project.run("approve", ISSUE, "--as", "Noor")
    assert run_due(project).code == 0
    assert len(project.outbox()) == READERS


def test_an_issue_edited_after_its_mailing_began_is_reported_and_not_sent(project):
    assert project.run("send", ISSUE, "--yes", "--limit", "2").code == 0
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    text = (project.path / ISSUE).read_text()
    (project.path / ISSUE).write_text(text.replace("drie nieuwe", "vier nieuwe"))
    told = run_due(project)
    assert (told.code, "has changed since its mailing" in told.err) == (3, True)
    assert has_no_output(run_due(project))
    assert len(project.outbox()) == 2
    (project.path / ISSUE).write_text(text)
    assert run_due(project).code == 0
    assert len(project.outbox()) == READERS


def test_an_unreadable_file_is_reported_once_and_blocks_no_other(project):
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    (project.path / "issues" / "2026-01-01.md").write_text("geen nummer")
    (project.path / "issues" / "2026-01-02.md").write_text(
        "---\ntitle: T\ndate: 2026-01-02\nsend_at: straks\n---\n"
    )
    told = run_due(project)
    assert told.code == 3
    assert "2026-01-01.md" in told.err
    assert "`send_at` is 'straks'; write it as 2026-01-14 09:00" in told.err
    assert len(project.outbox()) == READERS
    assert has_no_output(run_due(project))


def test_an_unreachable_relay_is_reported_once_and_tried_every_minute(project):
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    with smtp_sink() as sink:
        relay = sink.relay
    told = run_due(project, MOZA_MAIL_RELAY=relay)
    assert (told.code, told.err != "") == (75, True)
    again = run_due(project, MOZA_MAIL_RELAY=relay)
    assert (again.code, again.err) == (75, "")
    with smtp_sink() as sink:
        assert run_due(project, MOZA_MAIL_RELAY=sink.relay).code == 0
        assert len(sink.received()) == READERS


def test_a_relay_that_refuses_us_pauses_the_mailing_and_send_continues_it(project):
    project.add_readers(60)
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    with smtp_sink("-f", "RCPT", "-B", "554 5.7.1 you are blocked") as sink:
        stopped = run_due(project, MOZA_MAIL_RELAY=sink.relay)
        assert (stopped.code, "Paused: " in stopped.err) == (3, True)
        assert has_no_output(run_due(project, MOZA_MAIL_RELAY=sink.relay))
    with smtp_sink() as sink:
        assert project.run("send", "2026-01-14", "--yes", MOZA_MAIL_RELAY=sink.relay).code == 0
        assert len(sink.received()) == 60


def test_of_two_simultaneous_runs_one_sends_and_the_other_prints_nothing(project):
    project.add_readers(300)
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    with smtp_sink("-w", "1") as sink:
        project.set(relay=sink.relay, connections=2)
        first = project.start("send", "--due")
        deadline = time.monotonic() + 30
        while not any(sink.folder.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert has_no_output(run_due(project))
        assert f"process {first.pid}" in run_due(project, "-v").err
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)
        assert first.returncode == 143
    with smtp_sink() as sink:
        assert run_due(project, MOZA_MAIL_RELAY=sink.relay).code == 0
    assert project.states() == {"accepted": 300}


@pytest.mark.parametrize(
    "other", [(ISSUE,), ("--dry-run",), ("--test", "a@example.org"), ("--limit", "3"), ("--retry-uncertain",)]
)
def test_due_cannot_be_combined_with_an_issue_or_the_options_of_a_manual_send(project, other):
    assert run_due(project, *other).code == 2


def test_send_without_an_issue_gives_a_hint(project):
    refused = project.run("send", "--yes")
    assert (refused.code, "--due" in refused.err) == (2, True)


def test_a_mailing_that_a_person_began_with_a_segment_is_finished_with_that_segment(project):
    lists = project.path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + '\n[weekly.segments.deel]\ndomain = "deel.example"\n')
    rows = "".join(f"mens{number}@deel.example\n" for number in range(3))
    (project.path / "deel.csv").write_text(f"email\n{rows}")
    project.run("subscribers", "import", "--yes", "deel.csv", "--consent", "ja")
    assert project.run("send", ISSUE, "--segment", "deel", "--yes", "--limit", "1").code == 0
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    assert run_due(project).code == 0
    assert {message["To"].addresses[0].domain for message in project.outbox()} == {"deel.example"}
    assert len(project.outbox()) == 3
    assert has_no_output(run_due(project))


def test_a_renamed_file_is_not_a_new_issue(project):
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    run_due(project)
    (project.path / ISSUE).rename(project.path / "issues" / "weekly-14.md")
    refused = run_due(project)
    assert refused.code == 3
    assert "weekly-14.md` reads the same as `2026-01-14`" in refused.err
    assert "slug: 2026-01-14" in refused.err
    assert has_no_output(run_due(project))
    assert len(project.outbox()) == READERS
    # A person may send it anyway, and gets a warning.
    by_hand = project.run("send", "weekly-14", "--yes")
    assert (by_hand.code, "same text as 2026-01-14" in by_hand.err) == (0, True)
    assert len(project.outbox()) == 2 * READERS


AGENDA = "\n## Agenda" + (ROOT / ISSUE).read_text().partition("## Agenda")[2]
NEWS = "\n## Nieuws\n\nEen heel ander bericht, over de opening van het loket in de bibliotheek.\n"


@pytest.mark.parametrize(
    ("title", "date", "body", "says"),
    [
        ("Andere titel", "2026-01-21", "", "has almost the same words as"),
        ("moza weekly  14 januari 2026", "2026-01-21", NEWS, "has the same title as"),
        ("Andere titel", "2026-01-14", NEWS, "has the same date as"),
        ("Andere titel", "2026-01-21", NEWS, ""),
        ("Andere titel", "2026-01-21", f"{NEWS}{AGENDA}", ""),
    ],
)
def test_an_issue_that_may_be_the_same_is_not_sent_by_cron(project, title, date, body, says):
    due = f"send_at: {format_past_time(minutes=1)}"
    set_front(project, due)
    run_due(project)
    kept = (project.path / ISSUE).read_text().split("\n---\n", 1)[1].replace("oliebollen", "appelflappen")
    (project.path / "issues" / "again.md").write_text(
        f'---\ntitle: "{title}"\ndate: {date}\n{due}\n---\n{body or kept}'
    )
    second = run_due(project)
    assert second.code == (3 if says else 0), second.err
    assert says in second.err
    assert len(project.outbox()) == (READERS if says else 2 * READERS)


def test_a_mailing_without_its_file_is_reported_and_continues_once_restored(project):
    set_front(project, f"send_at: {format_past_time(minutes=1)}")
    project.run("send", ISSUE, "--limit", "2", "--yes")
    aside = (project.path / ISSUE).rename(project.path / "aside.md")
    told = run_due(project)
    assert told.code == 3
    assert "is not finished, but no issue has the slug 2026-01-14" in told.err
    assert "moza-mail status 2026-01-14" in told.err
    assert has_no_output(run_due(project))
    aside.rename(project.path / ISSUE)
    assert run_due(project).code == 0
    assert project.states() == {"accepted": READERS}


def notices(project) -> list:
    return [message for message in project.outbox() if message["To"] == "operator@example.org"]


def test_the_operator_gets_a_mail_about_each_cause_once(project):
    project.set(notify="operator@example.org")
    (project.path / "issues" / "kapot.md").write_text("---\ntitle: x\ndate: nooit\n---\nx\n")
    for _ in range(3):
        project.run("send", "--due")
    (notice,) = notices(project)
    assert notice["From"].addresses[0].addr_spec == "weekly@example.org"
    assert notice["Auto-Submitted"] == "auto-generated"
    assert "kapot.md" in notice.get_content()
    assert "moza-mail status" in notice.get_content()
    (project.path / "issues" / "stuk.md").write_text("---\ntitle: x\ndate: nooit\n---\nx\n")
    project.run("send", "--due")
    assert len(notices(project)) == 2


def test_problems_are_mailed_only_if_an_address_is_set(project):
    (project.path / "issues" / "kapot.md").write_text("---\ntitle: x\ndate: nooit\n---\nx\n")
    project.run("send", "--due")
    assert project.outbox() == []


def test_a_notice_that_cannot_be_mailed_changes_nothing_else(project):
    project.set(notify="operator@example.org", relay="smtp://127.0.0.1:1")
    (project.path / "issues" / "kapot.md").write_text("---\ntitle: x\ndate: nooit\n---\nx\n")
    done = project.run("send", "--due")
    assert done.code == 3
    assert "kapot.md" in done.err


def test_an_invalid_address_for_notices_is_refused(project):
    project.set(notify="niet een adres")
    done = project.run("send", "--due")
    assert done.code == 2
    assert "`notify` must be a mail address" in done.err
