"""Resolve a host name with a time limit, because a name server may not answer."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from threading import Thread

from moza_mail.model.network import IPAddress

Resolver = Callable[[str, int], Awaitable[tuple[IPAddress, ...]]]
"""Returns the addresses of a host and a port, best first; raises NameNotFound or DnsUnavailable."""


class NameNotFound(Exception):
    """The DNS does not have the name, or has no address for it."""


class DnsUnavailable(Exception):
    """No name server answered."""


async def resolve_host(host: str, port: int) -> tuple[IPAddress, ...]:
    """Return the addresses of a host, best first; raise NameNotFound or DnsUnavailable."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[tuple[IPAddress, ...]] = loop.create_future()

    def finish(addresses: tuple[IPAddress, ...], error: Exception | None) -> None:
        if result.done():
            return
        if error:
            result.set_exception(error)
        else:
            result.set_result(addresses)

    def look_up() -> None:
        addresses: tuple[IPAddress, ...] = ()
        error: Exception | None = None
        try:
            addresses = _look_up_addresses(host, port)
        except (NameNotFound, DnsUnavailable) as failure:
            error = failure
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, addresses, error)

    # A name server that does not answer blocks its thread, and a pool would wait for that thread at exit.
    Thread(target=look_up, daemon=True).start()
    return await result


def _look_up_addresses(host: str, port: int) -> tuple[IPAddress, ...]:
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        missing = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
        raise (NameNotFound if error.errno in missing else DnsUnavailable) from None
    except (OSError, UnicodeError):
        raise NameNotFound from None
    return tuple(dict.fromkeys(ip_address(entry[4][0]) for entry in entries))
