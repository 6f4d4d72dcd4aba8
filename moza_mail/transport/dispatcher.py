"""The pump: looks ahead for submissions, spreads them over lanes that work side by side, and gathers their outcomes.

A lane is one connection to a relay, or one hand of the outbox. What it takes has been announced to the ledger already,
many together, so that no lane waits for a commit. How many submissions a lane has in hand at once is its own affair.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence

from moza_mail.errors import TransportError
from moza_mail.model.mailing import DeliveryState, Outcome, Phase
from moza_mail.transport.protocol import LOOK_AHEAD, Outcomes, RecordIntents, Submission

# Announce more only when there is room for this many: to wake for each one alone costs more than to compose it.
MIN_BATCH = 16
# So many are taken before they can be announced: they are composed while the ledger commits what is before them, and one
# commit's outcomes may make room for as many.
READ_AHEAD = LOOK_AHEAD
STOPPED = "not tried, because the sending stopped"


class SubmissionQueue:
    """Where the lanes of one `send` take submissions that the ledger has noted, and report what became of them.

    `failure` is the first error that stopped all. `over` says that nothing more is to be taken.
    """

    def __init__(
        self, submissions: AsyncIterable[Submission], record_intents: RecordIntents, workers: int
    ) -> None:
        self.failure: Exception | None = None
        self._source = aiter(submissions)
        self._record_intents = record_intents
        self._max_in_flight = LOOK_AHEAD + workers
        self._in_flight = 0  # announced, and the outcome not yet handed out
        self._without_intent: list[Submission] = []
        self._ready: deque[Submission] = deque()
        self._waiting: deque[Callable[[], None]] = deque()
        self._outcomes: list[tuple[int, Outcome]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped, self._all_read, self._all_recorded, self._closed = (asyncio.Event() for _ in range(4))
        self._room, self._space, self._offered, self._news = (asyncio.Event() for _ in range(4))

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is to be taken: something stopped us, or all is taken."""
        return self._stopped.is_set() or (self._all_recorded.is_set() and not self._ready)

    @property
    def has_unsent(self) -> bool:
        """Whether submissions remain, or may, that no lane has taken."""
        return bool(self._ready) or not self._all_recorded.is_set() or self._stopped.is_set()

    def start(self) -> None:
        """Begin to look ahead: a lane can take something."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._read_ahead()),
                asyncio.create_task(self._record_waiting()),
            ]

    def take_ready(self) -> Submission | None:
        """A submission that may be sent, or None when none is ready now."""
        return self._ready.popleft() if self._ready and not self._stopped.is_set() else None

    def wake_when_ready(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, once, when a submission is ready or none will come."""
        self._waiting.append(wake)
        if self.is_finished:
            self._wake_waiting()

    async def take(self) -> Submission | None:
        """Wait for a submission; None when there is no more to do."""
        self.start()
        while (submission := self.take_ready()) is None:
            if self.is_finished:
                return None
            await self.wait_until_ready()
        return submission

    async def wait_until_ready(self) -> None:
        """Wait until a submission is ready or none will come."""
        if self._ready or self.is_finished or not self._tasks:
            return
        ready = asyncio.Event()
        self.wake_when_ready(ready.set)
        await ready.wait()

    def put_back(self, submission: Submission) -> None:
        """Nothing was sent of it: let the next lane that is free have it."""
        self._ready.appendleft(submission)
        self._wake_waiting()

    def report(self, submission: Submission, outcome: Outcome) -> None:
        """Tell what became of a submission."""
        self._outcomes.append((submission.key, outcome))
        self._news.set()

    def report_not_sent(self, submission: Submission, detail: str, phase: Phase = Phase.CONNECT) -> None:
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
        self._wake_waiting()

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than the sending goes on."""
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return

    async def collect_outcomes(self) -> Outcomes:
        """The outcomes since the last time; empty when there will be none.

        They make room to announce as many: the ledger takes what it is told in order, so that these intents are durable
        in one commit with the outcomes, or in a later one.
        """
        while not self._outcomes and not self._closed.is_set():
            self._news.clear()
            await self._news.wait()
        given, self._outcomes = self._outcomes, []
        self._in_flight -= len(given)
        if self._in_flight <= self._max_in_flight - MIN_BATCH:
            self._room.set()
        return given

    async def finish(self) -> None:
        """No lane is left: give back what none of them took, and close the stream of outcomes."""
        if not self.is_finished or self._ready:
            self.stop()
        await asyncio.gather(*self._tasks)
        while self._ready:
            self.report_not_sent(self._ready.popleft(), STOPPED)
        self._closed.set()
        self._news.set()

    async def cancel(self) -> None:
        """Stop looking ahead, at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read_ahead(self) -> None:
        """Take from the source, a little more than can be announced."""
        while not self._stopped.is_set():
            if len(self._without_intent) >= READ_AHEAD:
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
            self._without_intent.append(submission)
            self._offered.set()
        self._all_read.set()
        self._offered.set()

    async def _record_waiting(self) -> None:
        """Announce together all that waits and has room; a ledger that is slow makes the runs longer, by itself."""
        while self._without_intent or not self._all_read.is_set():
            if not self._without_intent:
                self._offered.clear()
                await self._offered.wait()
                continue
            room = self._max_in_flight - self._in_flight
            if room <= 0 and not self._stopped.is_set():
                self._room.clear()
                await self._room.wait()
                continue
            count = len(self._without_intent) if self._stopped.is_set() else room
            run, self._without_intent = self._without_intent[:count], self._without_intent[count:]
            self._in_flight += len(run)
            self._space.set()
            if self._stopped.is_set() or await self._try_record(run):
                self._ready.extend(run)
            self._wake_waiting()
        self._all_recorded.set()
        self._wake_waiting()

    async def _try_record(self, run: Sequence[Submission]) -> bool:
        try:
            await self._record_intents([submission.key for submission in run])
        except Exception as error:  # noqa: BLE001 -- kept, and raised by the pump when the lanes are done
            for submission in run:
                self.report_not_sent(submission, "the ledger could not note that the body was about to leave")
            self.fail(error)
            return False
        return True

    def _wake_waiting(self) -> None:
        """Call those who wait: as many as there is something for, or all when nothing more will come."""
        while self._waiting and (self._ready or self.is_finished):
            self._waiting.popleft()()


