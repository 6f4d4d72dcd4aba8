"""The other senders of a mailing: take over from dead ones, and wait for living ones."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from moza_mail.errors import StoreError
from moza_mail.model.mailing import DeliveryState
from moza_mail.store import Store

TAKEOVER = timedelta(seconds=10)
"""The time between two searches for dead senders."""
HUNG = timedelta(seconds=30)
"""The run stops waiting for senders that have changed no delivery for this long."""
PAUSE = timedelta(seconds=1)


@asynccontextmanager
async def taking_over(store: Store, mailing_id: int, clock: Callable[[], datetime]) -> AsyncGenerator[None]:
    """Release the claims of dead senders during a run, so that this run takes them over."""
    if not store.ledger.has_many_senders:
        yield
        return

    async def take_over() -> None:
        while True:
            await asyncio.sleep(TAKEOVER.total_seconds())
            try:
                await store.ledger.recover(mailing_id, now=clock())
            except StoreError:
                # The run itself meets the same error, and reports it.
                return

    task = asyncio.create_task(take_over())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def wait_for_others(
    store: Store,
    mailing_id: int,
    clock: Callable[[], datetime],
    pause: Callable[[timedelta], Awaitable[bool]],
) -> bool:
    """Wait while other senders have claimed deliveries; return True if this run can send some.

    This run takes over the deliveries of a sender that dies. The wait ends with False when no other sender has claimed
    deliveries, or when the other senders have changed nothing for `HUNG`.

    pause: waits, and returns False if the run is stopped.
    """
    before, quiet_since = None, clock()
    while True:
        if (await store.ledger.recover(mailing_id, now=clock()))[DeliveryState.PENDING]:
            return True
        claims = await store.ledger.find_other_claims(mailing_id)
        if claims != before:
            before, quiet_since = claims, clock()
        if not claims or clock() - quiet_since >= HUNG or not await pause(PAUSE):
            return False
