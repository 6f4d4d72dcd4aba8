"""A whole store copied to another database, with the ledger and the audit log."""

import asyncio

import pytest

from moza_mail.errors import StoreError
from moza_mail.model.address_hash import AddressHasher
from moza_mail.store import copy_store, open_store
from tests.support.store_builders import (
    ACCEPTED,
    LATER,
    NOW,
    add_subscribers,
    address,
    create_mailing,
    newcomer,
    record_intents,
    record_outcome,
    suppression,
)
from tests.support.stores import new_store

SECRET = AddressHasher(secret=b"0123456789abcdef")


async def send_all(store, mailing_id: int) -> None:
    async with store.ledger.hold_sender_lock("test"):
        for delivery in await store.ledger.claim(mailing_id, limit=100, now=NOW):
            await record_intents(store, delivery.id)
            await record_outcome(store, delivery.id, ACCEPTED)


@pytest.mark.parametrize(("first", "second"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_a_copy_has_everything_and_the_source_is_sealed(request, first, second):
    async def scenario(one: str, other: str) -> None:
        source = await open_store(one, hasher=SECRET)
        mailing_id = await create_mailing(source, 3)
        target = await open_store(other, hasher=SECRET)
        with pytest.raises(StoreError, match="a mailing is not complete"):
            await copy_store(source, target, other, now=LATER)
        await send_all(source, mailing_id)
        await source.suppressions.add(suppression(2))
        await source.data_requests.erase(address(1), now=LATER)
        counts = await copy_store(source, target, other, now=LATER)
        assert (counts["deliveries"], counts["suppressions"], counts["erasures"]) == (3, 1, 1)
        assert counts["audit_log"] > 2
        await source.close()
        with pytest.raises(StoreError, match="was copied to"):
            await open_store(one, hasher=SECRET)

        assert (await target.audit_log.verify()).is_intact
        assert await add_subscribers(target, newcomer(1), newcomer(9)) == ["erased", "added"]
        assert (await target.subscribers.find(address(9))).subscriber.id == 4
        await target.close()

    with new_store(first, request) as one, new_store(second, request) as other:
        asyncio.run(scenario(one, other))


def test_a_database_in_use_is_no_target(request):
    async def scenario(one: str, other: str) -> None:
        source, target = await open_store(one, hasher=SECRET), await open_store(other, hasher=SECRET)
        await create_mailing(target, 1)
        with pytest.raises(StoreError, match="is not empty"):
            await copy_store(source, target, other, now=LATER)
        await source.close()
        await (await open_store(one, hasher=SECRET)).close()
        await target.close()

    with new_store("sqlite", request) as one, new_store("sqlite", request) as other:
        asyncio.run(scenario(one, other))
