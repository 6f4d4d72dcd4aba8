"""The ledger: mailings, and the state of the delivery to each recipient."""

from array import array
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from moza_mail.errors import StoreError, StoreFailedOver
from moza_mail.model.bounce import BounceThresholds
from moza_mail.model.mailing import (
    Delivery,
    DeliveryState,
    Mailing,
    RejectedUpdates,
    SentIssue,
    SkipReason,
    StartedMailing,
    VerdictCount,
)
from moza_mail.model.outcome import Outcome
from moza_mail.model.rate import ClaimExclusion, DomainFilter
from moza_mail.model.segment import Segment
from moza_mail.model.sender_claims import SenderClaims
from moza_mail.model.summary import MailingSummary
from moza_mail.model.verdict import Verdict
from moza_mail.store import claim, mailing_summary, mailings, settle
from moza_mail.store.claim import OwnClaims
from moza_mail.store.failover import doubt_tried, make_failover_error
from moza_mail.store.group_commit import Answers
from moza_mail.store.identity import Identity, doubt_deliveries, raise_generation
from moza_mail.store.paging import PAGE
from moza_mail.store.postgres.replication import count_unsafe_standbys
from moza_mail.store.rows import DELIVERY, delivery
from moza_mail.store.schema import deliveries, is_in
from moza_mail.store.sender_claims import find_claims
from moza_mail.store.senders import SenderLock
from moza_mail.store.settle import Intents, NotClaimed, Outcomes, Update
from moza_mail.store.transactions import Transactions

RecordUpdates = Callable[
    [sa.Connection, Sequence[Update], OwnClaims, BounceThresholds], list[RejectedUpdates] | None
]


