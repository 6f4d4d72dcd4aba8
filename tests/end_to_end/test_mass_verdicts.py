"""Held addresses and many suppressions at once, decided on the command line; and recipients who are too late."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from moza_mail.compose import SignedLinks
from moza_mail.model.timestamps import format_utc
from tests.end_to_end.test_bounces import report
from tests.end_to_end.test_relay_failures import run_relay
from tests.end_to_end.test_send_due import format_past_time, run_due, set_front
from tests.support.project_folder import ISSUE, folder
from tests.support.smtp_servers import scripted_relay

SLUG = "2026-01-14"


@pytest.fixture
def project(tmp_path):
    """Return a project without subscribers and with a bounce mailbox."""
    here = folder(tmp_path)
    here.set(bounce_domain="bounce.example.org", bounce_mailbox="maildir:bounces")
    for name in ("new", "cur", "tmp"):
        (tmp_path / "bounces" / name).mkdir(parents=True)
    return here


def mail_and_bounce(project, readers: int, failing: int) -> None:
    """Mail an issue to readers, and put a report about the first ones in the mailbox."""
    project.add_readers(readers)
    assert project.run("send", ISSUE, "--yes").code == 0
    secret = (project.path / "subscribers" / "secret").read_text().strip()
    links = SignedLinks(secret=secret.encode())
    for number in range(failing):
        to = f"{links.make_bounce_local_part(1, number + 1)}@bounce.example.org"
        content = report(to, f"lezer{number}@example.org")
        (project.path / "bounces" / "new" / f"{number:04}").write_bytes(content)


def count_suppressed(project) -> int:
    return len(project.run("status", "--suppressed", "--json").json["suppressions"])


def test_sixty_equal_reports_are_held_and_a_person_accepts_them_after_a_plan(project):
    mail_and_bounce(project, 60, 60)
    done = project.run("bounces", "--json")
    assert (done.code, done.json["held"], done.json["suppressed"]) == (3, 60, [])
    assert count_suppressed(project) == 0
    status = project.run("status")
    assert status.code == 3
    assert "60 held (example.org, address_unknown)" in status.out

    asked = project.run("bounces", "accept", SLUG)
    assert asked.code == 2
    assert f"{SLUG} to weekly: 60 held" in asked.err
    assert "60 at example.org (address_unknown), for example l***@example.org: bounce: 550" in asked.err
    assert "Add --yes." in asked.err
    assert count_suppressed(project) == 0

    other = project.run("bounces", "accept", SLUG, "--domain", "example.com", "--yes", "--json")
    assert (other.code, other.json["count"]) == (0, 0)
    accepted = project.run("bounces", "accept", SLUG, "--domain", "example.org", "--yes", "--json").json
    assert accepted["count"] == 60
    assert accepted["held"] == [{"provider": "example.org", "verdict": "address_unknown", "count": 60}]
    assert count_suppressed(project) == 60
    assert project.run("status").code == 0


def test_a_reader_who_fails_after_a_person_accepted_is_suppressed_at_once(project):
    mail_and_bounce(project, 60, 60)
    late = project.path / "bounces" / "new" / "0059"
    content = late.read_bytes()
    late.unlink()
    assert project.run("bounces").code == 3
    project.run("bounces", "accept", SLUG, "--yes")
    late.write_bytes(content)
    done = project.run("bounces", "--json")
    assert (done.code, done.json["held"]) == (0, 0)
    assert count_suppressed(project) == 60


def test_a_rejected_verdict_leaves_everybody_in_the_audience_with_an_audit_entry(project):
    mail_and_bounce(project, 60, 60)
    project.run("bounces")
    done = project.run("bounces", "reject", SLUG, "--yes")
    assert (done.code, done.out.strip()) == (0, "60 stay in the audience")
    assert project.run("status").code == 0
    assert count_suppressed(project) == 0
    assert f"held suppressions rejected: 60 of {SLUG}" in project.run("privacy", "audit").out
    assert project.run("bounces", "reject", SLUG).out.strip() == "0 stay in the audience"


def test_a_wrongly_accepted_batch_of_suppressions_is_undone_by_one_command(project):
    mail_and_bounce(project, 200, 200)
    assert project.run("bounces", "--json").json["held"] == 200
    assert project.run("bounces", "accept", SLUG, "--yes", "--json").json["count"] == 200
    assert count_suppressed(project) == 200
    undo = ("subscribers", "unsuppress", "--mailing", SLUG, "--reason", "the provider was down")
    asked = project.run(*undo)
    assert asked.code == 2
    assert "200 addresses are suppressed by such bounces" in asked.err
    assert count_suppressed(project) == 200
    done = project.run(*undo, "--yes", "--json")
    assert done.json == {"done": "unsuppressed", "count": 200}
    assert count_suppressed(project) == 0
    (removed,) = project.run("subscribers", "show", "lezer7@example.org", "--json").json[
        "removed_suppressions"
    ]
    assert removed["removal_reason"] == "the provider was down"


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        (("--mailing", SLUG), 3),
        (("--since", "2026-01-01"), 3),
        (("--since", "2099-01-01"), 0),
        (("--domain", "EXAMPLE.org"), 3),
        (("--domain", "example.com"), 0),
        (("--reply", "User unknown"), 3),
        (("--reply", "quota"), 0),
        (("--mailing", SLUG, "--reply", "100%"), 0),
    ],
)
def test_suppressions_by_bounces_are_lifted_in_bulk_and_complaints_never(project, condition, count):
    mail_and_bounce(project, 100, 3)
    assert project.run("bounces").code == 0
    project.run("subscribers", "suppress", "lezer9@example.org", "--evidence", "asked by telephone")
    done = project.run("subscribers", "unsuppress", *condition, "--reason", "an outage", "--yes", "--json")
    assert done.json == {"done": "unsuppressed", "count": count}
    assert count_suppressed(project) == 3 - count
    (manual,) = project.run("subscribers", "show", "lezer9@example.org", "--json").json["suppressions"]
    assert manual["reason"] == "manual"


def test_lifting_in_bulk_needs_a_condition_and_a_known_mailing(project):
    bare = project.run("subscribers", "unsuppress", "--reason", "x", "--yes")
    assert bare.code == 2
    assert "--mailing" in bare.err
    unknown = project.run("subscribers", "unsuppress", "--mailing", "nothing", "--reason", "x", "--yes")
    assert unknown.code != 0
    assert "no mailing" in unknown.err


def test_recipients_who_wait_too_long_for_a_quota_are_skipped_as_too_late(project):
    project.add_readers(5)
    set_front(project, f"send_at: {format_past_time(minutes=30)}")
    quota = b"452 4.5.3 SubmissionQuotaExceeded: your daily sending quota is used up\r\n"
    with run_relay(lambda: scripted_relay({"RCPT": [quota] * 9})) as relay:
        project.set(relay=relay.relay)
        stopped = run_due(project)
        assert stopped.code == 3
        assert "quota is used up" in stopped.err
        assert project.states() == {"pending": 5}
    project.set(max_age="10m")
    with run_relay(lambda: scripted_relay({})) as relay:
        project.set(relay=relay.relay)
        end_pause(project)
        run_due(project)
        assert project.states() == {"skipped": 5}
        assert "too late" in project.run("status").out
        assert relay.bodies == []


def end_pause(project) -> None:
    """Move the times of the mailing and of its pause into the past, so that the test need not wait."""
    begun = format_utc(datetime.now(UTC) - timedelta(minutes=30))
    with closing(sqlite3.connect(project.path / "subscribers" / "moza-mail.db")) as connection, connection:
        connection.execute("UPDATE mailings SET paused_until = ?, created_at = ?", (begun, begun))
