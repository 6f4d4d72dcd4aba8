"""A whole store copied to another database, with the ledger and the audit log."""

import asyncio
import stat

import pytest

from moza_mail.errors import StoreError
from moza_mail.model.address_hash import AddressHasher
from moza_mail.store import back_up_store, copy_store, open_store, restore_store
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


def test_a_database_in_use_is_refused_as_the_target(request):
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


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_backup_made_while_the_store_is_open_is_restored(request, tmp_path, kind):
    async def scenario(url: str) -> None:
        store = await open_store(url, hasher=SECRET)
        await create_mailing(store, 3)
        mark = await store.identity.read_mark()
        await back_up_store(url, tmp_path / "backup")
        with pytest.raises(StoreError, match="never overwritten"):
            await back_up_store(url, tmp_path / "backup")
        await add_subscribers(store, newcomer(9))
        await store.close()

        await restore_store(url, tmp_path / "backup", now=LATER)
        store = await open_store(url, hasher=SECRET)
        assert await store.subscribers.find(address(9)) is None
        assert await store.identity.read_mark() == mark
        assert await store.identity.doubt_deliveries(now=LATER) == 3
        assert (await store.audit_log.verify()).is_intact
        await store.close()

    with new_store(kind, request) as url:
        asyncio.run(scenario(url))
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600
