"""The pump: looks ahead for submissions, spreads them over lanes that work side by side, and gathers their outcomes.

A lane is one connection to a relay, or one hand of the outbox. What it takes has been announced to the ledger already,
many together, so that no lane waits for a commit. How many submissions a lane has in hand at once is its own affair.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence

from moza_mail.errors import TransportError
from moza_mail.model.mailing import DeliveryState, Outcome, Phase
from moza_mail.transport.protocol import LOOK_AHEAD, Intend, Outcomes, Submission

# Announce more only when there is room for this many: to wake for each one alone costs more than to compose it.
RUN = 16
# So many are taken before they can be announced: they are composed while the ledger commits what is before them, and one
# commit's outcomes may make room for as many.
AHEAD = LOOK_AHEAD
STOPPED = "not tried, because the sending stopped"


class Feed:
    """Where the lanes of one `send` take submissions that the ledger has noted, and report what became of them.

    `failure` is the first error that stopped all. `over` says that nothing more is to be taken.
    """

    def __init__(self, submissions: AsyncIterable[Submission], intend: Intend, lanes: int) -> None:
        self.failure: Exception | None = None
        self._source = aiter(submissions)
        self._intend = intend
        self._most = LOOK_AHEAD + lanes
        self._open = 0  # announced, and the outcome not yet handed out
        self._unannounced: list[Submission] = []
        self._ready: deque[Submission] = deque()
        self._waiting: deque[Callable[[], None]] = deque()
        self._outcomes: list[tuple[int, Outcome]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped, self._read_all, self._announced_all, self._closed = (asyncio.Event() for _ in range(4))
        self._room, self._space, self._offered, self._news = (asyncio.Event() for _ in range(4))

    @property
    def over(self) -> bool:
        """Whether nothing more is to be taken: something stopped us, or all is taken."""
        return self._stopped.is_set() or (self._announced_all.is_set() and not self._ready)

    @property
    def left(self) -> bool:
        """Whether submissions remain, or may, that no lane has taken."""
        return bool(self._ready) or not self._announced_all.is_set() or self._stopped.is_set()

    def start(self) -> None:
        """Begin to look ahead: a lane can take something."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._look_ahead()), asyncio.create_task(self._announce())]

    def next(self) -> Submission | None:
        """A submission that may be sent, or None when none is ready now."""
        return self._ready.popleft() if self._ready and not self._stopped.is_set() else None

    def wait(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, once, when a submission is ready or none will come."""
        self._waiting.append(wake)
        if self.over:
            self._wake()

    async def take(self) -> Submission | None:
        """Wait for a submission; None when there is no more to do."""
        self.start()
        while (submission := self.next()) is None:
            if self.over:
                return None
            await self.ready()
        return submission

    async def ready(self) -> None:
        """Wait until a submission is ready or none will come."""
        if self._ready or self.over or not self._tasks:
            return
        ready = asyncio.Event()
        self.wait(ready.set)
        await ready.wait()

    def put_back(self, submission: Submission) -> None:
        """Nothing was sent of it: let the next lane that is free have it."""
        self._ready.appendleft(submission)
        self._wake()

    def report(self, submission: Submission, outcome: Outcome) -> None:
        """Tell what became of a submission."""
        self._outcomes.append((submission.key, outcome))
        self._news.set()

    def give_back(self, submission: Submission, detail: str, phase: Phase = Phase.CONNECT) -> None:
        """Report a submission of which nothing was sent."""
        self.report(submission, Outcome(state=DeliveryState.PENDING, phase=phase, detail=detail))

    def fail(self, error: Exception) -> None:
        """Take no more; the first error of all is raised when the lanes have finished."""
        self.failure = self.failure or error
        self.stop()

    def stop(self) -> None:
        """Take no more."""
        self._stopped.set()
        self._room.set()
        self._space.set()
        self._wake()

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than the sending goes on."""
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return

    async def outcomes(self) -> Outcomes:
        """The outcomes since the last time; empty when there will be none.

        They make room to announce as many: the ledger takes what it is told in order, so that these intents are durable
        in one commit with the outcomes, or in a later one.
        """
        while not self._outcomes and not self._closed.is_set():
            self._news.clear()
            await self._news.wait()
        given, self._outcomes = self._outcomes, []
        self._open -= len(given)
        if self._open <= self._most - RUN:
            self._room.set()
        return given

    async def finish(self) -> None:
        """No lane is left: give back what none of them took, and close the stream of outcomes."""
        if not self.over or self._ready:
            self.stop()
        await asyncio.gather(*self._tasks)
        while self._ready:
            self.give_back(self._ready.popleft(), STOPPED)
        self._closed.set()
        self._news.set()

    async def cancel(self) -> None:
        """Stop looking ahead, at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look_ahead(self) -> None:
        """Take from the source, a little more than can be announced."""
        while not self._stopped.is_set():
            if len(self._unannounced) >= AHEAD:
                self._space.clear()
                await self._space.wait()
                continue
            try:
                submission = await anext(self._source)
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001 -- kept, and raised by the pump when the lanes are done
                self.fail(error)
                break
            self._unannounced.append(submission)
            self._offered.set()
        self._read_all.set()
        self._offered.set()

    async def _announce(self) -> None:
        """Announce together all that waits and has room; a ledger that is slow makes the runs longer, by itself."""
        while self._unannounced or not self._read_all.is_set():
            if not self._unannounced:
                self._offered.clear()
                await self._offered.wait()
                continue
            room = self._most - self._open
            if room <= 0 and not self._stopped.is_set():
                self._room.clear()
                await self._room.wait()
                continue
            count = len(self._unannounced) if self._stopped.is_set() else room
            run, self._unannounced = self._unannounced[:count], self._unannounced[count:]
            self._open += len(run)
            self._space.set()
            if self._stopped.is_set() or await self._announced(run):
                self._ready.extend(run)
            self._wake()
        self._announced_all.set()
        self._wake()

    async def _announced(self, run: Sequence[Submission]) -> bool:
        try:
            await self._intend([submission.key for submission in run])
        except Exception as error:  # noqa: BLE001 -- kept, and raised by the pump when the lanes are done
            for submission in run:
                self.give_back(submission, "the ledger could not note that the body was about to leave")
            self.fail(error)
            return False
        return True

    def _wake(self) -> None:
        """Call those who wait: as many as there is something for, or all when nothing more will come."""
        while self._waiting and (self._ready or self.over):
            self._waiting.popleft()()


Lane = Callable[[Feed], Awaitable[TransportError | None]]
"""Works until the feed is over. Gives an error when this lane alone has to stop; raises one that stops all."""


async def pump(
    submissions: AsyncIterable[Submission],
    intend: Intend,
    lanes: Sequence[Lane],
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[Outcomes]:
    """Run the lanes on the submissions and yield their outcomes as they come; see Transport.send.

    An error is raised only when every submission taken has had its outcome: the first that stopped all, or, when no
    lane is left and submissions may be, that of the first lane which stopped. Closed early, the lanes are cancelled:
    what was announced stays so, and no further body is sent.
    """
    feed = Feed(submissions, intend, len(lanes))
    crew = [asyncio.create_task(_work(lane, feed)) for lane in lanes]
    end = asyncio.create_task(_end(feed, crew, stop))
    watch = [asyncio.create_task(_watch(stop, feed))] if stop is not None else []
    try:
        while outcomes := await feed.outcomes():
            yield outcomes
        stopped = [error for error in await end if error is not None]
    finally:
        for task in (*crew, end, *watch):
            task.cancel()
        await asyncio.gather(*crew, end, *watch, return_exceptions=True)
        await feed.cancel()
    if feed.failure is not None:
        raise feed.failure
    if stopped and feed.left:
        raise stopped[0]


async def _work(lane: Lane, feed: Feed) -> TransportError | None:
    """Run one lane; what it raises stops all."""
    try:
        return await lane(feed)
    except Exception as error:  # noqa: BLE001 -- kept, and raised by the pump when the lanes are done
        feed.fail(error)
        return None


async def _end(
    feed: Feed, crew: Sequence[asyncio.Task[TransportError | None]], stop: asyncio.Event | None
) -> list[TransportError | None]:
    """Close the stream of outcomes when every lane is done, and wake a source that still waits when nothing is taken more."""
    stopped = await asyncio.gather(*crew)
    if stop is not None and (feed.failure is not None or (any(stopped) and feed.left)):
        stop.set()
    await feed.finish()
    return stopped


async def _watch(stop: asyncio.Event, feed: Feed) -> None:
    await stop.wait()
    feed.stop()
