"""Rate limits: how fast mail may be sent to the relay and to each provider."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from moza_mail.model.timestamps import require_utc

RATE = re.compile(r"(\d{1,7})\s*/\s*([smh])")
UNITS = {"s": 1, "m": 60, "h": 3600}
DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")
# Messages of this many seconds may be sent at once: short enough for a relay that counts by the second.
BURST_TIME = timedelta(milliseconds=100)
# If a bucket is more than this many bursts ahead, the clock was set back.
MOST_BURSTS_AHEAD = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A number of messages in a number of seconds, evenly spread.

    For example, 10,000 an hour is one every 0.36 s.
    """

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `50/s`, `600/m` or `10000/h`; raise ValueError for anything else."""
        found = RATE.fullmatch(text.strip())
        if not found or not int(found[1]):
            raise ValueError("must be a rate such as 50/s, 600/m or 10000/h")
        return cls(count=int(found[1]), seconds=UNITS[found[2]])

    @property
    def burst(self) -> int:
        """The number of messages that may be sent at once.

        That is the number for a tenth of a second, but at least one.
        """
        return max(1, int(self.count * BURST_TIME.total_seconds() / self.seconds))

    def duration_of(self, messages: int) -> timedelta:
        """Return how long this number of messages takes."""
        return timedelta(seconds=messages * self.seconds / self.count)

    def __str__(self) -> str:
        return f"{self.count}/{next(unit for unit, seconds in UNITS.items() if seconds == self.seconds)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucket:
    """A token bucket that survives a restart.

    It is stored as the time at which it is full again. In T seconds, it lets through at most one burst more than the
    rate allows for T seconds.
    """

    rate: Rate
    full_at: datetime

    def __post_init__(self) -> None:
        require_utc(self.full_at)

    def reserve(self, now: datetime, count: int) -> tuple[Self, timedelta]:
        """Take tokens for at most one burst of messages.

        Returns the new bucket, and how long to wait before these messages may be sent.
        """
        burst = self.rate.duration_of(self.rate.burst)
        filled = self.full_at if self.full_at <= now + MOST_BURSTS_AHEAD * burst else now + burst
        after = max(filled, now) + self.rate.duration_of(count)
        return replace(self, full_at=after), max(after - now - burst, timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainFilter:
    """Selects deliveries by the domain of the address.

    inverted: select all domains except `names`.
    after: select only deliveries with a greater id.
    """

    names: frozenset[str]
    inverted: bool = False
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimExclusion:
    """Deliveries that a run does not claim.

    delivery_ids: deliveries that the run has already tried.
    domains: domains that refuse us.
    """

    delivery_ids: frozenset[int] = frozenset()
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateGroup:
    """Domains that share a rate, because they belong to one provider."""

    name: str
    rate: Rate
    domains: DomainFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRates:
    """The rates of a project: `overall` for all mail, and one for each group of domains."""

    overall: Rate | None = None
    groups: tuple[RateGroup, ...] = ()

    @classmethod
    def parse(cls, overall: str, groups: Mapping[str, str]) -> Self:
        """Parse the rates in moza-mail.toml.

        Raises ValueError for an invalid rate or domain, and for a domain that is in two groups.

        groups: each key has the domains of a group, separated by spaces or commas; each value is a rate.
        """
        found: list[RateGroup] = []
        seen: set[str] = set()
        for key, rate in groups.items():
            names = [name.lower() for name in re.split(r"[\s,]+", key) if name]
            wrong = next((name for name in names if not DOMAIN.fullmatch(name) or name in seen), None)
            if wrong or not names:
                why = (
                    "is in it twice"
                    if wrong in seen
                    else "is not a domain such as example.org (IDN: as xn--)"
                )
                raise ValueError(f"`{wrong or key}` {why}")
            seen.update(names)
            name = " ".join(sorted(names))
            found.append(
                RateGroup(name=name, rate=Rate.parse(rate), domains=DomainFilter(names=frozenset(names)))
            )
        return cls(overall=Rate.parse(overall) if overall else None, groups=tuple(found))

    def __bool__(self) -> bool:
        return self.overall is not None or bool(self.groups)

    @property
    def other_domains(self) -> DomainFilter:
        """The filter for all domains without a rate of their own."""
        names = (group.domains.names for group in self.groups)
        return DomainFilter(names=frozenset().union(*names), inverted=True)

    def duration_of(self, messages: int, in_groups: Mapping[str, int]) -> timedelta:
        """Return the minimum duration of a mailing.

        messages: the number of all messages.
        in_groups: the number of messages for each group, by the name of the group.
        """
        each = [group.rate.duration_of(in_groups.get(group.name, 0)) for group in self.groups]
        return max([*each, self.overall.duration_of(messages) if self.overall else timedelta(0)])

    def __str__(self) -> str:
        shown = [str(self.overall)] if self.overall else []
        return ", ".join([*shown, *(f"{group.rate} for {group.name}" for group in self.groups)])
