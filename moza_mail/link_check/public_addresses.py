"""Which addresses may be asked: a name is resolved first, and only a public address is then connected to.

The ranges are those that the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890) give as not globally
reachable, with the translation prefixes in which an IPv4 address can hide.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Thread

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Awaitable[tuple[IPAddress, ...]]]

NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
        ),
    )
)
# All that is assigned as public in IPv6 stands in here; mapped, local, unique-local and multicast addresses do not.
GLOBAL_UNICAST = ip_network("2000::/3")
# RFC 6052: on a network that has only IPv6, every IPv4 site is reached through this prefix.
TRANSLATED = ip_network("64:ff9b::/96")


class NameNotFound(Exception):
    """The DNS knows no such name, or no address of it."""


class DnsUnavailable(Exception):
    """The DNS did not answer."""


def is_public(address: IPAddress, allowed: Sequence[IPNetwork] = ()) -> bool:
    """Whether an address may be asked: anyone on the internet can reach it, or it is in one of the allowed networks."""
    if any(address in network for network in allowed):
        return True
    if isinstance(address, IPv6Address):
        if address in TRANSLATED:
            return is_public(IPv4Address(address.packed[-4:]))
        if address not in GLOBAL_UNICAST:
            return False
    return not any(address in network for network in NOT_PUBLIC)


async def resolve_host(host: str, port: int) -> tuple[IPAddress, ...]:
    """The addresses of a host, best first; raise NoSuchName or NoNameService."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[tuple[IPAddress, ...]] = loop.create_future()

    def settle(addresses: tuple[IPAddress, ...], error: Exception | None) -> None:
        if found.done():
            return
        if error:
            found.set_exception(error)
        else:
            found.set_result(addresses)

    def look_up() -> None:
        addresses: tuple[IPAddress, ...] = ()
        error: Exception | None = None
        try:
            addresses = _look_up_addresses(host, port)
        except (NameNotFound, DnsUnavailable) as trouble:
            error = trouble
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, addresses, error)

    # A name server that is silent holds its thread for as long as it likes: a pool would wait for it at the end.
    Thread(target=look_up, daemon=True).start()
    return await found


def _look_up_addresses(host: str, port: int) -> tuple[IPAddress, ...]:
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        missing = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
        raise (NameNotFound if error.errno in missing else DnsUnavailable) from None
    except (OSError, UnicodeError):
        raise NameNotFound from None
    return tuple(dict.fromkeys(ip_address(entry[4][0]) for entry in entries))
