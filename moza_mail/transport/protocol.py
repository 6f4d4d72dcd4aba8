"""The interface of a transport."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from moza_mail.model.address import Address
from moza_mail.model.message import Envelope, Message
from moza_mail.model.outcome import Outcome

LOOK_AHEAD = 64
"""The maximum number of submissions with a recorded intent that wait for a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A message to send. `key` is the id of its delivery in the ledger."""

    key: int
    envelope: Envelope
    message: Message


RecordIntents = Callable[[Sequence[int]], Awaitable[Collection[int] | None]]
"""Records intents. It may return the keys of messages that must not be sent after all."""
Outcomes = Sequence[tuple[int, Outcome]]


class Transport(Protocol):
    """Sends messages to a relay, writes them to a folder, or keeps them in a list."""

    @property
    def name(self) -> str:
        """Return the relay as reports show it: a URL without a password."""

    def send(
        self,
        submissions: AsyncIterable[Submission],
        record_intents: RecordIntents,
        stop: asyncio.Event | None = None,
    ) -> AsyncGenerator[Outcomes]:
        """Send the submissions and yield batches of (key, Outcome), in any order.

        Every submission that is taken gets one outcome, except those that `record_intents` returns.

        Intents: `record_intents(keys)` is awaited before the envelopes of these messages are sent, so the
        relay never waits for a commit. If `record_intents` raises an error, none of these messages is sent.
        At most LOOK_AHEAD submissions, and one more for each connection, have an intent without an outcome.
        After a kill, only these submissions are uncertain.

        Outcomes: the caller gives the outcomes to its ledger before it waits for anything else, and the
        ledger commits in order. So outcomes share a commit with the intents for which they make room. When
        the caller asks for the next outcomes, the earlier outcomes are durable.

        Start and end: no submission is taken before a connection is open. When the source has no more
        submissions, all submissions taken are still sent. When `stop` is set, only messages with a sent
        envelope are finished; the others are returned as pending. A source of submissions may wait as long as
        it likes. This method sets `stop` itself when no more can be sent, so that the source can end.

        TransportError is raised if the relay as a whole cannot be used, but only after every submission taken
        has its outcome.
        """

    async def check_sender(self, sender: Address) -> None:
        """Raise an error if the relay refuses mail from a return address.

        Called before any message is sent.
        """

    async def close(self) -> None:
        """Close every connection. May be called twice."""
