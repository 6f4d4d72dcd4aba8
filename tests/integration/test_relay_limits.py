"""A malicious relay gives one error or an outcome. It cannot make a send hang, fail or fill the memory."""

import asyncio
import contextlib
import time
import tracemalloc
from datetime import UTC, datetime

import pytest

from moza_mail.app.judge_health import RelayRequirements, judge_relay
from moza_mail.errors import TransportError
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.server_url import ServerAccess
from moza_mail.transport import Limits, probe, probe_relay
from moza_mail.transport.limits import Timeouts
from moza_mail.transport.relay_url import parse_relay
from moza_mail.transport.smtp import SmtpTransport
from tests.support.smtp_servers import LOOPBACK
from tests.support.submissions import SENDER, send

TIMES = Timeouts(connect=1, greeting=1, command=1, data=1, write=1, final_dot=1, quit=0.2)
LIMITS = Limits(connections=1, backoff=(0,), timeouts=TIMES)
NOW = datetime(2026, 1, 14, 9, tzinfo=UTC)
MAX_SECONDS = 15
MAX_MEMORY = 30_000_000
GREETING = b"220 lie.test ESMTP\r\n"
HELLO = b"250-lie.test\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN CRAM-MD5\r\n"
ENVELOPE = (GREETING, HELLO, b"250 Ok\r\n", b"250 Ok\r\n", b"354 Go\r\n")


class Endless(bytes):
    """A part of a reply that is sent until the client closes the connection."""

    __slots__ = ()


class Drip(bytes):
    """A part of a reply that is sent again and again, ten times a second."""

    __slots__ = ()


LIES = {
    "greeting endless": [Endless(b"220-" + b"x" * 60_000)],
    "greeting lines": [Endless(b"220-more\r\n" * 1000)],
    "greeting drip": [Drip(b"2")],
    "greeting binary": [bytes(range(256)) + b"\r\n"],
    "greeting code": [b"999 what\r\n"],
    "greeting escape": [b"554 \x1b[31m\x00\x07 no \xe2\x80\xae gnp.exe\r\n"],
    "greeting not ascii": ["554 geen toegang é ١٢٣\r\n".encode()],
    "hello endless": [GREETING, Endless(b"250-X" + b"y" * 500 + b"\r\n")],
    "hello many": [GREETING, b"".join(b"250-X%d\r\n" % number for number in range(3000)) + b"250 end\r\n"],
    "hello drip": [GREETING, Drip(b"250-X\r\n")],
    "hello size": [GREETING, b"250-lie\r\n250-SIZE " + b"9" * 6000 + b"\r\n250 SIZE -1\r\n"],
    "hello not ascii": [GREETING, b"250-lie\r\n250-SIZE \xff\xfe\r\n250 \xc3\xa9\r\n"],
    "mail endless": [GREETING, HELLO, Endless(b"250-Ok\r\n" * 1000)],
    "mail drip": [GREETING, HELLO, Drip(b"250-Ok\r\n")],
    "mail long line": [GREETING, HELLO, b"250 " + b"x" * 20_000 + b"\r\n"],
    "mail not ascii": [GREETING, HELLO, b"550 5.1.1 \xff\xfe\x00\x1b[2J\r\n"],
    "mail mixed codes": [GREETING, HELLO, b"250-Ok\r\n550 no\r\n"],
    "dot endless": [*ENVELOPE, Endless(b"250-Ok\r\n" * 1000)],
    "dot drip": [*ENVELOPE, Drip(b"2")],
    "dot binary": [*ENVELOPE, bytes(range(256)) * 40],
    "unsolicited": [*ENVELOPE, Endless(b"250 Ok\r\n" * 1000)],
}  # fmt: skip


async def serve(parts, reader, writer):
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        for turn, part in enumerate(parts):
            if turn:
                # The commands of an envelope may come together, so each next line or message gets the next part.
                await (reader.readuntil(b"\r\n.\r\n") if turn == 5 else reader.readline())
            writer.write(part)
            await writer.drain()
            while isinstance(part, Endless | Drip):
                await asyncio.sleep(0.1 if isinstance(part, Drip) else 0)
                writer.write(part)
                await writer.drain()
        while await reader.read(4096):
            pass
    writer.close()


async def attack(parts, work):
    """Run work against the relay; return its result, or the message of its error."""
    writers = []

    async def serve_one(reader, writer):
        writers.append(writer)
        await serve(parts, reader, writer)

    server = await asyncio.start_server(serve_one, LOOPBACK, 0)
    try:
        port = server.sockets[0].getsockname()[1]
        return await work(f"smtp://{LOOPBACK}:{port}")
    finally:
        server.close()
        # A transport that is open when the loop ends is reported in whichever test runs next.
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


async def send_three(url):
    transport = SmtpTransport(parse_relay(url), access=ServerAccess(), limits=LIMITS)
    try:
        return await send(transport, 3)
    finally:
        await transport.close()


@pytest.mark.parametrize("name", LIES)
def test_a_malicious_relay_gives_outcomes_or_one_error(name):
    tracemalloc.start()
    begin = time.monotonic()
    try:
        ran = asyncio.run(attack(LIES[name], send_three))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ran.error is None or isinstance(ran.error, TransportError), ran.error
    texts = [ran.error.message] if ran.error else []
    texts += [f"{one.detail} {one.reply or ''}" for one in ran.outcomes.values()]
    for text in texts:
        assert text.isprintable(), text
        assert len(text) < 1000
    accepted = [key for key, one in ran.outcomes.items() if one.state is DeliveryState.ACCEPTED]
    assert not accepted or name == "unsolicited"
    assert time.monotonic() - begin < MAX_SECONDS
    assert peak < MAX_MEMORY


@pytest.mark.parametrize("name", [name for name in LIES if name.startswith(("greeting", "hello", "mail"))])
def test_doctor_describes_a_malicious_relay(name, monkeypatch):
    async def examine(url):
        try:
            seen = await probe_relay(url, ServerAccess(), [(SENDER, SENDER)])
        except TransportError as error:
            return [error.message]
        found = judge_relay(seen, RelayRequirements(size=1, reports=True, smtputf8=True), now=NOW)
        return [f"{one.message} {one.hint}" for one in found]

    monkeypatch.setattr(probe, "PROBE_TIMEOUTS", TIMES)
    for text in asyncio.run(attack(LIES[name], examine)):
        assert text.isprintable(), text
        assert len(text) < 1000
