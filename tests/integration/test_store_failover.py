"""A sender's own ledger when a standby, which lacks the last commits, becomes the primary."""

import asyncio
from datetime import timedelta

import pytest

from moza_mail.errors import StoreFailedOver
from moza_mail.model.mailing import DeliveryState
from moza_mail.store import Store, open_store
from tests.support import fleet
from tests.support.postgres import Cluster, cluster
from tests.support.store_builders import (
    ACCEPTED,
    DEFERRED,
    NOW,
    count_states,
    create_mailing,
    record_intents,
    record_outcome,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def servers():
    with cluster() as primary, fleet.standby_of(primary) as standby:
        yield primary, standby
        primary.start()


def test_a_deferred_delivery_that_was_accepted_before_the_failover_is_uncertain(servers):
    primary, standby = servers

    async def scenario() -> None:
        store = await open_store(fleet.url_of_both(primary, standby))
        try:
            mailing = await create_mailing(store, 2)
            async with store.ledger.hold_sender_lock("moza-mail send"):
                await defer_first_then_accept(store, mailing, primary, standby)
                store.transactions.database.outage.patience = 30
                fleet.fail_over(primary, standby)
                assert await count_states(store, mailing) == {"deferred": 1, "pending": 1}

                (second,) = await store.ledger.claim(mailing, limit=1, now=NOW)
                with pytest.raises(StoreFailedOver):
                    await store.ledger.record_intents([second.id], now=NOW + HOUR)

                assert await count_states(store, mailing) == {"uncertain": 1, "claimed": 1}
                assert await store.ledger.claim(mailing, limit=2, now=NOW + 2 * HOUR) == []
        finally:
            await store.close()

    asyncio.run(scenario())


async def defer_first_then_accept(store: Store, mailing: int, primary: Cluster, standby: Cluster) -> None:
    """Let the relay defer the first delivery, and accept it an hour later, which the standby never receives."""
    (first,) = await store.ledger.claim(mailing, limit=1, now=NOW)
    await record_intents(store, first.id)
    await record_outcome(store, first.id, DEFERRED)
    fleet.wait_until_applied(primary, standby)
    fleet.cut_off(standby)
    tried = await store.ledger.claim(mailing, limit=2, now=NOW + HOUR)
    await store.ledger.release([one.id for one in tried if one.id != first.id])
    await record_intents(store, first.id, now=NOW + HOUR)
    await record_outcome(store, first.id, ACCEPTED, now=NOW + HOUR)
    assert (await store.ledger.count_by_state(mailing))[DeliveryState.ACCEPTED] == 1
