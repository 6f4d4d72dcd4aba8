"""How fast a relay or a provider may be given mail: Rate, the Bucket that keeps to it, and the Rates of a project."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from moza_mail.model.timestamps import require_utc

RATE = re.compile(r"(\d{1,7})\s*/\s*([smh])")
UNITS = {"s": 1, "m": 60, "h": 3600}
DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")
# So long a stretch may go at once: short enough to keep any relay's count of a second, long enough to go a few together.
BURST_TIME = timedelta(milliseconds=100)
# More than this many bursts ahead is a clock that was set back, not a queue.
MOST_BURSTS_AHEAD = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many messages in so many seconds, evenly: 10,000 an hour is one in 0.36 s, not 10,000 at once."""

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
        """How many may go at once: what is due in a tenth of a second, and one at least."""
        return max(1, int(self.count * BURST_TIME.total_seconds() / self.seconds))

    def duration_of(self, messages: int) -> timedelta:
        """How long so many messages take."""
        return timedelta(seconds=messages * self.seconds / self.count)

    def __str__(self) -> str:
        return f"{self.count}/{next(unit for unit, seconds in UNITS.items() if seconds == self.seconds)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBucket:
    """A token bucket, as the moment at which it is full again: whoever kept it, nothing of a restart shows in it.

    In any stretch of T seconds no more leave than the rate allows in T, and one burst.
    """

    rate: Rate
    full_at: datetime

    def __post_init__(self) -> None:
        require_utc(self.full_at)

    def reserve(self, now: datetime, count: int) -> tuple[Self, timedelta]:
        """Take tokens, up to a burst: the bucket after it, and how long to wait before what they are for may leave."""
        burst = self.rate.duration_of(self.rate.burst)
        filled = self.full_at if self.full_at <= now + MOST_BURSTS_AHEAD * burst else now + burst
        after = max(filled, now) + self.rate.duration_of(count)
        return replace(self, full_at=after), max(after - now - burst, timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainFilter:
    """Which readers are meant, by the domain of their address: those at one of `names`, or with `others` everyone else.

    Of a mailing only those whose delivery's number is above `after`.
    """

    names: frozenset[str]
    inverted: bool = False
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateGroup:
    """Domains that share a rate, because one provider has them all."""

    name: str
    rate: Rate
    domains: DomainFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRates:
    """A project's rates: `overall` over everything that leaves, and one for each group of domains."""

    overall: Rate | None = None
    groups: tuple[RateGroup, ...] = ()

    @classmethod
    def parse(cls, overall: str, groups: Mapping[str, str]) -> Self:
        """Read them as moza-mail.toml has them: the domains of a group stand together in its key, with spaces or commas.

        Raise ValueError for what is no rate or no domain, and for a domain that is in two groups.
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
        """Everyone whose domain has no rate of its own."""
        names = (group.domains.names for group in self.groups)
        return DomainFilter(names=frozenset().union(*names), inverted=True)

    def duration_of(self, messages: int, in_groups: Mapping[str, int]) -> timedelta:
        """How long a mailing takes at least, of so many messages, by the name of a group so many of them in it."""
        each = [group.rate.duration_of(in_groups.get(group.name, 0)) for group in self.groups]
        return max([*each, self.overall.duration_of(messages) if self.overall else timedelta(0)])

    def __str__(self) -> str:
        shown = [str(self.overall)] if self.overall else []
        return ", ".join([*shown, *(f"{group.rate} for {group.name}" for group in self.groups)])
