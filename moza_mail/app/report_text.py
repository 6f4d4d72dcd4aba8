"""Describe a mailing in lines of text: its plan, its progress, and later reports.

Each line can be translated.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from moza_mail.app.audience_text import describe_excluded
from moza_mail.app.mailing_report import ERASED, count_domain
from moza_mail.i18n import Translatable, join_texts, ngettext
from moza_mail.i18n import gettext as _
from moza_mail.model.bounce import BounceKind
from moza_mail.model.duplicate import Likeness
from moza_mail.model.mailing import DeliveryState, SkipReason, VerdictCount
from moza_mail.model.relay_log import LogPeriod
from moza_mail.model.store_mark import RestoreGap
from moza_mail.model.summary import REPORTED_KINDS, DomainSummary, MailingSummary
from moza_mail.model.timestamps import format_duration

if TYPE_CHECKING:
    # Their modules are slow to import, and only their own commands need them.
    from moza_mail.app.build_archive import ArchiveReport
    from moza_mail.app.mailing_status import ListedMailing, MailingStatus
    from moza_mail.app.plan_send import SendPlan
    from moza_mail.app.process_bounces import BounceRun
    from moza_mail.app.settle import SettleReport
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
LIKENESSES = {
    Likeness.TEXT: _("text"),
    Likeness.WORDS: _("words, almost"),
    Likeness.TITLE: _("title"),
    Likeness.DATE: _("date"),
}
MOST_DOMAINS = 10


def verdicts_as_lines(verdicts: Sequence[VerdictCount]) -> list[str]:
    """Return a line for each state and verdict, with its count and an example reply."""
    return [f"  {one.count:>8} {one.state}, {one.verdict}: {one.example[:120]}" for one in verdicts]


def plan_as_lines(plan: "SendPlan") -> list[str]:
    """Return the plan of a send: the issue, its sender and its recipients."""
    prepared, mailing = plan.prepared, plan.mailing
    issue, mailing_list = prepared.issue, prepared.mailing_list
    lines: list[str] = [
        f"{issue.title} ({issue.source})",
        _("  subject  {subject}", subject=issue.subject or issue.title),
        _("  from     {sender}", sender=f"{mailing_list.sender_name} <{mailing_list.sender}>"),
        _("  relay    {relay}", relay=prepared.project.config.relay),
    ]
    if plan.audience:
        excluded = describe_excluded(plan.audience)
        lines.append(
            _(
                "  to       {count} of {list}{excluded}",
                count=plan.audience.confirmed,
                list=mailing_list.slug,
                excluded=excluded,
            )
        )
    else:
        accepted, total = plan.states[DeliveryState.ACCEPTED], sum(plan.states.values())
        lines.append(
            _(
                "  to       {list}, continued: {accepted} of {total} accepted",
                list=mailing_list.slug,
                accepted=accepted,
                total=total,
            )
        )
    if before := plan.duplicate:
        lines.append(
            _(
                "  caution  same {likeness} as {issue}, sent on {date}: if it is the same issue, its recipients get it twice",
                likeness=LIKENESSES[before.likeness],
                issue=before.issue.issue_slug,
                date=f"{before.issue.created_at:%Y-%m-%d}",
            )
        )
    if mailing.segment:
        lines.append(_("  segment  {segment}", segment=f"{mailing.segment.slug}: {mailing.segment}"))
    if plan.duration is not None:
        rates = prepared.project.config.rate_limits
        duration = format_duration(plan.duration)
        lines.append(_("  rate     {rates}: about {duration}", rates=str(rates), duration=duration))
    return lines


def describe_finished(plan: "SendPlan") -> Translatable:
    """Return a sentence about a mailing that has no deliveries left to send.

    Uncertain deliveries may belong to a mailing that a restored store recorded only later, so no time is given with them.
    """
    if plan.uncertain:
        return ngettext(
            "Nobody was mailed now. It is uncertain whether {count} recipient has this issue already.",
            "Nobody was mailed now. It is uncertain whether {count} recipients have this issue already.",
            plan.uncertain,
        )
    begun = _minute(plan.mailing.created_at)
    return _("This issue was sent on {begun} UTC already. Nobody was mailed now.", begun=begun)


def progress_as_lines(progress: "MailingProgress", relay: str) -> list[str]:
    """Return the progress of a mailing."""
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
        _count(progress.states[state], _describe_state(state, progress))
        for state in DeliveryState
        if progress.states[state]
    ]
    lines += verdicts_as_lines(progress.verdicts)
    lines += [
        _(
            "  {count:>8} claimed by {sender} since {since} UTC, last changed at {last} UTC. If that process hangs, end it and send again.",
            count=one.count,
            since=f"{one.since:%Y-%m-%d %H:%M:%S}",
            sender=one.sender,
            last=f"{one.last_change:%Y-%m-%d %H:%M:%S}",
        )
        for one in progress.claims
    ]
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
            ngettext(
                "  {count:>8} address suppressed. See why: moza-mail status --suppressed",
                "  {count:>8} addresses suppressed. See why: moza-mail status --suppressed",
                progress.suppressed,
            )
        )
    if progress.next_attempt:
        lines.append(
            _(
                "  To retry the deferred recipients, send again after {at} UTC.",
                at=_minute(progress.next_attempt),
            )
        )
    return lines


def _count(count: int, text: str) -> str:
    return _("  {count:>8} {text}", count=count, text=text)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _second(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _describe_state(state: DeliveryState, progress: "MailingProgress") -> str:
    reasons = join_texts(
        _("{count} {reason}", count=count, reason=detail or SKIP_REASONS[reason])
        for (reason, detail), count in progress.skipped.items()
    )
    text = STATES[state]
    return (
        _("{state}: {reasons}", state=text, reasons=reasons)
        if state is DeliveryState.SKIPPED and reasons
        else text
    )


def summary_as_lines(summary: MailingSummary) -> Iterator[str]:
    """Yield lines with bounces and unsubscriptions after a mailing, and its largest domains."""
    reports = [(kind, summary.reports.get(kind, 0)) for kind in REPORTED_KINDS]
    if any(count for _, count in reports) or summary.unsubscribed:
        yield _("  since then:")
    for kind, count in reports:
        if count:
            yield _count(count, REPORTS[kind])
    if summary.unsubscribed:
        yield _("  {unsubscribed:>8} left the list", unsubscribed=summary.unsubscribed)
    if summary.domains:
        largest, others = summary.largest_domains(MOST_DOMAINS)
        yield _("  by domain:")
        yield from (f"  {one.audience:>8} {_describe(one)}" for one in [*largest, *filter(None, [others])])


def _describe(domain: DomainSummary) -> str:
    parts = [f"{count} {word}" for word, count in count_domain(domain).items() if count]
    return f"{domain.domain or ERASED}: {', '.join(parts)}"


def settlements_as_lines(report: "SettleReport", log: str) -> list[str]:
    """Return, for each mailing, a line with its settled and its uncertain deliveries.

    log: the name of the relay's log that settled the deliveries.
    """
    return [
        _(
            "{issue}: {log} shows that the relay accepted {settled} of {total} uncertain messages; {left} left",
            issue=one.mailing.issue_slug,
            log=log,
            settled=one.settled,
            total=one.settled + one.left,
            left=one.left,
        )
        for one in report.mailings
    ]


def gap_as_lines(gap: RestoreGap | None, period: LogPeriod | None = None) -> list[str]:
    """Describe a restored store's period without records, and how to settle it.

    The result is empty if everything is settled.

    period: the period that the relay's log covers; None if the log shows no times.
    """
    if gap is None or not gap.is_open:
        return []
    covered = (
        _(
            "The log covers mail from {first} UTC to {last} UTC.",
            first=_second(period.first),
            last=_second(period.last),
        )
        if period
        else _("The log has no line about mail that shows a time.")
    )
    return [
        covered,
        _(
            "It is still unknown what was sent between {start} UTC and {end} UTC. Until you settle this, no mailing can begin.",
            start=_second(gap.start),
            end=_second(gap.end),
        ),
        _(
            "Use a log that covers that time: moza-mail settle --log FILE. If the log is in several files, join them with cat. If it ends too early, send yourself a test copy: this adds a line with the current time. Or, if you know that every issue up to a certain time was sent, type: moza-mail settle --assume-sent-until TIME"
        ),
    ]


def assumption_as_lines(gap: RestoreGap) -> list[str]:
    """Describe the effect of a person's statement that issues up to a day were sent.

    gap: the period that is still missing in the restored store, after the statement.
    """
    if gap.is_open:
        return [_("It is still unknown what was sent between that time and {end} UTC.", end=_second(gap.end))]
    return [
        _(
            "Issues dated up to that day, and issues without a date, now count as sent. Other issues are sent as usual."
        )
    ]


def mailings_as_lines(found: "MailingStatus") -> list[str]:
    """Return a line for each of the newest mailings; no lines if there is only one mailing."""
    if not found.earlier or not found.mailings:
        return []
    lines: list[str] = [_("Mailings:"), *map(_describe_mailing, found.mailings)]
    if (more := found.earlier + 1 - len(found.mailings)) > 0:
        lines.append(_("  and {count} older ones", count=more))
    return lines


def _describe_mailing(one: "ListedMailing") -> str:
    return _(
        "  {at} UTC  {issue} to {audience}: {accepted} of {total} accepted, {remaining} to do",
        at=_minute(one.mailing.created_at),
        issue=one.mailing.issue_slug,
        audience=one.mailing.audience_name,
        accepted=one.states[DeliveryState.ACCEPTED],
        total=sum(one.states.values()),
        remaining=one.remaining,
    )


def bounces_as_lines(report: "BounceRun") -> Iterator[str]:
    """Yield the counts of a bounce run, and the addresses that it suppressed or unsubscribed."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.counts.items())
    yield _(
        "{total}{kinds}{before}",
        total=_("{source}: {count} read", source=report.source, count=report.total),
        kinds=f": {kinds}" if kinds else "",
        before=_("; {count} counted before", count=report.repeated) if report.repeated else "",
    )
    for one in report.suppressed:
        text = _("would be suppressed") if report.is_dry_run else _("suppressed")
        yield _("  {done}: {address} ({why})", done=text, address=one["address"], why=one["reason"])
    for one in report.unsubscribed:
        text = _("would be unsubscribed") if report.is_dry_run else _("unsubscribed")
        yield _("  {done}: {address} ({why})", done=text, address=one["address"], why=one["list"])


