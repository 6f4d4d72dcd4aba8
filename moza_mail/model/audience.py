"""The audience of a mailing, counted before the mailing is created."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceCount:
    """The number of subscribers who would be mailed now, and who would not.

    confirmed: subscribers who would be mailed.
    left_out: subscribers who would not be mailed, by the first reason that applies: unconfirmed, unsubscribed, suppressed,
        not_in_segment, missing_value. Reasons that apply to nobody are absent.
    missing: for each merge field, the number of subscribers left out because they have no value for it. A subscriber may lack
        several values.
    """

    confirmed: int
    left_out: Mapping[str, int]
    missing: Mapping[str, int] = field(default_factory=dict)
