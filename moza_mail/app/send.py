"""Send an issue to its list, to one address as a test, or to nobody as a dry run."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from moza_mail import sending
from moza_mail.app.check_issue import check_issue
from moza_mail.app.clock import now
from moza_mail.app.login_backoff import RELAY, forget_refusal, remember_refusal
from moza_mail.app.mailing_report import progress_as_data
from moza_mail.app.open_project import open_transport, pause_garbage_collection
from moza_mail.app.plan_send import SendOptions, SendPlan, plan_mailing, require_approval
from moza_mail.app.prepare_issue import PreparedIssue
from moza_mail.app.relay_alarms import describe_breaker, find_outbox_alarms
from moza_mail.app.render_issue import example_recipient
from moza_mail.app.signing import load_signing_keys, signing_as_data
from moza_mail.app.wrong_clock import require_right_clock
from moza_mail.compose import DkimKey
from moza_mail.errors import AuthenticationRefused, MozaMailError, StoreUnavailable, TransportError
from moza_mail.model.address import Address
from moza_mail.model.circuit_breaker import CircuitBreaker
from moza_mail.model.mailing import DeliveryState, Mailing
from moza_mail.model.message import Recipient
from moza_mail.model.outcome import Outcome
from moza_mail.project import Project
from moza_mail.sending import DryRunResult, MailingProgress
from moza_mail.store import Store
from moza_mail.transport import Outcomes, Transport

TEST_PREFIX = "[TEST] "

OutcomesCallback = Callable[[Outcomes], None]
"""Receives the outcomes of each committed batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReport:
    """The outcome of one run of `send`.

    alarms: warnings that a person must look at.
    error: the error that stopped the run; None if there was none.
    """

    progress: MailingProgress
    relay: str
    keys: tuple[DkimKey, ...] = ()
    alarms: Sequence[str] = ()
    error: MozaMailError | None = None

    @property
    def needs_attention(self) -> bool:
        """True if a person must act before the mailing can be finished."""
        return self.progress.needs_attention or bool(self.alarms)

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            **progress_as_data(self.progress, self.relay),
            "signed": signing_as_data(self.keys),
            "alarms": list(self.alarms),
        }


async def send(
    store: Store,
    transport: Transport,
    plan: SendPlan,
    options: SendOptions,
    *,
    stop: asyncio.Event,
    on_outcomes: OutcomesCallback,
) -> SendReport:
    """Carry out a plan: begin or continue its mailing.

    Set `stop` to end the run in good order. If an error occurs during delivery, the report has the error.

    Raises NotApproved or IssueChanged. Raises MailingError if the issue is a draft or the clock is wrong, StoreLocked if
    another process is sending, and StoreUnavailable if the database stays unavailable, so that no report can be made.
    """
    prepared = plan.prepared
    breaker = CircuitBreaker()
    error: MozaMailError | None = None

    def keep_breaker(last: CircuitBreaker) -> None:
        nonlocal breaker
        breaker = last

    settings = replace(
        send_settings(prepared.project, stop=stop, on_end=keep_breaker),
        limit=options.limit,
        wait=options.wait or timedelta(0),
        retry_uncertain=options.retry_uncertain,
        retry_refused=options.retry_refused,
        retry_verdict=options.verdict,
        on_outcomes=on_outcomes,
    )
    await require_right_clock(store)
    async with store.ledger.hold_sender_lock(f"moza-mail send {prepared.issue.slug}"):
        # The approval may have been withdrawn while a person was asked for confirmation.
        await require_approval(store, prepared, plan.mailing)
        mailing = await sending.begin_mailing(store, prepared.issue, prepared.mailing_list, plan.mailing)
        compiled = prepared.compile(mailing, keys=plan.keys)
        with pause_garbage_collection():
            try:
                await sending.deliver(store, transport, mailing, compiled, settings)
            except MozaMailError as stopped:
                error = stopped
    if isinstance(error, StoreUnavailable):
        raise error
    if isinstance(error, AuthenticationRefused):
        await remember_refusal(store, prepared.project, RELAY)
    elif not isinstance(error, TransportError):
        await forget_refusal(store, prepared.project, RELAY)
    report = await report_mailing(store, prepared.project, mailing, keys=plan.keys, breaker=breaker)
    return replace(report, error=error)


