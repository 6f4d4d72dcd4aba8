"""Report the results of a mailing as JSON values and as CSV."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from moza_mail.model.bounce import BounceKind
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.summary import REPORTED_KINDS, DomainSummary, MailingSummary
from moza_mail.sending import MailingProgress

ERASED = "(erased)"


def progress_as_data(progress: MailingProgress, relay: str) -> dict[str, Any]:
    """Return the progress of a mailing as JSON values."""
    mailing = progress.mailing
    return {
        "mailing": mailing.id,
        "issue": mailing.issue_slug,
        "list": mailing.list_slug,
        "segment": {"name": mailing.segment.slug, "rule": str(mailing.segment)} if mailing.segment else None,
        "relay": relay,
        "digest": mailing.digest,
        "created_at": mailing.created_at.isoformat(),
        "audience": progress.audience,
        "states": {state.value: progress.states[state] for state in DeliveryState},
        "skipped": [
            {"reason": reason.value, "detail": detail, "count": count}
            for (reason, detail), count in progress.skipped.items()
        ],
        "held": [
            {"provider": provider, "verdict": verdict.value, "count": count}
            for (provider, verdict), count in progress.held.items()
        ],
        "claims": [
            {
                "sender": one.sender,
                "count": one.count,
                "since": one.since.isoformat(),
                "last_change": one.last_change.isoformat(),
            }
            for one in progress.claims
        ],
        "verdicts": [
            {
                "state": one.state.value,
                "verdict": one.verdict.value,
                "count": one.count,
                "example": one.example,
            }
            for one in progress.verdicts
        ],
        "next_attempt": progress.next_attempt.isoformat() if progress.next_attempt else None,
        "suppressed": progress.suppressed,
        "approved_by": progress.approval.approved_by if progress.approval else None,
        "approved_at": progress.approval.created_at.isoformat() if progress.approval else None,
    }


def summary_as_data(summary: MailingSummary) -> dict[str, Any]:
    """Return the bounces and unsubscriptions after a mailing as JSON values.

    Includes the counts of every domain, if the summary has them.
    """
    data: dict[str, Any] = {"reports": _count_reports(summary.reports), "left": summary.unsubscribed}
    if summary.domains:
        data["domains"] = [
            {"domain": domain.domain, "audience": domain.audience, **count_domain(domain)}
            for domain in sort_domains(summary)
        ]
    return data


def sort_domains(summary: MailingSummary) -> list[DomainSummary]:
    """Return the domains, sorted by number of recipients, largest first."""
    return summary.largest_domains(len(summary.domains))[0]


def count_domain(domain: DomainSummary) -> dict[str, int]:
    """Return the counts at a domain: recipients by delivery state, and reports by kind."""
    states = {state.value: domain.states.get(state, 0) for state in DeliveryState}
    return {**states, **_count_reports(domain.reports)}


def _count_reports(reports: Mapping[BounceKind, int]) -> dict[str, int]:
    return {kind.value: reports.get(kind, 0) for kind in REPORTED_KINDS}


def summary_as_csv(summary: MailingSummary) -> str:
    """Return a row for each domain, largest first, and a last row `total`."""
    total = DomainSummary(domain="total", states=summary.states, reports=summary.reports)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["domain", "audience", *count_domain(total)])
    for domain in [*sort_domains(summary), total]:
        writer.writerow([domain.domain or ERASED, domain.audience, *count_domain(domain).values()])
    return text.getvalue().rstrip("\n")
