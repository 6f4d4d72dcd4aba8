"""Send: the life of a mailing. Prepare freezes who gets what, deliver works through the ledger until nothing is left to do.

Running it again is the only way to continue: what the ledger says decides, never a position in a list.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from moza_mail.compose import CompiledMailing
from moza_mail.errors import AddressError, IssueChanged, MailingError, MozaMailError, StoreError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.approval import Approval
from moza_mail.model.issue import Issue
from moza_mail.model.mailing import (
    Breaker,
    Delivery,
    DeliveryState,
    Mailing,
    Outcome,
    Phase,
    Reply,
    SentIssue,
    SkipReason,
)
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Recipient, Rendered
from moza_mail.model.message_size import message_too_large, refuses_size
from moza_mail.model.rate import Domains, Rates
from moza_mail.model.segment import Segment
from moza_mail.sending import compose_ahead
from moza_mail.sending.audit import log_send_run
from moza_mail.sending.throttle import Throttle
from moza_mail.store import Store
from moza_mail.transport.protocol import Outcomes, Submission, Transport

# A delivery that comes back untried this often in one run is put off, so that one bad case cannot hold up the rest.
UNTRIED = 3

# The slug of an issue stands in its own links.
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSettings:
    """How one `send` goes about it: `stop` is set to end in good order, `progress` hears of outcomes settled.

    `ended` hears what the replies said of the sending as a whole, also when it ends with an error. No more leaves than
    `rates` allow; what has no turn yet waits, and holds up nobody who has.
    What is put off is waited for when it is due within `wait`. `retry_uncertain` says that a human has decided to mail
    again those of whom nobody knows whether the relay took their message.
    """

    clock: Callable[[], datetime]
    stop: asyncio.Event
    batch_size: int = 250
    limit: int | None = None
    wait: timedelta = timedelta(0)
    retry_uncertain: bool = False
    rates: Rates = field(default_factory=Rates)
    on_outcomes: Callable[[Outcomes], None] = lambda _: None
    on_end: Callable[[Breaker], None] = lambda _: None


Skipped = Mapping[tuple[SkipReason, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingProgress:
    """Where a mailing stands: how many deliveries are in each state, and when the next deferred one is due.

    `skipped` says of the skipped why: the reason, and what there is to add to it.
    """

    mailing: Mailing
    states: dict[DeliveryState, int]
    next_attempt: datetime | None = None
    skipped: Skipped = field(default_factory=dict)
    suppressed: int = 0
    """How many addresses its replies have suppressed."""
    approval: Approval | None = None
    """Who let it go out, when somebody did."""

    @property
    def audience(self) -> int:
        """How many recipients the mailing was frozen with."""
        return sum(self.states.values())

    @property
    def remaining(self) -> int:
        """How many are still to be mailed without a human's decision."""
        return sum(
            self.states[state]
            for state in (DeliveryState.PENDING, DeliveryState.CLAIMED, DeliveryState.DEFERRED)
        )

    @property
    def needs_attention(self) -> bool:
        """Whether something is left that running again at once would not bring about."""
        return any(
            self.states[state]
            for state in (DeliveryState.DEFERRED, DeliveryState.REFUSED, DeliveryState.UNCERTAIN)
        )


def draft_mailing(
    issue: Issue,
    mailing_list: MailingList,
    rendered: Rendered,
    *,
    now: datetime,
    segment: Segment | None = None,
) -> Mailing:
    """The mailing of an issue to a list, or a segment of it, as it would be stored now.

    Its key, and so every Message-ID, follows from issue and list alone.
    """
    return Mailing(
        id=0,
        key=f"{mailing_list.slug}/{issue.slug}",
        issue_slug=issue.slug,
        issue_title=issue.title,
        list_slug=mailing_list.slug,
        digest=rendered.compute_digest(),
        rendered=rendered,
        created_at=now,
        segment=segment,
    )


