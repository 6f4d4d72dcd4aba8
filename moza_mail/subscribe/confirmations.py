"""Mailing the confirmations: what is due goes out through the ledger, once, beside whatever else is being sent."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from moza_mail.errors import AddressError, MozaMailError, StoreLocked, SubscriptionError
from moza_mail.model.mailing import DeliveryState, Outcome, Phase
from moza_mail.model.message import Envelope, Message
from moza_mail.model.rate import Rate, SendRates
from moza_mail.model.sign_up import Confirmation
from moza_mail.sending.throttle import OVERALL
from moza_mail.store import Store
from moza_mail.transport.protocol import Outcomes, Submission, Transport

BATCH = 50
# Somebody waits for this mail, so the store is asked often; it is one look at an index.
LOOK = timedelta(seconds=2)
# Wait after a failure of the relay or the store, twice as long after each further one, and while another process does the work.
MIN_RETRY_DELAY, MAX_RETRY_DELAY = timedelta(seconds=1), timedelta(seconds=30)

Letter = Callable[[Confirmation], tuple[Envelope, Message]]
"""Composes one confirmation.

Raises AddressError or SubscriptionError when it can never be mailed, and another error when that has to be mended first.
"""
WayOut = Callable[[], AbstractAsyncContextManager[Transport]]
"""Opens the relay, and lets go of it at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """How confirmations are mailed: `stop` is set to end in good order, `rates` are those that mailings keep to as well.

    `trouble` hears of each error that is waited out.
    """

    clock: Callable[[], datetime]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    rates: SendRates = field(default_factory=SendRates)
    trouble: Callable[[Exception], None] = lambda _: None


async def deliver_confirmations(
    store: Store, transport: Transport, letter: Letter, rounds: Rounds
) -> Counter[DeliveryState]:
    """Mail the confirmations that are due, and settle each in the ledger; give how many came to which state.

    The right to mail them must be held. A dead sender's are sorted out first: what may have left stays uncertain and is never
    mailed again. Ends when none is due or `stop` is set. Raises TransportError or StoreError when the relay or the ledger
    cannot go on; what was claimed and not tried is given back.
    """
    await store.confirmations.recover(now=rounds.clock())
    # A transport that fails sets the stop event that it was given. It must not stop the rounds that come after this one.
    halt = asyncio.Event()
    forward = asyncio.create_task(_forward(rounds.stop, halt))
    round_ = _Round(store, letter, replace(rounds, stop=halt))
    try:
        async for outcomes in transport.send(round_.submissions(), round_.intend, halt):
            await round_.settle(outcomes)
    finally:
        forward.cancel()
        await store.confirmations.release(sorted(round_.claimed))
    return round_.became


async def _forward(stop: asyncio.Event, halt: asyncio.Event) -> None:
    await stop.wait()
    halt.set()


@dataclass(slots=True)
class _Round:
    """What one round has in hand."""

    store: Store
    letter: Letter
    rounds: Rounds
    claimed: set[int] = field(default_factory=set)
    """Taken from the ledger, and no body announced yet."""
    became: Counter[DeliveryState] = field(default_factory=Counter)

    async def submissions(self) -> AsyncGenerator[Submission]:
        """Each that is due, composed, when its turn has come."""
        while not self.rounds.stop.is_set():
            batch = await self.store.confirmations.claim(limit=BATCH, now=self.rounds.clock())
            if not batch:
                return
            self.claimed.update(one.id for one in batch)
            for one in batch:
                if not await self._has_its_turn(one):
                    return
                if submission := await self._composed(one):
                    yield submission

    async def _composed(self, one: Confirmation) -> Submission | None:
        """Its message, or None when there is none, which holds up none of the others."""
        try:
            envelope, message = self.letter(one)
        except (AddressError, SubscriptionError) as error:
            state, said = DeliveryState.REFUSED, error.message
        except MozaMailError as error:
            # A theme or a setting that is wrong may be mended.
            state, said = DeliveryState.PENDING, error.message
            self.rounds.trouble(error)
        else:
            return Submission(key=one.id, envelope=envelope, message=message)
        await self.settle([(one.id, Outcome(state=state, phase=Phase.CONNECT, detail=said))])
        return None

    async def _has_its_turn(self, one: Confirmation) -> bool:
        """Wait as the rates say; false when the sending ends."""
        rates, domain = self.rounds.rates, one.address.domain
        own = next((group for group in rates.groups if domain in group.domains.names), None)
        for name, rate in ((own.name, own.rate) if own else ("", None), (OVERALL, rates.overall)):
            if not await self._turn(name, rate):
                return False
        return not self.rounds.stop.is_set()

    async def _turn(self, name: str, rate: Rate | None) -> bool:
        if rate is None:
            return True
        wait = await self.store.rate_limits.reserve(name, rate, 1, now=self.rounds.clock())
        return not await until(wait, self.rounds.stop)

    async def intend(self, keys: Sequence[int]) -> None:
        await self.store.confirmations.record_intents(keys, now=self.rounds.clock())
        self.claimed.difference_update(keys)

    async def settle(self, outcomes: Outcomes) -> None:
        outcomes = [(key, _retry_soon_if_closing(outcome)) for key, outcome in outcomes]
        await self.store.confirmations.record_outcomes(outcomes, now=self.rounds.clock())
        self.claimed.difference_update(key for key, _ in outcomes)
        self.became.update(outcome.state for _, outcome in outcomes)


def _retry_soon_if_closing(outcome: Outcome) -> Outcome:
    """Keep a confirmation pending that a closing relay deferred (421, RFC 5321 3.8): it is back sooner than a mailbox is."""
    closing = outcome.reply is not None and outcome.reply.code == 421
    return replace(outcome, state=DeliveryState.PENDING) if closing else outcome


async def keep_confirming(store: Store, way_out: WayOut, letter: Letter, rounds: Rounds, *, who: str) -> None:
    """Mail confirmations as they become due, until `stop` is set: the background work of a server.

    After any failure it tries again, for ever, with a delay that doubles up to MAX_RETRY_DELAY and starts anew after a success.
    If it is cancelled, it ends at once, and the next sender recovers what it was sending.
    """
    delay = MIN_RETRY_DELAY

    def reset_delay() -> None:
        nonlocal delay
        delay = MIN_RETRY_DELAY

    while not rounds.stop.is_set():
        try:
            async with store.confirmations.hold_sender_lock(who):
                await _while_held(store, way_out, letter, rounds, reset_delay)
        except StoreLocked:
            await until(MAX_RETRY_DELAY, rounds.stop)
        except Exception as error:  # noqa: BLE001  (a bug that one confirmation triggers must not stop all later ones)
            rounds.trouble(error)
            await until(delay, rounds.stop)
            delay = min(2 * delay, MAX_RETRY_DELAY)


async def _while_held(
    store: Store, way_out: WayOut, letter: Letter, rounds: Rounds, on_success: Callable[[], None]
) -> None:
    while not rounds.stop.is_set():
        due = await store.confirmations.find_next_due()
        if due is not None and due <= rounds.clock():
            async with way_out() as transport:
                await deliver_confirmations(store, transport, letter, rounds)
            on_success()
        else:
            await until(LOOK, rounds.stop)


async def until(wait: timedelta, stop: asyncio.Event) -> bool:
    """Wait so long, or until `stop` is set; whether it is."""
    if wait > timedelta(0):
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait.total_seconds())
    return stop.is_set()
