"""Reaching a relay: by the address that works, with our name, past a slow greeting, and not on the wrong port."""

import asyncio
import contextlib
import socket
import time

import pytest

from moza_mail.errors import TlsFailed, TransportError
from moza_mail.model.address import Address
from moza_mail.model.server_url import ServerAccess
from moza_mail.transport import Limits, connect, probe_relay
from moza_mail.transport.happy_eyeballs import connect_socket, interleave_families
from moza_mail.transport.limits import Timeouts
from moza_mail.transport.relay_url import parse_relay
from moza_mail.transport.smtp import SmtpTransport
from tests.integration.test_smtp_tls import CA, context
from tests.support.smtp_servers import DROP, LOOPBACK, aiosmtpd_relay, free_port, scripted_relay
from tests.support.submissions import send

LIMITS = Limits(connections=1, backoff=(0,), timeouts=Timeouts(connect=5, greeting=5, quit=0.2))
IPV4, IPV6 = socket.AF_INET, socket.AF_INET6


@contextlib.contextmanager
def dead_port():
    """A port on which connections are neither accepted nor refused, because its backlog is full."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind((LOOPBACK, 0))
        server.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def resolving_to(monkeypatch, *ports: int) -> None:
    """Let every name have one address for each of these ports on loopback."""
    found = [(IPV4, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (LOOPBACK, port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: found)


async def deliver(url: str, count: int = 2, **access):
    transport = SmtpTransport(parse_relay(url), access=ServerAccess(**access), limits=LIMITS)
    try:
        return await send(transport, count)
    finally:
        await transport.close()


def test_address_families_alternate_and_the_preferred_one_is_first():
    def entry(family, address):
        return (family, socket.SOCK_STREAM, 6, "", (address, 25))

    found = [entry(IPV6, "2001:db8::1"), entry(IPV6, "2001:db8::2"), entry(IPV4, "192.0.2.1")]
    assert [one[4][0] for one in interleave_families(found)] == ["2001:db8::1", "192.0.2.1", "2001:db8::2"]


@pytest.mark.parametrize("dead_first", [True, False])
def test_a_name_with_a_dead_address_is_reached_within_two_seconds(monkeypatch, dead_first):
    async def main(dead):
        async with scripted_relay() as relay:
            addresses = [dead, free_port(), relay.port] if dead_first else [relay.port, dead]
            resolving_to(monkeypatch, *addresses)
            started = time.monotonic()
            ran = await deliver(f"smtp://127.0.0.1:{relay.port}")
            return ran, time.monotonic() - started

    with dead_port() as dead:
        ran, seconds = asyncio.run(main(dead))
    assert ran.states == ["accepted"] * 2
    assert seconds < 2


def test_if_no_address_answers_the_error_is_that_of_the_first(monkeypatch):
    resolving_to(monkeypatch, free_port(), free_port())
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(connect_socket("relay.test", 25))


def test_ehlo_has_the_configured_name():
    async def main():
        async with scripted_relay() as relay:
            await deliver(relay.relay, helo_name="mail.example.org")
            return relay.commands

    assert asyncio.run(main())[0] == "EHLO mail.example.org"


def test_a_refused_ehlo_name_names_the_setting_to_change():
    refusal = b"504 5.5.2 Helo command rejected: need fully-qualified hostname\r\n"

    async def main():
        async with scripted_relay({"EHLO": [refusal] * 9, "HELO": [refusal] * 9}) as relay:
            return await deliver(relay.relay)

    ran = asyncio.run(main())
    assert isinstance(ran.error, TransportError)
    assert "refuses our host name" in ran.error.message
    assert "need fully-qualified hostname" in ran.error.message
    assert "helo_name" in ran.error.hint
    assert ran.taken == []


def test_the_client_waits_for_a_late_greeting(monkeypatch):
    monkeypatch.setattr(connect, "GREETING_DELAY", 0.05)

    async def main():
        async with scripted_relay() as relay:

            async def serve_late(reader, writer):
                await asyncio.sleep(0.5)
                await relay.serve(reader, writer)

            server = await asyncio.start_server(serve_late, LOOPBACK, 0)
            try:
                return await deliver(f"smtp://{LOOPBACK}:{server.sockets[0].getsockname()[1]}")
            finally:
                server.close()

    assert asyncio.run(main()).states == ["accepted"] * 2


@pytest.mark.parametrize("authority", ["known", "unknown"])
def test_a_port_that_expects_tls_is_named_with_the_url_to_write(monkeypatch, tmp_path, authority):
    monkeypatch.setattr(connect, "GREETING_DELAY", 0.05)
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    cafile = str(tmp_path / "ca.pem") if authority == "known" else ""

    async def main():
        async with aiosmtpd_relay(implicit=context("localhost")) as relay:
            return relay.port, await deliver(f"smtp+starttls://localhost:{relay.port}", cafile=cafile)

    port, ran = asyncio.run(main())
    assert isinstance(ran.error, TlsFailed)
    assert f"port {port} expects TLS from the start" in ran.error.message
    assert ran.error.hint == f"Write smtps://localhost:{port}, or smtp+starttls://localhost:587."


def test_a_port_without_tls_is_named_with_the_url_to_write(tmp_path):
    async def main():
        async with aiosmtpd_relay(starttls=context("localhost")) as relay:
            return relay.port, await deliver(f"smtps://localhost:{relay.port}")

    port, ran = asyncio.run(main())
    assert isinstance(ran.error, TlsFailed)
    assert f"port {port} does not begin with TLS" in ran.error.message
    assert ran.error.hint == f"Write smtp+starttls://localhost:{port}, or smtps://localhost:465."


SENDER, RECIPIENT = (
    Address(local="bounce+1", domain="bounce.example.org"),
    Address(local="weekly", domain="example.org"),
)


def tried(script) -> tuple:
    """Check the sender at a scripted relay, and send two messages; return the error, what was sent and the commands."""

    async def main():
        async with scripted_relay(script) as relay:
            transport = SmtpTransport(parse_relay(relay.relay), limits=LIMITS)
            error = None
            try:
                await transport.check_sender(SENDER)
            except TransportError as refused:
                error = refused
            ran = await send(transport, 2)
            await transport.close()
            return error, ran, relay.commands

    return asyncio.run(main())


def test_checking_an_accepted_sender_needs_no_extra_connection_or_message():
    error, ran, commands = tried({})

    assert error is None
    assert commands[1:3] == ["MAIL FROM:<bounce+1@bounce.example.org>", "RSET"]
    assert [command for command in commands if command.startswith("EHLO")] == commands[:1]
    assert ran.states == ["accepted"] * 2


def test_a_sender_that_is_refused_is_an_error_before_any_message():
    error, _, _ = tried({"MAIL": [b"550 5.7.1 Sender not allowed\r\n"]})

    assert "refuses mail from the list's sender: 550 5.7.1 Sender not allowed" in error.message
    assert "then run the same command again" in error.hint


@pytest.mark.parametrize(
    "answer", [b"451 4.3.0 Later\r\n", b"421 4.7.0 Bye\r\n", b"552 5.3.4 Too large\r\n", DROP, b"?\r\n"]
)
def test_only_a_permanent_refusal_of_the_sender_is_an_error_in_advance(answer):
    error, ran, _ = tried({"MAIL": [answer]})

    assert error is None
    assert ran.states == ["accepted"] * 2


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ({}, []),
        ({"MAIL": [b"550 5.7.1 No\r\n"]}, [(SENDER, "550 5.7.1 No", True)]),
        ({"MAIL": [b"451 4.3.0 Later\r\n"]}, [(SENDER, "451 4.3.0 Later", True)]),
        ({"RCPT": [b"550 5.1.1 No such user\r\n"]}, [(RECIPIENT, "550 5.1.1 No such user", False)]),
    ],
)
def test_the_probe_tries_sender_and_recipient_and_sends_nothing(script, found):
    async def main():
        async with scripted_relay(script) as relay:
            status = await probe_relay(relay.relay, ServerAccess(), [(SENDER, RECIPIENT)])
            return status.refusals, relay

    refusals, relay = asyncio.run(main())
    assert [(one.address, one.reply, one.is_sender) for one in refusals] == found
    assert relay.bodies == []
    assert "DATA" not in relay.commands