async def find_mailing(store: Store, drafted: Mailing) -> Mailing | None:
    """The mailing that was begun with this issue and list.

    Raises IssueChanged when its content was another, and MailingError when it went to another segment: one issue goes to one
    list once, for who is in both segments would get it twice.
    """
    known = await store.ledger.find_mailing(drafted.issue_slug, drafted.list_slug)
    if known is None:
        return None
    asked, begun = (mailing.segment.slug if mailing.segment else "" for mailing in (drafted, known))
    if asked != begun:
        raise _other_segment(known, begun)
    if known.digest != drafted.digest:
        raise IssueChanged(
            _(
                "`{issue_slug}` has changed since its mailing to `{list_slug}` began on {created_at} UTC; some recipients may have the earlier text",
                issue_slug=drafted.issue_slug,
                list_slug=drafted.list_slug,
                created_at=f"{known.created_at:%Y-%m-%d %H:%M}",
            ),
            hint=_(
                "To continue, put the issue, its theme and the settings of its list back as they were. To send the new text as a new mailing, give it a `slug` of its own."
            ),
        )
    return known


def _other_segment(known: Mailing, begun: str) -> MailingError:
    audience = (
        _("segment `{segment}` of `{list_slug}`", segment=begun, list_slug=known.list_slug)
        if begun
        else _("the whole list `{list_slug}`", list_slug=known.list_slug)
    )
    option = f" --segment {begun}" if begun else ""
    return MailingError(
        _(
            "`{issue_slug}` went to {audience} on {created_at} UTC; an issue goes to a list once, so that nobody gets it twice",
            issue_slug=known.issue_slug,
            audience=audience,
            created_at=f"{known.created_at:%Y-%m-%d %H:%M}",
        ),
        hint=_(
            "To continue that mailing: moza-mail send {issue_slug}{option}. To mail others, give the text a `slug` of its own.",
            issue_slug=known.issue_slug,
            option=option,
        ),
    )


async def find_duplicate(store: Store, drafted: Mailing) -> SentIssue | None:
    """What readers of the list have under another slug that reads the same, whatever its links: mostly a file with a new name."""
    same = _LINK.sub("", drafted.rendered.text)
    return next(
        (
            sent
            for sent in await store.ledger.list_sent_issues(drafted.list_slug)
            if sent.issue_slug != drafted.issue_slug and _LINK.sub("", sent.text) == same
        ),
        None,
    )


async def begin_mailing(store: Store, issue: Issue, mailing_list: MailingList, drafted: Mailing) -> Mailing:
    """Give the mailing to go on with: the one begun earlier, or a new one with its content and audience frozen.

    Raises IssueChanged, EmptyAudience, and MailingError for an issue that is still a draft.
    """
    if known := await find_mailing(store, drafted):
        return known
    if issue.draft:
        raise MailingError(
            _("`{source}` is a draft", source=issue.source),
            hint=_("Delete `draft: true` from it. A draft can be tried with --test ADDRESS and --dry-run."),
        )
    await store.subscribers.save_list(mailing_list)
    try:
        return await store.ledger.create_mailing(drafted)
    except StoreError:
        # Another machine may have begun it at this instant.
        if known := await find_mailing(store, drafted):
            return known
        raise


async def load_progress(store: Store, mailing: Mailing) -> MailingProgress:
    """Ask the ledger where a mailing stands."""
    given = await store.approvals.list_for_issue(mailing.issue_slug, mailing.list_slug)
    return MailingProgress(
        mailing=mailing,
        states=await store.ledger.count_by_state(mailing.id),
        next_attempt=await store.ledger.find_next_attempt(mailing.id),
        skipped=await store.ledger.count_skipped(mailing.id),
        suppressed=await store.suppressions.count_from_mailing(mailing.id),
        approval=next((one for one in given if one.covers(mailing)), None),
    )


