"""Send the issues that are due, each exactly once.

Cron, systemd or the server calls this every minute.
"""

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
from moza_mail.model.circuit_breaker import CircuitBreaker
from moza_mail.model.duplicate import EarlierIssue, Likeness
from moza_mail.model.issue import Issue
from moza_mail.model.mailing import DeliveryState, Mailing
from moza_mail.model.mailing_list import MailingList
from moza_mail.sending.approval import require_approval
from moza_mail.sending.delivery_run import SendSettings, deliver
from moza_mail.sending.mailings import begin_mailing, find_duplicate, find_mailing, require_known_past
from moza_mail.sending.progress import MailingProgress, load_progress
from moza_mail.sending.schedule import (
    DueState,
    PlannedIssue,
    list_due_states,
    make_handover_key,
    make_notice_key,
)
from moza_mail.store import Store
from moza_mail.transport.protocol import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMailing:
    """An issue rendered for its list.

    drafted: the issue's mailing, which is not stored yet.
    policy: the approval policy that applies.
    compile: compiles the stored mailing for sending.
    """

    issue: Issue
    mailing_list: MailingList
    drafted: Mailing
    policy: ApprovalPolicy
    compile: Callable[[Mailing], CompiledMailing]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSettings:
    """Dependencies and limits of one `send --due` run.

    prepare: a function that returns the prepared mailing of a planned issue. The second argument is True if the mailing has
        begun. The function raises MozaMailError if the issue must not be sent.
    send_settings: a function that returns the settings of one mailing. The argument is a function to call at the end of the
        mailing.
    stop: set to end the run in good order.
    account: the operating system account that sends, for the approval policy.
    max_age: how long after its send time an issue may still begin.
    """

    prepare: Callable[[PlannedIssue, bool], PreparedMailing]
    send_settings: Callable[[Callable[[CircuitBreaker], None]], SendSettings]
    clock: Callable[[], datetime]
    stop: asyncio.Event
    account: str
    max_age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class DueResult:
    """Outcome of one issue in this run.

    progress: None if its mailing did not begin.
    finished: the number of deliveries completed in this run.
    error: why the mailing stopped.
    is_news: False if an earlier run reported the same error.
    is_busy: True if another sender holds the lock.
    """

    plan: PlannedIssue
    state: DueState
    progress: MailingProgress | None = None
    finished: int = 0
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    error: MozaMailError | None = None
    is_news: bool = True
    is_busy: bool = False

    @property
    def needs_attention(self) -> bool:
        """Return True if the mailing cannot continue without a person."""
        has_unresolved = self.progress is not None and any(
            self.progress.states[state] for state in (DeliveryState.REFUSED, DeliveryState.UNCERTAIN)
        )
        is_refused = self.breaker.quota or self.breaker.sender_fault or self.breaker.blocking
        has_other_claims = self.progress is not None and bool(self.finished and self.progress.claims)
        return has_unresolved or has_other_claims or bool(is_refused) or self.breaker.protocol_errors > 0


async def send_due(
    store: Store, transport: Transport, plans: Iterable[PlannedIssue], settings: DueSettings
) -> AsyncGenerator[DueResult]:
    """Send every due issue, continue interrupted mailings, and yield each result.

    Issues are sent in the order of their send times. An issue that cannot be sent does not hold up the other issues. The
    result of such an issue contains the error. If the relay does not answer or another sender is at work, the remaining
    issues wait for the next run. A mailing that stopped because replies refused us, the sender, continues after a pause.
    Deliveries of such a mailing that are still pending after `max_age` are skipped as too late. Raises StoreError.
    """
    for plan, first_state in await list_due_states(store, plans, settings.clock(), settings.max_age):
        if first_state in {DueState.WAITING, DueState.DRAFT, DueState.DONE} or settings.stop.is_set():
            continue
        # The state is computed again, because sending the previous issue may have taken hours.
        now = settings.clock()
        ((_, state),) = await list_due_states(store, [plan], now, settings.max_age)
        if state in {DueState.DUE, DueState.BEGUN, DueState.STALE} and not await store.notices.was_reported(
            make_handover_key(plan)
        ):
            run = _DueRun(store=store, transport=transport, plan=plan, settings=settings)
            result = await run.send_issue(state, now)
            yield result
            if result.is_busy or isinstance(result.error, TransportError):
                return


