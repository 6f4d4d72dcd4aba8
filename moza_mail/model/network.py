"""Rules for IP addresses and host names.

The rules define our own networks, and the addresses that everybody can reach.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?", re.IGNORECASE)

# This machine and the networks of its owner: loopback, RFC 1918, link-local, and RFC 4193.
OWN_NETWORKS: tuple[IPNetwork, ...] = tuple(
    map(
        ip_network,
        (
            *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
            *("::1/128", "fc00::/7", "fe80::/10"),
        ),
    )
)
# The IANA Special-Purpose Address Registries (RFC 6890): networks that are not globally reachable, and the
# translation prefixes, whose IPv6 addresses contain an IPv4 address.
NOT_PUBLIC: tuple[IPNetwork, ...] = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
            *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        ),
    )
)
# All public IPv6 addresses are in this range; mapped, local, unique-local and multicast addresses are not.
GLOBAL_UNICAST = ip_network("2000::/3")
# On a network with IPv6 only, every IPv4 address is reached through this prefix (RFC 6052).
TRANSLATED = ip_network("64:ff9b::/96")


def parse_address(host: str) -> IPAddress | None:
    """Return the IP address in `host`, or None if it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Return True for an address of this machine, and for `localhost`."""
    address = parse_address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def is_own(host: str) -> bool | None:
    """Return True if an address is in our own networks; None if `host` is a name.

    Unencrypted traffic is acceptable in our own networks.
    """
    address = parse_address(host)
    if address is None:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in OWN_NETWORKS)


def is_public(address: IPAddress, allowed: Sequence[IPNetwork] = ()) -> bool:
    """Return True if everybody on the internet can reach an address.

    Addresses in an allowed network count as public too.
    """
    if any(address in network for network in allowed):
        return True
    if isinstance(address, IPv6Address):
        if address in TRANSLATED:
            return is_public(IPv4Address(address.packed[-4:]))
        if address not in GLOBAL_UNICAST:
            return False
    return not any(address in network for network in NOT_PUBLIC)


def normalize_host(text: str) -> str:
    """Return the host of a URL in ASCII; empty if it is not a host.

    A name in another script becomes A-labels (RFC 5890).
    """
    if parse_address(text) is not None:
        return text
    try:
        name = text.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return name if HOST.fullmatch(name) else ""
