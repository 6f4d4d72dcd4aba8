"""Recipients that a sender has claimed, for the reports of other senders."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderClaims:
    """The deliveries of a mailing that one sender has claimed and not finished.

    sender: the command, account, host and process id of the sender.
    since: the time of the oldest of these claims.
    last_change: the time when one of these deliveries last changed. If it is long ago, the sender may have stopped.
    """

    sender_id: int
    sender: str
    count: int
    since: datetime
    last_change: datetime