@dataclass(slots=True, kw_only=True)
class _DueRun:
    """The mailing of one due issue, with the facts that the report of the run needs.

    finished_before: the number of deliveries that earlier runs completed.
    """

    store: Store
    transport: Transport
    plan: PlannedIssue
    settings: DueSettings
    has_lock: bool = False
    mailing: Mailing | None = None
    finished_before: int = 0
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)

    async def send_issue(self, state: DueState, now: datetime) -> DueResult:
        """Send the issue or continue its mailing, and return the result."""
        error: MozaMailError | None = None
        try:
            if state is DueState.STALE:
                raise _make_missed_error(self.plan, now, self.settings.max_age)
            await self._deliver(self.settings.prepare(self.plan, state is DueState.BEGUN), now)
        except StoreLocked as locked:
            if self.has_lock:
                raise
            return DueResult(plan=self.plan, state=state, error=locked, is_busy=True)
        except StoreError:
            raise
        except MozaMailError as stopped:
            error = stopped
        return await self._make_result(state, error)

    async def _make_result(self, state: DueState, error: MozaMailError | None) -> DueResult:
        plan, notices, clock = self.plan, self.store.notices, self.settings.clock
        progress = await load_progress(self.store, self.mailing) if self.mailing else None
        if self.mailing and isinstance(error, MailingError):
            await notices.report_once(make_handover_key(plan), now=clock())
        return DueResult(
            plan=plan,
            state=state,
            progress=progress,
            finished=_count_finished(progress) - self.finished_before if progress else 0,
            breaker=self.breaker,
            error=error,
            is_news=error is None or await notices.report_once(_make_error_key(plan, error), now=clock()),
        )

    async def _deliver(self, prepared: PreparedMailing, now: datetime) -> None:
        store, settings = self.store, self.settings
        # Use the time for which the state was computed. With a later time the mailing could seem to have begun too late.
        drafted = replace(prepared.drafted, created_at=now)
        drafted = await require_sendable(
            store, self.plan, prepared.issue, drafted, prepared.policy, account=settings.account
        )
        async with store.ledger.hold_sender_lock(f"moza-mail send --due ({self.plan.issue_slug})"):
            self.has_lock = True
            known = await find_mailing(store, drafted)
            await require_approval(store, drafted, prepared.policy, account=settings.account)
            mailing = await begin_mailing(store, prepared.issue, prepared.mailing_list, drafted)
            self.finished_before = _count_finished(await load_progress(store, mailing)) if known else 0
            self.mailing = mailing
            if now - self.plan.at > settings.max_age and await self._was_paused(mailing):
                await store.ledger.expire_pending(mailing.id, now=settings.clock())
            compiled = prepared.compile(mailing)
            await deliver(
                store, self.transport, mailing, compiled, settings.send_settings(self._keep_breaker)
            )

    async def _was_paused(self, mailing: Mailing) -> bool:
        started = await self.store.ledger.list_started()
        return any(one.mailing_id == mailing.id and one.paused_until is not None for one in started)

    def _keep_breaker(self, breaker: CircuitBreaker) -> None:
        self.breaker = breaker


async def require_sendable(
    store: Store,
    plan: PlannedIssue,
    issue: Issue,
    drafted: Mailing,
    policy: ApprovalPolicy,
    *,
    account: str,
) -> Mailing:
    """Return the drafted mailing with the segment of its begun mailing.

    Raises MailingError if the issue changed after its mailing began, has no approval, repeats an earlier issue, or may have been
    sent according to a record that a restored store lost.
    """
    begun = await store.ledger.find_mailing(drafted.issue_slug, drafted.list_slug)
    # If a person began the mailing with a segment, the mailing continues to that segment only.
    drafted = replace(drafted, segment=begun.segment if begun else None)
    await find_mailing(store, drafted)
    await require_approval(store, drafted, policy, account=account)
    if begun is None:
        if duplicate := await find_duplicate(store, drafted):
            raise _make_duplicate_error(plan, duplicate)
        require_known_past(await store.identity.read_gap(), issue)
    return drafted


def _count_finished(progress: MailingProgress) -> int:
    finished = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.UNCERTAIN, DeliveryState.SKIPPED)
    return sum(progress.states[state] for state in finished)


def _describe_delay(delay: timedelta) -> Translatable:
    minutes = round(delay.total_seconds() / 60)
    if minutes < 2 * 60:
        return ngettext("{count} minute", "{count} minutes", minutes)
    if minutes < 48 * 60:
        return ngettext("{count} hour", "{count} hours", round(minutes / 60))
    return ngettext("{count} day", "{count} days", round(minutes / 60 / 24))


def _make_missed_error(plan: PlannedIssue, now: datetime, max_age: timedelta) -> SendTimeMissed:
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


ALIKE = {
    Likeness.TEXT: _("reads the same as"),
    Likeness.WORDS: _("has almost the same words as"),
    Likeness.TITLE: _("has the same title as"),
    Likeness.DATE: _("has the same date as"),
}


def _make_duplicate_error(plan: PlannedIssue, found: EarlierIssue) -> MailingError:
    earlier = found.issue
    return MailingError(
        _(
            "`{source}` {is_like} `{issue_slug}`, which `{list_slug}` got on {at} UTC; it is not sent automatically, because recipients would get it twice",
            source=plan.source,
            is_like=ALIKE[found.likeness],
            issue_slug=earlier.issue_slug,
            list_slug=plan.list_slug,
            at=f"{earlier.created_at:%Y-%m-%d %H:%M}",
        ),
        hint=_(
            "If the file was renamed, write `slug: {sent_slug}` in its front matter or give it its old name. To send it again all the same: moza-mail send {issue_slug}",
            sent_slug=earlier.issue_slug,
            issue_slug=plan.issue_slug,
        ),
    )


def _make_error_key(plan: PlannedIssue, error: MozaMailError) -> str:
    """Return the deduplication key by which an error of an issue is reported once.

    The key of a TransportError does not contain its message, because a relay words the same refusal differently each time.
    """
    key = make_notice_key(type(error).__name__, plan)
    if isinstance(error, TransportError | SendTimeMissed):
        return key
    return f"{key} {sha256(error.message.encode()).hexdigest()[:16]}"
