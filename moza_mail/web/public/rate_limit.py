"""Limit the sign-ups from one network. The counts are kept in memory.

The store limits the mails to one address separately.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from moza_mail.model.rate import Rate

# An office or a household has one IPv4 address or one IPv6 /64. Addresses that one party rents are usually adjacent.
NARROW_PREFIX, WIDE_PREFIX = {4: 32, 6: 64}, {4: 24, 6: 48}
WIDE_FACTOR = 5
"""The limit of a wide network is this many times the limit of a narrow network."""
MAX_NETWORKS = 100_000
"""The largest number of networks in memory. Above it, the least recently used are dropped."""

Network = tuple[int, int, int]
"""A network: the IP version, the length of the prefix, and the prefix."""


class SignUpLimiter:
    """Limits sign-ups per network by a leaky bucket: bursts up to `rate`, drained evenly."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._span = timedelta(seconds=rate.seconds)
        self._free_at: OrderedDict[Network, datetime] = OrderedDict()

    def acquire(self, host: str, now: datetime) -> timedelta:
        """Count a sign-up and return zero; above the limit, return the waiting time instead."""
        after = {
            name: max(self._free_at.get(name, now), now) + self._rate.duration_of(1) / share
            for name, share in find_networks(host)
        }
        if (wait := max(after.values()) - now - self._span) > timedelta(0):
            return wait
        for name, free_at in after.items():
            self._free_at[name] = free_at
            self._free_at.move_to_end(name)
        while len(self._free_at) > MAX_NETWORKS:
            self._free_at.popitem(last=False)
        return timedelta(0)


def find_networks(host: str) -> tuple[tuple[Network, int], ...]:
    """Return the networks that contain an address, each with a factor.

    The sign-up rate is multiplied by the factor of the network.

    All hosts that are not IP addresses count as one network.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return (((0, 0, 0), 1),)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    near, wide = (
        (
            address.version,
            length[address.version],
            int(address) >> address.max_prefixlen - length[address.version],
        )
        for length in (NARROW_PREFIX, WIDE_PREFIX)
    )
    return (near, 1), (wide, WIDE_FACTOR)
