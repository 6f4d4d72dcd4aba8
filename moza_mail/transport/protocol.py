"""What every transport promises to those who send through it."""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from moza_mail.model.mailing import Outcome
from moza_mail.model.message import Envelope, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One message on its way: `key` is its delivery's number in the ledger."""

    key: int
    envelope: Envelope
    message: Message


Intend = Callable[[int], Awaitable[None]]


class Transport(Protocol):
    """A way out."""

    @property
    def name(self) -> str:
        """The relay as reports show it: a URL without a password."""

    def send(
        self, submissions: AsyncIterable[Submission], intend: Intend
    ) -> AsyncGenerator[tuple[int, Outcome]]:
        """Send what comes and yield (key, Outcome) once for each submission taken, in any order.

        `intend(key)` is awaited after the relay has agreed to take the body and before its first byte leaves; when it
        raises, that body is never sent. A submission is taken only when a connection is free for it. When the
        submissions end, those in flight are finished and the generator ends. TransportError is raised when the relay
        as a whole cannot be used, but not before every submission taken has had its outcome.
        """

    async def close(self) -> None:
        """Say goodbye and let go of every connection; closing twice is closing once."""
