"""Plan a send: find its recipients, obstacles and warnings. Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from moza_mail import sending
from moza_mail.app.audience_text import describe_excluded
from moza_mail.app.check_issue import check_issue, has_errors
from moza_mail.app.prepare_issue import PreparedIssue
from moza_mail.app.relay_alarms import find_outbox_alarms
from moza_mail.app.signing import load_signing_keys
from moza_mail.compose import DkimKey
from moza_mail.errors import EmptyAudience
from moza_mail.i18n import gettext as _
from moza_mail.model.audience import AudienceCount
from moza_mail.model.duplicate import EarlierIssue
from moza_mail.model.finding import Finding
from moza_mail.model.mailing import DeliveryState, Mailing, VerdictCount
from moza_mail.model.verdict import Verdict
from moza_mail.sending import approval as approvals
from moza_mail.store import Store, current_account

WAITING = (DeliveryState.PENDING, DeliveryState.DEFERRED, DeliveryState.CLAIMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """Options of one send.

    limit: send at most this many messages.
    wait: wait up to this long for deferred recipients, and for a database server that is away; None for the defaults.
    retry_refused: mail refused recipients again, because a person decided so.
    verdict: limits `retry_refused` to refusals with this verdict; None for all refusals.
    retry_uncertain: mail uncertain recipients again, because a person decided so. They may get the message twice.
    """

    limit: int | None = None
    wait: timedelta | None = None
    retry_uncertain: bool = False
    retry_refused: bool = False
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPlan:
    """Plan of a send.

    mailing: the mailing to continue, or a draft of a new mailing.
    states: counts of the deliveries by state; empty for a new mailing.
    verdicts: counts of the deliveries that were not accepted, by state and verdict.
    audience: counts of the recipients of a new mailing; None for a mailing to continue.
    duplicate: an earlier issue with another slug that may be the same issue; None if there is none.
    duration: the estimated time at the configured rates; None without rates.
    alarms: warnings about the deliveries made so far.
    """

    prepared: PreparedIssue
    mailing: Mailing
    states: Mapping[DeliveryState, int] = field(default_factory=dict)
    verdicts: Sequence[VerdictCount] = ()
    findings: tuple[Finding, ...] = ()
    keys: tuple[DkimKey, ...] = ()
    audience: AudienceCount | None = None
    duplicate: EarlierIssue | None = None
    duration: timedelta | None = None
    alarms: Sequence[str] = ()

    @property
    def is_begun(self) -> bool:
        """True if the mailing exists and would be continued."""
        return self.mailing.id != 0

    @property
    def has_errors(self) -> bool:
        """True if the check of the issue found errors, so nothing may be sent."""
        return has_errors(self.findings)

    @property
    def remaining(self) -> int:
        """The number of messages to send, not counting uncertain deliveries."""
        if self.audience is not None:
            return self.audience.confirmed
        return sum(self.states.get(state, 0) for state in WAITING)

    @property
    def uncertain(self) -> int:
        """The number of recipients who may have the message already.

        A sender that crashed leaves deliveries in the state INTENT. They become UNCERTAIN when the next send begins.
        """
        return sum(self.states.get(state, 0) for state in (DeliveryState.UNCERTAIN, DeliveryState.INTENT))

    def is_finished(self, options: SendOptions) -> bool:
        """Return True if a send with `options` would find nothing to do."""
        intents = self.states.get(DeliveryState.INTENT, 0)
        again = self.uncertain if options.retry_uncertain else intents
        return self.is_begun and not self.remaining and not again and not self.count_retried(options)

    def count_retried(self, options: SendOptions) -> int:
        """Return the number of refused recipients that a send with `options` mails again."""
        refused = self.states.get(DeliveryState.REFUSED, 0) if options.retry_refused else 0
        if options.verdict is None:
            return refused
        return sum(one.count for one in self.retried_verdicts(options))

    def retried_verdicts(self, options: SendOptions) -> list[VerdictCount]:
        """Return the counts of the refused recipients that a send with `options` mails again."""
        wanted = [
            one for one in self.verdicts if one.state is DeliveryState.REFUSED and options.retry_refused
        ]
        return [one for one in wanted if options.verdict in {None, one.verdict}]


async def plan_send(store: Store, prepared: PreparedIssue, options: SendOptions) -> SendPlan:
    """Plan to send an issue.

    If the mailing is finished, the plan only counts its deliveries. If the issue has errors, the plan only has the findings.

    Raises IssueChanged, NotApproved and EmptyAudience.
    """
    draft = prepared.draft_mailing()
    begun = await sending.find_mailing(store, draft)
    if begun:
        plan = SendPlan(
            prepared=prepared,
            mailing=begun,
            states=await store.ledger.count_by_state(begun.id),
            verdicts=await store.ledger.count_verdicts(begun.id),
        )
        if plan.is_finished(options):
            return plan
    keys = load_signing_keys(prepared.project, prepared.mailing_list)
    # A mailing that has begun is not checked again: the recipients who are left must get it even if a rule has changed.
    findings = () if begun else check_issue(prepared)
    if has_errors(findings):
        return SendPlan(prepared=prepared, mailing=draft, findings=findings)
    await require_approval(store, prepared, begun or draft)
    return await plan_mailing(store, prepared, begun or draft, findings=findings, keys=keys)


async def plan_mailing(
    store: Store,
    prepared: PreparedIssue,
    mailing: Mailing,
    *,
    findings: tuple[Finding, ...] = (),
    keys: tuple[DkimKey, ...] = (),
) -> SendPlan:
    """Plan how to continue a mailing that has begun, or how to send a draft of a mailing.

    Raises EmptyAudience for a draft without recipients.
    """
    plan = SendPlan(prepared=prepared, mailing=mailing, findings=findings, keys=keys)
    if plan.is_begun:
        relay = prepared.project.config.relay
        plan = replace(
            plan,
            states=await store.ledger.count_by_state(mailing.id),
            verdicts=await store.ledger.count_verdicts(mailing.id),
            alarms=await find_outbox_alarms(store, mailing, relay),
        )
    else:
        plan = replace(
            plan,
            audience=await _count_audience(store, prepared, mailing),
            duplicate=await sending.find_duplicate(store, mailing),
        )
    return replace(plan, duration=await _estimate_duration(store, plan))


async def require_approval(store: Store, prepared: PreparedIssue, mailing: Mailing) -> None:
    """Raise NotApproved if the list requires approval and the mailing is not approved."""
    policy = prepared.project.approval_policy(prepared.mailing_list)
    await approvals.require_approval(store, mailing, policy, account=current_account())


async def _count_audience(store: Store, prepared: PreparedIssue, mailing: Mailing) -> AudienceCount:
    audience = await store.subscribers.count_audience(
        mailing.list_slug, prepared.rendered.fields, mailing.segment
    )
    if not audience.confirmed:
        raise EmptyAudience(
            _(
                "nobody on the list {audience_name} can be mailed{excluded}",
                audience_name=mailing.audience_name,
                excluded=describe_excluded(audience),
            ),
            hint=_(
                "Import subscribers: moza-mail subscribers import FILE --list {list_slug} --consent TEXT",
                list_slug=mailing.list_slug,
            ),
        )
    return audience


async def _estimate_duration(store: Store, plan: SendPlan) -> timedelta | None:
    """Return the sending time at the configured rates; None without rates.

    The rates limit each group of domains separately.
    """
    rates = plan.prepared.project.config.rate_limits
    if not rates:
        return None
    mailing = plan.mailing
    counts = {
        group.name: await store.ledger.count_remaining(
            mailing.list_slug, group.domains, mailing.id or None, mailing.segment
        )
        for group in rates.groups
    }
    return rates.duration_of(plan.remaining, counts)
