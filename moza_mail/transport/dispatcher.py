"""Dispatch submissions to parallel workers and collect their outcomes.

A worker is one connection to a relay, or one writer of the outbox. An intent is a ledger entry for a message that is about
to be sent. Intents are recorded in batches before a worker takes the submissions, so no worker waits for a commit. A worker may
have several submissions in progress.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Sequence

from moza_mail.errors import TransportError
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.outcome import Outcome
from moza_mail.model.reply import Phase
from moza_mail.transport.protocol import LOOK_AHEAD, Outcomes, RecordIntents, Submission

# The number of submissions that are read before their intents may be recorded. They are composed while the
# ledger commits earlier submissions. The outcomes in one commit may make room for this many new intents.
READ_AHEAD = LOOK_AHEAD
MAX_BATCH = 24
# Seconds that an outcome may wait for others, so that one commit records many outcomes and intents.
MAX_OUTCOME_WAIT = 0.005
BATCHES_PER_ADJUSTMENT = 8
STOPPED = "not tried, because sending was stopped"


class LookAhead:
    """The limit on the number of submissions that have an intent and no outcome yet.

    If the process is killed, exactly these submissions become uncertain. So the limit is only as high as the
    workers need. It starts at two for each worker. It grows by half when a worker must wait because of the limit. It shrinks
    when, for a while, some submissions were always ready and no worker needed them. So a fast relay or a slow disk gets a high
    limit, and a slow relay gets a low limit.
    """

    def __init__(self, workers: int) -> None:
        self._ceiling = LOOK_AHEAD + workers
        self.limit = self._floor = min(2 * workers, self._ceiling)
        self._unused = self._ceiling  # the fewest ready submissions since the last adjustment
        self._batches = 0
        self._may_grow = False

    @property
    def batch_size(self) -> int:
        """The number of intents or outcomes for one commit.

        A commit takes as long as sending several messages.
        """
        return max(1, min(MAX_BATCH, self.limit // 3))

    def count_ready(self, ready: int) -> None:
        """Record how many submissions are still ready after a worker has taken one."""
        self._unused = min(self._unused, ready)

    def grow(self, in_flight: int) -> bool:
        """Raise the limit if a worker must wait because of it; return True if it was raised.

        The limit is raised at most once for each batch, because all workers wait for the same batch.
        """
        self._unused = 0
        if not self._may_grow or self.limit == self._ceiling or in_flight <= self.limit - self.batch_size:
            return False
        self._may_grow = False
        self.limit = min(self.limit + self.limit // 2, self._ceiling)
        return True

    def finish_batch(self) -> None:
        """Record that a batch is ready. After every few batches, lower the limit.

        The limit is lowered by half the number of submissions that were always ready without being needed.
        """
        self._may_grow = True
        self._batches += 1
        if self._batches == BATCHES_PER_ADJUSTMENT:
            self.limit = max(self._floor, self.limit - (self._unused + 1) // 2)
            self._batches, self._unused = 0, self._ceiling


class SubmissionQueue:
    """The submissions that the workers of one `send` may send now, and their outcomes.

    The ledger has recorded the intent to send each of these submissions.

    failure: the first error that stopped all workers.
    """

    def __init__(
        self, submissions: AsyncIterable[Submission], record_intents: RecordIntents, workers: int
    ) -> None:
        self.failure: Exception | None = None
        self._source = aiter(submissions)
        self._record_intents = record_intents
        self._ahead = LookAhead(workers)
        self._in_flight = 0  # intents recorded whose outcomes collect_outcomes has not returned
        self._without_intent: list[Submission] = []
        self._ready: deque[Submission] = deque()
        self._waiting: deque[Callable[[], None]] = deque()
        self._outcomes: list[tuple[int, Outcome]] = []
        self._outcome_timer: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped, self._all_read, self._all_recorded, self._closed = (asyncio.Event() for _ in range(4))
        self._may_record, self._may_read, self._has_read, self._has_outcomes = (
            asyncio.Event() for _ in range(4)
        )

    @property
    def is_finished(self) -> bool:
        """Return True if no worker will take another submission.

        Either all are taken, or the queue is stopped.
        """
        return self._stopped.is_set() or (self._all_recorded.is_set() and not self._ready)

    @property
    def has_unsent(self) -> bool:
        """Return True if there are, or may be, submissions that no worker has taken."""
        return bool(self._ready) or not self._all_recorded.is_set() or self._stopped.is_set()

    def start(self) -> None:
        """Start to read submissions ahead, because a worker is ready."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._read_ahead()),
                asyncio.create_task(self._record_waiting()),
            ]

    def take_ready(self) -> Submission | None:
        """Return a submission that may be sent now, or None if none is ready."""
        if self._stopped.is_set():
            return None
        if self._ready:
            submission = self._ready.popleft()
            self._ahead.count_ready(len(self._ready))
            return submission
        if self._ahead.grow(self._in_flight):
            self._may_record.set()
        return None

    def wake_when_ready(self, wake: Callable[[], None]) -> None:
        """Call `wake` once, when a submission is ready or there will be no more."""
        self._waiting.append(wake)
        self._wake_waiting()

    async def take(self) -> Submission | None:
        """Wait for a submission; return None if there will be no more."""
        self.start()
        while (submission := self.take_ready()) is None:
            if self.is_finished:
                return None
            await self.wait_until_ready()
        return submission

    async def wait_until_ready(self) -> None:
        """Wait until a submission is ready or there will be no more."""
        if self._ready or self.is_finished or not self._tasks:
            return
        ready = asyncio.Event()
        self.wake_when_ready(ready.set)
        await ready.wait()

    def put_back(self, submission: Submission) -> None:
        """Put a submission back for the next free worker, because none of it was sent."""
        self._ready.appendleft(submission)
        self._wake_waiting()

    def report(self, submission: Submission, outcome: Outcome) -> None:
        """Report the outcome of a submission."""
        self._outcomes.append((submission.key, outcome))
        if len(self._outcomes) >= self._ahead.batch_size:
            self._has_outcomes.set()
        elif self._outcome_timer is None:
            self._outcome_timer = asyncio.get_running_loop().call_later(
                MAX_OUTCOME_WAIT, self._has_outcomes.set
            )

    def report_not_sent(self, submission: Submission, detail: str, phase: Phase = Phase.CONNECT) -> None:
        """Report that nothing of a submission was sent."""
        self.report(submission, Outcome(state=DeliveryState.PENDING, phase=phase, detail=detail))

    def fail(self, error: Exception) -> None:
        """Stop all workers because of an error.

        The first such error is raised when all workers have finished.
        """
        self.failure = self.failure or error
        self.stop()

    def stop(self) -> None:
        """Stop the workers from taking more submissions."""
        self._stopped.set()
        self._may_record.set()
        self._may_read.set()
        self._wake_waiting()

    async def pause(self, seconds: float) -> None:
        """Wait this many seconds, or until the queue is stopped."""
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return

    async def collect_outcomes(self) -> Outcomes:
        """Wait until the new outcomes fill a batch or have waited long enough; return them.

        The result is empty if there will be no more outcomes.

        For each outcome, one more intent may be recorded. The caller first gives the outcomes to the ledger,
        which commits in order. So an intent is never durable before the outcome that made room for it.
        """
        if not self._closed.is_set():
            await self._has_outcomes.wait()
            self._has_outcomes.clear()
        if self._outcome_timer is not None:
            self._outcome_timer.cancel()
        outcomes, self._outcomes, self._outcome_timer = self._outcomes, [], None
        self._in_flight -= len(outcomes)
        if self._in_flight <= self._ahead.limit - self._ahead.batch_size:
            self._may_record.set()
        return outcomes

    async def finish(self) -> None:
        """Report submissions that no worker took as not sent, and end the stream of outcomes.

        Called when all workers have finished.
        """
        if not self.is_finished or self._ready:
            self.stop()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._ready:
            self.report_not_sent(self._ready.popleft(), STOPPED)
        self._closed.set()
        self._has_outcomes.set()
        _raise_first(results)

    async def cancel(self) -> None:
        """Stop reading ahead, at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read_ahead(self) -> None:
        """Read submissions from the source, up to READ_AHEAD more than may have an intent now."""
        try:
            await self._read_all()
        finally:
            # The events are set even if the source was cancelled, because workers wait for them.
            self._all_read.set()
            self._has_read.set()

    async def _read_all(self) -> None:
        while not self._stopped.is_set():
            if len(self._without_intent) >= READ_AHEAD:
                self._may_read.clear()
                await self._may_read.wait()
                continue
            try:
                submission = await anext(self._source)
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001 -- kept, and raised by dispatch when all workers have finished
                self.fail(error)
                break
            except BaseException:
                self.stop()
                raise
            self._without_intent.append(submission)
            self._has_read.set()

    async def _record_waiting(self) -> None:
        """Record the intents of all waiting submissions in one commit.

        While the ledger is slow, more submissions wait, so the next batch is larger.
        """
        while self._without_intent or not self._all_read.is_set():
            if not self._without_intent:
                self._has_read.clear()
                await self._has_read.wait()
                continue
            room = self._ahead.limit - self._in_flight
            if room < self._ahead.batch_size and not self._stopped.is_set():
                self._may_record.clear()
                await self._may_record.wait()
                continue
            count = len(self._without_intent) if self._stopped.is_set() else room
            batch, self._without_intent = self._without_intent[:count], self._without_intent[count:]
            self._in_flight += len(batch)
            self._may_read.set()
            self._ready.extend(batch if self._stopped.is_set() else await self._try_record(batch))
            self._ahead.finish_batch()
            self._wake_waiting()
        self._all_recorded.set()
        self._wake_waiting()

    async def _try_record(self, batch: Sequence[Submission]) -> Sequence[Submission]:
        """Record the intents of a batch; return the submissions that may be sent."""
        try:
            dropped = await self._record_intents([submission.key for submission in batch]) or ()
        except Exception as error:  # noqa: BLE001 -- kept, and raised by dispatch when all workers have finished
            for submission in batch:
                self.report_not_sent(submission, "not sent, because the ledger could not record the intent")
            self.fail(error)
            return ()
        except BaseException:
            for submission in batch:
                self.report_not_sent(submission, STOPPED)
            self.stop()
            raise
        self._in_flight -= len(dropped)
        return [submission for submission in batch if submission.key not in dropped] if dropped else batch

    def _wake_waiting(self) -> None:
        """Wake a waiting worker for each ready submission.

        If there will be no more submissions, wake all workers.
        """
        while self._waiting and (self._ready or self.is_finished):
            self._waiting.popleft()()


Worker = Callable[[SubmissionQueue], Awaitable[TransportError | None]]
"""Works until the queue is finished.

