"""Memory: a way out that keeps every message in a list, for tests and previews."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable

from moza_mail.errors import TransportError
from moza_mail.model.mailing import DeliveryState, Outcome, Phase, Reply, classify
from moza_mail.transport.protocol import Intend, Outcomes, Submission

Answer = Callable[[Submission], Outcome]


def accept(submission: Submission) -> Outcome:
    """What a friendly relay says to every body."""
    return classify(Reply.read(250, f"2.0.0 Ok: queued as M{submission.key}"), Phase.BODY)


class Memory:
    """A Transport whose `sent` holds each submission of which the body left, in order.

    `answer` gives the outcome of each, or raises TransportError; the body leaves when the outcome's phase is BODY.
    """

    def __init__(self, answer: Answer = accept) -> None:
        self.sent: list[Submission] = []
        self._answer = answer

    @property
    def name(self) -> str:
        """The relay as reports show it."""
        return "memory:"

    async def send(
        self, submissions: AsyncIterable[Submission], intend: Intend, stop: asyncio.Event | None = None
    ) -> AsyncGenerator[Outcomes]:
        """See Transport.send; one submission after another."""
        async for submission in submissions:
            if stop is not None and stop.is_set():
                yield [(submission.key, _untried("not tried, because the sending stopped"))]
                return
            try:
                outcome = self._answer(submission)
                if outcome.phase is Phase.BODY:
                    await intend([submission.key])
                    self.sent.append(submission)
            except Exception as error:
                detail = str(error) if isinstance(error, TransportError) else "not announced, so not sent"
                yield [(submission.key, _untried(detail))]
                raise
            yield [(submission.key, outcome)]

    async def close(self) -> None:
        """Nothing is held open."""


def _untried(detail: str) -> Outcome:
    return Outcome(state=DeliveryState.PENDING, phase=Phase.CONNECT, detail=detail)
