"""Hosts of URLs: what can be one, and which are on this machine or its own networks, where what is not encrypted may go."""

import ipaddress
import re

HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?", re.IGNORECASE)
# Loopback, RFC 1918, link-local and RFC 4193: what `is_private` adds beyond these is not anybody's own network.
PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


def is_private(host: str) -> bool | None:
    """Whether an IP address is on this machine or its own networks; None when `host` is a name."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in PRIVATE)


def normalize_host(text: str) -> str:
    """A host of a URL as ASCII, a name in another script as A-labels (RFC 5890); empty when it cannot be one."""
    if is_private(text) is not None:
        return text
    try:
        name = text.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return name if HOST.fullmatch(name) else ""
