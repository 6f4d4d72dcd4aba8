"""What happened to a mailing, as lines, as JSON values and as CSV."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from moza_mail.model.bounce import BounceKind
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.summary import TOLD, DomainSummary, Summary

SHOWN = 10
ERASED = "(erased)"
MEANINGS = {
    BounceKind.HARD: "the address does not exist or is disabled",
    BounceKind.SOFT: "full, not to be reached, too large",
    BounceKind.POLICY: "refused for what it says of you",
    BounceKind.FORWARDED: "failed where the address forwards to",
    BounceKind.COMPLAINT: "marked as spam by the reader",
}


def as_lines(summary: Summary) -> Iterator[str]:
    """What came back since, and, when they were asked for, the largest domains with the others as one."""
    came = [(kind, summary.reports.get(kind, 0)) for kind in TOLD]
    if any(count for _, count in came) or summary.left:
        yield "  since then:"
    for kind, count in came:
        if count:
            yield f"  {count:>8}  {kind}: {MEANINGS[kind]}"
    if summary.left:
        yield f"  {summary.left:>8}  of them have left the list"
    if summary.domains:
        largest, others = summary.largest(SHOWN)
        yield "  by domain:"
        yield from (f"  {one.audience:>8}  {_row(one)}" for one in [*largest, *([others] if others else [])])


def _row(one: DomainSummary) -> str:
    parts = [f"{count} {word}" for word, count in _counts(one).items() if count]
    return f"{one.domain or ERASED}: {', '.join(parts)}"


def _counts(one: DomainSummary) -> dict[str, int]:
    states = {state.value: one.states.get(state, 0) for state in DeliveryState}
    return {**states, **_reports(one.reports)}


def _reports(found: Mapping[BounceKind, int]) -> dict[str, int]:
    return {kind.value: found.get(kind, 0) for kind in TOLD}


def as_data(summary: Summary) -> dict[str, Any]:
    """The same for a program; every domain is in it when they were asked for."""
    data: dict[str, Any] = {"reports": _reports(summary.reports), "left": summary.left}
    if summary.domains:
        data["domains"] = [
            {"domain": one.domain, "audience": one.audience, **_counts(one)} for one in _ordered(summary)
        ]
    return data


def _ordered(summary: Summary) -> list[DomainSummary]:
    return summary.largest(len(summary.domains))[0]


def as_csv(summary: Summary) -> str:
    """One row for each domain, most readers first, and a last one, `total`, that is their sum."""
    total = DomainSummary(domain="total", states=summary.states, reports=summary.reports)
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(["domain", "audience", *_counts(total)])
    for one in [*_ordered(summary), total]:
        rows.writerow([one.domain or ERASED, one.audience, *_counts(one).values()])
    return written.getvalue().rstrip("\n")
