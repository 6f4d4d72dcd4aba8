"""Memory: a way out that keeps every message in a list, for tests and previews."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable

from moza_mail.errors import TransportError
from moza_mail.model.mailing import DeliveryState, Outcome, Phase, Reply, classify
from moza_mail.transport.protocol import Outcomes, RecordIntents, Submission

ChooseOutcome = Callable[[Submission], Outcome]


def accept_message(submission: Submission) -> Outcome:
    """What a friendly relay says to every body."""
    return classify(Reply.read(250, f"2.0.0 Ok: queued as M{submission.key}"), Phase.BODY)


class MemoryTransport:
    """A Transport whose `sent` holds each submission of which the body left, in order.

    `answer` gives the outcome of each, or raises TransportError; the body leaves when the outcome's phase is BODY.
    """

    def __init__(self, choose_outcome: ChooseOutcome = accept_message) -> None:
        self.sent: list[Submission] = []
        self._choose_outcome = choose_outcome

    @property
    def name(self) -> str:
        """The relay as reports show it."""
        return "memory:"

    async def send(
        self,
        submissions: AsyncIterable[Submission],
        record_intents: RecordIntents,
        stop: asyncio.Event | None = None,
    ) -> AsyncGenerator[Outcomes]:
        """See Transport.send; one submission after another."""
        async for submission in submissions:
            if stop is not None and stop.is_set():
                yield [(submission.key, _not_tried("not tried, because the sending stopped"))]
                return
            try:
                outcome = self._choose_outcome(submission)
                if outcome.phase is Phase.BODY:
                    await record_intents([submission.key])
                    self.sent.append(submission)
            except Exception as error:
                detail = str(error) if isinstance(error, TransportError) else "not announced, so not sent"
                yield [(submission.key, _not_tried(detail))]
                raise
            yield [(submission.key, outcome)]

    async def close(self) -> None:
        """Nothing is held open."""


def _not_tried(detail: str) -> Outcome:
    return Outcome(state=DeliveryState.PENDING, phase=Phase.CONNECT, detail=detail)
