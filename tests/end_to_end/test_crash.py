"""Sends that are killed, stopped or started twice: nobody is lost and nobody is mailed twice."""

import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from benchmarks import crash
from tests.support.project_folder import ISSUE, folder
from tests.support.smtp_servers import smtp_sink

READERS = 300


@pytest.fixture
def project(tmp_path):
    project = folder(tmp_path)
    project.add_readers(READERS)
    return project


def wait_for(sink, count: int, process) -> None:
    """Wait until the relay has this many messages."""
    deadline = time.monotonic() + 60
    while len(list(sink.folder.iterdir())) < count:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.002)


def end(process) -> int:
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.parametrize("moment", [1, 75, 200])
def test_after_a_kill_nobody_is_lost_and_nobody_is_mailed_twice(project, moment):
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        process = project.start("send", ISSUE, "--yes")
        wait_for(sink, moment, process)
        process.kill()
        assert end(process) == -signal.SIGKILL
        again = project.run("send", ISSUE, "--yes", "--json")
        received = crash.count_complete_messages(sink)
        status = project.run("status", "--json").json
    uncertain = set(status["uncertain"])
    assert again.json["states"]["accepted"] + len(uncertain) == status["audience"] == READERS
    assert again.code == (3 if uncertain else 0)
    assert max(received.values()) == 1
    missing = {f"lezer{number}@example.org" for number in range(READERS)} - {
        to for to, copies in received.items() if copies
    }
    assert missing <= uncertain
    assert len(uncertain) <= 64 + 8


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_kills_at_random_moments_lose_nobody_repeat_nobody_and_list_each_uncertain_recipient(store):
    found = crash.run_trials(store, signal.SIGKILL, 3, recipients=READERS, per_mailing=3, seed=7)
    assert len(found.uncertain_counts) >= 3
    assert found.is_kept, [one.verdict for one in found.trials]


def test_a_stop_leaves_nobody_uncertain_in_postgres():
    found = crash.run_trials("postgres", signal.SIGTERM, 2, recipients=READERS, per_mailing=2, seed=7)
    assert found.is_kept, [(one.codes, one.uncertain_counts, one.verdict) for one in found.trials]


@pytest.mark.parametrize(
    ("copies", "accepted", "uncertain", "broken"),
    [
        ({"a": 1, "b": 1}, ["a", "b"], [], {}),
        ({"a": 1, "b": 1}, ["a"], ["b"], {}),
        ({"a": 1}, ["a"], ["b"], {}),
        ({"a": 1}, ["a"], [], {"lost": {"b"}, "miscounted": {"b"}}),
        ({"a": 2, "b": 1}, ["a", "b"], [], {"repeated": {"a"}}),
        ({"a": 1, "b": 0}, ["a", "b"], [], {"lost": {"b"}, "miscounted": {"b"}}),
        ({"a": 1, "b": 1}, ["a", "b"], ["b"], {"miscounted": {"b"}}),
    ],
)
def test_the_harness_detects_each_broken_promise(copies, accepted, uncertain, broken):
    verdict = crash.judge(frozenset("ab"), copies, accepted, uncertain)
    assert {name: set(getattr(verdict, name)) for name in ("lost", "repeated", "miscounted")} == {
        "lost": set(),
        "repeated": set(),
        "miscounted": set(),
        **broken,
    }


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_stop_finishes_messages_in_progress_and_leaves_nobody_uncertain(project, number, code):
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        process = project.start("send", ISSUE, "--yes", "--json")
        wait_for(sink, 50, process)
        process.send_signal(number)
        assert end(process) == code
        stopped = project.states()
        assert set(stopped) == {"accepted", "pending"}
        assert stopped["accepted"] == sum(crash.count_complete_messages(sink).values())
        assert project.run("send", ISSUE, "--yes").code == 0
        assert project.states() == {"accepted": READERS}
        assert set(crash.count_complete_messages(sink).values()) == {1}


def send_until_terminal_closes(project, sink, handler: str) -> int:
    """Send from a terminal that is closed after 50 messages, with this handler of SIGHUP; return the exit code."""
    project.set(relay=sink.relay)
    ours, theirs = os.openpty()
    command = project.command("send", ISSUE, "--yes")
    # A session of its own, so that the pseudo-terminal controls it and its end is a hangup.
    login = (
        "import fcntl, os, signal, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        f"signal.signal(signal.SIGHUP, signal.{handler}); os.execv(sys.argv[1], sys.argv[1:])"
    )
    arguments = [sys.executable, "-c", login, *command.pop("args")]
    process = subprocess.Popen(arguments, **{**command, "stdin": theirs}, stdout=theirs, stderr=theirs)
    try:
        os.close(theirs)
        with drained(ours):
            wait_for(sink, 50, process)
        os.close(ours)
        return process.wait(timeout=60)
    finally:
        process.kill()


