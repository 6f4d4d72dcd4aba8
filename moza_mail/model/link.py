"""LinkAnswer: what the web said of a link, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from moza_mail.model.timestamps import require_utc

# How long an answer is believed before the web is asked again.
CACHE_TIME = timedelta(days=1)


class LinkState(StrEnum):
    """What a reader who follows a link can expect."""

    OK = "ok"
    BROKEN = "broken"
    NEEDS_LOGIN = "needs login"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NO_NETWORK = "no network"

    @property
    def is_definite(self) -> bool:
        """Whether asking again the same day would tell no more."""
        return self in {LinkState.OK, LinkState.BROKEN, LinkState.NEEDS_LOGIN}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAnswer:
    """The answer of one URL, given without its fragment.

    `reason` is a clause that follows the URL ("answers 404 (Not Found)"). `moved` is where it has moved for good, empty
    when it has not. `remembered` says that it was not asked now but at `asked_at`.
    """

    url: str
    state: LinkState
    reason: str
    checked_at: datetime
    moved_to: str = ""
    is_cached: bool = False

    def __post_init__(self) -> None:
        require_utc(self.checked_at)

    def is_fresh(self, now: datetime) -> bool:
        """Whether the answer can still be believed."""
        return timedelta(0) <= now - self.checked_at < CACHE_TIME


def strip_fragment(url: str) -> str:
    """The part of a URL that a server is asked for."""
    return url.partition("#")[0]
