"""The summary of a mailing: its audience by state, and its bounces.

The sums are checked on creation.
"""

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
"""The reports by readers and their mail systems. Unsubscriptions are counted separately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSummary:
    """The recipients at one domain.

    domain: empty for erased subscribers.
    """

    domain: str
    states: Mapping[DeliveryState, int]
    reports: Mapping[BounceKind, int] = field(default_factory=dict)

    @property
    def audience(self) -> int:
        """The number of recipients at the domain."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingSummary:
    """The state of a mailing at one moment.

    Raises ValueError if the counts do not add up, for example if the sum of the states is not the audience.

    audience: the number of recipients, counted separately.
    reports: the number of recipients for each kind of report about their message.
    unsubscribed: the number of recipients who have unsubscribed since the mailing began.
    domains: empty unless requested.
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
        """Return at most `most` domains, largest first, and the total of all other domains.

        The total is None if there are no other domains.
        """
        ordered = sorted(self.domains, key=lambda one: (-one.audience, one.domain))
        rest = ordered[most:]
        if not rest:
            return ordered, None
        states = {state: sum(one.states.get(state, 0) for one in rest) for state in DeliveryState}
        reports = {kind: sum(one.reports.get(kind, 0) for one in rest) for kind in REPORTED_KINDS}
        return ordered[:most], DomainSummary(
            domain=f"{len(rest)} other domains", states=states, reports=reports
        )
