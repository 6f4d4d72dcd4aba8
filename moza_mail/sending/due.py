"""What is due: the issues whose time has come, each sent once, by whoever is called every minute."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from moza_mail.compose import CompiledMailing
from moza_mail.errors import (
    MailingError,
    MozaMailError,
    SendTimeMissed,
    StoreError,
    StoreLocked,
    TransportError,
)
from moza_mail.i18n import Translatable, ngettext
from moza_mail.i18n import gettext as _
from moza_mail.model.approval import ApprovalPolicy
from moza_mail.model.issue import Issue
from moza_mail.model.mailing import Breaker, DeliveryState, Mailing, SentIssue
from moza_mail.model.mailing_list import MailingList
from moza_mail.sending.approval import require_approval
from moza_mail.sending.deliver import (
    MailingProgress,
    SendSettings,
    begin_mailing,
    deliver,
    find_duplicate,
    find_mailing,
)
from moza_mail.sending.deliver import load_progress as progress_of
from moza_mail.sending.schedule import DueState, PlannedIssue, handover_key, list_due_states, notice_key
from moza_mail.store import Store
from moza_mail.transport.protocol import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMailing:
    """An issue dressed for its list, as its mailing would be now, and how that is composed."""

    issue: Issue
    mailing_list: MailingList
    drafted: Mailing
    policy: ApprovalPolicy
    compile: Callable[[Mailing], CompiledMailing]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSettings:
    """What sending by itself is done with.

    `ready` makes an issue ready, told whether its mailing has begun already; it raises MozaMailError for one that must not be
    mailed. `run` gives how one mailing is gone about, and `stop` ends all in good order. `sender` is the account that sends.
    """

    prepare: Callable[[PlannedIssue, bool], PreparedMailing]
    send_settings: Callable[[Callable[[Breaker], None]], SendSettings]
    clock: Callable[[], datetime]
    stop: asyncio.Event
    account: str
    max_age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class DueResult:
    """What became of one issue in this run.

    `progress` is None when its mailing did not begin. `mailed` counts those whose delivery came to an end in this run. `error`
    stopped it; `is_news` is false for one that was told by an earlier run. `is_busy` says that another sender is at work.
    """

    plan: PlannedIssue
    state: DueState
    progress: MailingProgress | None = None
    finished: int = 0
    breaker: Breaker = field(default_factory=Breaker)
    error: MozaMailError | None = None
    is_news: bool = True
    is_busy: bool = False

    @property
    def needs_attention(self) -> bool:
        """Whether there is something in this run from which the mailing does not go on by itself."""
        doubtful = self.progress is not None and any(
            self.progress.states[state] for state in (DeliveryState.REFUSED, DeliveryState.UNCERTAIN)
        )
        return doubtful or self.breaker.tripped or self.breaker.out_of_step > 0


async def send_due(
    store: Store, transport: Transport, plans: Iterable[PlannedIssue], settings: DueSettings
) -> AsyncGenerator[DueResult]:
    """Send every issue whose time has come, in the order of their times, and continue what was broken off.

    Each is given when it is through. One that cannot be sent holds up no other, and what was wrong is in its Done; but when
    the relay does not answer or another sender is at work, the rest waits for the next run. A mailing that was stopped for
    what the relay says of us is a human's from then on. Raises StoreError.
    """
    for plan, early in await list_due_states(store, plans, settings.clock(), settings.max_age):
        if early in {DueState.WAITING, DueState.DRAFT, DueState.DONE} or settings.stop.is_set():
            continue
        # The one before it may have taken hours.
        now = settings.clock()
        ((_, where),) = await list_due_states(store, [plan], now, settings.max_age)
        if where in {DueState.DUE, DueState.BEGUN, DueState.STALE} and not await store.notices.was_reported(
            handover_key(plan)
        ):
            done = await _one(store, transport, plan, where, now, settings)
            yield done
            if done.is_busy or isinstance(done.error, TransportError):
                return


async def _one(
    store: Store, transport: Transport, plan: PlannedIssue, where: DueState, now: datetime, terms: DueSettings
) -> DueResult:
    work = _Work(store=store, transport=transport, plan=plan, terms=terms)
    error: MozaMailError | None = None
    try:
        if where is DueState.STALE:
            raise _stale(plan, now, terms.max_age)
        await work.mail(terms.prepare(plan, where is DueState.BEGUN), now)
    except StoreLocked as locked:
        if work.holds:
            raise
        return DueResult(plan=plan, state=where, error=locked, is_busy=True)
    except StoreError:
        raise
    except MozaMailError as stopped:
        error = stopped
    progress = await progress_of(store, work.mailing) if work.mailing else None
    if work.breaker.tripped or (work.mailing and isinstance(error, MailingError)):
        await store.notices.report_once(handover_key(plan), now=terms.clock())
    return DueResult(
        plan=plan,
        state=where,
        progress=progress,
        finished=_settled(progress) - work.before if progress else 0,
        breaker=work.breaker,
        error=error,
        is_news=error is None or await store.notices.report_once(_name(plan, error), now=terms.clock()),
    )


@dataclass(slots=True, kw_only=True)
class _Work:
    """One mailing while it is gone about, and what there is to tell of it whatever stops it."""

    store: Store
    transport: Transport
    plan: PlannedIssue
    terms: DueSettings
    holds: bool = False
    mailing: Mailing | None = None
    before: int = 0
    """How many deliveries had come to an end."""
    breaker: Breaker = field(default_factory=Breaker)

    async def mail(self, ready: PreparedMailing, now: datetime) -> None:
        # What decides whether it began within its time is when that was looked at.
        drafted = replace(ready.drafted, created_at=now)
        begun = await self.store.ledger.find_mailing(drafted.issue_slug, drafted.list_slug)
        # A human began it with a segment: it goes on to that, and to nobody else.
        drafted = replace(drafted, segment=begun.segment if begun else None)
        await find_mailing(self.store, drafted)
        await require_approval(self.store, drafted, ready.policy, account=self.terms.account)
        if begun is None and (before := await find_duplicate(self.store, drafted)):
            raise _twice(self.plan, before)
        async with self.store.ledger.hold_sender_lock(f"moza-mail send --due ({self.plan.issue_slug})"):
            self.holds = True
            known = await find_mailing(self.store, drafted)
            await require_approval(self.store, drafted, ready.policy, account=self.terms.account)
            mailing = await begin_mailing(self.store, ready.issue, ready.mailing_list, drafted)
            self.before = _settled(await progress_of(self.store, mailing)) if known else 0
            self.mailing = mailing
            compiled = ready.compile(mailing)
            await deliver(self.store, self.transport, mailing, compiled, self.terms.send_settings(self.ended))

    def ended(self, breaker: Breaker) -> None:
        self.breaker = breaker


def _settled(progress: MailingProgress) -> int:
    """How many deliveries have come to an end."""
    ends = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.UNCERTAIN, DeliveryState.SKIPPED)
    return sum(progress.states[state] for state in ends)


def _describe_delay(delay: timedelta) -> Translatable:
    minutes = round(delay.total_seconds() / 60)
    if minutes < 2 * 60:
        return ngettext("{count} minute", "{count} minutes", minutes)
    if minutes < 48 * 60:
        return ngettext("{count} hour", "{count} hours", round(minutes / 60))
    return ngettext("{count} day", "{count} days", round(minutes / 60 / 24))


def _stale(plan: PlannedIssue, now: datetime, max_age: timedelta) -> SendTimeMissed:
    return SendTimeMissed(
        _(
            "`{source}` was due for `{list_slug}` at {at} UTC, {delay} ago; after {limit} it is no longer sent automatically",
            source=plan.source,
            list_slug=plan.list_slug,
            at=f"{plan.at:%Y-%m-%d %H:%M}",
            delay=_describe_delay(now - plan.at),
            limit=_describe_delay(max_age),
        ),
        hint=_(
            "Send it by hand with moza-mail send {issue_slug}, or give it a later `send_at`.",
            issue_slug=plan.issue_slug,
        ),
    )


def _twice(plan: PlannedIssue, before: SentIssue) -> MailingError:
    return MailingError(
        _(
            "`{source}` reads the same as `{issue_slug}`, which `{list_slug}` got on {at} UTC; it is not sent automatically, because recipients would get it twice",
            source=plan.source,
            issue_slug=before.issue_slug,
            list_slug=plan.list_slug,
            at=f"{before.at:%Y-%m-%d %H:%M}",
        ),
        hint=_(
            "If the file was renamed, write `slug: {sent_slug}` in its front matter or give it its old name. To send it again all the same: moza-mail send {issue_slug}",
            sent_slug=before.issue_slug,
            issue_slug=plan.issue_slug,
        ),
    )


def _name(plan: PlannedIssue, error: MozaMailError) -> str:
    """What a notice is known by: the same trouble of the same issue is told once. A relay words its trouble ever anew."""
    about = notice_key(type(error).__name__, plan)
    if isinstance(error, TransportError | SendTimeMissed):
        return about
    return f"{about} {sha256(error.message.encode()).hexdigest()[:16]}"
