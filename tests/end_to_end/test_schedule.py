"""`schedule`: the lines for cron and systemd, and the issues that are sent next."""

import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.project_folder import ISSUE, folder
from tests.support.real_parts import require


@pytest.fixture
def project(tmp_path):
    return folder(tmp_path)


def set_schedule(project, schedule="wed 09:00 Europe/Amsterdam"):
    path = project.path / "subscribers" / "lists.toml"
    path.write_text(f'{path.read_text()}schedule = "{schedule}"\n')


def test_the_crontab_line_runs_unchanged_from_any_folder(tmp_path):
    place = tmp_path / "nieuws brief 100%"
    place.mkdir()
    project = folder(place)
    (line,) = [row for row in project.run("schedule").out.split("\n") if row.startswith("* ")]
    command = line.removeprefix("* * * * * ")
    # cron replaces each unescaped % by a line end before the shell gets the line (crontab(5)).
    assert "%" not in command.replace(r"\%", "")
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace(r"\%", "%")],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", **project.command()["env"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert Path(shlex.split(command.replace(r"\%", "%"))[0]).is_absolute()


def test_systemd_accepts_the_units(tmp_path):
    verifier = shutil.which("systemd-analyze")
    require("systemd", verifier is not None, "systemd is not on this machine")
    place = tmp_path / "nieuws brief 100%"
    place.mkdir()
    project = folder(place)
    units = project.run("schedule", "--json").json["systemd"]
    assert sorted(units) == ["moza-mail-due.service", "moza-mail-due.timer"]
    for name, text in units.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [str(verifier), "verify", *(str(tmp_path / name) for name in units)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert f'--project "{str(place).replace("%", "%%")}" send --due' in units["moza-mail-due.service"]


def test_schedule_check_shows_the_next_three_send_times_in_local_time(project):
    set_schedule(project)
    told = project.run("schedule", "--check", "--json").json
    moments = [datetime.fromisoformat(one["local"]) for one in told["next"]]
    assert [(one.weekday(), f"{one:%H:%M}") for one in moments] == [(2, "09:00")] * 3
    assert {later.date() - earlier.date() for earlier, later in pairwise(moments)} == {timedelta(days=7)}
    assert moments[0] > datetime.now(UTC)


def test_schedule_check_shows_what_each_issue_lacks(project):
    set_schedule(project)
    first = project.run("schedule", "--check", "--json")
    assert first.code == 3
    day = first.json["next"][0]["local"][:10]
    assert first.json["next"][0]["missing"] == [f"no issue yet: moza-mail new --date {day}"]
    project.run("new", "--date", day)
    path = project.path / "issues" / f"{day}.md"
    wants = project.run("schedule", "--check", "--json").json["next"][0]["missing"]
    assert wants == ["it is a draft", "check finds 2 errors"]
    text = path.read_text().replace("* \n", "* **Nieuws**: er is een brug geopend, en dat is fijn.\n")
    path.write_text(text.replace("draft: true\n", ""))
    done = project.run("schedule", "--check")
    assert done.code == 0
    assert f"{day}.md, ready" in done.out
    project.set(approval="required")
    assert "not approved" in project.run("schedule", "--check").out
    project.run("subscribers", "add", "jan@example.org", "--consent", "ja")
    project.run("approve", day, "--as", "Noor")
    done = project.run("schedule", "--check")
    assert (done.code, "approved by Noor on" in done.out) == (0, True)


def test_schedule_check_names_missed_issues(project):
    path = project.path / ISSUE
    late = datetime.now(UTC) - timedelta(hours=30)
    path.write_text(path.read_text().replace("---\n", f"---\nsend_at: {late:%Y-%m-%d %H:%M}Z\n", 1))
    done = project.run("schedule", "--check")
    assert (done.code, f"{ISSUE} is stale" in done.out) == (3, True)


def test_schedule_check_counts_issues_that_were_never_sent(project):
    set_send_time(project, days=-9)
    assert "1 older issue was never sent" in project.run("schedule", "--check").err
    shutil.copy(project.path / ISSUE, project.path / "issues/2026-01-21.md")
    assert "2 older issues were never sent" in project.run("schedule", "--check").err


def set_send_time(project, issue=ISSUE, **span):
    path = project.path / issue
    moment = datetime.now(UTC) + timedelta(**span)
    text = re.sub(r"^send_at: .*\n", "", path.read_text(), flags=re.MULTILINE)
    path.write_text(text.replace("---\n", f"---\nsend_at: {moment:%Y-%m-%d %H:%M}Z\n", 1))


def test_schedule_check_shows_that_an_issue_was_sent_or_is_being_sent(project):
    project.add_readers(3)
    set_send_time(project, hours=2)
    assert f"{ISSUE}, ready" in project.run("schedule", "--check").out
    project.run("send", ISSUE, "--yes", "--limit", "1")
    partly = project.run("schedule", "--check")
    assert (partly.code, f"{ISSUE}, being sent since 20" in partly.out, "ready" in partly.out) == (
        0,
        True,
        False,
    )
    project.run("send", ISSUE, "--yes")
    done = project.run("schedule", "--check")
    assert (done.code, f"{ISSUE}, sent on 20" in done.out, "ready" in done.out) == (0, True, False)
    assert project.run("schedule", "--check", "--json").json["next"][0]["ready"] is False


def test_schedule_check_tells_in_advance_that_a_changed_issue_will_be_refused(project):
    project.add_readers(3)
    set_send_time(project, hours=2)
    project.run("send", ISSUE, "--yes", "--limit", "1")
    path = project.path / ISSUE
    path.write_text(path.read_text() + "\nNog een regel.\n")
    done = project.run("schedule", "--check")
    assert (done.code, "will be refused: `2026-01-14` has changed since" in done.out) == (3, True)
    set_send_time(project, minutes=-1)
    done = project.run("schedule", "--check")
    assert (done.code, "will be refused: `2026-01-14` has changed since" in done.out) == (3, True)
    assert project.run("send", "--due").code == 3
    assert "no longer continued automatically" not in project.run("schedule", "--check").out


def test_schedule_check_tells_in_advance_that_a_copy_will_be_refused(project):
    project.add_readers(1)
    project.run("send", ISSUE, "--yes")
    copy = "issues/2026-01-14b.md"
    shutil.copy(project.path / ISSUE, project.path / copy)
    set_send_time(project, copy, hours=2)
    done = project.run("schedule", "--check")
    assert (done.code, "reads the same as" in done.out, "ready" in done.out) == (3, True, False)
    assert project.run("schedule", "--check", "--json").json["next"][0]["refused"] is True
    set_send_time(project, copy, minutes=-1)
    due = project.run("schedule", "--check")
    assert (due.code, f"{copy} is due, will be refused" in due.out) == (3, True)
    assert project.run("send", "--due").code == 3


def test_without_a_send_time_nothing_is_sent_automatically(project):
    done = project.run("schedule", "--check")
    assert (done.code, "Nothing is scheduled" in done.out) == (0, True)
