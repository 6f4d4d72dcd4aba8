"""A malicious web server gives a result for its link. It cannot make the link check hang, fail or fill the memory."""

import asyncio
import ssl
import time
import tracemalloc
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest

from moza_mail.link_check import LinkClient
from moza_mail.model.link import LinkState
from tests.support.http_server import LOOPBACK, answer, redirect, run_web_server

NOW = datetime(2026, 1, 14, 9, tzinfo=UTC)
TRUSTING_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
MAX_MEMORY = 20_000_000
TIMEOUT = 1.5


def endless(part: bytes, *, start: bytes = b"", pause: float = 0):
    """Return an answer that repeats a part until the client closes the connection."""

    async def send(writer):
        writer.write(start)
        while not writer.is_closing():
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return send


HEAD = b"HTTP/1.1 200 OK\r\n"
LIES = {
    "status endless": endless(b"x" * 60_000),
    "status drip": endless(b"H", pause=0.05),
    "status binary": bytes(range(256)),
    "status number": b"HTTP/1.1 99999 What\r\n\r\n",
    "status not ascii": "HTTP/1.1 200 é\x1b[31m\r\n\r\n".encode(),
    "headers endless": endless(b"X-A: " + b"y" * 1000 + b"\r\n", start=HEAD),
    "headers drip": endless(b"X: y\r\n", start=HEAD, pause=0.05),
    "header long": HEAD + b"X: " + b"y" * 5_000_000 + b"\r\n\r\n",
    "header nul": HEAD + b"X: a\0b\r\n\r\n",
    "continues endless": endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "body endless": endless(b"x" * 60_000, start=HEAD + b"\r\n"),
    "body compressed": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9999999999\r\n\r\nxxx",
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "http 0.9": b"<html>hello</html>",
    "smtp": b"220 mail.test ESMTP\r\n",
    "redirect not ascii": redirect(301, "/é\x1b[31m\u202e"),
    "redirect long": redirect(301, "/" + "a" * 60_000),
    "redirect odd": redirect(302, "http://[::1"),
    "redirect port": redirect(302, "http://web.test:99999/"),
    "redirect scheme": redirect(302, "javascript:alert(1)"),
    "redirect file": redirect(302, "file:///etc/passwd"),
    "redirect private": redirect(302, "http://10.0.0.1/"),
    "redirect user": redirect(301, "http://a:b@web.test:1/"),
    "redirect empty": answer(301, "Location:"),
    "redirect nul": answer(301, "Location: /a\0b"),
    "redirect twice": answer(301, "Location: /a", "Location: /b"),
    "redirect host": redirect(302, f"http://{'a' * 300}.test/"),
    "redirect idn": redirect(302, "http://xn--a.test/"),
}


async def resolve(_host, _port):
    return (ip_address(LOOPBACK),)


@pytest.mark.parametrize("name", LIES)
def test_a_malicious_web_server_gives_a_result(name):
    async def main():
        async with run_web_server({"/": LIES[name]}) as server:
            client = LinkClient(
                timeout_seconds=TIMEOUT,
                allowed_networks=(ip_network("127.0.0.0/8"),),
                resolver=resolve,
                tls=TRUSTING_NOBODY,
            )
            return await client.check_links([server.url("/")], now=NOW)

    tracemalloc.start()
    begin = time.monotonic()
    try:
        (found,) = asyncio.run(main())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(found.state, LinkState)
    assert f"{found.reason}{found.moved_to}".isprintable()
    assert len(found.reason) + len(found.moved_to) < 5000
    assert time.monotonic() - begin < TIMEOUT + 6
    assert peak < MAX_MEMORY
