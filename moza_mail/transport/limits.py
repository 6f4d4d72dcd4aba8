"""Limits for a connection to a relay: timeouts, connections, messages and retries."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to wait for each step (RFC 5321 4.5.3.2).

    final_dot: wait for the reply to a message. With less than ten minutes, a slow relay may still deliver a message after we
        recorded it as uncertain.
    connect: covers TCP, TLS and login.
    greeting: some relays delay the greeting on purpose, to get rid of spammers.
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

    connections: the number of connections that are open at the same time.
    messages_per_connection: a connection is replaced after this number of messages, because relays limit the
        number.
    notify: when the relay should send a report (RFC 3461): FAILURE, or FAILURE,DELAY; empty to leave it to
        the relay.
    backoff: seconds to wait after each consecutive failure. A failure after the last of these waits ends the
        worker.
    """

    connections: int = 8
    messages_per_connection: int = 500
    notify: str = ""
    backoff: tuple[float, ...] = (0.5, 2.0, 5.0)
    timeouts: Timeouts = field(default_factory=Timeouts)