Worker = Callable[[SubmissionQueue], Awaitable[TransportError | None]]
"""Works until the feed is over. Gives an error when this lane alone has to stop; raises one that stops all."""


async def dispatch(
    submissions: AsyncIterable[Submission],
    record_intents: RecordIntents,
    workers: Sequence[Worker],
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[Outcomes]:
    """Run the lanes on the submissions and yield their outcomes as they come; see Transport.send.

    An error is raised only when every submission taken has had its outcome: the first that stopped all, or, when no
    lane is left and submissions may be, that of the first lane which stopped. Closed early, the lanes are cancelled:
    what was announced stays so, and no further body is sent.
    """
    feed = SubmissionQueue(submissions, record_intents, len(workers))
    crew = [asyncio.create_task(_run_worker(lane, feed)) for lane in workers]
    end = asyncio.create_task(_finish(feed, crew, stop))
    watch = [asyncio.create_task(_watch_stop(stop, feed))] if stop is not None else []
    try:
        while outcomes := await feed.collect_outcomes():
            yield outcomes
        stopped = [error for error in await end if error is not None]
    finally:
        for task in (*crew, end, *watch):
            task.cancel()
        await asyncio.gather(*crew, end, *watch, return_exceptions=True)
        await feed.cancel()
    if feed.failure is not None:
        raise feed.failure
    if stopped and feed.has_unsent:
        raise stopped[0]


async def _run_worker(worker: Worker, queue: SubmissionQueue) -> TransportError | None:
    """Run one lane; what it raises stops all."""
    try:
        return await worker(queue)
    except Exception as error:  # noqa: BLE001 -- kept, and raised by the pump when the lanes are done
        queue.fail(error)
        return None


async def _finish(
    queue: SubmissionQueue, tasks: Sequence[asyncio.Task[TransportError | None]], stop: asyncio.Event | None
) -> list[TransportError | None]:
    """Close the stream of outcomes when every lane is done, and wake a source that still waits when nothing is taken more."""
    stopped = await asyncio.gather(*tasks)
    if stop is not None and (queue.failure is not None or (any(stopped) and queue.has_unsent)):
        stop.set()
    await queue.finish()
    return stopped


async def _watch_stop(stop: asyncio.Event, queue: SubmissionQueue) -> None:
    await stop.wait()
    queue.stop()
