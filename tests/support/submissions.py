"""Submissions and the result of sending them, for tests of transports."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from moza_mail.model.address import Address
from moza_mail.model.message import Envelope, Message
from moza_mail.model.outcome import Outcome
from moza_mail.transport import Submission, Transport

SENDER = Address(local="weekly", domain="example.org")


def make_submission(key: int, *, content: bytes = b"", domain: str = "example.com") -> Submission:
    """Return a submission of a small message to reader<key>."""
    recipient = Address(local=f"reader{key}", domain=domain)
    text = content or b"Subject: nummer %d\r\nTo: %b\r\n\r\nBeste lezer,\r\n" % (key, str(recipient).encode())
    return Submission(
        key=key,
        envelope=Envelope(sender=SENDER, recipient=recipient),
        message=Message(content=text, message_id=f"<{key}.abc@example.org>"),
    )


@dataclass(kw_only=True)
class SendResult:
    """The result of a send.

    outcomes: the outcome by key.
    intended: the keys for which an intent was recorded.
    taken: the keys of the submissions that the transport took.
    error: the error that the transport raised, None if it raised none.
    """

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    intended: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    error: Exception | None = None

    @property
    def states(self) -> list[str]:
        """The states in order of the keys."""
        return [str(outcome.state) for _, outcome in sorted(self.outcomes.items())]

    async def iter_submissions(self, submissions: Iterable[Submission]) -> AsyncIterator[Submission]:
        """Yield the submissions, and record the key of each that is taken."""
        for submission in submissions:
            self.taken.append(submission.key)
            yield submission


async def send(
    transport: Transport,
    submissions: Iterable[Submission] | int,
    *,
    before_body: Callable[[int], object] = bool,
) -> SendResult:
    """Send submissions, and check that each submission taken has exactly one outcome.

    submissions: the submissions, or their number.
    """
    ran = SendResult()

    async def intend(keys: Sequence[int]) -> None:
        for key in keys:
            before_body(key)
        ran.intended += keys

    wanted = (
        [make_submission(key) for key in range(submissions)] if isinstance(submissions, int) else submissions
    )
    try:
        async for outcomes in transport.send(ran.iter_submissions(wanted), intend):
            for key, outcome in outcomes:
                assert key not in ran.outcomes
                ran.outcomes[key] = outcome
    except Exception as error:  # noqa: BLE001 -- the test checks the error
        ran.error = error
    assert sorted(ran.outcomes) == sorted(ran.taken)
    assert len(set(ran.intended)) == len(ran.intended)
    return ran