class Ledger:
    """All mailings, with one delivery for each recipient of a mailing."""

    def __init__(self, transactions: Transactions, identity: Identity, thresholds: BounceThresholds) -> None:
        self._transactions = transactions
        self._identity = identity
        self._database = transactions.database
        self._thresholds = thresholds
        self._last_claims = OwnClaims(sender_id=None, in_memory=frozenset())
        # Needed after a failover: the ids of all deliveries that this sender tried (8 bytes each), and the last generation.
        self._tried = array("q")
        self._last_generation = 0
        self._updates = transactions.make_group(self._commit_updates)

    async def require_space(self) -> None:
        """Raise StoreError if the disk is too full to send."""
        await self._transactions.run(self._database.require_space)

    async def create_mailing(self, mailing: Mailing) -> Mailing:
        """Store a mailing with its content and frozen audience; return it with its id.

        The audience is one pending delivery for each confirmed, unsuppressed subscriber of the list and
        segment, with the subscriber's current values of the mailing's fields. A subscriber without a value
        for a field that has no default is skipped. Raise EmptyAudience if nobody would be mailed, StoreError
        if the issue was mailed to this list before.
        """
        return await self._transactions.write(mailings.create_mailing, mailing)

    async def create_uncertain_mailing(self, mailing: Mailing, *, now: datetime) -> Mailing:
        """Store a mailing that was sent before; every delivery is uncertain.

        The audience is chosen as in `create_mailing`.
        """
        return await self._transactions.write(_create_uncertain, mailing, now)

    async def find_mailing(self, issue_slug: str, list_slug: str) -> Mailing | None:
        """Return the mailing of an issue to a list."""
        return await self._transactions.read(mailings.find_mailing, issue_slug, list_slug)

    async def list_mailings(self, issue_slug: str = "") -> list[Mailing]:
        """Return all mailings, or those of one issue, newest first."""
        return await self._transactions.read(mailings.list_mailings, issue_slug)

    async def list_sent_issues(self, list_slug: str) -> list[SentIssue]:
        """Return the issues that were sent to a list, newest first.

        An issue was sent if a relay accepted at least one of its messages.
        """
        return await self._transactions.read(mailings.list_sent_issues, list_slug)

    async def list_started(self) -> list[StartedMailing]:
        """Return the sending state of every mailing, oldest first, without the mailing's content."""
        return await self._transactions.read(mailings.list_started)

    async def count_by_state(self, mailing_id: int) -> dict[DeliveryState, int]:
        """Count the deliveries in each state, zeros included."""
        return await self._transactions.read(mailing_summary.count_by_state, mailing_id)

    async def count_skipped(self, mailing_id: int) -> dict[tuple[SkipReason, str], int]:
        """Count the skipped deliveries by reason and, for missing values, also by detail."""
        return await self._transactions.read(mailing_summary.count_skipped, mailing_id)

    async def summarize(self, mailing_id: int, *, domains: bool = False) -> MailingSummary:
        """Count everything about a mailing at one moment, optionally also by domain.

        domains: also count for each recipient domain.
        """
        return await self._transactions.read(mailing_summary.summarize, mailing_id, domains=domains)

    @property
    def has_many_senders(self) -> bool:
        """True if several senders can share a mailing."""
        return self._database.has_many_senders

    async def count_unsafe_standbys(self) -> int:
        """Count the standby servers that may lack the last commits after a failover."""
        return await self._transactions.read(count_unsafe_standbys)

    async def find_other_claims(self, mailing_id: int) -> list[SenderClaims]:
        """Return the claims of other senders on a mailing's unfinished deliveries."""
        own_id = self._database.sender_id(SenderLock.MAILINGS)
        return await self._transactions.read(find_claims, mailing_id, own_id)

    async def find_next_attempt(self, mailing_id: int) -> datetime | None:
        """Return when the earliest deferred delivery is due."""
        return await self._transactions.read(mailing_summary.find_next_attempt, mailing_id)

    async def iter_deliveries(
        self, mailing_id: int, states: Iterable[DeliveryState]
    ) -> AsyncGenerator[Delivery]:
        """Yield the deliveries of a mailing in these states, in the order of their ids."""
        wanted, after = frozenset(states), 0
        while page := await self._transactions.read(_select_page, mailing_id, wanted, after):
            for each in page:
                yield each
            after = page[-1].id

    async def count_remaining(
        self,
        list_slug: str,
        domains: DomainFilter,
        mailing_id: int | None = None,
        segment: Segment | None = None,
    ) -> int:
        """Count the recipients who match the domain filter and have not been mailed yet.

        Without a mailing, count the recipients whom a mailing created now would have.
        """
        return await self._transactions.read(claim.count_remaining, list_slug, domains, mailing_id, segment)

    def hold_sender_lock(self, purpose: str) -> AbstractAsyncContextManager[None]:
        """Hold the sender lock. Deliveries claimed meanwhile belong to this sender.

        SQLite has one lock for the file, PostgreSQL one for each open store. Raise StoreLocked if the lock is
        held already. The lock is released when the process ends, even if it is killed. The lock survives a
        lost connection, unless another sender considered this one dead and recovered its deliveries.

        purpose: the command that holds the lock, for the error message of other senders.
        """
        return self._identity.hold_sender_lock(purpose)

    async def recover(self, mailing_id: int, *, now: datetime) -> dict[DeliveryState, int]:
        """Reset deliveries of dead senders: claimed becomes pending, intent becomes uncertain.

        The caller must hold the sender lock. Deliveries of living senders do not change, so this may be
        called at any time. Deliveries claimed without the lock are treated as a dead sender's. Return how
        many deliveries became pending and how many became uncertain.
        """
        return await self._transactions.write(self._recover, mailing_id, now)

    async def claim(
        self,
        mailing_id: int,
        *,
        limit: int,
        now: datetime,
        domains: DomainFilter | None = None,
        excluded: ClaimExclusion | None = None,
    ) -> list[Delivery]:
        """Claim up to `limit` deliveries: pending ones by id, then deferred ones by due time.

        Recipients who unsubscribed or were suppressed meanwhile are skipped. An empty list means that this
        sender has nothing left to claim now; another sender may hold the last deliveries. On SQLite, where only
        one process can send, claims are kept in memory (OwnClaims). If that process dies, the rows are still pending.

        domains: claim only deliveries to these domains; pending deliveries also need an id > `domains.after`.
        """
        request = claim.ClaimRequest(mailing_id=mailing_id, limit=limit, domains=domains, excluded=excluded)
        return await self._transactions.write(
            lambda connection: claim.claim(connection, request, now, self._own_claims())
        )

    async def record_intents(self, delivery_ids: Sequence[int], *, now: datetime) -> RejectedUpdates:
        """Change claimed deliveries to intent; return those that this sender has not claimed.

        The body of a returned delivery must not be sent. The error of a delivery is DeliverySkipped if the
        recipient was erased after the claim. Calls that wait for a commit are committed together, in order.
        Raise StoreError if the commit fails; then nothing of this call is stored.
        """
        self._transactions.check_open()
        return await self._updates.add(Intents(delivery_ids, now)) if delivery_ids else {}

    async def record_outcomes(
        self, outcomes: Sequence[tuple[int, Outcome]], *, now: datetime
    ) -> RejectedUpdates:
        """Record the outcomes of attempts; return the updates that were rejected.

        An update is rejected if this sender does not hold the delivery. The states accepted, refused and
        uncertain are final. A deferred delivery gets the time of its next attempt, or becomes refused 48
        hours after the first attempt. The state pending releases the delivery and does not count the attempt.
        If the replies show that an address is dead (model/bounce.py, suppresses), it is suppressed in the
        same commit. Calls are committed as with `record_intents`.
        """
        self._transactions.check_open()
        for delivery_id, outcome in outcomes:
            if outcome.state not in settle.OUTCOME_STATES:
                raise StoreError(
                    f"delivery {delivery_id}: `{outcome.state}` is not the outcome of an attempt"
                )
        return await self._updates.add(Outcomes(outcomes, now)) if outcomes else {}

    async def release(self, delivery_ids: Sequence[int]) -> None:
        """Make claimed deliveries pending again if no attempt was made to send them.

        If this sender has not claimed all of them, raise StoreError and change none.
        """
        if delivery_ids:
            await self._transactions.write(
                lambda connection: claim.release(connection, delivery_ids, self._own_claims())
            )

    async def pause(self, mailing_id: int, until: datetime | None) -> None:
        """Pause a mailing until a time, so that `send --due` skips it; None ends the pause."""
        await self._transactions.write(mailings.pause, mailing_id, until)

    async def expire_pending(self, mailing_id: int, *, now: datetime) -> int:
        """Skip the pending deliveries of a mailing as too late; return how many."""
        return await self._transactions.write(claim.expire_pending, mailing_id, now)

    async def retry_uncertain(self, mailing_id: int, *, now: datetime) -> int:
        """Make the uncertain deliveries pending, because a person decided so; return how many."""
        return await self._transactions.write(claim.retry_uncertain, mailing_id, now)

    async def retry_refused(self, mailing_id: int, verdict: Verdict | None, *, now: datetime) -> int:
        """Make refused deliveries pending, because a person decided so; return how many.

        verdict: only deliveries refused with this verdict; None for all.
        """
        return await self._transactions.write(claim.retry_refused, mailing_id, verdict, now)

    async def count_verdicts(self, mailing_id: int) -> list[VerdictCount]:
        """Count the unaccepted deliveries by state and verdict, each with an example reply."""
        return await self._transactions.read(mailing_summary.count_verdicts, mailing_id)

    async def settle_from_log(self, delivery_id: int, *, queue_id: str, evidence: str, now: datetime) -> bool:
        """Make an uncertain delivery accepted, as the relay's log shows.

        Return False if the delivery is not uncertain.

        queue_id: the relay's id for the message.
        evidence: the line of the log that shows the acceptance.
        """
        return await self._transactions.write(claim.settle_from_log, delivery_id, queue_id, evidence, now)

    def _recover(self, connection: sa.Connection, mailing_id: int, now: datetime) -> dict[DeliveryState, int]:
        if (own := self._own_claims()).in_memory and own.sender_id is None:
            own.in_memory = frozenset()
        return claim.recover(connection, mailing_id, now, self._database.find_dead)

    def _own_claims(self) -> OwnClaims:
        """Return the claims of this sender; called on the store's thread only.

        A sender starts without claims when it takes the sender lock.
        """
        sender_id = self._database.sender_id(SenderLock.MAILINGS)
        if sender_id != self._last_claims.sender_id or self._database.has_many_senders:
            in_memory = None if self._database.has_many_senders else frozenset[int]()
            self._last_claims = OwnClaims(sender_id=sender_id, in_memory=in_memory)
        return self._last_claims

    def _commit_updates(self, group: list[Update]) -> Answers[RejectedUpdates]:
        """Commit the updates together. If one is rejected, record them one by one, in order.

        On a full disk, intents are rejected and only outcomes are recorded. Otherwise, the disk might have no space for the
        outcome of a message that was sent, and the message would become uncertain.
        """
        try:
            if any(isinstance(update, Intents) for update in group):
                self._database.require_space()
        except StoreError as error:
            outcomes = [update for update in group if isinstance(update, Outcomes)]
            answers = iter(self._commit_together(outcomes) if outcomes else ())
            return [next(answers) if isinstance(update, Outcomes) else error for update in group]
        return self._commit_together(group)

    def _commit_together(self, group: Sequence[Update]) -> Answers[RejectedUpdates]:
        try:
            return self._database.outage.run(lambda: self._commit_once(group))
        except StoreFailedOver as error:
            self._database.outage.run(lambda: self._doubt_tried(group[-1].now))
            return [error] * len(group)

    def _commit_once(self, group: Sequence[Update]) -> Answers[RejectedUpdates]:
        try:
            return self._record(group, settle.record_together)
        except NotClaimed:
            return self._record(group, settle.record_each)

    def _doubt_tried(self, now: datetime) -> None:
        """Make a delivery uncertain if this sender tried it and the outcome is lost.

        Also raise the generation above the last one that this sender has written.
        """
        with self._transactions.writing() as connection:
            raise_generation(connection, self._last_generation + 1)
            doubt_tried(connection, self._tried, now)

    def _record(self, group: Sequence[Update], record: RecordUpdates) -> Answers[RejectedUpdates]:
        """Commit the updates in one transaction.

        Intents raise the generation of the store, before any message is sent.
        """
        has_intents = any(isinstance(update, Intents) for update in group)
        own = replace(self._own_claims())
        with self._transactions.writing() as connection:
            if self._database.has_failed_over:
                raise make_failover_error(self._database.name)
            # The generation is raised first, so that two senders on PostgreSQL take their locks in the same order.
            mark = raise_generation(connection) if has_intents else None
            rejected = record(connection, group, own, self._thresholds)
        self._last_claims = own
        if mark:
            self._last_generation = mark.generation
            self._identity.on_advance(mark, False)
        if self._database.has_many_senders:
            for update in group:
                self._tried.extend(update.delivery_ids if isinstance(update, Intents) else ())
        return rejected or [{}] * len(group)


def _create_uncertain(connection: sa.Connection, mailing: Mailing, now: datetime) -> Mailing:
    created = mailings.create_mailing(connection, mailing)
    doubt_deliveries(connection, now)
    return created


def _select_page(
    connection: sa.Connection, mailing_id: int, states: Iterable[DeliveryState], after: int
) -> list[Delivery]:
    """Return one page of deliveries with ids > `after`.

    The query reads one page for each state from the index, and returns the deliveries with the lowest ids. If it
    sorted all remaining rows for each page, the time would be quadratic.
    """
    pages = [
        sa.select(
            sa.select(*DELIVERY)
            .where(deliveries.c.mailing_id == mailing_id, is_in(state), deliveries.c.id > after)
            .order_by(deliveries.c.id)
            .limit(PAGE)
            .subquery()
        )
        for state in states
    ]
    if not pages:
        return []
    found = connection.execute(sa.union_all(*pages).order_by("id").limit(PAGE))
    return [delivery(row) for row in found]