def bounce_remarks(report: "BounceRun") -> Iterator[str]:
    """Yield the decisions that a bounce run leaves to a person."""
    if report.held:
        yield _(
            "{count} suppressions are held: too many recipients at one provider failed with the same error, which may be the provider's fault. See moza-mail status. Then decide: moza-mail bounces accept MAILING, or moza-mail bounces reject MAILING",
            count=report.held,
        )
    for one in report.unrecognised:
        yield _("  left in the mailbox: {message}: {why}", message=one["message"], why=one["why"])


def archive_as_line(report: "ArchiveReport", folder: Path) -> str:
    """Return the counts of an archive that was built in a folder."""
    result = report.result
    return _(
        "{folder}: {issues}; {added} files added, {changed} changed, {unchanged} unchanged, {removed} removed",
        folder=str(folder),
        issues=ngettext("{count} issue", "{count} issues", report.issues),
        added=result.added,
        changed=result.changed,
        unchanged=result.unchanged,
        removed=result.removed,
    )


def archive_remarks(report: "ArchiveReport", issues_folder: Path) -> Iterator[str]:
    """Yield the remarks of an archive, and the issues that were sent and have no file."""
    yield from report.remarks
    for slug in report.missing:
        yield _(
            "{slug} was sent to {list_slug}, but has no file in {folder}, so it has no page.\n  Put its file back, or name it: --include FILE",
            slug=slug,
            list_slug=report.list_slug,
            folder=str(issues_folder),
        )
