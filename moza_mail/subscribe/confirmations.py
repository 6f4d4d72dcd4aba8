"""Send the confirmations that are due, each at most once.

They can be sent while a mailing is being sent.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from moza_mail.errors import AddressError, MozaMailError, StoreLocked, SubscriptionError
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.message import Envelope, Message
from moza_mail.model.outcome import Outcome
from moza_mail.model.rate import Rate, SendRates
from moza_mail.model.reply import Phase
from moza_mail.model.sign_up import Confirmation
from moza_mail.sending.throttle import OVERALL
from moza_mail.store import Store
from moza_mail.transport.protocol import Outcomes, Submission, Transport

BATCH = 50
# People wait for this mail, so the store is asked often. The query reads one entry of an index.
POLL_INTERVAL = timedelta(seconds=2)
# The wait after a failure, doubled after each further failure. While another process holds the lock, the wait is the maximum.
MIN_RETRY_DELAY, MAX_RETRY_DELAY = timedelta(seconds=1), timedelta(seconds=30)

ComposeConfirmation = Callable[[Confirmation], tuple[Envelope, Message]]
"""Compose one message. Raise AddressError or SubscriptionError if it can never be sent. Raise another error if a person can fix the cause."""
OpenTransport = Callable[[], AbstractAsyncContextManager[Transport]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationSettings:
    """Dependencies and limits for sending confirmations.

    stop: an event. Set it to end the work in good order.
    rates: the rate limits, shared with mailings.
    on_error: called with each error that does not end the work.
    """

    clock: Callable[[], datetime]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    rates: SendRates = field(default_factory=SendRates)
    on_error: Callable[[Exception], None] = lambda _: None


async def deliver_confirmations(
    store: Store, transport: Transport, compose: ComposeConfirmation, settings: ConfirmationSettings
) -> Counter[DeliveryState]:
    """Send the confirmations that are due and record their outcomes; return counts by state.

    The caller holds the sender lock for confirmations. Confirmations that an interrupted sender may have sent
    become uncertain, and are never sent again. The run ends when no confirmation is due or `stop` is set.
    Raise TransportError or StoreError if the relay or the store fails. Confirmations that were claimed and
    not tried are then released.
    """
    await store.confirmations.recover(now=settings.clock())
    # A transport that fails sets the stop event that it was given. This must not stop later runs.
    stop_run = asyncio.Event()
    forward = asyncio.create_task(_forward(settings.stop, stop_run))
    run = _Run(store, compose, replace(settings, stop=stop_run))
    try:
        async for outcomes in transport.send(run.submissions(), run.record_intents, stop_run):
            await run.record_outcomes(outcomes)
    finally:
        forward.cancel()
        await store.confirmations.release(sorted(run.claimed))
    return run.counts


async def _forward(stop: asyncio.Event, stop_run: asyncio.Event) -> None:
    await stop.wait()
    stop_run.set()


@dataclass(slots=True)
class _Run:
    """The state of one run.

    claimed: ids of the confirmations that this run claimed and has not begun to send.
    """

    store: Store
    compose: ComposeConfirmation
    settings: ConfirmationSettings
    claimed: set[int] = field(default_factory=set)
    counts: Counter[DeliveryState] = field(default_factory=Counter)

    async def submissions(self) -> AsyncGenerator[Submission]:
        """Yield the message of each confirmation that is due, as fast as the rate limits allow."""
        while not self.settings.stop.is_set():
            await self.store.sign_ups.handle_requests(now=self.settings.clock())
            batch = await self.store.confirmations.claim(limit=BATCH, now=self.settings.clock())
            if not batch:
                return
            self.claimed.update(one.id for one in batch)
            for one in batch:
                if not await self._wait_for_rates(one):
                    return
                if submission := await self._compose(one):
                    yield submission

    async def _compose(self, one: Confirmation) -> Submission | None:
        """Compose a message; if that fails, record why and return None.

        The other messages are still sent.
        """
        try:
            envelope, message = self.compose(one)
        except (AddressError, SubscriptionError) as error:
            state, detail = DeliveryState.REFUSED, error.message
        except MozaMailError as error:
            # A person can fix a theme or a setting, so the confirmation is tried again.
            state, detail = DeliveryState.PENDING, error.message
            self.settings.on_error(error)
        else:
            return Submission(key=one.id, envelope=envelope, message=message)
        await self.record_outcomes([(one.id, Outcome(state=state, phase=Phase.CONNECT, detail=detail))])
        return None

    async def _wait_for_rates(self, one: Confirmation) -> bool:
        """Wait until the rate limits allow a message; return False if `stop` is set meanwhile."""
        rates, domain = self.settings.rates, one.address.domain
        group = next((group for group in rates.groups if domain in group.domains.names), None)
        for name, rate in ((group.name, group.rate) if group else ("", None), (OVERALL, rates.overall)):
            if rate is not None and await self._wait_for_rate(name, rate):
                return False
        return not self.settings.stop.is_set()

    async def _wait_for_rate(self, name: str, rate: Rate) -> bool:
        wait = await self.store.rate_limits.reserve(name, rate, 1, now=self.settings.clock())
        return await _wait(wait, self.settings.stop)

    async def record_intents(self, ids: Sequence[int]) -> None:
        await self.store.confirmations.record_intents(ids, now=self.settings.clock())
        self.claimed.difference_update(ids)

    async def record_outcomes(self, outcomes: Outcomes) -> None:
        outcomes = [(key, _retry_if_closing(outcome)) for key, outcome in outcomes]
        await self.store.confirmations.record_outcomes(outcomes, now=self.settings.clock())
        self.claimed.difference_update(key for key, _ in outcomes)
        self.counts.update(outcome.state for _, outcome in outcomes)


def _retry_if_closing(outcome: Outcome) -> Outcome:
    """Keep a confirmation pending if the relay is closing (421, RFC 5321 3.8).

    A relay that is closing accepts mail again sooner than a full mailbox does.
    """
    is_closing = outcome.reply is not None and outcome.reply.code == 421
    return replace(outcome, state=DeliveryState.PENDING) if is_closing else outcome


async def keep_delivering_confirmations(
    store: Store,
    open_transport: OpenTransport,
    compose: ComposeConfirmation,
    settings: ConfirmationSettings,
    *,
    purpose: str,
) -> None:
    """Send confirmations as they become due, until `stop` is set.

    After a failure the function waits and tries again. The delay doubles up to MAX_RETRY_DELAY, and a success
    resets the delay. While another process holds the sender lock, the function tries again every MAX_RETRY_DELAY.
    The function may be cancelled at any time. The next run then recovers as it does after a crash.

    purpose: names the holder of the lock to other processes.
    """
    delay = MIN_RETRY_DELAY

    def reset_delay() -> None:
        nonlocal delay
        delay = MIN_RETRY_DELAY

    while not settings.stop.is_set():
        try:
            async with store.confirmations.hold_sender_lock(purpose):
                await _deliver_until_stopped(store, open_transport, compose, settings, reset_delay)
        except StoreLocked:
            await _wait(MAX_RETRY_DELAY, settings.stop)
        except Exception as error:  # noqa: BLE001  (a bug in one message must not stop all later ones)
            settings.on_error(error)
            await _wait(delay, settings.stop)
            delay = min(2 * delay, MAX_RETRY_DELAY)


async def _deliver_until_stopped(
    store: Store,
    open_transport: OpenTransport,
    compose: ComposeConfirmation,
    settings: ConfirmationSettings,
    on_success: Callable[[], None],
) -> None:
    while not settings.stop.is_set():
        # Handle the requests even while the relay fails, so that no sign-up waits in the queue for the relay.
        more_wait = await store.sign_ups.handle_requests(now=settings.clock())
        due_at = await store.confirmations.find_next_due()
        if due_at is not None and due_at <= settings.clock():
            async with open_transport() as transport:
                await deliver_confirmations(store, transport, compose, settings)
            on_success()
        elif not more_wait:
            await _wait(POLL_INTERVAL, settings.stop)


async def _wait(time: timedelta, stop: asyncio.Event) -> bool:
    """Wait for this time, or until `stop` is set; return True if `stop` is set."""
    if time > timedelta(0):
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), time.total_seconds())
    return stop.is_set()