async def deliver(
    store: Store, transport: Transport, mailing: Mailing, compiled: CompiledMailing, settings: SendSettings
) -> Breaker:
    """Mail everyone who is due, and settle each outcome in the ledger; the right to send must be held.

    What a dead sender left behind is sorted out first. Ends when nothing is due, the limit is reached, `stop` is set or too many
    replies are about us (then the Breaker given back is tripped). Raises TransportError or StoreError when relay or ledger cannot
    go on, MailingError when the relay takes no message of this size. What was claimed and not tried is given back in every case.
    """
    until = settings.clock() + settings.wait
    await store.ledger.recover(mailing.id, now=settings.clock())
    if settings.retry_uncertain:
        await store.ledger.retry_uncertain(mailing.id, now=settings.clock())
    work = _Work(store, mailing, compiled, settings, left=settings.limit, relay=transport.name)
    work.taken = (await store.ledger.count_by_state(mailing.id))[DeliveryState.ACCEPTED] > 0
    async with log_send_run(store, mailing, settings.clock):
        try:
            while work.goes_on:
                work.begin()
                async for outcomes in transport.send(work.submissions(), work.intend, work.halt):
                    await work.settle(outcomes)
                if not work.given_back and not await work.more(until):
                    break
        finally:
            settings.on_end(work.breaker)
            await work.finish()
    return work.breaker


