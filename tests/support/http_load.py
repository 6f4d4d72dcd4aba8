"""Send requests from fifty HTTP clients at once.

The clients use plain sockets, because a client library would need more processor time than the server."""

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
LONGEST_WAIT = 60.0
BODY = b"List-Unsubscribe=One-Click"


@dataclass(kw_only=True)
class LoadClient:
    """One connection, the number of its request, and the response so far."""

    connection: socket.socket
    request_number: int = -1
    began: float = 0.0
    received: bytes = b""


@dataclass(kw_only=True)
class LoadResult:
    """The status of each response by the number of its request, and the response times."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    processor: float = 0.0
    """The processor time of the server in seconds."""

    @property
    def rate(self) -> float:
        return len(self.statuses) / self.elapsed

    def percentile(self, share: float) -> float:
        """Return the response time in milliseconds within which this share of the requests was answered."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * share))] * 1000


def run_load(
    site: Site, requests: Sequence[bytes], until: Callable[[int], bool] = lambda _: True
) -> LoadResult:
    """Send the requests over fifty connections.

    until: gets the number of responses. Sending stops when it returns False or all connections are broken.
    """
    address = site.address
    done, left = LoadResult(), iter(range(len(requests)))
    ready = selectors.DefaultSelector()
    for _ in range(CLIENTS):
        ready.register(
            connected := socket.create_connection(address),
            selectors.EVENT_READ,
            LoadClient(connection=connected),
        )
    used, began = processor_time(site), time.perf_counter()
    clients = [key.data for key in ready.get_map().values()]
    busy = sum(send_next(client, requests, left) for client in clients)
    while busy and until(len(done.statuses)):
        events = ready.select(LONGEST_WAIT)
        assert events, f"no response within {LONGEST_WAIT} s"
        for key, _ in events:
            client = key.data
            try:
                part = client.connection.recv(65536)
            except ConnectionError:
                part = b""
            if not part:
                ready.unregister(client.connection)
                busy -= 1
            elif receive(client, part, done):
                busy -= not send_next(client, requests, left)
    done.elapsed, done.processor = time.perf_counter() - began, processor_time(site) - used
    for client in clients:
        client.connection.close()
    return done


def processor_time(site: Site) -> float:
    """Return the processor time of the server in seconds; 0 if it has ended (proc(5), the fields utime and stime)."""
    try:
        fields = Path(f"/proc/{site.process.pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def send_next(client: LoadClient, requests: Sequence[bytes], left: Iterator[int]) -> bool:
    """Send the next request; return False if there is none."""
    client.request_number = next(left, -1)
    if client.request_number < 0:
        return False
    client.received, client.began = b"", time.perf_counter()
    with contextlib.suppress(ConnectionError):
        client.connection.sendall(requests[client.request_number])
    return True


def receive(client: LoadClient, part: bytes, done: LoadResult) -> bool:
    """Add a part of a response; return True if the response is complete."""
    client.received += part
    head, end, body = client.received.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    if not end or len(body) < int(length or 0):
        return False
    done.seconds.append(time.perf_counter() - client.began)
    done.statuses[client.request_number] = int(head[9:12])
    return True


def make_post(site: Site, url: str, body: bytes, *headers: str) -> bytes:
    host, port = site.address
    path = url.removeprefix(site.url)
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {len(body)}", *headers]
    return (
        "\r\n".join(lines).encode() + b"\r\nContent-Type: " + forms.URLENCODED.encode() + b"\r\n\r\n" + body
    )


def make_unsubscribe_requests(site: Site, numbers: range) -> list[bytes]:
    return [make_post(site, site.links.make_unsubscribe_url("weekly", number), BODY) for number in numbers]


def count_lost(site: Site, first: int, answers: LoadResult) -> int:
    """Count the subscribers whose request was confirmed but who are not unsubscribed in the store."""
    confirmed = {first + number for number, status in answers.statuses.items() if status == 200}
    with contextlib.closing(sqlite3.connect(site.folder.path / "subscribers" / "moza-mail.db")) as store:
        rows = store.execute("SELECT subscriber_id FROM subscriptions WHERE state = 'unsubscribed'")
        return len(confirmed - {row[0] for row in rows})
