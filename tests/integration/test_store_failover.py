"""A sender's own ledger when a standby, which lacks the last commits, becomes the primary."""

import asyncio
import time
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
    """Let the relay defer the first delivery, and accept it an hour later. The standby never receives that commit."""
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


@pytest.mark.parametrize("kind", ["intent", "outcome"])
def test_repeating_a_commit_whose_answer_was_lost_in_a_failover_is_no_error(servers, kind):
    primary, standby = servers
    fleet.commit_synchronously(primary)

    async def scenario() -> None:
        store = await open_store(fleet.url_of_both(primary, standby))
        try:
            mailing = await create_mailing(store, 1)
            async with store.ledger.hold_sender_lock("moza-mail send"):
                (only,) = await store.ledger.claim(mailing, limit=1, now=NOW)
                if kind == "outcome":
                    await record_intents(store, only.id)
                store.transactions.database.outage.patience = 30
                standby.query("SELECT pg_wal_replay_pause()")
                record = (
                    record_intents(store, only.id)
                    if kind == "intent"
                    else record_outcome(store, only.id, ACCEPTED)
                )
                recording = asyncio.create_task(record)
                # The standby has received the commit, but the primary waits until the standby applies it.
                await asyncio.to_thread(wait_for_commit, primary)
                await asyncio.to_thread(fleet.fail_over, primary, standby)

                await asyncio.wait_for(recording, 60)
                assert await count_states(store, mailing) == {"intent" if kind == "intent" else "accepted": 1}
                if kind == "intent":
                    await record_outcome(store, only.id, ACCEPTED)
        finally:
            await store.close()

    asyncio.run(scenario())


def wait_for_commit(primary: Cluster) -> None:
    """Wait until a commit waits for the standby."""
    end = time.monotonic() + 30
    while not primary.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"):
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.3)
