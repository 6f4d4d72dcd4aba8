"""Simulated months of `send --due`: whatever happens to the machine, each issue is sent once, in time, and every uncertain recipient is listed."""

import asyncio
import random
import signal
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from benchmarks import crash, month
from tests.support.examples import is_full
from tests.support.project_folder import ISSUE, folder
from tests.support.smtp_servers import smtp_sink


@pytest.mark.parametrize("when", [month.MARCH, month.OCTOBER], ids=["summer time begins", "summer time ends"])
def test_each_issue_is_sent_once_and_in_time_whatever_happens(tmp_path, when):
    played = month.play_month(tmp_path, 1, when)
    assert played.broken_promises == []
    assert played.events["kills"] >= 3
    assert played.events["overlapping starts"] >= 3


def test_each_issue_is_sent_once_around_the_change_to_summer_time(tmp_path):
    """Simulate every minute of three days; in the full profile, of the whole month."""
    first, last = (4, 31) if is_full() else (28, 30)
    days = [date(2026, 3, day) for day in range(first, last + 1)]
    assert month.play_month(tmp_path, 1000, month.MARCH, whole_days=days).broken_promises == []


def test_an_issue_that_is_too_late_is_reported_once_and_not_sent(tmp_path):
    async def play():
        url = f"sqlite:///{tmp_path / 'm.db'}"
        plan = month.plan_month(date(2026, 3, 4), month.MARCH[1])[0]
        late = plan.at + month.DAY + month.MINUTE
        world = month.SimulatedMachine(chance=random.Random(1), url=url, plans=[plan], now=late)
        world.store = await month.open_filled_store(url)
        try:
            for _ in range(60):
                await world.run(world.store)
                world.now += month.MINUTE
        finally:
            await world.store.close()
        return world

    world = asyncio.run(play())
    assert world.copies == {}
    assert dict(world.reports) == {("SendTimeMissed", "2026-03-04"): 1}


READERS = 24


@pytest.fixture
def project(tmp_path):
    project = folder(tmp_path)
    project.add_readers(READERS)
    path = project.path / ISSUE
    moment = datetime.now(UTC) - timedelta(minutes=1)
    path.write_text(path.read_text().replace("---\n", f"---\nsend_at: {moment:%Y-%m-%d %H:%M}Z\n", 1))
    return project


def is_complete(project, sink):
    """Return True if every recipient has the message once or is listed as uncertain."""
    crash.wait_until_quiet(sink)
    copies = crash.count_complete_messages(sink)
    status = project.run("status", "--json").json
    doubtful = set(status["uncertain"])
    wanted = {f"lezer{number}@example.org" for number in range(READERS)}
    # After an early kill no message may have arrived, so `copies` may be empty.
    assert max(copies.values(), default=0) <= 1
    assert wanted - {reader for reader, count in copies.items() if count} <= doubtful
    assert status["states"]["accepted"] + len(doubtful) == status["audience"] == READERS


def test_a_killed_mailing_is_finished_by_the_next_run_of_cron(project):
    with smtp_sink("-w", "1") as sink:
        project.set(relay=sink.relay, connections=4)
        for goal in (1, 5, 12):
            process = project.start("send", "--due")
            deadline = time.monotonic() + 60
            while process.poll() is None and crash.count_messages(sink) < goal:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            process.kill()
            process.communicate(timeout=60)
            assert process.returncode in {0, 3, -signal.SIGKILL}
        assert project.run("send", "--due").code in {0, 3}
        assert project.run("send", "--due").out == ""
        is_complete(project, sink)


def test_only_one_of_several_simultaneous_processes_sends(project):
    with smtp_sink("-w", "1") as sink:
        project.set(relay=sink.relay, connections=8)
        starts = [project.start("send", "--due") for _ in range(3)]
        ended = [(*start.communicate(timeout=120), start.returncode) for start in starts]
        assert {code for _, _, code in ended} == {0}
        assert {err for _, err, _ in ended} == {b""}
        assert sum(b"accepted" in out for out, _, _ in ended) == 1
        is_complete(project, sink)
        assert project.states() == {"accepted": READERS}
