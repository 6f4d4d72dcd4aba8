"""Attacks on the audit log with plain SQL, on SQLite and PostgreSQL: verification finds each of them."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from moza_mail.errors import StoreError
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.audit import AuditAction, AuditEntry
from moza_mail.model.audit_seal import AuditAnchor, ProblemKind, parse_anchors
from moza_mail.model.retention import RetentionPeriods
from moza_mail.store import inspect_store, open_store
from moza_mail.store.audit_triggers import SQLITE_TRIGGERS
from tests.integration.test_store_audit import KNOWN_BY, run_sql
from tests.support.store_builders import LATER, NOW, suppression
from tests.support.stores import KINDS, new_store

COLUMNS = "occurred_at, actor, action, list_slug, subscriber_id, address_hash, mailing_id, detail, seal"
YEARS = timedelta(days=1827)


@pytest.fixture(params=KINDS)
def url(request):
    with new_store(request.param, request) as made:
        yield made


@pytest.fixture
def on(url):
    """Run a scenario on the store as the account `an`."""

    def run(scenario, hasher=KNOWN_BY):
        async def whole():
            store = await open_store(url, actor="an", hasher=hasher)
            try:
                return await scenario(store)
            finally:
                await store.close()

        return asyncio.run(whole())

    return run


def fill(count=5):
    async def scenario(store):
        for number in range(count):
            await store.suppressions.add(suppression(number))

    return scenario


def verify(store):
    return store.audit_log.verify()


def take_anchor(on) -> AuditAnchor:
    return AuditAnchor.of_head(on(verify).head, KNOWN_BY, NOW)


def drop_triggers(url):
    if url.startswith("sqlite"):
        run_sql(url, *(f"DROP TRIGGER {name}" for name in SQLITE_TRIGGERS))
    else:
        run_sql(url, "ALTER TABLE audit_log DISABLE TRIGGER USER")


def attack(url, *statements):
    """Run SQL as the owner of the database, who removes the triggers before and puts them back afterwards."""
    drop_triggers(url)
    run_sql(url, *statements)
    if url.startswith("sqlite"):
        run_sql(url, *SQLITE_TRIGGERS.values())
    else:
        run_sql(url, "ALTER TABLE audit_log ENABLE TRIGGER USER")


def problems(on, anchors=()):
    check = on(lambda store: store.audit_log.verify(anchors))
    quick = on(lambda store: store.audit_log.verify(anchors, is_quick=True))
    assert check.is_intact == quick.is_intact
    return [(one.kind.value, one.first, one.last) for one in check.problems]


def copy_of(number, as_number, action="action"):
    columns = COLUMNS.replace("action", action)
    return f"INSERT INTO audit_log (id, {COLUMNS}) SELECT {as_number}, {columns} FROM audit_log WHERE id = {number}"


ATTACKS = {
    "the first entry is edited": (
        ["UPDATE audit_log SET actor = 'nobody' WHERE id = 1"],
        [("changed", 1, 1)],
    ),
    "an entry in the middle is edited": (
        ["UPDATE audit_log SET detail = 'complaint' WHERE id = 3"],
        [("changed", 3, 3)],
    ),
    "the last entry is edited": (
        ["UPDATE audit_log SET occurred_at = '2026-01-01T00:00:00.000000+00:00' WHERE id = 5"],
        [("changed", 5, 5)],
    ),
    "the oldest entry is deleted": (["DELETE FROM audit_log WHERE id = 1"], [("missing", 1, 1)]),
    "the three oldest entries are deleted": (["DELETE FROM audit_log WHERE id <= 3"], [("missing", 1, 3)]),
    "an entry in the middle is deleted": (["DELETE FROM audit_log WHERE id = 3"], [("missing", 3, 3)]),
    "the newest entries are deleted": (["DELETE FROM audit_log WHERE id > 3"], [("missing", 4, 5)]),
    "all entries are deleted": (["DELETE FROM audit_log"], [("missing", 1, 5)]),
    "an entry is inserted before the first": ([copy_of(1, 0)], [("added", 0, 0)]),
    "an entry is inserted after the last": ([copy_of(5, 6)], [("added", 6, 6)]),
    "an entry is inserted in the middle": (
        [
            "UPDATE audit_log SET id = 6 WHERE id = 5",
            "UPDATE audit_log SET id = 5 WHERE id = 4",
            copy_of(2, 4),
        ],
        [("changed", 4, 4), ("changed", 5, 5), ("added", 6, 6)],
    ),
    "two entries change places": (
        [
            "UPDATE audit_log SET id = 99 WHERE id = 2",
            "UPDATE audit_log SET id = 2 WHERE id = 3",
            "UPDATE audit_log SET id = 3 WHERE id = 99",
        ],
        [("changed", 2, 2), ("changed", 3, 3)],
    ),
    "an entry claims that a new secret begins with it": (
        ["UPDATE audit_log SET action = 'secret', actor = 'nobody' WHERE id = 2"],
        [("changed", 2, 2)],
    ),
    "an entry with a new secret is inserted after forged ones": (
        ["UPDATE audit_log SET actor = 'nobody'", copy_of(5, 6, action="'secret'")],
        [*(("changed", number, number) for number in range(1, 6)), ("added", 6, 6)],
    ),
    "an entry is edited and has no seal": (
        ["UPDATE audit_log SET actor = 'nobody', seal = '' WHERE id = 1"],
        [("changed", 1, 1), ("changed", 2, 2)],
    ),
    "retention is imitated": (
        [
            "INSERT INTO properties (name, value) VALUES ('audit_kept_since', '9999-01-01')",
            "DELETE FROM audit_log WHERE id <= 2",
        ],
        [("missing", 1, 2)],
    ),
    "the head is edited too": (
        [
            "DELETE FROM audit_log WHERE id = 5",
            "UPDATE properties SET value = replace(value, '[5,', '[4,') WHERE name = 'audit_head'",
        ],
        [("head", 0, 0)],
    ),
    "the head is deleted too": (
        ["DELETE FROM audit_log", "DELETE FROM properties WHERE name = 'audit_head'"],
        [("head", 0, 0)],
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_the_audit_log_is_found(on, url, name):
    statements, found = ATTACKS[name]
    on(fill())
    assert problems(on) == []
    attack(url, *statements)
    assert problems(on) == found
    # The product goes on, and its next entries do not hide the attack.
    on(lambda store: store.suppressions.add(suppression(9)))
    assert {kind for kind, *_ in problems(on)} & {kind for kind, *_ in found} or "changed" in str(
        problems(on)
    )


@pytest.mark.parametrize(
    ("in_sqlite", "in_postgres"),
    [
        ("DROP TRIGGER audit_log_delete", "DROP TRIGGER audit_log_delete ON audit_log"),
        ("DROP TRIGGER audit_log_update", "ALTER TABLE audit_log DISABLE TRIGGER audit_log_update"),
        (
            "CREATE TRIGGER extra BEFORE INSERT ON audit_log BEGIN SELECT RAISE(IGNORE); END",
            "CREATE TRIGGER extra BEFORE UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_refuse()",
        ),
        (
            "DROP TRIGGER audit_log_replace",
            "CREATE OR REPLACE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        ),
    ],
)
def test_a_change_of_the_triggers_is_found(on, url, in_sqlite, in_postgres):
    on(fill())
    run_sql(url, in_sqlite if url.startswith("sqlite") else in_postgres)
    assert problems(on) == [("protection", 0, 0)]


def test_an_emptied_log_without_any_proof_of_its_entries_is_still_broken(on, url):
    on(fill())
    attack(url, "DELETE FROM audit_log", "DELETE FROM properties")
    assert problems(on) == [("head", 0, 0)]
    on(lambda store: store.suppressions.add(suppression(9)))
    assert problems(on) == [("head", 0, 0)]


def test_a_head_from_the_first_day_does_not_hide_that_the_log_is_empty(on, url):
    on(verify)
    ((first_head,),) = run_sql(url, "SELECT value FROM properties WHERE name = 'audit_head'")
    on(fill())
    attack(
        url,
        "DELETE FROM audit_log",
        f"UPDATE properties SET value = '{first_head}' WHERE name = 'audit_head'",
    )
    assert problems(on) == [("emptied", 0, 0)]


def save_database(url):
    """Return the statements that bring back the audit log of now, as a restored backup would."""
    tables = {"audit_log": f"id, {COLUMNS}", "properties": "name, value", "suppressions": "*"}
    saved = []
    for table, columns in tables.items():
        rows = run_sql(url, f"SELECT {columns} FROM {table}")
        values = (", ".join("NULL" if value is None else repr(value) for value in row) for row in rows)
        names = "" if columns == "*" else f" ({columns})"
        saved += [f"DELETE FROM {table}", *(f"INSERT INTO {table}{names} VALUES ({row})" for row in values)]
    return saved


def test_a_database_that_is_replaced_by_an_older_one_is_found_with_an_anchor(on, url):
    on(fill(3))
    older = save_database(url)
    early = take_anchor(on)
    on(fill(5))
    anchor = take_anchor(on)
    assert problems(on, [early, anchor]) == []
    attack(url, *older)
    # Without an anchor, an older state of the whole database is as good as the newest.
    assert problems(on) == []
    assert problems(on, [early]) == []
    assert problems(on, [early, anchor]) == [("older", 5, 5)]
    on(lambda store: store.suppressions.add(suppression(7)))
    on(lambda store: store.suppressions.add(suppression(8)))
    on(lambda store: store.suppressions.add(suppression(9)))
    assert problems(on, [early, anchor]) == [("other", 5, 5)]


def test_an_anchor_is_found_in_a_mail_or_a_file_with_others(on):
    on(fill(3))
    anchor = take_anchor(on)
    quoted = str(anchor).replace(" ", "\n", 1)
    assert parse_anchors(f"Subject: anchor\n\n  {quoted}\n-- \n{anchor}\n") == (anchor, anchor)
    with pytest.raises(Exception, match="contains no anchor"):
        parse_anchors("moza-mail-anchor 3")
    another = AuditAnchor.of_head(on(verify).head, AddressHasher(secret=b"another secret than it"), NOW)
    assert problems(on, [another]) == [("secret", 3, 3)]


def retain(store, days):
    return store.retention.delete_expired(RetentionPeriods(), now=NOW + timedelta(days=days))


async def add_entry(store, days, detail="x"):
    entry = AuditEntry(occurred_at=NOW + timedelta(days=days), action=AuditAction.EXPORT, detail=detail)
    await store.audit_log.add(entry)


def test_retention_deletes_old_entries_and_the_rest_stays_provable(on, url):
    async def scenario(store):
        for day in (0, 1, 400, 2, 800):
            await add_entry(store, day)
        result = await retain(store, 1826 + 10)
        # Entry 4 is old too, but an entry after one that is kept is kept.
        assert result.changed["audit"] == 2
        check = await verify(store)
        assert (check.is_intact, check.head.deleted, check.head.rows) == (True, 2, 4)

    on(fill(0))
    on(scenario)
    early = AuditAnchor(
        number=2, seal=on(verify).head.deleted_seal, fingerprint=KNOWN_BY.fingerprint[:12], made_at="-"
    )
    assert problems(on, [early]) == []
    attack(url, "DELETE FROM audit_log WHERE id = 3")
    assert problems(on, [early]) == [("missing", 3, 3)]


def test_an_entry_that_retention_deleted_cannot_be_put_back(on, url):
    async def scenario(store):
        await add_entry(store, 0)
        await add_entry(store, 1)
        await add_entry(store, 900)

    on(scenario)
    saved = [
        statement
        for statement in save_database(url)
        if "INTO audit_log" in statement and "VALUES (1," in statement
    ]
    on(lambda store: retain(store, 1826 + 10))
    assert problems(on) == []
    attack(url, *saved)
    assert problems(on) == [("added", 1, 1)]


def test_retention_deletes_nothing_from_a_log_that_was_changed(on, url):
    async def scenario(store):
        await add_entry(store, 0)
        await add_entry(store, 900)

    on(scenario)
    attack(url, "UPDATE audit_log SET actor = 'nobody' WHERE id = 1")
    assert on(lambda store: retain(store, 1826 + 10)).changed["audit"] == 0
    assert problems(on) == [("changed", 1, 1)]


def test_all_entries_may_expire_and_the_numbering_continues(on):
    async def scenario(store):
        await add_entry(store, 0)
        await add_entry(store, 1)
        await retain(store, 4000)
        await add_entry(store, 4000)
        return await verify(store)

    check = on(scenario)
    assert (check.is_intact, check.head.deleted, check.head.last, check.head.rows) == (True, 2, 4, 2)


def test_several_simultaneous_writers_make_one_chain(on, url):
    async def scenario():
        stores = [await open_store(url, actor=f"writer {number}", hasher=KNOWN_BY) for number in range(4)]
        for first in range(0, 60, 10):
            adding = (
                store.suppressions.add(suppression(100 * place + first + number))
                for place, store in enumerate(stores)
                for number in range(10)
            )
            await asyncio.gather(*adding)
        check = await verify(stores[0])
        for store in stores:
            await store.close()
        return check

    check = asyncio.run(scenario())
    assert (check.problems, check.head.last, check.head.rows) == ((), 240, 240)


@pytest.mark.parametrize(
    "change",
    ["occurred_at = 'never'", "action = 'nonsense'", "detail = '\x01'", "subscriber_id = 4711"],
)
def test_an_unreadable_entry_is_reported_as_a_problem(on, url, change):
    on(fill())
    attack(url, f"UPDATE audit_log SET {change} WHERE id = 2")
    assert problems(on) == [("changed", 2, 2)]

    async def read(store):
        return [entry async for entry in store.audit_log.iter_entries()]

    with suppress(StoreError):
        on(read)


def test_a_log_of_thousands_is_verified_from_end_to_end_and_the_quick_check_reads_the_newest(on, url):
    async def scenario(store):
        await asyncio.gather(*(add_entry(store, 0, str(number)) for number in range(1500)))

    on(scenario)
    attack(url, "UPDATE audit_log SET detail = 'x' WHERE id = 3")
    quick = on(lambda store: store.audit_log.verify(is_quick=True))
    assert (quick.is_intact, on(verify).is_intact) == (True, False)
    attack(url, "DELETE FROM audit_log WHERE id = 4")
    assert not on(lambda store: store.audit_log.verify(is_quick=True)).is_intact


def test_a_new_secret_seals_every_entry_again_and_exempts_none(on, url):
    another = AddressHasher(secret=b"another secret than it")

    async def adopt():
        store = await open_store(url, actor="an", hasher=another, any_secret=True)
        done = [await store.audit_log.adopt_secret(now=LATER) for _ in range(2)]
        await store.close()
        return done

    on(fill(3))
    old = on(verify).head.seal
    assert asyncio.run(adopt()) == [True, False]
    check = on(verify, hasher=another)
    assert (check.is_intact, check.head.last) == (True, 4)
    ((detail,),) = run_sql(url, "SELECT detail FROM audit_log WHERE id = 4")
    assert detail == f"entries up to 3, seal {old}, sealed again with another secret"
    attack(url, "UPDATE audit_log SET actor = 'nobody' WHERE id = 1")
    assert [one.kind for one in on(verify, hasher=another).problems] == [ProblemKind.CHANGED]


def test_a_broken_log_can_be_sealed_again_and_an_entry_describes_the_damage(on, url):
    on(fill())
    drop_triggers(url)
    run_sql(url, "DELETE FROM audit_log WHERE id = 2", "UPDATE audit_log SET actor = 'nobody' WHERE id = 4")
    assert on(lambda store: store.audit_log.adopt_secret(now=LATER))
    assert problems(on) == []
    ((detail,),) = run_sql(url, "SELECT detail FROM audit_log WHERE id = 6")
    assert detail.endswith("sealed again; missing 2-2; changed 4-4; protection 0-0")
    with pytest.raises(Exception, match="only ever added to"):
        run_sql(url, "DELETE FROM audit_log WHERE id = 3")


def test_the_inspection_of_a_store_finds_an_attack_and_changes_nothing(on, url):
    on(fill())
    assert asyncio.run(inspect_store(url, KNOWN_BY)).audit_check.is_intact
    attack(url, "DELETE FROM audit_log WHERE id = 1")
    found = asyncio.run(inspect_store(url, KNOWN_BY)).audit_check
    assert [one.kind for one in found.problems] == [ProblemKind.MISSING]
    other = AddressHasher(secret=b"another secret than it")
    assert [one.kind for one in asyncio.run(inspect_store(url, other)).audit_check.problems] == [
        ProblemKind.SECRET
    ]


def test_entries_written_without_the_secret_break_the_seal(on, url):
    on(fill())

    async def without():
        store = await open_store(url)
        await store.suppressions.add(suppression(9))
        await store.close()

    asyncio.run(without())
    assert problems(on) == [("added", 6, 6)]
