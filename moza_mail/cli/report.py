"""Format the report of a mailing as text."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from moza_mail.app.mailing_report import ERASED, count_domain
from moza_mail.cli import output
from moza_mail.i18n import gettext as _
from moza_mail.model.bounce import BounceKind
from moza_mail.model.mailing import DeliveryState, SkipReason, VerdictCount
from moza_mail.model.summary import REPORTED_KINDS, DomainSummary, MailingSummary
from moza_mail.sending import MailingProgress

STATES = {
    DeliveryState.PENDING: _("pending, not tried yet"),
    DeliveryState.CLAIMED: _("claimed by a sender"),
    DeliveryState.INTENT: _("being sent to the relay"),
    DeliveryState.ACCEPTED: _("accepted by the relay"),
    DeliveryState.DEFERRED: _("deferred by the relay, to be retried"),
    DeliveryState.REFUSED: _("refused by the relay"),
    DeliveryState.SKIPPED: _("skipped"),
    DeliveryState.UNCERTAIN: _("uncertain, may have been accepted: a person must decide"),
}
SKIP_REASONS = {
    SkipReason.UNSUBSCRIBED: _("unsubscribed since"),
    SkipReason.SUPPRESSED: _("suppressed since"),
    SkipReason.ERASED: _("erased since"),
    SkipReason.MISSING_VALUE: _("without a value"),
    SkipReason.TOO_LATE: _("too late"),
}
REPORTS = {
    BounceKind.HARD: _("hard bounces: the address does not exist or is disabled"),
    BounceKind.SOFT: _("soft bounces: mailbox full, server unreachable, message too large"),
    BounceKind.POLICY: _("policy bounces: refused because of the sender"),
    BounceKind.FORWARDED: _("forwarding bounces: failed at the address it is forwarded to"),
    BounceKind.COMPLAINT: _("complaints: marked as spam by the recipient"),
}
MOST_DOMAINS = 10


def verdicts_as_lines(verdicts: Sequence[VerdictCount]) -> list[str]:
    """Return a line for each verdict of refusals, with its count and an example reply."""
    return [f"  {one.count:>8} {one.state}, {one.verdict}: {one.example[:120]}" for one in verdicts]


def progress_as_text(progress: MailingProgress, relay: str) -> str:
    """Return the progress of a mailing as text of several lines."""
    mailing = progress.mailing
    lines: list[str] = [
        _(
            "{title} ({issue}) to {audience}, through {relay}",
            title=mailing.issue_title,
            issue=mailing.issue_slug,
            audience=mailing.audience_name,
            relay=relay,
        ),
        _("  begun {at} UTC, audience {count}", at=_minute(mailing.created_at), count=progress.audience),
    ]
    if approval := progress.approval:
        lines.append(
            _("  approved by {name} on {at} UTC", name=approval.approved_by, at=_minute(approval.created_at))
        )
    lines += [
        f"  {progress.states[state]:>8} {_describe_state(state, progress)}"
        for state in DeliveryState
        if progress.states[state]
    ]
    lines += verdicts_as_lines(progress.verdicts)
    lines += [
        _(
            "  {count:>8} held ({provider}, {verdict}): decide with moza-mail bounces accept {issue_slug}, or reject",
            count=count,
            provider=provider,
            verdict=verdict,
            issue_slug=mailing.issue_slug,
        )
        for (provider, verdict), count in progress.held.items()
    ]
    if progress.suppressed:
        lines.append(
            _(
                "  {count:>8} addresses suppressed. See why: moza-mail status --suppressed",
                count=progress.suppressed,
            )
        )
    if progress.next_attempt:
        lines.append(
            _("  Send again after {at} UTC for the deferred ones.", at=_minute(progress.next_attempt))
        )
    return output.shown_lines(lines)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _describe_state(state: DeliveryState, progress: MailingProgress) -> str:
    reasons = ", ".join(
        f"{count} {detail or output.shown(SKIP_REASONS[reason])}"
        for (reason, detail), count in progress.skipped.items()
    )
    text = output.shown(STATES[state])
    return f"{text}: {reasons}" if state is DeliveryState.SKIPPED and reasons else text


def summary_as_lines(summary: MailingSummary) -> Iterator[str]:
    """Yield lines with bounces and unsubscriptions after a mailing, and its largest domains."""
    reports = [(kind, summary.reports.get(kind, 0)) for kind in REPORTED_KINDS]
    if any(count for _, count in reports) or summary.unsubscribed:
        yield _("  since then:")
    for kind, count in reports:
        if count:
            yield f"  {count:>8} {output.shown(REPORTS[kind])}"
    if summary.unsubscribed:
        yield _("  {unsubscribed:>8} left the list", unsubscribed=summary.unsubscribed)
    if summary.domains:
        largest, others = summary.largest_domains(MOST_DOMAINS)
        yield _("  by domain:")
        yield from (f"  {one.audience:>8} {_describe(one)}" for one in [*largest, *filter(None, [others])])


def _describe(domain: DomainSummary) -> str:
    parts = [f"{count} {word}" for word, count in count_domain(domain).items() if count]
    return f"{domain.domain or ERASED}: {', '.join(parts)}"
