"""How often one network may sign up: kept in memory, for mail itself has a limit in the store."""

from collections import OrderedDict
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from moza_mail.model.rate import Rate

# An office or a household has an IPv4 address or an IPv6 /64 of its own; whoever rents more has them side by side.
NEAR, WIDE = {4: 32, 6: 64}, {4: 24, 6: 48}
WIDER = 5
"""So many times what one address may do, its wider network may."""
REMEMBERED = 100_000
"""Networks at most in memory; beyond it the one that came longest ago is forgotten."""

Network = tuple[int, int, int]
"""The version of IP, the length of the prefix, and the prefix."""


class Visits:
    """Counts what comes from each network. Of `rate` one address may use all at once; it comes back evenly."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._span = timedelta(seconds=rate.seconds)
        self._free_at: OrderedDict[Network, datetime] = OrderedDict()

    def admit(self, host: str, now: datetime) -> timedelta:
        """Count a visit and give zero; or, when it is one too many, do not count it and give how long to wait."""
        after = {
            name: max(self._free_at.get(name, now), now) + self._rate.duration_of(1) / share
            for name, share in networks(host)
        }
        if (wait := max(after.values()) - now - self._span) > timedelta(0):
            return wait
        for name, free_at in after.items():
            self._free_at[name] = free_at
            self._free_at.move_to_end(name)
        while len(self._free_at) > REMEMBERED:
            self._free_at.popitem(last=False)
        return timedelta(0)


def networks(host: str) -> tuple[tuple[Network, int], ...]:
    """The networks an address is counted in, each with its share of the rate; whatever is no address is one network."""
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
        for length in (NEAR, WIDE)
    )
    return (near, 1), (wide, WIDER)
