"""Several senders on one PostgreSQL server that stops, or whose connections are cut, in mid-mailing."""

import re
import signal
import socket
import time

import pytest

from benchmarks import crash
from moza_mail.app import outage
from tests.support import fleet
from tests.support.postgres import Cluster, cluster
from tests.support.project_folder import ISSUE, Folder
from tests.support.smtp_servers import Sink

READERS = 1200
"""More than the first two senders claim at once, so that a third that starts seconds later still finds some."""
SENDERS = 3
READERS_OF_ONE = 400
"""The readers of a test with one sender, which sends 85 messages a second and must not end before the server is stopped."""


@pytest.fixture(scope="module")
def server():
    """Start a server of our own, because these tests stop it."""
    with cluster() as made:
        yield made


@pytest.fixture
def project(server, tmp_path):
    with server.database() as url:
        yield fleet.make_project(tmp_path, url, READERS)


@pytest.fixture
def small_project(server, tmp_path):
    with server.database() as url:
        yield fleet.make_project(tmp_path, url, READERS_OF_ONE)


def wait_until_all_send(server: Cluster, project: Folder, sink: Sink, limit: float = 60) -> None:
    """Wait until every sender has claimed readers."""
    database = fleet.database_of(project)
    query = "SELECT count(DISTINCT sender_id) FROM deliveries"
    end = time.monotonic() + limit
    while server.query(query, database=database) != [(SENDERS,)]:
        assert time.monotonic() < end
        time.sleep(0.05)
    fleet.wait_for(sink, crash.count_messages(sink) + 50)


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_senders_wait_for_an_unavailable_database_and_nobody_is_uncertain(server, project, how):
    with crash.open_relay(20) as (sink, relay):
        project.set(relay=relay)
        with fleet.run_senders(project, SENDERS) as started:
            wait_until_all_send(server, project, sink)
            server.stop(how)
            try:
                time.sleep(3)
                assert [one.poll() for one in started] == [None] * SENDERS
            finally:
                server.start()
            ended = fleet.finish(started)
        assert [code for code, _ in ended] == [0] * SENDERS, ended
        assert all(text.count("Waiting up to 10 min 0 s for the database.") == 1 for _, text in ended), ended
        verdict = fleet.judge(project, sink, READERS)
    assert verdict == crash.Verdict()
    assert project.states() == {"accepted": READERS}


def test_a_hung_sender_keeps_its_claims_and_the_others_report_it_with_exit_code_3(server, project):
    with crash.open_relay(20) as (sink, relay):
        project.set(relay=relay)
        with fleet.run_senders(project, SENDERS) as started:
            wait_until_all_send(server, project, sink)
            hung, *others = started
            fleet.hang(server, project, hung, in_transaction=False)
            ended = fleet.finish(others)
            try:
                assert [code for code, _ in ended] == [3] * len(others), ended
                status = project.run("status", "--json")
                assert status.code == 3
                (claim,) = status.json["claims"]
                assert re.search(
                    rf"on {re.escape(socket.gethostname())}, process {hung.pid}\)", claim["sender"]
                )
                left = status.json["states"]
                assert claim["count"] == left["claimed"] + left["intent"] > 0
                assert re.search(
                    rf"process {hung.pid}\) since .*, last changed at", project.run("status").out
                )
            finally:
                hung.send_signal(signal.SIGCONT)
            assert fleet.finish([hung])[0][0] == 0
        assert fleet.judge(project, sink, READERS) == crash.Verdict()


def test_a_sender_that_hangs_in_a_transaction_does_not_stop_the_others(server, project):
    with crash.open_relay(20) as (sink, relay):
        project.set(relay=relay)
        with fleet.run_senders(project, SENDERS) as started:
            wait_until_all_send(server, project, sink)
            hung, *others = started
            fleet.hang(server, project, hung, in_transaction=True)
            try:
                ended = fleet.finish(others)
            finally:
                hung.send_signal(signal.SIGCONT)
            assert {code for code, _ in ended} <= {0, 3}, ended
            code, text = fleet.finish([hung])[0]
            assert code in {0, 3} or "another sender took it for dead" in text
        assert set(project.states()) <= {"accepted", "uncertain"}
        assert not fleet.judge(project, sink, READERS).broken


def test_the_claims_of_a_dead_sender_are_taken_over_while_the_others_send(server, project):
    project.add_readers(4500)
    with crash.open_relay(20) as (sink, relay):
        project.set(relay=relay)
        with fleet.run_senders(project, SENDERS) as started:
            wait_until_all_send(server, project, sink)
            started[0].kill()
            started[0].communicate(timeout=60)
            fleet.wait_until_taken_over(server, project, started[0].pid)
            query = "SELECT count(*) FROM deliveries WHERE state = 'pending'"
            assert server.query(query, database=fleet.database_of(project)) > [(0,)]
            assert [one.poll() for one in started[1:]] == [None] * (SENDERS - 1)


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [(signal.SIGINT, 130, ["send", ISSUE, "--yes"]), (signal.SIGTERM, 143, ["send", "--due"])],
)
def test_one_signal_ends_a_sender_that_waits_for_its_database_and_it_reports_uncertain_recipients(
    server, small_project, number, code, words
):
    fleet.make_due(small_project)
    with crash.open_relay(20) as (sink, relay):
        small_project.set(relay=relay)
        with fleet.run_commands(small_project, words) as started:
            fleet.wait_for(sink, 50)
            server.stop("immediate")
            try:
                time.sleep(2)
                assert started[0].poll() is None
                started[0].send_signal(number)
                ((found, text),) = fleet.finish(started, limit=20)
            finally:
                server.start()
        assert found == code, text
        assert "Waiting up to" in text
        (doubtful,) = re.findall(r"replies for (\d+) recipients could not be recorded", text)
        assert small_project.run("send", ISSUE, "--yes").code == 3
        verdict = fleet.judge(small_project, sink, READERS_OF_ONE)
    assert not verdict.broken
    # The number of reported and uncertain recipients differs if the server committed a group but could not answer.
    assert 0 < int(doubtful) <= 2 * 16
    assert verdict.uncertain


def test_a_database_that_stays_unavailable_gives_exit_code_75_and_one_report_from_cron(server, small_project):
    with crash.open_relay(20) as (sink, relay):
        small_project.set(relay=relay)
        with fleet.run_senders(small_project, 1, "--wait", "2s") as started:
            fleet.wait_for(sink, 50)
            server.stop("immediate")
            try:
                ((code, text),) = fleet.finish(started)
                away = [small_project.run(*words.split()) for words in ("status", "send --due", "send --due")]
                again = small_project.run("send", "--due", "--verbose")
            finally:
                server.start()
        assert code == 75
        assert "Waiting up to 2 s for the database." in text
        assert [one.code for one in [*away, again]] == [75] * 4
        assert [bool(one.err) for one in [*away, again]] == [True, True, False, True]
        assert small_project.run("send", "--due").code == 0
        assert not (small_project.path / outage.REPORTED).exists()
        assert small_project.run("send", ISSUE, "--yes").code in (0, 3)
        verdict = fleet.judge(small_project, sink, READERS_OF_ONE)
    assert not verdict.broken
    assert len(verdict.uncertain) <= 2 * 16