@dataclass(slots=True)
class _Work:
    """The state of one run: what is claimed and in whose hands it is."""

    store: Store
    mailing: Mailing
    compiled: CompiledMailing
    run: SendSettings
    left: int | None
    """How many more this run may take; None for as many as there are."""
    relay: str
    taken: bool = False
    """Whether the relay has taken this mailing's message for anybody."""
    too_large: Reply | None = None
    """That it takes no message of this size."""
    given_back: int = 0
    pace: Throttle | None = None
    claimed: set[int] = field(default_factory=set)
    """Taken from the ledger, and no body announced yet."""
    untried: dict[int, int] = field(default_factory=dict)
    """How often each came back without having been tried."""
    halt: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when no further body is to leave, also of those the transport has taken."""
    failure: BaseException | None = None
    breaker: Breaker = field(default_factory=Breaker)

    @property
    def stopped(self) -> bool:
        return self.run.stop.is_set() or self.breaker.tripped or self.too_large is not None

    @property
    def goes_on(self) -> bool:
        return not self.stopped and self.left != 0

    def begin(self) -> None:
        """Begin a round: what came back in the last one may be taken again."""
        self.given_back = 0
        if self.run.rates:
            self.pace = Throttle(self.store, self.run.rates, self, self.run.clock)

    async def more(self, until: datetime) -> bool:
        """Whether there is something to go on with, after waiting for what is put off and due by then.

        Another sender of this mailing may have died since this one began.
        """
        if not self.goes_on:
            return False
        if (await self.store.ledger.recover(self.mailing.id, now=self.run.clock()))[DeliveryState.PENDING]:
            return True
        due = await self.store.ledger.find_next_attempt(self.mailing.id)
        return due is not None and due <= until and await self.pause(due - self.run.clock())

    async def pause(self, wait: timedelta) -> bool:
        """Wait; false, and at once, when the sending is to end."""
        if wait > timedelta(0) and not self.stopped:
            ends = [asyncio.ensure_future(event.wait()) for event in (self.run.stop, self.halt)]
            await asyncio.wait(ends, timeout=wait.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
        return not self.stopped and not self.halt.is_set()

    async def submissions(self) -> AsyncGenerator[Submission]:
        """Compose a message for each delivery a little before it is asked for.

        Messages that are signed are composed in other threads, for signing takes long and lets us go on meanwhile.
        """
        compose = partial(compose_ahead.compose_all, self.compiled)
        pool = ThreadPoolExecutor(compose_ahead.SIGNERS, "sign") if self.compiled.is_signed else None
        # What has its turn is not kept until the next has.
        ahead = 0 if self.pace else compose_ahead.AHEAD
        made = (
            compose_ahead.run_in_threads(pool, compose, self.batches(), ahead)
            if pool
            else compose_ahead.run_inline(compose, self.batches())
        )
        try:
            async for run in made:
                for delivery, composed in run:
                    if self.stopped:
                        return
                    if submission := await self.submission(delivery, composed):
                        yield submission
        finally:
            await made.aclose()
            if pool:
                pool.shutdown(cancel_futures=True)

    async def batches(self) -> AsyncGenerator[Sequence[Delivery]]:
        """What is claimed and may go, a batch when the last one is used up."""
        source = self.pace.next_batch if self.pace else self.claim
        while batch := await source(self.run.batch_size):
            yield batch

    async def claim(self, most: int, domains: Domains | None = None) -> list[Delivery]:
        """Claim up to so many, as far as this run may."""
        most = most if self.left is None else min(most, self.left)
        if not most or self.stopped:
            return []
        now, ledger = self.run.clock(), self.store.ledger
        batch = await ledger.claim(self.mailing.id, limit=most, now=now, domains=domains)
        self.claimed.update(delivery.id for delivery in batch)
        self.left = None if self.left is None else self.left - len(batch)
        return batch

    async def give_back(self, deliveries: Sequence[Delivery]) -> None:
        """Claimed ones are not to go now."""
        await self.store.ledger.release([delivery.id for delivery in deliveries])
        self.claimed.difference_update(delivery.id for delivery in deliveries)
        self.left = None if self.left is None else self.left + len(deliveries)

    async def submission(self, delivery: Delivery, composed: compose_ahead.Composed) -> Submission | None:
        """What goes to the relay; who cannot be addressed is refused by name, so that the others still get theirs."""
        if isinstance(composed, AddressError):
            outcome = Outcome(state=DeliveryState.REFUSED, phase=Phase.CONNECT, detail=composed.reason)
            await self.settle([(delivery.id, outcome)])
            return None
        envelope, message = composed
        return Submission(key=delivery.id, envelope=envelope, message=message)

    async def intend(self, keys: Sequence[int]) -> None:
        for error in (await self.store.ledger.record_intents(keys, now=self.run.clock())).values():
            raise error
        self.claimed.difference_update(keys)

    async def settle(self, outcomes: Outcomes) -> None:
        """Make outcomes durable, all in one commit; the first that the ledger cannot take stops the run."""
        settled = [(key, self._patient(key, outcome)) for key, outcome in outcomes]
        try:
            misfits = await self.store.ledger.record_outcomes(settled, now=self.run.clock())
        except StoreError as error:
            misfits = {key: error for key, _ in outcomes}
        self.claimed.difference_update(key for key, _ in outcomes)
        self.breaker = self.breaker.after_all([outcome for _, outcome in outcomes])
        if misfits:
            self.failure = self.failure or next(iter(misfits.values()))
            self.run.stop.set()
        self.run.on_outcomes([one for one in outcomes if one[0] not in misfits] if misfits else outcomes)
        if self.stopped:
            self.halt.set()

    def _patient(self, key: int, outcome: Outcome) -> Outcome:
        """The outcome, but deferred for one that keeps coming back untried, and pending for a refusal that is ours."""
        if outcome.state is DeliveryState.ACCEPTED:
            self.taken = True
        # When the relay has taken it for others, it is this reader's own mail system that does not.
        refused = outcome.reply if outcome.state is DeliveryState.REFUSED and not self.taken else None
        if refused is not None and refuses_size(refused):
            self.too_large = refused
            return replace(outcome, state=DeliveryState.PENDING)
        if outcome.state is not DeliveryState.PENDING:
            return outcome
        self.given_back += 1
        self.untried[key] = self.untried.get(key, 0) + 1
        return outcome if self.untried[key] < UNTRIED else replace(outcome, state=DeliveryState.DEFERRED)

    async def finish(self) -> None:
        """Give back what was not tried, and raise what stopped all: the ledger's first failure, or a message too large."""
        if self.failure is not None:
            raise self.failure
        if self.claimed:
            await self.store.ledger.release(sorted(self.claimed))
        if self.too_large is not None:
            raise message_too_large(self.relay, str(self.too_large))


async def send_test(
    transport: Transport,
    compiled: CompiledMailing,
    address: Address,
    values: Mapping[str, str],
) -> Outcome:
    """Send one copy to one address, outside the ledger: it is nobody's delivery and counts nowhere.

    `values` fill its merge fields.
    """
    envelope, message = compiled.compose_message(Recipient(subscriber=0, address=address, values=values))

    async def only() -> AsyncGenerator[Submission]:
        yield Submission(key=0, envelope=envelope, message=message)

    async def intend(keys: Sequence[int]) -> None:
        """No ledger, no intent."""

    outcomes = [outcome async for found in transport.send(only(), intend) for _, outcome in found]
    if not outcomes:
        raise MozaMailError(
            _("the relay did not answer to the test copy"), hint=_("Run the same command again.")
        )
    return outcomes[0]
