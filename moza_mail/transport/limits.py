"""Limits for a connection to a relay: timeouts, number of connections and messages, retries."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to wait for each step (RFC 5321 4.5.3.2).

    final_dot: with less than ten minutes, a slow relay delivers messages that we record as uncertain.
    connect: for TCP, TLS and login.
    greeting: some relays delay it on purpose, to get rid of spammers.
    """

    connect: float = 60
    greeting: float = 300
    command: float = 300
    data: float = 120
    write: float = 180
    final_dot: float = 600
    quit: float = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits for the connections to one relay.

    connections: how many are open at the same time.
    messages_per_connection: messages after which a connection is replaced, because relays count them.
    notify: when the relay should send a report (RFC 3461): FAILURE, or FAILURE,DELAY; empty to leave it to the relay.
    backoff: seconds that a connection waits after each consecutive failure. One failure more ends its work.
    """

    connections: int = 8
    messages_per_connection: int = 500
    notify: str = ""
    backoff: tuple[float, ...] = (0.5, 2.0, 5.0)
    timeouts: Timeouts = field(default_factory=Timeouts)
