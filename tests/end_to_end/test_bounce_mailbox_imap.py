"""Bounces in a mailbox on a mail server: read over IMAP and counted once, whenever the connection breaks."""

import signal
import socket
import subprocess

import pytest

from tests.end_to_end.test_bounces import report, return_address, show_subscriber
from tests.support.dovecot import PASSWORD, break_connection, dovecot
from tests.support.project_folder import ISSUE, folder
from tests.support.smtp_servers import LOOPBACK

PERSON = b"From: a@example.org\nSubject: Re: MOZa\n\nDank!\n"


@pytest.fixture
def server():
    with dovecot() as found:
        yield found


@pytest.fixture
def project(tmp_path, server):
    """Send a mailing to three recipients, and deliver two bounces and a person's mail to the mailbox."""
    here = folder(tmp_path)
    here.set(bounce_domain="bounce.example.org", bounce_ca_file=server.authority)
    here.add_readers(3)
    assert here.run("send", ISSUE, "--yes").code == 0
    server.deliver(
        report(return_address(here, 1), "lezer1@example.org"),
        PERSON,
        report(return_address(here, 2), "lezer2@example.org", "5.7.1", "blocked"),
    )
    return here


def read(project, url: str, *arguments: str):
    return project.run("bounces", url, *arguments, MOZA_MAIL_IMAP_PASSWORD=PASSWORD)


@pytest.mark.parametrize("query", ["", "?done=Processed"])
def test_processing_a_mailbox_twice_counts_once(project, server, query):
    project.set(bounce_mailbox=server.url() + query)
    dry = read(project, "", "--dry-run", "--json")
    assert dry.json["kinds"] == {"hard": 1, "policy": 1, "unknown": 1}
    assert [flags for flags, _ in server.messages()] == ["", "", ""]

    done = read(project, "")
    assert (done.code, done.err.splitlines()) == (
        3,
        ["  left in the mailbox: UID 2: it is not a bounce or a complaint"],
    )
    assert f"imaps://localhost:{server.tls_port}/INBOX: 3 read: 1 hard, 1 policy, 1 unknown" in done.out
    assert "suppressed: l***@example.org (hard_bounce)" in done.out
    assert len(server.messages("Processed")) == (2 if query else 0)
    assert len(server.messages()) == (1 if query else 3)
    (kept,) = [content for flags, content in server.messages() if "F" in flags]
    assert kept == PERSON

    again = read(project, "", "--json")
    assert (again.code, again.json["read"]) == (0, 0)
    assert len(show_subscriber(project, 1)["bounces"]) == 1


def test_a_broken_connection_loses_and_repeats_no_message(project, server):
    """Break the connection at our first command, at our second, and so on, until a run finishes."""
    at, codes = 0, []
    while not codes or codes[-1] == 75:
        at += 1
        assert at < 100
        with break_connection(server.tls_port, at) as broken:
            done = read(project, f"imaps://bounces@localhost:{broken.port}/INBOX?done=Processed")
        codes.append(done.code)
        assert done.code == 75 or broken.send_count < at
        assert done.code != 75 or "Run the same command again" in done.err
    assert len(codes) > 8
    last = read(project, server.url() + "?done=Processed", "--json")
    assert (last.code, last.json["read"]) == (0, 0)
    assert [len(show_subscriber(project, reader)["bounces"]) for reader in range(3)] == [0, 1, 1]
    assert [len(show_subscriber(project, reader)["suppressions"]) for reader in range(3)] == [0, 1, 0]
    assert sorted(content for _, content in [*server.messages(), *server.messages("Processed")]) == sorted(
        [
            report(return_address(project, 1), "lezer1@example.org"),
            PERSON,
            report(return_address(project, 2), "lezer2@example.org", "5.7.1", "blocked"),
        ]
    )


def test_messages_processed_before_a_broken_connection_are_reported(project, server):
    with break_connection(server.tls_port, 12) as broken:
        done = read(project, f"imaps://bounces@localhost:{broken.port}/INBOX?done=Processed", "--json")
    assert done.code == 75
    assert done.json["kinds"]["hard"] == 1
    assert "does not answer" in done.err


def test_a_password_in_the_file_or_the_url_is_refused_and_never_shown(project, server):
    url = server.url().replace("@", ":geheim@")
    done = read(project, url)
    assert (done.code, "geheim" in done.out + done.err) == (2, False)
    project.set(imap_password="geheim")
    told = project.run("bounces")
    assert (told.code, "MOZA_MAIL_IMAP_PASSWORD" in told.err, "geheim" in told.err) == (2, True, False)


def test_an_operator_who_stops_it_need_not_wait_for_a_server_that_hangs(tmp_path):
    here = folder(tmp_path)
    here.set(allow_plaintext=True)
    with socket.create_server((LOOPBACK, 0)) as listener:
        url = f"imap://bounces@{LOOPBACK}:{listener.getsockname()[1]}/INBOX"
        with subprocess.Popen(
            **here.command("bounces", url, MOZA_MAIL_IMAP_PASSWORD="geheim"), stderr=subprocess.PIPE
        ) as running:
            client, _ = listener.accept()
            with client:
                running.send_signal(signal.SIGTERM)
                said = running.communicate(timeout=20)[1]
    assert (running.returncode, said) == (143, b"moza-mail: interrupted.\n")
