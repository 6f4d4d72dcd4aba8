"""The audience of a mailing, counted before the mailing is created."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceCount:
    """The number of subscribers who would be mailed now, and of those who would not, by reason.

    confirmed: those who would be mailed.
    left_out: the others by the first reason that applies: unconfirmed, unsubscribed, suppressed, not_in_segment,
        missing_value. Reasons that apply to nobody are absent.
    missing: of those left out for a missing value, how many have none for each field; a subscriber may lack several.
    """

    confirmed: int
    left_out: Mapping[str, int]
    missing: Mapping[str, int] = field(default_factory=dict)
