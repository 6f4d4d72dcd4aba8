"""How far a relay is trusted, and how long we wait for it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How many seconds we wait, by phase (RFC 5321 4.5.3.2).

    The ten minutes after the final dot are the ones that matter: less, and a slow relay delivers what we call uncertain.
    `connect` is shorter than the RFC's five minutes, because a person is often waiting.
    """

    connect: float = 60
    command: float = 300
    data: float = 120
    write: float = 180
    final_dot: float = 600
    quit: float = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is asked of a relay, and how far it is trusted.

    `connections` are open side by side. After `messages` a connection is closed and a new one made, because relays count
    them. `notify` is when to ask for a report, with our Message-ID in it, where the relay offers that (RFC 3461):
    FAILURE, or FAILURE,DELAY; empty to leave it to the relay. `backoff` is how many seconds a connection waits after each failure in a row; a failure beyond the last
    ends its work.
    """

    connections: int = 8
    messages_per_connection: int = 500
    notify: str = ""
    backoff: tuple[float, ...] = (0.5, 2.0, 5.0)
    timeouts: Timeouts = field(default_factory=Timeouts)
