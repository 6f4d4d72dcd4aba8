"""What happened to a mailing: its audience by state, and what came back since; the sums are held when one is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from moza_mail.model.bounce import BounceKind
from moza_mail.model.mailing import DeliveryState, SkipReason

REPORTED_KINDS = (
    BounceKind.HARD,
    BounceKind.SOFT,
    BounceKind.POLICY,
    BounceKind.FORWARDED,
    BounceKind.COMPLAINT,
)
"""The reports that a reader's mail system or a reader sent; those who left are counted by what holds of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSummary:
    """The readers at one domain; `domain` is empty for those who were erased."""

    domain: str
    states: Mapping[DeliveryState, int]
    reports: Mapping[BounceKind, int] = field(default_factory=dict)

    @property
    def audience(self) -> int:
        """How many of the audience are there."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingSummary:
    """A mailing at one moment. Raises ValueError when the parts do not add up to the audience.

    `audience` is counted by itself. `reports` counts readers by the kind of what came back about their message, each kind
    once a reader; `left` those of the audience who have left the list since it began. `domains` is empty when not asked for.
    """

    audience: int
    states: Mapping[DeliveryState, int]
    skipped: Mapping[tuple[SkipReason, str], int]
    reports: Mapping[BounceKind, int]
    unsubscribed: int
    suppressed: int
    next_attempt: datetime | None = None
    domains: tuple[DomainSummary, ...] = ()

    def __post_init__(self) -> None:
        if sum(self.states.values()) != self.audience:
            raise ValueError("the states do not add up to the audience")
        if sum(self.skipped.values()) != self.states[DeliveryState.SKIPPED]:
            raise ValueError("the reasons do not add up to those skipped")
        if not self.domains:
            return
        if sum(one.audience for one in self.domains) != self.audience:
            raise ValueError("the domains do not add up to the audience")
        for kind in REPORTED_KINDS:
            if sum(one.reports.get(kind, 0) for one in self.domains) != self.reports.get(kind, 0):
                raise ValueError("the domains do not add up to the reports")

    def largest_domains(self, most: int) -> tuple[list[DomainSummary], DomainSummary | None]:
        """The `most` domains with the most readers, and the others as one; None when there are no others."""
        ordered = sorted(self.domains, key=lambda one: (-one.audience, one.domain))
        rest = ordered[most:]
        if not rest:
            return ordered, None
        states = {state: sum(one.states.get(state, 0) for one in rest) for state in DeliveryState}
        reports = {kind: sum(one.reports.get(kind, 0) for one in rest) for kind in REPORTED_KINDS}
        return ordered[:most], DomainSummary(
            domain=f"{len(rest)} other domains", states=states, reports=reports
        )
