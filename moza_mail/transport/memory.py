"""A transport that keeps every message in a list, for tests and previews."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable

from moza_mail.errors import TransportError
from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.outcome import Outcome, to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.transport.protocol import Outcomes, RecordIntents, Submission

ChooseOutcome = Callable[[Submission], Outcome]


def accept_message(submission: Submission) -> Outcome:
    """Return the outcome of a relay that accepts every message."""
    return to_outcome(Reply.parse(250, f"2.0.0 Ok: queued as M{submission.key}"), Phase.BODY)


class MemoryTransport:
    """A Transport that sends nothing.

    sent: the submissions with a sent body, in order.
    choose_outcome: returns the outcome of a submission, or raises TransportError. The body counts as sent if the phase of the
        outcome is BODY.
    """

    def __init__(self, choose_outcome: ChooseOutcome = accept_message) -> None:
        self.sent: list[Submission] = []
        self._choose_outcome = choose_outcome

    @property
    def name(self) -> str:
        """Return the relay as reports show it."""
        return "memory:"

    async def send(
        self,
        submissions: AsyncIterable[Submission],
        record_intents: RecordIntents,
        stop: asyncio.Event | None = None,
    ) -> AsyncGenerator[Outcomes]:
        """Send one submission after another; see Transport.send."""
        async for submission in submissions:
            if stop is not None and stop.is_set():
                yield [(submission.key, _make_not_sent("not tried, because sending was stopped"))]
                return
            try:
                outcome = self._choose_outcome(submission)
                if outcome.phase is Phase.BODY:
                    if await record_intents([submission.key]):
                        continue
                    self.sent.append(submission)
            except Exception as error:
                is_refusal = isinstance(error, TransportError)
                detail = str(error) if is_refusal else "not sent, because the intent could not be recorded"
                yield [(submission.key, _make_not_sent(detail))]
                raise
            yield [(submission.key, outcome)]

    async def check_sender(self, sender: Address) -> None:
        """Do nothing: every sender is accepted."""

    async def close(self) -> None:
        """Do nothing."""


def _make_not_sent(detail: str) -> Outcome:
    return Outcome(state=DeliveryState.PENDING, phase=Phase.CONNECT, detail=detail)
