"""Fifty clients at once, with plain sockets: one with a library would cost more than the server it asks."""

import contextlib
import os
import selectors
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from moza_mail.web.public import forms
from tests.support.public_site import Site

CLIENTS = 50
BODY = b"List-Unsubscribe=One-Click"


@dataclass(kw_only=True)
class Client:
    """One connection, what it sends next, and what it has heard so far."""

    line: socket.socket
    asked: int = -1
    began: float = 0.0
    heard: bytes = b""


@dataclass(kw_only=True)
class Load:
    """The answers: by the number of a request its status, and how long each took."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    took: float = 0.0
    processor: float = 0.0
    """Seconds of processor time that the server used meanwhile."""

    @property
    def rate(self) -> float:
        return len(self.statuses) / self.took

    def within(self, share: float) -> float:
        """So many milliseconds or fewer took this share of them."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * share))] * 1000


def load(site: Site, requests: Sequence[bytes], until: Callable[[int], bool] = lambda _: True) -> Load:
    """Send the requests through fifty connections; end early when `until` says no of the number of answers, or they break."""
    address = site.address
    done, left = Load(), iter(range(len(requests)))
    ready = selectors.DefaultSelector()
    for _ in range(CLIENTS):
        ready.register(
            connected := socket.create_connection(address), selectors.EVENT_READ, Client(line=connected)
        )
    used, began = processor_time(site), time.perf_counter()
    clients = [key.data for key in ready.get_map().values()]
    busy = sum(ask(client, requests, left) for client in clients)
    while busy and until(len(done.statuses)):
        for key, _ in ready.select():
            client = key.data
            try:
                part = client.line.recv(65536)
            except ConnectionError:
                part = b""
            if not part:
                ready.unregister(client.line)
                busy -= 1
            elif answered(client, part, done):
                busy -= not ask(client, requests, left)
    done.took, done.processor = time.perf_counter() - began, processor_time(site) - used
    for client in clients:
        client.line.close()
    return done


def processor_time(site: Site) -> float:
    """Seconds of it that the server has used; 0 when it is gone (proc(5), the fields utime and stime)."""
    try:
        fields = Path(f"/proc/{site.process.pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(client: Client, requests: Sequence[bytes], left: Iterator[int]) -> bool:
    """Send the next request; false when there is none."""
    client.asked = next(left, -1)
    if client.asked < 0:
        return False
    client.heard, client.began = b"", time.perf_counter()
    with contextlib.suppress(ConnectionError):
        client.line.sendall(requests[client.asked])
    return True


def answered(client: Client, part: bytes, done: Load) -> bool:
    """Take in a part of an answer; true when it is whole."""
    client.heard += part
    head, end, body = client.heard.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    if not end or len(body) < int(length or 0):
        return False
    done.seconds.append(time.perf_counter() - client.began)
    done.statuses[client.asked] = int(head[9:12])
    return True


def post(site: Site, url: str, body: bytes, *headers: str) -> bytes:
    host, port = site.address
    path = url.removeprefix(site.url)
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {len(body)}", *headers]
    return (
        "\r\n".join(lines).encode() + b"\r\nContent-Type: " + forms.URLENCODED.encode() + b"\r\n\r\n" + body
    )


def goodbyes(site: Site, numbers: range) -> list[bytes]:
    return [post(site, site.links.make_unsubscribe_url("weekly", number), BODY) for number in numbers]


def lost(site: Site, first: int, answers: Load) -> int:
    """How many were told that they have left, and have not."""
    said = {first + number for number, status in answers.statuses.items() if status == 200}
    with contextlib.closing(sqlite3.connect(site.folder.path / "subscribers" / "moza-mail.db")) as store:
        rows = store.execute("SELECT subscriber_id FROM subscriptions WHERE state = 'unsubscribed'")
        return len(said - {row[0] for row in rows})
