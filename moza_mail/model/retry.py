"""When a deferred delivery is retried, and for how long."""

from datetime import datetime, timedelta

# 5, 15 and 30 minutes, 1, 2, 4 and 8 hours: a newsletter is stale long before an MTA's usual five days.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 480))


LONGEST_RETRY = timedelta(hours=48)


def compute_next_attempt(
    *, attempts: int, first_attempt_at: datetime, now: datetime, delivery_id: int = 0
) -> datetime | None:
    """Return when to retry a deferred delivery after `attempts` attempts; None if 48 hours passed since the first one.

    The delay is up to a fifth shorter or longer, by the delivery's id, so that deliveries deferred together are not
    retried together.
    """
    spread = 0.8 + 0.4 * (delivery_id * 2_654_435_761 % 2**32) / 2**32 if delivery_id else 1.0
    moment = now + RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1] * spread
    return moment if moment - first_attempt_at <= LONGEST_RETRY else None
