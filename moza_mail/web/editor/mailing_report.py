"""Happened: what became of a mailing, as a table in which each number has its bar."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import DeliveryState, SkipReason
from moza_mail.model.summary import TOLD, DomainSummary, Summary
from moza_mail.web.editor.pages import Pages
from moza_mail.web.editor.workshop import Workshop

MOST_DOMAINS = 15
# A bar of the whole audience is so many units wide.
WIDEST = 360
LABELS = {
    "state_is_pending": _("Not tried yet"),
    "state_is_claimed": _("Claimed by a sender"),
    "state_is_intent": _("Being sent"),
    "state_is_accepted": _("Accepted"),
    "state_is_deferred": _("Deferred"),
    "state_is_refused": _("Refused"),
    "state_is_uncertain": _("Uncertain: a person must decide"),
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
class Bar:
    """One count: the `word` that gives its colour, its label, its `share` of the audience in percent, its width."""

    word: str
    label: Translatable
    count: int
    share: float
    width: float


class HappenedPages:
    """The page of what happened, for the newest mailing or the one that is asked for."""

    def __init__(self, workshop: Workshop, pages: Pages) -> None:
        self.workshop = workshop
        self.pages = pages

    def routes(self) -> list[Route]:
        """Where it stands."""
        return [Route("/status", self.show)]

    async def show(self, request: Request) -> Response:
        """The page; without a mailing it says how to begin one."""
        wanted = request.query_params.get("mailing", "")
        found = await self.workshop.happened(int(wanted) if wanted.isdecimal() and len(wanted) < 10 else None)
        names: dict[str, Any] = {"mailing": None, "mailings": ()}
        if found is not None:
            largest, others = found.summary.largest(MOST_DOMAINS)
            names = {
                "mailing": found.mailing,
                "mailings": found.mailings,
                "summary": found.summary,
                "parts": bars(found.summary, parts(found.summary)),
                "after": bars(found.summary, after(found.summary)),
                "widest": WIDEST,
                "domains": [domain(one) for one in largest],
                "others": domain(others) | {"count": len(found.summary.domains) - MOST_DOMAINS}
                if others
                else None,
            }
        return self.pages.page("happened.html", request, room="status", **names)


def parts(summary: Summary) -> list[tuple[str, int]]:
    """What the audience adds up from: each state by its word, those skipped by their reason."""
    reasons: Counter[SkipReason] = Counter()
    for (reason, _detail), count in summary.skipped.items():
        reasons[reason] += count
    found: list[tuple[str, int]] = []
    for state in DeliveryState:
        if state is DeliveryState.SKIPPED:
            found += [(f"skipped_{reason}", reasons[reason]) for reason in SkipReason]
        else:
            found.append((f"state_is_{state}", summary.states[state]))
    return found


def after(summary: Summary) -> list[tuple[str, int]]:
    """What came back since by its word, and who left: of readers who are counted among the parts too."""
    return [
        *((f"report_{kind}", summary.reports.get(kind, 0)) for kind in TOLD),
        ("report_left", summary.left),
    ]


def bars(summary: Summary, counts: list[tuple[str, int]]) -> list[Bar]:
    """A bar for each count that is not nought."""
    of = max(summary.audience, 1)
    return [
        Bar(
            word=word,
            label=LABELS[word],
            count=count,
            share=100 * count / of,
            width=max(2.0, round(WIDEST * min(count, of) / of, 1)),
        )
        for word, count in counts
        if count
    ]


def domain(one: DomainSummary) -> dict[str, Any]:
    """A row of the table: the states that matter most, and all that came back."""
    accepted = one.states.get(DeliveryState.ACCEPTED, 0)
    refused = one.states.get(DeliveryState.REFUSED, 0)
    return {
        "domain": one.domain,
        "audience": one.audience,
        "accepted": accepted,
        "refused": refused,
        "other": one.audience - accepted - refused,
        "came_back": sum(one.reports.get(kind, 0) for kind in TOLD),
    }
