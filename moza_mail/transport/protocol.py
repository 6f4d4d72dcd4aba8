"""What every transport promises to those who send through it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from moza_mail.model.mailing import Outcome
from moza_mail.model.message import Envelope, Message

LOOK_AHEAD = 64
"""How many submissions may have been announced before a connection is free for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One message on its way: `key` is its delivery's number in the ledger."""

    key: int
    envelope: Envelope
    message: Message


RecordIntents = Callable[[Sequence[int]], Awaitable[None]]
Outcomes = Sequence[tuple[int, Outcome]]


class Transport(Protocol):
    """A way out."""

    @property
    def name(self) -> str:
        """The relay as reports show it: a URL without a password."""

    def send(
        self,
        submissions: AsyncIterable[Submission],
        record_intents: RecordIntents,
        stop: asyncio.Event | None = None,
    ) -> AsyncGenerator[Outcomes]:
        """Send what comes and yield (key, Outcome) once for each submission taken: in any order, a few together.

        `intend(keys)` is awaited before the first byte of any of these bodies leaves, and before the relay is asked
        whether it takes them, so that a commit never keeps the line waiting; when it raises, none of them is sent.
        At no moment are there more than LOOK_AHEAD and one for each connection of which an intent has been asked for and
        no outcome given. The caller tells its ledger of outcomes before it waits for anything, and the ledger makes
        nothing durable before what it was told earlier: then a kill leaves no more than these in doubt, and outcomes
        and the intents they make room for share a commit. Asking for the next outcomes says that those given before
        are durable.

        Nothing is taken before a connection is open. When the submissions end, all that were taken are sent; when `stop`
        is set, only those of which something has gone to the relay are finished, and the others come back as pending.
        A source may wait as long as it likes; when no more can be sent, `stop` is set here too, so that it need not.
        TransportError is raised when the relay as a whole cannot be used, but not before every submission taken has had
        its outcome.
        """

    async def close(self) -> None:
        """Say goodbye and let go of every connection; closing twice is closing once."""
