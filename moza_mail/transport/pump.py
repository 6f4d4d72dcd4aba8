"""The pump: spreads submissions over lanes that work side by side, and gathers their outcomes into one stream.

A lane is one connection to a relay, or one hand of the outbox. How many submissions a lane has in hand at once is
its own affair.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence

from moza_mail.errors import TransportError
from moza_mail.model.mailing import DeliveryState, Outcome, Phase
from moza_mail.transport.protocol import Intend, Submission

# Outcomes not yet read are not yet in the ledger, so that a kill would make them uncertain: keep them few.
UNREAD = 64


class Feed:
    """Where the lanes of one `send` take submissions, announce bodies and report outcomes."""

    def __init__(self, submissions: AsyncIterable[Submission], intend: Intend) -> None:
        self._source = aiter(submissions)
        self._intend = intend
        self._turn = asyncio.Lock()
        self._over = asyncio.Event()
        self.outcomes: asyncio.Queue[tuple[int, Outcome] | None] = asyncio.Queue(UNREAD)
        self.failure: Exception | None = None
        self.exhausted = False

    @property
    def over(self) -> bool:
        """Whether nothing more is to be taken: all is taken, or something stopped us."""
        return self._over.is_set()

    async def take(self) -> Submission | None:
        """The next submission, or None when there is no more to do."""
        async with self._turn:
            if self.over:
                return None
            try:
                submission = await anext(self._source)
            except StopAsyncIteration:
                self.exhausted = True
                self._over.set()
                return None
            except Exception as error:  # noqa: BLE001 -- kept, and raised by the pump when the lanes are done
                self.fail(error)
                return None
        if self._over.is_set():
            await self.give_back(submission, "not tried, because the sending stopped")
            return None
        return submission

    async def intend(self, key: int) -> bool:
        """Announce that a body is about to leave; False when that failed and it must not."""
        try:
            await self._intend(key)
        except Exception as error:  # noqa: BLE001 -- kept, and raised by the pump when the lanes are done
            self.fail(error)
            return False
        return True

    async def report(self, submission: Submission, outcome: Outcome) -> None:
        """Tell what became of a submission; waits while too many outcomes are unread."""
        await self.outcomes.put((submission.key, outcome))

    async def give_back(self, submission: Submission, detail: str, phase: Phase = Phase.CONNECT) -> None:
        """Report a submission of which nothing was sent."""
        await self.report(submission, Outcome(state=DeliveryState.PENDING, phase=phase, detail=detail))

    def fail(self, error: Exception) -> None:
        """Take no more; the first error of all is raised when the lanes have finished."""
        self.failure = self.failure or error
        self._over.set()

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than there is something to do."""
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return


Lane = Callable[[Feed], Awaitable[TransportError | None]]
"""Works until the feed is over. Gives an error when this lane alone has to stop; raises one that stops all."""


async def pump(
    submissions: AsyncIterable[Submission], intend: Intend, lanes: Sequence[Lane]
) -> AsyncGenerator[tuple[int, Outcome]]:
    """Run the lanes on the submissions and yield (key, Outcome) as they come.

    An error is raised only when every submission taken has had its outcome: the first that stopped all, or, when no
    lane is left and submissions may be, that of the first lane which stopped. Closed early, the lanes are cancelled:
    what was announced stays so, the rest was never sent.
    """
    feed = Feed(submissions, intend)
    crew = [asyncio.create_task(_work(lane, feed)) for lane in lanes]
    end = asyncio.create_task(_end(feed, crew))
    try:
        while (item := await feed.outcomes.get()) is not None:
            yield item
        stopped = [error for error in await end if error is not None]
    finally:
        for task in (*crew, end):
            task.cancel()
        await asyncio.gather(*crew, end, return_exceptions=True)
    if feed.failure is not None:
        raise feed.failure
    if stopped and not feed.exhausted:
        raise stopped[0]


async def _work(lane: Lane, feed: Feed) -> TransportError | None:
    """Run one lane; what it raises stops all."""
    try:
        return await lane(feed)
    except Exception as error:  # noqa: BLE001 -- kept, and raised by the pump when the lanes are done
        feed.fail(error)
        return None


async def _end(
    feed: Feed, crew: Sequence[asyncio.Task[TransportError | None]]
) -> list[TransportError | None]:
    """Close the stream of outcomes when every lane is done."""
    stopped = await asyncio.gather(*crew)
    await feed.outcomes.put(None)
    return stopped
