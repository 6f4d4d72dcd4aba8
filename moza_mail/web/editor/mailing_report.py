"""The report page of a mailing: a table in which each count has a bar."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moza_mail.app.project_session import ProjectSession
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import DeliveryState, SkipReason
from moza_mail.model.summary import REPORTED_KINDS, DomainSummary, MailingSummary
from moza_mail.web.editor.pages import Pages

MAX_DOMAINS = 15
# The width of a bar for the whole audience, in units of the SVG.
BAR_UNITS = 360
LABELS = {
    "state_pending": _("Not tried yet"),
    "state_claimed": _("Claimed by a sender"),
    "state_intent": _("Being sent"),
    "state_accepted": _("Accepted"),
    "state_deferred": _("Deferred"),
    "state_refused": _("Refused"),
    "state_uncertain": _("Uncertain: a person must decide"),
    "skipped_unsubscribed": _("Skipped: unsubscribed"),
    "skipped_suppressed": _("Skipped: address suppressed"),
    "skipped_erased": _("Skipped: erased"),
    "skipped_missing_value": _("Skipped: a value is missing"),
    "skipped_confirmed": _("Skipped: already confirmed"),
    "report_hard": _("Address does not exist"),
    "report_soft": _("Mailbox full or unreachable"),
    "report_policy": _("Refused because of the sender"),
    "report_forwarded": _("Failed after forwarding"),
    "report_complaint": _("Marked as spam"),
    "report_left": _("Unsubscribed since"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CountBar:
    """A count, and the bar that shows it in the table.

    kind: determines the colour of the bar.
    share: the percentage of the audience.
    width: the width of the bar, from 2 to BAR_UNITS.
    """

    kind: str
    label: Translatable
    count: int
    share: float
    width: float


class MailingReportPages:
    """The report page of a mailing."""

    def __init__(self, session: ProjectSession, pages: Pages) -> None:
        self.session = session
        self.pages = pages

    def routes(self) -> list[Route]:
        """Return the route of the page."""
        return [Route("/status", self.show)]

    async def show(self, request: Request) -> Response:
        """Show the requested mailing, by default the newest."""
        wanted = request.query_params.get("mailing", "")
        number = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else None
        report = await self.session.load_report(number)
        values: dict[str, Any] = {"mailing": None, "mailings": ()}
        if report is not None:
            summary = report.summary
            largest, others = summary.largest_domains(MAX_DOMAINS)
            values = {
                "mailing": report.mailing,
                "created_at": report.mailing.created_at.astimezone(self.session.zone),
                "mailings": report.mailings,
                "summary": summary,
                "parts": make_bars(summary, count_audience(summary)),
                "after": make_bars(summary, count_reports(summary)),
                "bar_units": BAR_UNITS,
                "domains": [count_domain(domain) for domain in largest],
                "others": count_domain(others) | {"count": len(summary.domains) - MAX_DOMAINS}
                if others
                else None,
            }
        return self.pages.page("mailing_report.html", request, section="status", **values)


def count_audience(summary: MailingSummary) -> list[tuple[str, int]]:
    """Count each recipient once.

    Skipped recipients are counted by reason, and all others by the state of their delivery.
    """
    reasons: Counter[SkipReason] = Counter()
    for (reason, _detail), count in summary.skipped.items():
        reasons[reason] += count
    counts: list[tuple[str, int]] = []
    for state in DeliveryState:
        if state is DeliveryState.SKIPPED:
            counts += [(f"skipped_{reason}", reasons[reason]) for reason in SkipReason]
        else:
            counts.append((f"state_{state}", summary.states[state]))
    return counts


def count_reports(summary: MailingSummary) -> list[tuple[str, int]]:
    """Return the counts of bounce reports and unsubscriptions after the mailing.

    These recipients are also included in the counts of the audience.
    """
    return [
        *((f"report_{kind}", summary.reports.get(kind, 0)) for kind in REPORTED_KINDS),
        ("report_left", summary.unsubscribed),
    ]


def make_bars(summary: MailingSummary, counts: list[tuple[str, int]]) -> list[CountBar]:
    """Return a bar for each count above zero."""
    audience = max(summary.audience, 1)
    return [
        CountBar(
            kind=kind,
            label=LABELS[kind],
            count=count,
            share=100 * count / audience,
            width=max(2.0, round(BAR_UNITS * min(count, audience) / audience, 1)),
        )
        for kind, count in counts
        if count
    ]


def count_domain(domain: DomainSummary) -> dict[str, Any]:
    """Return the counts of a domain as a row of the table of domains."""
    accepted = domain.states.get(DeliveryState.ACCEPTED, 0)
    refused = domain.states.get(DeliveryState.REFUSED, 0)
    return {
        "domain": domain.domain,
        "audience": domain.audience,
        "accepted": accepted,
        "refused": refused,
        "other": domain.audience - accepted - refused,
        "bounced": sum(domain.reports.get(kind, 0) for kind in REPORTED_KINDS),
    }
