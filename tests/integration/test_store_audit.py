"""The audit log on SQLite and PostgreSQL: an entry in the commit of each change, no addresses, no changes to entries."""

import asyncio
import json
from contextlib import closing, suppress

import pytest

from moza_mail.errors import StoreError
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.bounce import Bounce, BounceKind, BounceProof
from moza_mail.store import open_store
from tests.support.store_builders import (
    LATER,
    NOW,
    REFUSED,
    UNCERTAIN,
    UNCONFIRMED,
    add_subscribers,
    address,
    make_list,
    make_mailing,
    newcomer,
    record_outcome,
    suppression,
)
from tests.support.stores import KINDS, new_store

KNOWN_BY = AddressHasher(secret=b"a secret of the tests")


@pytest.fixture(params=KINDS)
def url(request):
    with new_store(request.param, request) as made:
        yield made


@pytest.fixture
def on(url):
    """Run a scenario on an empty SQLite or PostgreSQL store, as the account `an`."""

    def run(scenario, actor="an"):
        async def whole():
            store = await open_store(url, actor=actor, hasher=KNOWN_BY)
            try:
                return await scenario(store)
            finally:
                await store.close()

        return asyncio.run(whole())

    return run


async def trail(store, about=None, since=None):
    return [entry async for entry in store.audit_log.iter_entries(about, since)]


def run_sql(url, *statements):
    """Run SQL directly in the database, as somebody could without moza-mail; raises the database's own error."""
    if url.startswith("sqlite"):
        import sqlite3

        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as plain:
            return [plain.execute(statement).fetchall() for statement in statements][-1]
    import psycopg

    with psycopg.connect(url, autocommit=True) as plain:
        cursors = [plain.execute(statement) for statement in statements]
        return cursors[-1].fetchall() if cursors[-1].description else []


def summarize(entries):
    return [
        (entry.actor, entry.action, entry.list_slug, entry.subscriber_id, entry.detail) for entry in entries
    ]


def test_every_change_of_a_person_has_one_audit_entry_with_its_actor(on):
    async def scenario(store):
        await store.subscribers.save_list(make_list())
        await add_subscribers(store, *(newcomer(number) for number in range(3)), source="import leden.csv")
        await add_subscribers(store, newcomer(3), source="subscribers add")
        await add_subscribers(store, newcomer(4), source="form", state=UNCONFIRMED)
        four = (await store.subscribers.find(address(4))).subscriber.id
        for _ in range(2):
            await add_subscribers(store, newcomer(3), source="subscribers add")
            await store.subscribers.unsubscribe(four, "weekly", now=LATER)
            await store.suppressions.add(suppression(3))
        return await trail(store)

    assert summarize(on(scenario)) == [
        ("an", AuditAction.IMPORT, "weekly", None, "import leden.csv: 3 added"),
        ("an", AuditAction.ADD, "weekly", 4, "subscribers add: added"),
        ("an", AuditAction.SIGN_UP, "weekly", 5, "form: unconfirmed"),
        ("an", AuditAction.UNSUBSCRIBE, "weekly", 5, ""),
        ("an", AuditAction.SUPPRESS, "", 4, "hard_bounce"),
    ]


def test_audit_entries_name_a_relay_or_a_report_as_the_actor(on):
    async def scenario(store):
        await store.subscribers.save_list(make_list())
        await add_subscribers(store, newcomer(0), newcomer(1), newcomer(2))
        mailing = await store.ledger.create_mailing(make_mailing())
        one, two, three = await store.ledger.claim(mailing.id, limit=3, now=NOW)
        await record_outcome(store, one.id, REFUSED, now=LATER)
        await record_outcome(store, three.id, UNCERTAIN, now=LATER)
        sent = await store.bounces.find_delivery(mailing.id, two.subscriber_id)
        for kind in (BounceKind.UNSUBSCRIBE, BounceKind.COMPLAINT):
            fact = Bounce(
                digest=kind, kind=kind, created_at=LATER, sent_message=sent, proof=BounceProof.RETURN_ADDRESS
            )
            await store.bounces.record(fact)
        assert await store.ledger.retry_uncertain(mailing.id, now=LATER) == 1
        (again,) = await store.ledger.claim(mailing.id, limit=3, now=NOW)
        await record_outcome(store, again.id, UNCERTAIN, now=LATER)
        for expected in (True, False):
            assert (
                await store.ledger.settle_from_log(
                    again.id, queue_id="4XyZ", evidence="to=<reader2@example.org>", now=LATER
                )
                is expected
            )
        return await trail(store)

    assert summarize(on(scenario))[1:] == [
        ("an", AuditAction.PREPARE, "weekly", None, "2026-01-14: an audience of 3"),
        ("relay", AuditAction.SUPPRESS, "", 1, "hard_bounce"),
        ("report", AuditAction.UNSUBSCRIBE, "weekly", 2, ""),
        ("report", AuditAction.SUPPRESS, "", 2, "complaint"),
        ("an", AuditAction.RETRY, "", None, "1 uncertain are mailed again"),
        ("an", AuditAction.SETTLE, "", 3, "accepted, as the relay's log shows: 4XyZ"),
    ]


