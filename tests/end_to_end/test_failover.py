"""A PostgreSQL primary that dies in mid-mailing, and its standby that is promoted."""

import contextlib
import time

import pytest

from benchmarks import crash
from tests.support import fleet
from tests.support.postgres import cluster
from tests.support.project_folder import ISSUE, Folder

READERS = 1000
WARNING = "does not commit synchronously"


@pytest.fixture
def primary():
    with cluster() as made:
        yield made
        with contextlib.suppress(AssertionError):
            made.start()


def test_after_a_failover_without_loss_nobody_is_mailed_twice(primary, tmp_path):
    with fleet.standby_of(primary) as standby, crash.open_relay(20) as (sink, relay):
        fleet.commit_synchronously(primary)
        project = fleet.make_project(tmp_path, fleet.url_of_both(primary, standby), READERS)
        project.set(relay=relay)
        with fleet.run_senders(project, 2) as started:
            fleet.wait_for(sink, 300)
            fleet.fail_over(primary, standby)
            ended = fleet.finish(started)
        assert not any("Warning" in text for _, text in ended)
        assert [code for code, _ in ended] == [0, 0], ended
        verdict = fleet.judge(project, sink, READERS)
    assert not verdict.broken, (verdict, ended)
    assert len(verdict.uncertain) <= 2 * 16


def test_after_a_failover_with_loss_the_recipients_around_it_are_uncertain(primary, tmp_path):
    with fleet.standby_of(primary) as standby, crash.open_relay(20) as (sink, relay):
        project = fleet.make_project(tmp_path, fleet.url_of_both(primary, standby), READERS)
        project.set(relay=relay)
        with fleet.run_senders(project, 2) as started:
            fleet.wait_for(sink, 300)
            fleet.cut_off(standby)
            time.sleep(1.5)
            fleet.fail_over(primary, standby)
            ended = fleet.finish(started)
        assert sum(WARNING in text for _, text in ended) == 1
        assert [code for code, _ in ended] == [3, 3], ended
        assert all("may lack the latest records" in text for _, text in ended)
        again = project.run("send", ISSUE, "--yes")
        verdict = fleet.judge(project, sink, READERS)
    assert again.code == 3
    assert not verdict.repeated, (len(verdict.repeated), ended)
    assert not verdict.broken
    assert verdict.delivered


def test_doctor_and_each_mailing_once_warn_of_a_standby_that_may_lack_commits(primary, tmp_path):
    with fleet.standby_of(primary) as standby:
        project = fleet.make_project(tmp_path, fleet.url_of_both(primary, standby), 3)
        other = make_two_due(project)
        for _ in range(2):
            doctor = project.run("doctor", "--offline", "--json")
            (found,) = [one for one in doctor.json if WARNING in one["message"]]
            assert (found["subject"], found["state"]) == ("store", "doubtful")
            assert "synchronous_standby_names" in found["hint"]

        begun = project.run("send", ISSUE, "--yes", "--limit", "1")
        assert begun.err.count(WARNING) == 1
        due = project.run("send", "--due")
        assert project.run("status", ISSUE, "--json").json["states"]["accepted"] == 3
        assert project.run("status", other, "--json").json["states"]["accepted"] == 3
        assert (due.out + due.err).count(WARNING) == 1, "only the mailing that began now warns"

        fleet.commit_synchronously(primary)
        assert WARNING not in project.run("doctor", "--offline").out


def make_two_due(project: Folder) -> str:
    """Make the issue due, and write a second issue that is due too; return its path."""
    front, other = fleet.make_due(project), "issues/2026-01-15.md"
    (project.path / other).write_text(
        f"{front}title: Extra\ndate: 2026-01-15\nlang: nl\n---\n\n## Nieuws\n\nMorgen gaat de stopcontactenkast open.\n"
    )
    return other
