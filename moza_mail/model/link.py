"""The result of checking a link."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from moza_mail.model.timestamps import require_utc

# How long a result is valid before the link is checked again.
CACHE_TIME = timedelta(days=1)


class LinkState(StrEnum):
    """The result that a recipient would get by opening a link."""

    OK = "ok"
    BROKEN = "broken"
    NEEDS_LOGIN = "needs login"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NO_NETWORK = "no network"

    @property
    def is_definite(self) -> bool:
        """Return True if checking again on the same day would not change the result."""
        return self in {LinkState.OK, LinkState.BROKEN, LinkState.NEEDS_LOGIN}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAnswer:
    """The result for one URL without its fragment.

    reason: a clause that follows the URL ("answers 404 (Not Found)").
    moved_to: the new address of a page that has moved permanently, else empty.
    is_cached: true if the result is from an earlier check, at `checked_at`.
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
        """Return True if the result is still valid."""
        return timedelta(0) <= now - self.checked_at < CACHE_TIME


def strip_fragment(url: str) -> str:
    """Return the URL without its fragment, which is never sent to a server."""
    return url.partition("#")[0]
