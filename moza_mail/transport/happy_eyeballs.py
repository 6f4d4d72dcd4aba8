"""Connect to a host over IPv6 or IPv4, whichever works first (Happy Eyeballs, RFC 8305)."""

import asyncio
import socket
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import Any

ATTEMPT_DELAY = 0.25
"""Seconds before the next address is tried, while earlier attempts go on (RFC 8305 5)."""

AddressInfo = tuple[int, int, int, str, Any]
"""One result of getaddrinfo."""


async def connect_socket(host: str, port: int) -> socket.socket:
    """Return a connected socket.

    If no address accepts a connection, the OSError of the first one is raised.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    waiting = deque(interleave_families(found))
    attempts: list[asyncio.Task[socket.socket]] = []
    try:
        while True:
            if waiting:
                attempts.append(asyncio.create_task(_connect(waiting.popleft())))
            delay = ATTEMPT_DELAY if waiting else None
            open_attempts = [attempt for attempt in attempts if not attempt.done()]
            if open_attempts:
                await asyncio.wait(open_attempts, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            for attempt in attempts:
                if attempt.done() and attempt.exception() is None:
                    return attempts.pop(attempts.index(attempt)).result()
            if not waiting and all(attempt.done() for attempt in attempts):
                return attempts[0].result()
    finally:
        await _abandon(attempts)


def interleave_families(found: Sequence[AddressInfo]) -> Iterable[AddressInfo]:
    """Return the addresses, alternating between IPv6 and IPv4 (RFC 8305 4).

    The family that the system prefers comes first.
    """
    first = [entry for entry in found if entry[0] == found[0][0]]
    others = [entry for entry in found if entry[0] != found[0][0]]
    return (entry for entry in chain.from_iterable(zip_longest(first, others)) if entry is not None)


async def _connect(entry: AddressInfo) -> socket.socket:
    family, kind, protocol, _, address = entry
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _abandon(attempts: Sequence[asyncio.Task[socket.socket]]) -> None:
    """Cancel attempts that are not needed, and close sockets that were connected too late."""
    for attempt in attempts:
        attempt.cancel()
    for result in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(result, socket.socket):
            result.close()
