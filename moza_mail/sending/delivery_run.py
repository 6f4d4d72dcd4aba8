"""Deliver a mailing and record each outcome in the ledger.

Deliveries are claimed in batches, composed and sent. An interrupted mailing is resumed by running it again: the ledger knows
which deliveries are left, so no position in a list is kept.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from moza_mail.compose import CompiledMailing
from moza_mail.errors import AddressError, DeliverySkipped, MozaMailError, StoreError, StoreUnavailable
from moza_mail.i18n import gettext as _
from moza_mail.i18n import ngettext
from moza_mail.model.circuit_breaker import CircuitBreaker
from moza_mail.model.mailing import Delivery, DeliveryState, Mailing
from moza_mail.model.message import Envelope, Message
from moza_mail.model.message_size import message_too_large, refuses_size
from moza_mail.model.outcome import HOLDING_VERDICTS, Outcome
from moza_mail.model.rate import ClaimExclusion, DomainFilter, SendRates
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.verdict import Verdict
from moza_mail.sending import compose_ahead
from moza_mail.sending.audit import log_send_run
from moza_mail.sending.one_processor import use_one_processor
from moza_mail.sending.other_senders import taking_over, wait_for_others
from moza_mail.sending.throttle import Throttle
from moza_mail.store import Store
from moza_mail.transport.protocol import Outcomes, Submission, Transport

# A delivery that was returned untried this often in one run is deferred, so that it cannot hold up the others.
MAX_UNTRIED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSettings:
    """Settings of one `send` run.

    stop: set to end the run in good order.
    limit: the maximum number of recipients to mail, None for all.
    wait: how long to wait for deferred deliveries that become due.
    retry_uncertain: mail the recipients with an uncertain delivery again, because a person has decided so. The relay may
        have accepted their first message.
    retry_refused: mail the refused recipients again, because a person has decided so.
    retry_verdict: limits `retry_refused` to deliveries with this verdict, None for all.
    rates: the rate limits that apply. A delivery that must wait does not hold up other deliveries.
    on_outcomes: called with the outcomes that were recorded.
    on_end: called with the circuit breaker at the end of the run, also if the run fails.
    """

    clock: Callable[[], datetime]
    stop: asyncio.Event
    batch_size: int = 250
    limit: int | None = None
    wait: timedelta = timedelta(0)
    retry_uncertain: bool = False
    retry_refused: bool = False
    retry_verdict: Verdict | None = None
    rates: SendRates = field(default_factory=SendRates)
    on_outcomes: Callable[[Outcomes], None] = lambda _: None
    on_end: Callable[[CircuitBreaker], None] = lambda _: None


async def deliver(
    store: Store, transport: Transport, mailing: Mailing, compiled: CompiledMailing, settings: SendSettings
) -> CircuitBreaker:
    """Mail every recipient who is due and record the outcomes.

    The caller holds the sender lock. Deliveries that a killed sender left unfinished are recovered first. The run ends when
    nothing is due, the limit is reached, `stop` is set, or the circuit breaker trips because too many replies refuse us, the
    sender. Claimed deliveries that were not tried are always released. Raises TransportError or StoreError if the relay or the
    ledger fails, and MailingError if the relay refuses messages of this size.
    """
    until = settings.clock() + settings.wait
    await store.ledger.recover(mailing.id, now=settings.clock())
    if settings.retry_uncertain:
        await store.ledger.retry_uncertain(mailing.id, now=settings.clock())
    if settings.retry_refused:
        await store.ledger.retry_refused(mailing.id, settings.retry_verdict, now=settings.clock())
    run = _DeliveryRun(store, mailing, compiled, settings, remaining=settings.limit, relay=transport.name)
    run.size_accepted = (await store.ledger.count_by_state(mailing.id))[DeliveryState.ACCEPTED] > 0
    # Signing threads work in parallel, so a signed mailing uses all processors.
    with nullcontext() if compiled.is_signed else use_one_processor():
        async with (
            log_send_run(store, mailing, settings.clock),
            taking_over(store, mailing.id, settings.clock),
        ):
            try:
                # No subscriber has the id 0. This address is an example of the mailing's return addresses.
                await transport.check_sender(compiled.make_return_path(0))
                while run.can_continue:
                    run.start_round()
                    async for outcomes in transport.send(
                        run.compose_submissions(), run.record_intents, run.halt
                    ):
                        await run.record_outcomes(outcomes)
                    if not run.untried_in_round and not await run.wait_for_more(until):
                        break
            except StoreUnavailable as error:
                run.failure = run.failure or error
            finally:
                settings.on_end(run.breaker)
                if run.failure is None:
                    await store.ledger.pause(mailing.id, run.breaker.pause_until(settings.clock()))
                await run.finish()
    return run.breaker


@dataclass(slots=True)
class _DeliveryRun:
    """The state of one run.

    remaining: how many more recipients the run may mail, None for all.
    size_accepted: True once the relay has accepted a message of this mailing, for any recipient.
    too_large: the reply by which the relay refuses messages of this size.
    untried_in_round: the number of deliveries of this round that the transport returned untried.
    claimed: ids of deliveries that are claimed and have no intent yet.
    untried: how often each delivery was returned untried.
    held: ids of deliveries that stay pending because a reply was about us or our message. This run does not claim them again.
    domain_of: the recipient's domain of each delivery that the transport is sending, or whose outcome could not be recorded.
    halt: set when no further body may be sent, not even for deliveries that the transport has taken already.
    failure: the first error of the ledger.
    """

    store: Store
    mailing: Mailing
    compiled: CompiledMailing
    settings: SendSettings
    remaining: int | None
    relay: str
    size_accepted: bool = False
    too_large: Reply | None = None
    untried_in_round: int = 0
    throttle: Throttle | None = None
    claimed: set[int] = field(default_factory=set)
    untried: dict[int, int] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    domain_of: dict[int, str] = field(default_factory=dict)
    halt: asyncio.Event = field(default_factory=asyncio.Event)
    failure: BaseException | None = None
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)

    @property
    def is_stopped(self) -> bool:
        return (
            self.settings.stop.is_set()
            or self.breaker.is_tripped
            or self.too_large is not None
            or self.failure is not None
        )

    @property
    def can_continue(self) -> bool:
        return not self.is_stopped and self.remaining != 0

    def start_round(self) -> None:
        """Start a round of claims.

        Deliveries that the transport returned untried in the last round may be claimed again.
        """
        self.untried_in_round = 0
        if self.settings.rates:
            self.throttle = Throttle(self.store, self.settings.rates, self, self.settings.clock)

    async def wait_for_more(self, until: datetime) -> bool:
        """Return True if there are more deliveries, if necessary after waiting.

        The run waits for deferred deliveries that are due by `until`, and for other senders of this mailing.
        """
        if not self.can_continue:
            return False
        if await wait_for_others(self.store, self.mailing.id, self.settings.clock, self.pause):
            return True
        due = await self.store.ledger.find_next_attempt(self.mailing.id)
        return due is not None and due <= until and await self.pause(due - self.settings.clock())

    async def pause(self, wait: timedelta) -> bool:
        """Wait and return True; return False at once if the run is stopped."""
        if wait > timedelta(0) and not self.is_stopped:
            stops = [asyncio.ensure_future(event.wait()) for event in (self.settings.stop, self.halt)]
            await asyncio.wait(stops, timeout=wait.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
            for stop in stops:
                stop.cancel()
        return not self.is_stopped and not self.halt.is_set()

    async def compose_submissions(self) -> AsyncGenerator[Submission]:
        """Compose a message for each delivery shortly before it is needed.

        Signed messages are composed in other threads, because signing takes long and releases the interpreter lock.
        """
        compose = partial(compose_ahead.compose_all, self.compiled)
        pool = ThreadPoolExecutor(compose_ahead.SIGNING_THREADS, "sign") if self.compiled.is_signed else None
        # With a rate limit nothing is composed ahead, so that a chunk is sent without waiting for the next chunk.
        ahead = 0 if self.throttle else compose_ahead.CHUNKS_AHEAD
        chunks = (
            compose_ahead.run_in_threads(pool, compose, self.claim_batches(), ahead)
            if pool
            else compose_ahead.run_inline(compose, self.claim_batches())
        )
        try:
            async for chunk in chunks:
                for delivery, composed in chunk:
                    if self.is_stopped:
                        return
                    if delivery.address.domain.lower() in self.breaker.blocking:
                        await self.release([delivery])
                        continue
                    if submission := await self.make_submission(delivery, composed):
                        yield submission
        finally:
            await chunks.aclose()
            if pool:
                pool.shutdown(cancel_futures=True)

    async def claim_batches(self) -> AsyncGenerator[Sequence[Delivery]]:
        """Yield batches of claimed deliveries that may be sent now."""
        claim = self.throttle.next_batch if self.throttle else self.claim
        while batch := await claim(self.settings.batch_size):
            yield batch

    async def claim(self, limit: int, domains: DomainFilter | None = None) -> list[Delivery]:
        """Claim up to `limit` deliveries, within the limit of the run."""
        limit = limit if self.remaining is None else min(limit, self.remaining)
        if not limit or self.is_stopped:
            return []
        now, ledger = self.settings.clock(), self.store.ledger
        batch = await ledger.claim(
            self.mailing.id, limit=limit, now=now, domains=domains, excluded=self.make_exclusion()
        )
        self.claimed.update(delivery.id for delivery in batch)
        self.remaining = None if self.remaining is None else self.remaining - len(batch)
        return batch

    def make_exclusion(self) -> ClaimExclusion | None:
        """Return the deliveries that this run must not claim again; None if there are none."""
        if not self.held and not self.breaker.blocking:
            return None
        return ClaimExclusion(
            delivery_ids=frozenset(self.held), domains=frozenset(filter(None, self.breaker.blocking))
        )

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        """Release claimed deliveries that are not sent now."""
        await self.store.ledger.release([delivery.id for delivery in deliveries])
        self.claimed.difference_update(delivery.id for delivery in deliveries)
        self.remaining = None if self.remaining is None else self.remaining + len(deliveries)

    async def make_submission(
        self, delivery: Delivery, composed: compose_ahead.Composed
    ) -> Submission | None:
        """Return the submission of a delivery, or None if its recipient cannot be addressed.

        In that case the delivery is recorded as refused.
        """
        if isinstance(composed, AddressError):
            outcome = Outcome(state=DeliveryState.REFUSED, phase=Phase.CONNECT, detail=composed.reason)
            await self.record_outcomes([(delivery.id, outcome)])
            return None
        envelope, message = composed
        self.domain_of[delivery.id] = delivery.address.domain.lower()
        return Submission(key=delivery.id, envelope=envelope, message=message)

    async def record_intents(self, keys: Sequence[int]) -> Collection[int]:
        """Record the intent to send these deliveries; return those that must not be sent.

        The recipients of the returned deliveries were erased after the run claimed them.
        """
        errors = await self.store.ledger.record_intents(keys, now=self.settings.clock())
        for error in errors.values():
            if not isinstance(error, DeliverySkipped):
                raise error
        self.claimed.difference_update(keys)
        return errors.keys()

    async def record_outcomes(self, outcomes: Outcomes) -> None:
        """Record outcomes in one commit. If the ledger rejects an outcome, the run stops."""
        adjusted = [(key, self._adjust_outcome(key, outcome)) for key, outcome in outcomes]
        try:
            errors = await self.store.ledger.record_outcomes(adjusted, now=self.settings.clock())
        except StoreError as error:
            errors = {key: error for key, _ in outcomes}
        self.claimed.difference_update(key for key, _ in outcomes)
        self.breaker = self.breaker.record_all(
            (outcome, self.domain_of.pop(key, "")) for key, outcome in outcomes
        )
        if errors:
            self.failure = self.failure or next(iter(errors.values()))
            tried = {key for key, outcome in outcomes if outcome.state is not DeliveryState.PENDING}
            self.domain_of.update(dict.fromkeys(errors.keys() & tried, ""))
        recorded = [one for one in outcomes if one[0] not in errors] if errors else outcomes
        self.settings.on_outcomes(recorded)
        if self.is_stopped:
            self.halt.set()

    def _adjust_outcome(self, key: int, outcome: Outcome) -> Outcome:
        """Return the outcome to record for an outcome that the transport returned.

        A delivery that keeps being returned untried is deferred. A refused delivery stays pending if the refusal is about the
        size of the message.
        """
        if outcome.state is DeliveryState.ACCEPTED:
            self.size_accepted = True
        # If the relay has accepted the message for others, the refusal comes from this recipient's server.
        refusal = outcome.reply if outcome.state is DeliveryState.REFUSED and not self.size_accepted else None
        if refusal is not None and refuses_size(refusal):
            self.too_large = refusal
            return replace(outcome, state=DeliveryState.PENDING)
        if outcome.state is not DeliveryState.PENDING:
            return outcome
        if outcome.verdict in HOLDING_VERDICTS:
            self.held.add(key)
            return outcome
        self.untried_in_round += 1
        if outcome.verdict is Verdict.THROTTLED:
            return outcome
        self.untried[key] = self.untried.get(key, 0) + 1
        is_stuck = self.untried[key] >= MAX_UNTRIED
        return replace(outcome, state=DeliveryState.DEFERRED) if is_stuck else outcome

    async def finish(self) -> None:
        """Release deliveries that were not tried, and raise the error that stopped the run."""
        if isinstance(self.failure, StoreUnavailable):
            raise make_outage_error(self.failure, len(self.domain_of.keys() - self.claimed))
        if self.failure is not None:
            raise self.failure
        if self.claimed:
            await self.store.ledger.release(sorted(self.claimed))
        if self.too_large is not None:
            raise message_too_large(self.relay, str(self.too_large))


def make_outage_error(cause: StoreUnavailable, count: int) -> StoreUnavailable:
    """Return the error for a database that does not become available again.

    count: the number of recipients whose delivery is uncertain because the outcome could not be recorded.
    """
    if not count:
        return cause
    message = ngettext(
        "{cause}\n  The relay's reply for {count} recipient could not be recorded. The next send marks this recipient as uncertain",
        "{cause}\n  The relay's replies for {count} recipients could not be recorded. The next send marks these recipients as uncertain",
        count,
        cause=cause.message,
    )
    hint = _(
        "Send again when the database is available. Then settle the uncertain recipients with the relay's log: moza-mail settle --log FILE"
    )
    return StoreUnavailable(message, hint=hint)


async def send_one(transport: Transport, envelope: Envelope, message: Message) -> Outcome:
    """Send one message that is not in the ledger, such as a test copy."""

    async def submissions() -> AsyncGenerator[Submission]:
        yield Submission(key=0, envelope=envelope, message=message)

    async def record_intents(keys: Sequence[int]) -> None:
        """Do nothing: the message is not in the ledger, so it has no intent."""

    outcomes = [
        outcome async for batch in transport.send(submissions(), record_intents) for _, outcome in batch
    ]
    if not outcomes:
        raise MozaMailError(_("the relay did not answer"), hint=_("Run the same command again."))
    return outcomes[0]
