"""Happened: what became of a mailing, as a chart with its numbers in a table beside it."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moza_mail.model.mailing import DeliveryState
from moza_mail.model.summary import TOLD, DomainSummary, Summary
from moza_mail.web.desk.pages import Pages
from moza_mail.web.desk.workshop import Workshop

MOST_DOMAINS = 15
# The chart is drawn in units of which a bar may be so many wide.
WIDEST = 360
ROW = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One count: its `word` of the page's language, its `share` in percent of the audience, and where its bar is drawn."""

    word: str
    count: int
    share: float
    top: int
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
                "bars": bars(found.summary),
                "row": ROW,
                "widest": WIDEST,
                "domains": [domain(one) for one in largest],
                "others": domain(others) | {"count": len(found.summary.domains) - MOST_DOMAINS}
                if others
                else None,
            }
        return self.pages.page("happened.html", request, room="status", **names)


def bars(summary: Summary) -> list[Bar]:
    """A bar for each state and each kind of report that is not empty, and for those who left."""
    counts = [(f"state_is_{state}", summary.states[state]) for state in DeliveryState]
    counts += [(f"report_{kind}", summary.reports.get(kind, 0)) for kind in TOLD]
    shown = [(word, count) for word, count in [*counts, ("report_left", summary.left)] if count]
    of = max(summary.audience, 1)
    return [
        Bar(
            word=word,
            count=count,
            share=100 * count / of,
            # The first row of the table beside it is its head.
            top=(number + 1) * ROW,
            width=max(2.0, round(WIDEST * min(count, of) / of, 1)),
        )
        for number, (word, count) in enumerate(shown)
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