def test_a_send_that_ignores_sighup_continues_when_its_terminal_is_closed(project):
    with smtp_sink() as sink:
        assert send_until_terminal_closes(project, sink, "SIG_IGN") == 0
        assert project.states() == {"accepted": READERS}
        assert set(crash.count_complete_messages(sink).values()) == {1}


def test_closing_the_terminal_stops_a_send_and_leaves_nobody_uncertain(project):
    with smtp_sink() as sink:
        assert send_until_terminal_closes(project, sink, "SIG_DFL") == 129
        stopped = project.states()
        assert set(stopped) == {"accepted", "pending"}
        assert stopped["accepted"] == sum(crash.count_complete_messages(sink).values())
        assert project.run("send", ISSUE, "--yes").code == 0
        assert set(crash.count_complete_messages(sink).values()) == {1}


@contextmanager
def drained(terminal):
    """Read the output of a pseudo-terminal until the `with` block ends. A pending read would keep the terminal open."""
    stop = threading.Event()

    def drain():
        while not stop.is_set():
            if select.select([terminal], [], [], 0.01)[0]:
                os.read(terminal, 65_536)

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        yield
    finally:
        stop.set()
        reader.join(timeout=60)


def test_a_suspended_send_continues_where_it_stopped(project):
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        process = project.start("send", ISSUE, "--yes")
        wait_for(sink, 50, process)
        process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        process.send_signal(signal.SIGCONT)
        assert end(process) == 0
        assert project.states() == {"accepted": READERS}
        assert set(crash.count_complete_messages(sink).values()) == {1}


def test_the_second_of_two_sends_names_the_first(project):
    with smtp_sink("-w", "1") as sink:
        project.set(relay=sink.relay)
        first = project.start("send", ISSUE, "--yes", "--limit", "40")
        wait_for(sink, 1, first)
        second = project.run("send", ISSUE, "--yes")
        assert second.code == 75
        assert re.search(rf"\b{first.pid}\b", second.err)
        first.send_signal(signal.SIGTERM)
        assert end(first) == 143
        assert set(crash.count_complete_messages(sink).values()) == {1}


def test_the_relays_log_settles_uncertain_recipients_and_a_person_decides_about_the_rest(project):
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        process = project.start("send", ISSUE, "--yes")
        wait_for(sink, 100, process)
        process.kill()
        end(process)
        project.run("settle", "--log", str(project.path / "moza-mail.toml"))
        doubtful = project.run("status", "--uncertain", "--json").json["recipients"]
        assert all(row["message_id"].endswith("@example.org>") for row in doubtful)
        log = "".join(
            f"250 2.0.0 Ok: {row['message_id']} queued as Q{number}\n"
            for number, row in enumerate(doubtful[1:])
        )
        (project.path / "mail.log").write_text(log)
        settled = project.run("settle", "--log", "mail.log", "--json")
        assert settled.json["settled"] == max(len(doubtful) - 1, 0)
        assert settled.json["left"] == min(len(doubtful), 1)
        assert settled.code == (3 if doubtful else 0)
        assert project.run("send", ISSUE, "--yes", "--retry-uncertain").code == 0
        assert project.states() == {"accepted": READERS}


def test_a_recipient_who_unsubscribes_between_two_runs_is_skipped(project):
    import asyncio
    from datetime import UTC, datetime

    from moza_mail.model.address import Address
    from moza_mail.store import open_store

    async def leave() -> None:
        store = await open_store(f"sqlite:///{project.path / 'subscribers' / 'moza-mail.db'}")
        try:
            person = await store.subscribers.find(Address.parse(f"lezer{READERS - 1}@example.org"))
            await store.subscribers.unsubscribe(person.subscriber.id, "weekly", now=datetime.now(UTC))
        finally:
            await store.close()

    project.run("send", ISSUE, "--yes", "--limit", "5")
    asyncio.run(leave())
    project.run("send", ISSUE, "--yes")
    assert project.states() == {"accepted": READERS - 1, "skipped": 1}
    assert len(project.outbox()) == READERS - 1
