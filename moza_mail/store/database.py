"""The store: every method as one transaction on one thread, and the reports of senders committed in groups."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.address import Address
from moza_mail.model.address_hash import Pseudonyms
from moza_mail.model.approval import Approval
from moza_mail.model.audit import Entry
from moza_mail.model.bounce import Bounce, BounceEffect, SentMessage
from moza_mail.model.mailing import Begun, Delivery, DeliveryState, Mailing, Outcome, SentIssue, SkipReason
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.merge_field import MergeField
from moza_mail.model.message import Recipient
from moza_mail.model.rate import Domains, Rate
from moza_mail.model.segment import Segment
from moza_mail.model.sign_up import Choice, Confirmation, Confirmed, Preferences, SignUp
from moza_mail.model.subscriber import (
    Arrival,
    Newcomer,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from moza_mail.model.summary import Summary
from moza_mail.model.threshold import Thresholds
from moza_mail.store import approvals as approvals_of
from moza_mail.store import (
    audit,
    bounces,
    group_commit,
    ledger,
    rate_limit,
    sign_ups,
    subscriber_import,
    subscribers,
    summaries,
)
from moza_mail.store import audit_log as trails
from moza_mail.store import settle as record
from moza_mail.store.audit_log import Trail
from moza_mail.store.confirmations import ConfirmationQueue
from moza_mail.store.data_requests import DatabaseRights
from moza_mail.store.engine import Database
from moza_mail.store.protocol import Audience, Chosen, Foresight, Misfits, Person
from moza_mail.store.sender import Right

P = ParamSpec("P")
T = TypeVar("T")
Statements = Callable[Concatenate[sa.Connection, P], T]


class DatabaseStore:
    """A Store in a SQL database; it belongs to the event loop that opened it. See Store for what each method does."""

    def __init__(
        self, database: Database, thread: ThreadPoolExecutor, trail: Trail, thresholds: Thresholds
    ) -> None:
        self._database = database
        self._thread = thread
        self._trail = trail
        self._thresholds = thresholds
        self._reports = group_commit.reports(database, thread, trail, thresholds)
        self._deeds = group_commit.deeds(database, thread, trail)
        self.confirmations = ConfirmationQueue(
            database, self._read, self._do, partial(self._holding, Right.CONFIRMING)
        )
        self.rights = DatabaseRights(database, self._read, self._write, self._run)
        self._closed = False

    @classmethod
    async def open(cls, opened: Callable[[], Database], trail: Trail, thresholds: Thresholds) -> Self:
        """Open a database on a thread of its own; `thresholds` say when failures suppress an address."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="moza-mail-store")

        def recognised() -> Database:
            database = opened()
            try:
                trail.recognise(database)
            except BaseException:
                database.close()
                raise
            return database

        try:
            database = await asyncio.get_running_loop().run_in_executor(thread, recognised)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(database, thread, trail, thresholds)

    async def close(self) -> None:  # noqa: D102
        if self._closed:
            return
        self._closed = True
        self._reports.finish()
        self._deeds.finish()
        # The thread takes its work in order, so what was queued is committed before the file is closed.
        closing = self._thread.submit(self._database.close)
        self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(closing))

    async def _read(self, statements: Statements[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def transaction() -> T:
            with self._trail.reading(self._database) as connection:
                return statements(connection, *args, **kwargs)

        return await self._run(transaction)

    async def _write(self, statements: Statements[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def transaction() -> T:
            with self._trail.writing(self._database) as connection:
                return statements(connection, *args, **kwargs)

        return await self._run(transaction)

    async def _do(self, statements: Statements[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Write for one of many who come at the same time: those that wait together are committed together."""
        self._check_open()
        done: T = await self._deeds.add(lambda connection: statements(connection, *args, **kwargs))
        return done

    async def _run(self, transaction: Callable[[], T]) -> T:
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._thread, transaction)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self._database.name} is closed.")

    async def put_list(self, mailing_list: MailingList) -> None:  # noqa: D102
        await self._write(subscribers.put_list, mailing_list)

    async def welcome(  # noqa: D102
        self,
        newcomers: Sequence[Newcomer],
        *,
        list_slug: str,
        state: SubscriptionState,
        source: str,
        now: datetime,
    ) -> list[Arrival]:
        terms = subscriber_import.Terms(list_slug=list_slug, state=state, source=source, now=now)
        return await self._write(subscriber_import.welcome, newcomers, terms)

    async def foresee_welcome(  # noqa: D102
        self, newcomers: Sequence[Newcomer], *, list_slug: str, state: SubscriptionState, foresight: Foresight
    ) -> list[Arrival]:
        return await self._read(subscriber_import.foresee, newcomers, list_slug, state, foresight)

    async def person(self, address: Address) -> Person | None:  # noqa: D102
        def whole(connection: sa.Connection) -> Person | None:
            found = subscribers.person(connection, address)
            return found and replace(found, bounces=bounces.of_subscriber(connection, found.subscriber.id))

        return await self._read(whole)

    async def people(  # noqa: D102
        self,
        list_slug: str,
        chosen: Chosen = Chosen(),  # noqa: B008  # frozen
    ) -> AsyncGenerator[tuple[Subscriber, Subscription]]:
        after = 0
        while page := await self._read(subscribers.people, list_slug, chosen, after):
            for one in page:
                yield one
            after = page[-1][0].id

    async def attribute_names(self, list_slug: str) -> list[str]:  # noqa: D102
        return await self._read(subscribers.attribute_names, list_slug)

    async def unsubscribe(self, subscriber: int, list_slug: str, *, now: datetime) -> None:  # noqa: D102
        await self._do(subscribers.unsubscribe, subscriber, list_slug, now)

    async def sign_up(self, wish: SignUp, mailing_list: MailingList, *, now: datetime) -> None:  # noqa: D102
        await self._do(sign_ups.sign_up, wish, mailing_list, now)

    async def confirmation(self, number: int) -> Confirmation | None:  # noqa: D102
        return await self._read(sign_ups.confirmation, number)

    async def confirm(self, number: int, *, now: datetime) -> Confirmed:  # noqa: D102
        return await self._do(sign_ups.confirm, number, now)

    async def preferences(self, subscriber: int) -> Preferences | None:  # noqa: D102
        return await self._read(sign_ups.preferences, subscriber)

    async def choose(self, subscriber: int, choice: Choice, *, source: str, now: datetime) -> bool:  # noqa: D102
        return await self._do(sign_ups.choose, subscriber, choice, source, now)

    async def suppress(self, suppression: Suppression) -> None:  # noqa: D102
        await self._write(subscribers.suppress, suppression)

    async def lift(self, address: Address, because: str, *, now: datetime) -> Suppression | None:  # noqa: D102
        return await self._write(subscribers.lift, address, because, now)

    async def lifted(self, address: Address) -> tuple[Suppression, ...]:  # noqa: D102
        return await self._read(subscribers.lifted_of, address)

    async def suppression(self, address: Address) -> Suppression | None:  # noqa: D102
        return await self._read(subscribers.suppression, address)

    async def suppressed(self, mailing: int) -> int:  # noqa: D102
        return await self._read(subscribers.suppressed_by, mailing)

    async def suppressions(self, mailing: int) -> AsyncGenerator[Suppression]:  # noqa: D102
        after = ""
        while page := await self._read(subscribers.suppressions_of, mailing, after):
            for one in page:
                yield one
            after = page[-1].address.key

    async def audience(  # noqa: D102
        self, list_slug: str, fields: Sequence[MergeField] = (), segment: Segment | None = None
    ) -> Audience:
        return await self._read(subscribers.audience, list_slug, fields, segment)

    async def recipients(  # noqa: D102
        self, list_slug: str, fields: Sequence[MergeField] = (), segment: Segment | None = None
    ) -> AsyncGenerator[Recipient]:
        after = 0
        while page := await self._read(subscribers.recipients, list_slug, fields, segment, after):
            for one in page:
                yield one
            after = page[-1].subscriber

    async def create_mailing(self, mailing: Mailing) -> Mailing:  # noqa: D102
        return await self._write(ledger.create_mailing, mailing)

    async def mailing(self, issue_slug: str, list_slug: str) -> Mailing | None:  # noqa: D102
        return await self._read(ledger.mailing, issue_slug, list_slug)

    async def mailings(self, issue_slug: str = "") -> list[Mailing]:  # noqa: D102
        return await self._read(ledger.mailings_of, issue_slug)

    async def sent_issues(self, list_slug: str) -> list[SentIssue]:  # noqa: D102
        return await self._read(ledger.sent_issues, list_slug)

    async def begun(self) -> list[Begun]:  # noqa: D102
        return await self._read(ledger.begun)

    async def counts(self, mailing: int) -> dict[DeliveryState, int]:  # noqa: D102
        return await self._read(ledger.counts, mailing)

    async def skipped(self, mailing: int) -> dict[tuple[SkipReason, str], int]:  # noqa: D102
        return await self._read(ledger.skipped, mailing)

    async def summary(self, mailing: int, *, domains: bool = False) -> Summary:  # noqa: D102
        return await self._read(summaries.summary, mailing, domains=domains)

    async def next_attempt(self, mailing: int) -> datetime | None:  # noqa: D102
        return await self._read(ledger.next_attempt, mailing)

    async def deliveries(  # noqa: D102
        self, mailing: int, states: Iterable[DeliveryState]
    ) -> AsyncGenerator[Delivery]:
        wanted, after = frozenset(states), 0
        while page := await self._read(ledger.deliveries_in, mailing, wanted, after):
            for one in page:
                yield one
            after = page[-1].id

    def sending(self, who: str) -> AbstractAsyncContextManager[None]:  # noqa: D102
        return self._holding(Right.SENDING, who)

    @asynccontextmanager
    async def _holding(self, right: Right, who: str) -> AsyncGenerator[None]:
        self._check_open()
        taking = self._thread.submit(self._database.begin, right, who)

        def give_back() -> None:
            if not taking.cancelled() and taking.exception() is None:
                self._database.end(right)

        try:
            await asyncio.wrap_future(taking)
            yield
        finally:
            # The thread takes its work in order, so it knows by then whether the right was given, even to one who was
            # cancelled while waiting for it. A closed store has let go of it already.
            if not self._closed:
                await asyncio.shield(asyncio.wrap_future(self._thread.submit(give_back)))

    async def recover(self, mailing: int, *, now: datetime) -> dict[DeliveryState, int]:  # noqa: D102
        return await self._write(ledger.recover, mailing, now, self._database.dead)

    async def claim(  # noqa: D102
        self, mailing: int, *, limit: int, now: datetime, domains: Domains | None = None
    ) -> list[Delivery]:
        sought = ledger.Sought(mailing=mailing, limit=limit, domains=domains, awaited=self._database.awaited)
        return await self._write(ledger.claim, sought, now, self._database.holds(Right.SENDING))

    async def waiting(  # noqa: D102
        self,
        list_slug: str,
        domains: Domains,
        mailing: int | None = None,
        segment: Segment | None = None,
    ) -> int:
        return await self._read(ledger.waiting, list_slug, domains, mailing, segment)

    async def take_turns(self, name: str, rate: Rate, count: int, *, now: datetime) -> timedelta:  # noqa: D102
        return await self._write(rate_limit.take, name, rate, count, now)

    async def claim_uncertain(self, mailing: int, *, now: datetime) -> int:  # noqa: D102
        return await self._write(ledger.claim_uncertain, mailing, now)

    async def prove(self, delivery: int, *, queue_id: str, evidence: str, now: datetime) -> bool:  # noqa: D102
        return await self._write(ledger.prove, delivery, queue_id, evidence, now)

    async def intend(self, deliveries: Sequence[int], *, now: datetime) -> Misfits:  # noqa: D102
        self._check_open()
        return await self._reports.add(record.Intents(deliveries, now)) if deliveries else {}

    async def settle(self, outcomes: Sequence[tuple[int, Outcome]], *, now: datetime) -> Misfits:  # noqa: D102
        self._check_open()
        for delivery, outcome in outcomes:
            if outcome.state not in record.BECOMES:
                raise StoreError(f"Delivery {delivery}: {outcome.state} is not what becomes of an attempt.")
        return await self._reports.add(record.Outcomes(outcomes, now)) if outcomes else {}

    async def release(self, deliveries: Sequence[int]) -> None:  # noqa: D102
        if deliveries:
            await self._write(ledger.release, deliveries, self._database.holds(Right.SENDING))

    async def sent(self, mailing: int, subscriber: int) -> SentMessage | None:  # noqa: D102
        return await self._read(bounces.sent, mailing, subscriber)

    async def sent_to(self, address: Address) -> list[SentMessage]:  # noqa: D102
        return await self._read(bounces.sent_to, address)

    async def record_bounce(self, bounce: Bounce) -> BounceEffect:  # noqa: D102
        return await self._write(bounces.record, bounce, self._thresholds)

    async def foresee_bounce(self, bounce: Bounce) -> BounceEffect:  # noqa: D102
        return await self._read(bounces.foresee, bounce, self._thresholds)

    async def note(self, entry: Entry, about: Address | None = None) -> None:  # noqa: D102
        await self._write(trails.note, entry, about)

    async def audit(  # noqa: D102
        self, about: Address | None = None, since: datetime | None = None
    ) -> AsyncGenerator[Entry]:
        subject = (about, self._known_by()) if about else None
        after = 0
        while page := await self._read(audit.entries, subject, since, after):
            for _, entry in page:
                yield entry
            after = page[-1][0]

    async def audit_holds(self) -> tuple[bool, int, str]:  # noqa: D102
        known_by, holds = self._known_by(), True
        after, seal = await self._read(audit.begun)
        while holds:
            last, (after, seal, holds) = after, await self._read(audit.checked, known_by, after, seal)
            if after == last:
                break
        return holds, max(after, 0), seal

    async def adopt_secret(self, *, now: datetime) -> bool:  # noqa: D102
        return await self._write(trails.adopt, now)

    def _known_by(self) -> Pseudonyms:
        if self._trail.pseudonyms is None:
            raise StoreError(
                f"{self._database.name} was opened without the secret that names are hidden with."
            )
        return self._trail.pseudonyms

    async def approvals(self, issue_slug: str, list_slug: str) -> list[Approval]:  # noqa: D102
        return await self._read(approvals_of.of_issue, issue_slug, list_slug)

    async def approve(self, approval: Approval) -> None:  # noqa: D102
        await self._write(approvals_of.record, approval)

    async def withdraw_approvals(  # noqa: D102
        self, issue_slug: str, list_slug: str, *, by: str, now: datetime
    ) -> int:
        return await self._write(approvals_of.withdraw, issue_slug, list_slug, by, now)

    async def told(self, what: str) -> bool:  # noqa: D102
        return await self._read(approvals_of.told, what)

    async def tell_once(self, what: str, *, now: datetime) -> bool:  # noqa: D102
        return await self._write(approvals_of.tell_once, what, now)
