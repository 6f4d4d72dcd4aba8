"""The ledger: mailings, and the deliveries that senders claim, announce and settle."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import sqlalchemy as sa

from moza_mail.errors import StoreError
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
from moza_mail.model.summary import MailingSummary
from moza_mail.model.verdict import Verdict
from moza_mail.store import claim, mailing_summary, mailings, settle
from moza_mail.store.group_commit import Answers
from moza_mail.store.paging import PAGE
from moza_mail.store.rows import DELIVERY, delivery
from moza_mail.store.schema import deliveries, is_in
from moza_mail.store.senders import SenderLock
from moza_mail.store.settle import Intents, NotClaimed, Outcomes, Update
from moza_mail.store.transactions import Transactions


class Ledger:
    """All mailings, and one delivery for each recipient of each."""

    def __init__(self, transactions: Transactions, thresholds: BounceThresholds) -> None:
        self._transactions = transactions
        self._database = transactions.database
        self._thresholds = thresholds
        self._updates = transactions.make_group(self._commit_updates)

    async def create_mailing(self, mailing: Mailing) -> Mailing:
        """Store a mailing with its content and frozen audience; return it with its id.

        The audience is one pending delivery for each confirmed, unsuppressed subscriber of the list and segment, with their
        present values of the mailing's fields. A subscriber without a value for a field that has no default is skipped. Raise
        EmptyAudience if nobody would be mailed, StoreError if the issue was mailed to this list before.
        """
        return await self._transactions.write(mailings.create_mailing, mailing)

    async def find_mailing(self, issue_slug: str, list_slug: str) -> Mailing | None:
        """Return the mailing of an issue to a list."""
        return await self._transactions.read(mailings.find_mailing, issue_slug, list_slug)

    async def list_mailings(self, issue_slug: str = "") -> list[Mailing]:
        """Return all mailings, or those of one issue, newest first."""
        return await self._transactions.read(mailings.list_mailings, issue_slug)

    async def list_sent_issues(self, list_slug: str) -> list[SentIssue]:
        """Return the issues that were sent to a list (a relay accepted at least one message), newest first."""
        return await self._transactions.read(mailings.list_sent_issues, list_slug)

    async def list_started(self) -> list[StartedMailing]:
        """Return every mailing without its content, and if deliveries remain, oldest first."""
        return await self._transactions.read(mailings.list_started)

    async def count_by_state(self, mailing_id: int) -> dict[DeliveryState, int]:
        """Count the deliveries in each state, zeros included."""
        return await self._transactions.read(mailing_summary.count_by_state, mailing_id)

    async def count_skipped(self, mailing_id: int) -> dict[tuple[SkipReason, str], int]:
        """Count the skipped deliveries by reason and detail, such as the values that are missing."""
        return await self._transactions.read(mailing_summary.count_skipped, mailing_id)

    async def summarize(self, mailing_id: int, *, domains: bool = False) -> MailingSummary:
        """Count everything about a mailing at one moment, by domain too if asked."""
        return await self._transactions.read(mailing_summary.summarize, mailing_id, domains=domains)

    async def find_next_attempt(self, mailing_id: int) -> datetime | None:
        """Return when the earliest deferred delivery is due."""
        return await self._transactions.read(mailing_summary.find_next_attempt, mailing_id)

    async def iter_deliveries(
        self, mailing_id: int, states: Iterable[DeliveryState]
    ) -> AsyncGenerator[Delivery]:
        """Return the deliveries in these states, by id."""
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
        """Count the recipients at these domains that a mailing has yet to mail, or would mail if created now."""
        return await self._transactions.read(claim.count_remaining, list_slug, domains, mailing_id, segment)

    def hold_sender_lock(self, purpose: str) -> AbstractAsyncContextManager[None]:
        """Hold the lock to send: deliveries claimed meanwhile belong to this sender.

        SQLite has one lock for the file, PostgreSQL one for each open store; raise StoreLocked if it is held. The lock ends
        with the process, however that ends. It outlives a lost connection, unless another sender took this one for dead
        and recovered its deliveries.
        """
        return self._transactions.hold(SenderLock.MAILINGS, purpose)

    async def recover(self, mailing_id: int, *, now: datetime) -> dict[DeliveryState, int]:
        """Reset what dead senders left: claimed becomes pending, intent becomes uncertain. Requires the lock.

        Deliveries of living senders do not change, so this may be called at any time; those claimed without the lock count
        as a dead sender's. Return how many deliveries became pending and uncertain.
        """
        return await self._transactions.write(claim.recover, mailing_id, now, self._database.find_dead)

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

        Recipients who unsubscribed or were suppressed meanwhile are skipped. An empty list means that nothing is left now
        for this sender; another may hold the last ones. Fewer are returned if another process waits to write. With `domains`
        only these recipients are claimed, and of the pending ones only ids > `domains.after`.
        """
        request = claim.ClaimRequest(
            mailing_id=mailing_id,
            limit=limit,
            domains=domains,
            excluded=excluded,
            has_waiting_writer=self._database.has_waiting_writer,
        )
        return await self._transactions.write(claim.claim, request, now, self._sender_id)

    async def record_intents(self, delivery_ids: Sequence[int], *, now: datetime) -> RejectedUpdates:
        """Mark claimed deliveries as intent; return those that this sender has not claimed, whose body must not be sent.

        Calls that wait are committed together, in order. Raise StoreError if the commit fails; then nothing of it is stored.
        """
        self._transactions.check_open()
        return await self._updates.add(Intents(delivery_ids, now)) if delivery_ids else {}

    async def record_outcomes(
        self, outcomes: Sequence[tuple[int, Outcome]], *, now: datetime
    ) -> RejectedUpdates:
        """Record the outcomes of attempts; return the ones that were rejected, because this sender does not hold the delivery.

        accepted, refused and uncertain are final. deferred gets the time of its next attempt, or becomes refused 48 hours
        after the first attempt. pending gives the delivery back and does not count the attempt. An address that the replies show to be dead
        (model/bounce.py, suppresses) is suppressed in the same commit. Calls are committed as with `record_intents`.
        """
        self._transactions.check_open()
        for delivery_id, outcome in outcomes:
            if outcome.state not in settle.OUTCOME_STATES:
                raise StoreError(
                    f"delivery {delivery_id}: `{outcome.state}` is not the outcome of an attempt"
                )
        return await self._updates.add(Outcomes(outcomes, now)) if outcomes else {}

    async def release(self, delivery_ids: Sequence[int]) -> None:
        """Make claimed deliveries that were not tried pending; if one is not claimed, raise StoreError and change none."""
        if delivery_ids:
            await self._transactions.write(claim.release, delivery_ids, self._sender_id)

    async def pause(self, mailing_id: int, until: datetime | None) -> None:
        """Let `send --due` leave a mailing alone until a time, or, with None, continue it."""
        await self._transactions.write(mailings.pause, mailing_id, until)

    async def expire_pending(self, mailing_id: int, *, now: datetime) -> int:
        """Skip the pending deliveries of a mailing as too late; return how many."""
        return await self._transactions.write(claim.expire_pending, mailing_id, now)

    async def retry_uncertain(self, mailing_id: int, *, now: datetime) -> int:
        """Make the uncertain deliveries pending, because a person decided so; return how many."""
        return await self._transactions.write(claim.retry_uncertain, mailing_id, now)

    async def retry_refused(self, mailing_id: int, verdict: Verdict | None, *, now: datetime) -> int:
        """Make the refused deliveries pending, all or those with a verdict, because a person decided so; return how many."""
        return await self._transactions.write(claim.retry_refused, mailing_id, verdict, now)

    async def count_verdicts(self, mailing_id: int) -> list[VerdictCount]:
        """Count the unaccepted deliveries by state and verdict, each with one reply."""
        return await self._transactions.read(mailing_summary.count_verdicts, mailing_id)

    async def settle_from_log(self, delivery_id: int, *, queue_id: str, evidence: str, now: datetime) -> bool:
        """Make an uncertain delivery accepted, as the relay's log shows; False if it is not uncertain."""
        return await self._transactions.write(claim.settle_from_log, delivery_id, queue_id, evidence, now)

    @property
    def _sender_id(self) -> int | None:
        return self._database.sender_id(SenderLock.MAILINGS)

    def _commit_updates(self, group: list[Update]) -> Answers[RejectedUpdates]:
        """Commit the updates together, or, if one does not fit, each alone in their order."""
        try:
            with self._transactions.writing() as connection:
                settle.record_together(connection, group, self._sender_id, self._thresholds)
        except NotClaimed:
            with self._transactions.writing() as connection:
                return settle.record_each(connection, group, self._sender_id, self._thresholds)
        return [{}] * len(group)


def _select_page(
    connection: sa.Connection, mailing_id: int, states: Iterable[DeliveryState], after: int
) -> list[Delivery]:
    """Return one page of deliveries with ids > `after`.

    Each state yields its own page from the index, and the lowest ids of all are the page: sorting all remaining rows for each
    page would make a million deliveries quadratic.
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
