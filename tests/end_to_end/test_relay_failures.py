"""Failures of a relay during a mailing: the state of each recipient, the exit code and the message."""

import asyncio
import re
import signal
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import trustme
from aiosmtpd.smtp import AuthResult

from moza_mail.app import open_project
from moza_mail.transport import Limits
from moza_mail.transport.limits import Timeouts
from tests.support.project_folder import ISSUE, folder
from tests.support.smtp_servers import (
    DROP,
    HANG,
    AiosmtpdRelay,
    FinalReply,
    aiosmtpd_relay,
    scripted_relay,
    smtp_sink,
)

READERS = 12


def limit_waiting(monkeypatch, seconds: float) -> None:
    """Limit how long a command waits for a relay and between two connections."""
    waits = dict.fromkeys(("connect", "greeting", "command", "data", "write", "final_dot"), seconds)
    limits = partial(Limits, backoff=(0.01,) * 3, timeouts=Timeouts(**waits, quit=0.1))
    monkeypatch.setattr(open_project, "Limits", limits)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Create a project with twelve subscribers and two connections."""
    limit_waiting(monkeypatch, 20)
    project = folder(tmp_path)
    project.add_readers(READERS)
    project.set(connections=2)
    return project


def run_send(project, **environment: str):
    """Send through the configured relay; return the result and the counts by state."""
    done = project.run("send", ISSUE, "--yes", "--json", **environment)
    states = project.states()
    assert sum(states.values()) == READERS
    return done, states


@pytest.mark.parametrize(
    ("flags", "states", "code", "says"),
    [
        ("-f RCPT", {"refused"}, 3, ""),
        ("-f DATA", {"refused"}, 3, ""),
        ("-f .", {"refused"}, 3, ""),
        ("-A 0", {"refused"}, 3, ""),
        ("-f MAIL", {"pending"}, 3, "refuses mail from the list's sender"),
        ("-r MAIL", {"deferred"}, 3, ""),
        ("-r RCPT", {"deferred"}, 3, ""),
        ("-r DATA", {"deferred"}, 3, ""),
        ("-r .", {"deferred"}, 3, ""),
        ("-q MAIL", {"pending", "deferred"}, 75, "keeps dropping the connection"),
        ("-q RCPT", {"pending", "deferred"}, 75, "keeps dropping the connection"),
        ("-q DATA", {"pending", "deferred"}, 75, "keeps dropping the connection"),
        ("-q .", {"uncertain", "pending"}, 75, "keeps dropping the connection"),
        ("-Q MAIL", {"deferred", "pending"}, 75, "keeps dropping the connection"),
        ("-Q RCPT", {"deferred", "pending"}, 75, "keeps dropping the connection"),
        ("-Q DATA", {"deferred", "pending"}, 75, "keeps dropping the connection"),
        ("-Q .", {"deferred", "pending"}, 75, "keeps dropping the connection"),
        ("-q CONNECT", {"pending"}, 75, "does not answer"),
        ("-f CONNECT", {"pending"}, 75, "says 500"),
        ("-p", {"accepted"}, 0, ""),
        ("-r RSET", {"accepted"}, 0, ""),
        ("-q QUIT", {"accepted"}, 0, ""),
        ("-f EHLO", {"accepted"}, 0, ""),
    ],
)
def test_each_fault_of_smtp_sink_gives_every_recipient_the_right_state(project, flags, states, code, says):
    with smtp_sink(*flags.split()) as sink:
        project.set(relay=sink.relay)
        done, found = run_send(project)
        assert done.code == code, done.err
        assert set(found) <= states
        assert says in done.err
        arrived = {reader: len(copies) for reader, copies in sink.received().items()}
    assert max(arrived.values(), default=1) == 1
    if found.get("deferred"):
        assert datetime.fromisoformat(done.json["next_attempt"]) > datetime.now(UTC) + timedelta(minutes=3)
    if "uncertain" in found:
        assert project.run("status").code == 3
        assert set(arrived) <= set(project.run("status", "--json").json["uncertain"])
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        again = project.run("send", ISSUE, "--yes", "--json")
        assert not set(sink.received()) & set(arrived)
        assert len(sink.received()) == found.get("pending", 0)
        kept = {state: count for state, count in found.items() if state not in {"pending", "accepted"}}
        assert {state: again.json["states"][state] for state in kept} == kept


def send_by_script(project, answers, **options):
    """Send through a relay that follows a script."""

    with run_relay(lambda: scripted_relay(answers, **options)) as relay:
        project.set(relay=relay.relay)
        done, states = run_send(project)
        return done, states, relay


@contextmanager
def run_relay(relay):
    """Run an asyncio relay in a thread, because the command has its own event loop."""
    loop, ready, end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    given = []

    async def main():
        async with relay() as running:
            given.append(running)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield given[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()


def test_a_connection_is_replaced_after_messages_per_connection(project):
    project.set(connections=1, messages_per_connection=5)
    done, states, relay = send_by_script(project, {})
    assert (done.code, states) == (0, {"accepted": READERS})
    assert relay.connections == 3


BYE = FinalReply(b"421 4.3.2 Enough for today\r\n")
TOO_LARGE = b"552 5.3.4 Message too big for system\r\n"


@pytest.mark.parametrize(
    ("answers", "states", "code", "says"),
    [
        ({"CONNECT": [HANG] * 9}, {"pending": 12}, 75, "does not answer"),
        ({"MAIL": [HANG] * 99}, {"pending", "deferred"}, 75, "gave no reply"),
        ({"DATA": [HANG] * 99}, {"pending", "deferred"}, 75, "gave no reply"),
        ({".": [HANG]}, {"uncertain": 1, "accepted": 11}, 3, ""),
        ({".": [DROP]}, {"uncertain": 1, "accepted": 11}, 3, ""),
        ({"CONNECT": [b"hallo daar\r\n"]}, {"pending": 12}, 75, "not SMTP"),
        ({"MAIL": [b"\xff\x00\x01\r\n"] * 99}, {"pending", "deferred"}, 75, "not SMTP"),
        ({".": [b"wat zegt u\r\n"]}, {"uncertain": 1, "accepted": 11}, 3, ""),
        ({".": [b"250 2.0.0 Ok\r\n421 4.3.2 Enough\r\n"] * 20}, {"accepted": 12}, 0, ""),
        ({"MAIL": [None, BYE] * 20}, {"accepted", "deferred"}, 3, ""),
        ({".": [TOO_LARGE] * 99}, {"pending": 12}, 1, "message is too large"),
        ({"MAIL": [TOO_LARGE] * 99}, {"pending": 12}, 1, "552 5.3.4"),
        ({"RCPT": [None] * 6 + [TOO_LARGE]}, {"accepted": 11, "refused": 1}, 3, ""),
        ({"RCPT": [b"550 5.1.1 No such user\r\n"]}, {"refused": 1, "accepted": 11}, 3, ""),
        ({"RCPT": [b"503 5.5.1 Nested MAIL\r\n"]}, {"accepted": 12}, 3, "Number of times: 1"),
        ({"RCPT": [b"503 5.5.1 Nested MAIL\r\n"] * 99}, {"pending", "deferred"}, 75, "Alarm:"),
    ],
    ids=lambda given: f"{next(iter(given))}" if isinstance(given, dict) else "",
)
def test_each_odd_reply_gives_every_recipient_the_right_state(
    project, monkeypatch, answers, states, code, says
):
    if HANG in next(iter(answers.values())):
        limit_waiting(monkeypatch, 1)
    done, found, _ = send_by_script(project, answers)
    assert done.code == code, (found, done.err)
    assert found == states if isinstance(states, dict) else set(found) <= states, found
    assert says in done.err + str(done.json["alarms"])


def test_a_block_list_refuses_nobody_and_pauses_the_domain_with_a_hint(tmp_path):
    project = folder(tmp_path)
    project.add_readers(200)
    project.set(connections=1)
    refusals = {"RCPT": [b"550 5.7.1 Blocked for reputation\r\n"] * 500}
    with run_relay(lambda: scripted_relay(refusals)) as relay:
        project.set(relay=relay.relay)
        done = project.run("send", ISSUE, "--yes", "--json")
        tried = sum(command.startswith("RCPT") for command in relay.commands)
    assert done.code == 3
    assert project.states() == {"pending": 200}
    assert tried < 200
    (alarm,) = done.json["alarms"]
    assert "stay pending" in alarm
    assert "run the same command again" in alarm
    assert done.json["suppressed"] == 0


def test_an_address_that_does_not_exist_is_suppressed_with_the_reply_and_listed(project):
    done, _, relay = send_by_script(project, {"RCPT": [b"550 5.1.1 No such user\r\n"]})
    gone = re.search("<(.+?)>", next(said for said in relay.commands if said.startswith("RCPT")))[1]
    assert done.json["suppressed"] == 1
    assert "1 address suppressed" in project.run("status").out
    (row,) = project.run("status", "--suppressed", "--json").json["suppressions"]
    assert (row["address"], row["reason"]) == (gone, "hard_bounce")
    assert row["evidence"] == "550 5.1.1 No such user [2026-01-14 to weekly]"
    assert row["evidence"] in project.run("status", "--suppressed").out
    assert row["evidence"] in project.run("subscribers", "show", gone).out
    (project.path / "issues" / "tweede.md").write_text((project.path / ISSUE).read_text())
    next_one = project.run("send", "tweede", "--yes", "--dry-run")
    assert f"{READERS - 1} of weekly (not: 1 suppressed)" in next_one.err


def test_a_suppressed_address_without_a_subscriber_is_shown(project):
    project.run("subscribers", "suppress", "weg@example.org", "--evidence", "phoned")
    shown = project.run("subscribers", "show", "WEG@example.org")
    assert (shown.code, "is not a subscriber" in shown.out, "manual" in shown.out) == (0, True, True)
    as_json = project.run("subscribers", "show", "weg@example.org", "--json").json
    assert as_json["suppressions"][0]["evidence"] == "phoned"


CA = trustme.CA()


def certificate(*names: str, **dates: datetime) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(*names, **dates).configure_cert(made)
    return made


PAST = {
    "not_after": datetime.now(UTC) - timedelta(days=1),
    "not_before": datetime.now(UTC) - timedelta(days=9),
}


@pytest.mark.parametrize(
    ("scheme", "how", "says"),
    [
        ("smtps", {"implicit": certificate("other.test")}, "its certificate is not valid"),
        ("smtp+starttls", {"starttls": certificate("other.test")}, "its certificate is not valid"),
        ("smtps", {"implicit": certificate("localhost", **PAST)}, "certificate has expired"),
        ("smtp+starttls", {"starttls": certificate("localhost", **PAST)}, "certificate has expired"),
        ("smtp+starttls", {}, "does not offer STARTTLS"),
    ],
    ids=["wrong name", "wrong name, starttls", "expired", "expired, starttls", "stripped"],
)
def test_without_tls_or_a_valid_certificate_the_relay_gets_nothing_and_no_delivery_changes(
    project, scheme, how, says
):
    CA.cert_pem.write_to_path(str(project.path / "ca.pem"))
    with run_relay(lambda: aiosmtpd_relay(**how)) as relay:
        project.set(relay=f"{scheme}://localhost:{relay.port}", relay_ca_file="ca.pem")
        done, states = run_send(project)
    assert (done.code, states) == (75, {"pending": READERS})
    assert says in done.err
    assert relay.received == []


def arrival_times(sink) -> list[float]:
    return sorted(path.stat().st_mtime for path in sink.folder.iterdir())


def test_a_rate_limit_is_respected_and_the_next_send_continues(project):
    with smtp_sink() as sink:
        project.set(relay=sink.relay, rate="20/s")
        first = project.run("send", ISSUE, "--yes", "--limit", "6")
        second = project.run("send", ISSUE, "--yes")
        arrived = arrival_times(sink)
    assert "rate     20/s: about 1 s" in first.err
    assert second.code == 0
    assert len(arrived) == READERS
    # The burst is two messages, so the time between the first and the last is that of the others.
    assert arrived[-1] - arrived[0] >= (READERS - 2) / 20 - 0.02


def wait_for(sink, count: int, process) -> None:
    deadline = time.monotonic() + 30
    while len(list(sink.folder.iterdir())) < count:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_slow_domain_group_delays_no_other_and_ctrl_c_ends_its_wait_at_once(project):
    rows = "".join(f"traag{number}@slow.example\n" for number in range(3))
    (project.path / "slow.csv").write_text(f"email\n{rows}")
    project.run("subscribers", "import", "--yes", "slow.csv", "--consent", "test")
    with smtp_sink() as sink:
        project.set(relay=sink.relay)
        with (project.path / "moza-mail.toml").open("a") as settings:
            settings.write('[rates]\n"slow.example" = "1/h"\n')
        process = project.start("send", ISSUE, "--yes")
        wait_for(sink, READERS + 1, process)
        time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130
        assert time.monotonic() - began < 10
        assert project.states() == {"accepted": READERS + 1, "pending": 2}
        assert sum(reader.endswith("slow.example") for reader in sink.received()) == 1


def test_a_relay_that_fails_during_a_wait_is_reported_immediately(project):
    with smtp_sink("-f", "MAIL") as sink:
        project.set(relay=sink.relay, rate="1/h")
        done, states = run_send(project)
    assert (done.code, states) == (3, {"pending": READERS})


def make_due(project) -> None:
    """Give the issue a send time that has just passed."""
    path = project.path / ISSUE
    moment = datetime.now(UTC) - timedelta(minutes=1)
    path.write_text(path.read_text().replace("---\n", f"---\nsend_at: {moment:%Y-%m-%dT%H:%M}Z\n", 1))


def test_cron_does_not_repeat_a_refused_login_until_the_settings_change(project):
    make_due(project)
    CA.cert_pem.write_to_path(str(project.path / "ca.pem"))
    given = {"starttls": certificate("localhost"), "login": True}
    with run_relay(lambda: aiosmtpd_relay(**given)) as relay:
        project.set(relay=f"smtp+starttls://weekly@localhost:{relay.port}", relay_ca_file="ca.pem")
        wrong = {"MOZA_MAIL_SMTP_PASSWORD": "fout"}
        first = project.run("send", "--due", **wrong)
        assert first.code == 3, first.err
        assert "refuses the login" in first.err
        for _ in range(3):
            later = project.run("send", "--due", **wrong)
            assert (later.code, later.out, later.err) == (0, "", "")
        assert relay.tried_passwords == [b"fout"]
        assert "refused the login before" in project.run("send", "--due", "--verbose", **wrong).err
        assert project.run("send", ISSUE, "--yes", **wrong).code == 3
        assert relay.tried_passwords == [b"fout", b"fout"]
        right = project.run("send", "--due", MOZA_MAIL_SMTP_PASSWORD="goed")
        assert (right.code, relay.tried_passwords[-1]) == (0, b"goed")
    assert project.states() == {"accepted": READERS}


def test_a_login_that_the_relay_accepts_again_ends_the_pause_of_cron(project):
    """The relay was fixed and the settings are the same, so a person sends once by hand."""
    make_due(project)
    CA.cert_pem.write_to_path(str(project.path / "ca.pem"))
    relay = AiosmtpdRelay()
    accepts = relay.authenticate
    relay.authenticate = lambda *_: AuthResult(success=False, handled=False)
    given = {"starttls": certificate("localhost"), "login": True, "relay": relay}
    password = {"MOZA_MAIL_SMTP_PASSWORD": "goed"}
    with run_relay(lambda: aiosmtpd_relay(**given)):
        project.set(relay=f"smtp+starttls://weekly@localhost:{relay.port}", relay_ca_file="ca.pem")
        assert project.run("send", "--due", **password).code == 3
        relay.authenticate = accepts
        assert project.run("send", "--due", **password).code == 0
        assert relay.received == []
        assert project.run("send", ISSUE, "--yes", "--limit", "1", **password).code == 0
        assert project.run("send", "--due", **password).code == 0
    assert project.states() == {"accepted": READERS}


def test_an_unknown_certificate_authority_names_the_setting_for_it(project):
    with run_relay(lambda: aiosmtpd_relay(implicit=certificate("localhost"))) as relay:
        project.set(relay=f"smtps://localhost:{relay.port}")
        done, _ = run_send(project)
    assert done.code == 75
    assert "relay_ca_file" in done.err


def test_an_expired_certificate_suggests_to_check_the_clock(project):
    CA.cert_pem.write_to_path(str(project.path / "ca.pem"))
    with run_relay(lambda: aiosmtpd_relay(implicit=certificate("localhost", **PAST))) as relay:
        project.set(relay=f"smtps://localhost:{relay.port}", relay_ca_file="ca.pem")
        done, _ = run_send(project)
    assert "this machine's clock" in done.err