Returns an error that stops only this worker; raises an error that stops all workers.
"""


async def dispatch(
    submissions: AsyncIterable[Submission],
    record_intents: RecordIntents,
    workers: Sequence[Worker],
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[Outcomes]:
    """Run the workers and yield the outcomes of submissions as they come.

    See Transport.send. If an error stopped all workers, the first such error is raised. If instead every worker
    stopped with an error of its own, and submissions may be left, the error of the first worker is raised. In
    both cases, every submission that was taken has its outcome before the error is raised.

    If the generator is closed early, the workers are cancelled: recorded intents remain, and no further body
    is sent.
    """
    queue = SubmissionQueue(submissions, record_intents, len(workers))
    tasks = [asyncio.create_task(_run_worker(worker, queue)) for worker in workers]
    finish = asyncio.create_task(_finish(queue, tasks, stop))
    watch = [asyncio.create_task(_watch_stop(stop, queue))] if stop is not None else []
    try:
        while outcomes := await queue.collect_outcomes():
            yield outcomes
        errors = await finish
    finally:
        for task in (*tasks, finish, *watch):
            task.cancel()
        await asyncio.gather(*tasks, finish, *watch, return_exceptions=True)
        await queue.cancel()
    if queue.failure is not None:
        raise queue.failure
    if errors and queue.has_unsent:
        raise errors[0]


async def _run_worker(worker: Worker, queue: SubmissionQueue) -> TransportError | None:
    """Run one worker. If it raises an error, all workers are stopped."""
    try:
        return await worker(queue)
    except Exception as error:  # noqa: BLE001 -- kept, and raised by dispatch when all workers have finished
        queue.fail(error)
        return None
    except BaseException:
        # The other workers must not wait for submissions that this worker would have sent.
        queue.stop()
        raise


async def _finish(
    queue: SubmissionQueue, tasks: Sequence[asyncio.Task[TransportError | None]], stop: asyncio.Event | None
) -> list[TransportError]:
    """Close the stream of outcomes when all workers have finished.

    After a failure, `stop` is set, so that a source of submissions that is waiting can end.
    """
    results = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [result for result in results if isinstance(result, TransportError)]
    if stop is not None and (queue.failure is not None or (errors and queue.has_unsent)):
        stop.set()
    await queue.finish()
    _raise_first(result for result in results if not isinstance(result, Exception))
    return errors


def _raise_first(results: Iterable[BaseException | TransportError | None]) -> None:
    """Raise the first exception among the results of tasks."""
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _watch_stop(stop: asyncio.Event, queue: SubmissionQueue) -> None:
    await stop.wait()
    queue.stop()