def test_entries_about_an_address_are_found_with_the_secret_and_contain_no_address(on, url):
    async def scenario(store):
        await store.subscribers.save_list(make_list())
        await add_subscribers(store, newcomer(0), newcomer(1), source="import reader0@example.org.csv")
        zero = (await store.subscribers.find(address(0))).subscriber.id
        await store.subscribers.unsubscribe(zero, "weekly", now=NOW)
        await store.suppressions.add(suppression(0))
        await store.suppressions.add(suppression(9))
        await store.audit_log.add(
            AuditEntry(
                occurred_at=LATER, action=AuditAction.EXPORT, actor="web", detail="to Reader0@example.org"
            ),
            address(0),
        )
        assert [entry.action for entry in await trail(store, address(0))] == [
            "unsubscribe",
            "suppress",
            "export",
        ]
        assert [entry.action for entry in await trail(store, address(9))] == ["suppress"]
        assert await trail(store, address(1)) == []
        assert [entry.action for entry in await trail(store, since=LATER)] == ["export"]
        return await trail(store)

    everything = json.dumps([entry.to_dict() for entry in on(scenario)]) + str(
        run_sql(url, "SELECT * FROM audit_log")
    )
    assert "reader" not in everything.lower().replace("r***@example.org", "")
    assert AddressHasher(secret=b"another secret than it").hash_address(address(9)) != KNOWN_BY.hash_address(
        address(9)
    )


def test_a_rolled_back_transaction_adds_no_audit_entry(on):
    async def scenario(store):
        await store.subscribers.save_list(make_list())
        await add_subscribers(store, newcomer(0), source="subscribers add")
        await store.ledger.create_mailing(make_mailing())
        with suppress(StoreError):
            await store.ledger.create_mailing(make_mailing())
        with suppress(StoreError):
            await add_subscribers(store, newcomer(1), list_slug="no such list")
        await store.subscribers.save_list(make_list("Other"))
        return await trail(store)

    assert [entry.action for entry in on(scenario)] == ["add", "prepare"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE id = 2",
        "INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log WHERE id = 1",
        "TRUNCATE audit_log",
    ],
)
def test_the_database_itself_refuses_to_change_or_remove_an_entry(on, url, statement):
    async def scenario(store):
        for number in range(3):
            await store.suppressions.add(suppression(number))
        return await trail(store)

    before = on(scenario)
    with pytest.raises(Exception, match=r"only ever added to|syntax error"):
        run_sql(url, statement)
    assert on(trail) == before


def test_a_secret_other_than_the_stores_own_is_refused(on, url):
    async def scenario(store):
        await store.suppressions.add(suppression(0))

    async def with_another():
        await open_store(url, hasher=AddressHasher(secret=b"another secret than it"))

    on(scenario)
    with pytest.raises(StoreError, match="another secret") as refused:
        asyncio.run(with_another())
    assert "adopt-secret" in refused.value.hint
    on(trail)


def test_audit_entries_are_read_and_verified_in_pages(on, small_pages):
    async def scenario(store):
        for first in range(0, 210, 70):
            entries = [
                store.audit_log.add(
                    AuditEntry(occurred_at=NOW, action=AuditAction.EXPORT, detail=str(first + n))
                )
                for n in range(70)
            ]
            await asyncio.gather(*entries)
        return [entry.detail for entry in await trail(store)], await store.audit_log.verify()

    told, checked = on(scenario)
    assert sorted(map(int, told)) == list(range(210))
    assert (checked.is_intact, checked.head.last, checked.head.rows) == (True, 210, 210)


def test_after_a_lost_secret_is_replaced_new_entries_are_sealed_again(on, url):
    another = AddressHasher(secret=b"another secret than it")

    async def scenario(store):
        await store.suppressions.add(suppression(0))

    async def adopting():
        store = await open_store(url, actor="an", hasher=another, any_secret=True)
        done = [await store.audit_log.adopt_secret(now=LATER) for _ in range(2)]
        await store.suppressions.add(suppression(1))
        held = await store.audit_log.verify()
        await store.close()
        return done, (held.is_intact, held.head.last)

    on(scenario)
    assert asyncio.run(adopting()) == ([True, False], (True, 3))
    with pytest.raises(StoreError, match="another secret"):
        on(trail)