def send_settings(
    project: Project, *, stop: asyncio.Event, on_end: Callable[[CircuitBreaker], None]
) -> sending.SendSettings:
    """Return the settings for a run of `send`, from the project's configuration.

    stop: set to end the run in good order.
    on_end: receives the circuit breaker when the run ends.
    """
    return sending.SendSettings(
        clock=now,
        stop=stop,
        batch_size=project.config.batch_size,
        rates=project.config.rate_limits,
        on_end=on_end,
    )


async def report_mailing(
    store: Store,
    project: Project,
    mailing: Mailing,
    *,
    keys: tuple[DkimKey, ...] = (),
    breaker: CircuitBreaker = CircuitBreaker(),  # noqa: B008  # frozen
) -> SendReport:
    """Report the progress of a mailing, with warnings about the relay's replies.

    keys: the DKIM keys that signed the messages.
    breaker: the circuit breaker of the run. The default is a circuit breaker that has recorded no problem.
    """
    relay = project.config.relay
    alarms = [*describe_breaker(breaker, relay), *await find_outbox_alarms(store, mailing, relay)]
    progress = await sending.load_progress(store, mailing)
    return SendReport(progress=progress, relay=relay, keys=keys, alarms=alarms)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunReport:
    """Result of a dry run.

    has_subscribers: False if the list never had subscribers. Then one example message was composed.
    """

    plan: SendPlan
    result: DryRunResult
    has_subscribers: bool

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        plan, result = self.plan, self.result
        states = dict(plan.states) or dict.fromkeys(DeliveryState, 0)
        progress = MailingProgress(mailing=plan.mailing, states=states, skipped=result.skipped)
        return {
            **progress_as_data(progress, plan.prepared.project.config.relay),
            "mailing": plan.mailing.id or None,
            "audience": progress.audience if plan.is_begun else result.audience,
            "dry_run": True,
            "signed": signing_as_data(plan.keys),
            "messages": result.messages,
            "unmailable": result.unmailable,
            "bytes_min": result.bytes_min,
            "bytes_max": result.bytes_max,
            "recipients": list(result.recipients),
            "example": result.example.decode("utf-8", "replace"),
        }


async def dry_run(
    store: Store, prepared: PreparedIssue, on_plan: Callable[[SendPlan], None] = lambda _: None
) -> DryRunReport:
    """Compose every message and send none. `on_plan` receives the plan beforehand.

    Raises IssueChanged, and EmptyAudience if no subscriber of the list can be mailed.
    """
    keys = load_signing_keys(prepared.project, prepared.mailing_list)
    draft = prepared.draft_mailing()
    begun = await sending.find_mailing(store, draft)
    findings = () if begun else check_issue(prepared)
    compiled = prepared.compile(draft, keys=keys)
    if begun is None and not await _has_subscribers(store, draft.list_slug):
        content = compiled.compose_message(example_recipient(prepared.rendered))[1].content
        return DryRunReport(
            plan=SendPlan(prepared=prepared, mailing=draft, findings=findings, keys=keys),
            result=DryRunResult(messages=0, bytes_min=len(content), bytes_max=len(content), example=content),
            has_subscribers=False,
        )
    plan = await plan_mailing(store, prepared, begun or draft, findings=findings, keys=keys)
    on_plan(plan)
    result = await sending.compose_without_sending(store, draft, compiled)
    return DryRunReport(plan=plan, result=result, has_subscribers=True)


async def _has_subscribers(store: Store, list_slug: str) -> bool:
    audience = await store.subscribers.count_audience(list_slug)
    return bool(audience.confirmed or any(audience.left_out.values()))


async def send_test_copy(
    prepared: PreparedIssue, address: Address, recipient: Recipient | None = None
) -> Outcome:
    """Send one copy, marked as a test, to an address.

    recipient: the recipient whose merge values are in the copy; None for the example recipient.
    """
    draft = prepared.draft_mailing()
    # Each test copy has its own Message-ID. Otherwise, a mail program could merge two copies.
    draft = replace(draft, key=f"test/{draft.key}/{draft.created_at.isoformat()}")
    keys = load_signing_keys(prepared.project, prepared.mailing_list)
    compiled = prepared.compile(draft, subject_prefix=TEST_PREFIX, keys=keys)
    values = (recipient or example_recipient(prepared.rendered)).values
    copy = compiled.compose_message(Recipient(subscriber_id=0, address=address, values=values))
    async with open_transport(prepared.project) as transport:
        return await sending.send_one(transport, *copy)
