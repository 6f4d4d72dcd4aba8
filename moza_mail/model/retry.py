"""The times at which a deferred delivery is retried."""

from datetime import datetime, timedelta

# 5, 15 and 30 minutes, then 1, 2, 4 and 8 hours. An MTA usually retries for five days, but a newsletter is stale before that.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240, 480))


LONGEST_RETRY = timedelta(hours=48)


def compute_next_attempt(
    *, attempts: int, first_attempt_at: datetime, now: datetime, delivery_id: int = 0
) -> datetime | None:
    """Return when to retry a deferred delivery.

    None if that would be more than 48 hours after the first attempt. The delay is up to a fifth shorter or longer, depending on
    the delivery's id, so that deliveries that were deferred together are not all retried at the same time.
    """
    spread = 0.8 + 0.4 * (delivery_id * 2_654_435_761 % 2**32) / 2**32 if delivery_id else 1.0
    moment = now + RETRY_DELAYS[min(attempts, len(RETRY_DELAYS)) - 1] * spread
    return moment if moment - first_attempt_at <= LONGEST_RETRY else None
