"""Access and erasure on SQLite and PostgreSQL: a person gets everything that is stored about them, and it can be erased."""

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from moza_mail.errors import AddressError, StoreError
from moza_mail.model.address import Address
from moza_mail.model.bounce import Bounce, BounceKind, BounceProof
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.mailing_list import Consent, OptIn
from moza_mail.model.merge_field import MergeField
from moza_mail.model.outcome import to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.sign_up import SignUp
from moza_mail.model.subscriber import AddResult, Suppression, SuppressionReason
from moza_mail.store import address_leftovers, open_store, personal_data, schema
from moza_mail.subscribe import SubscriberAdmin
from tests.integration.test_store_audit import KNOWN_BY, run_sql
from tests.support.store_builders import (
    ACCEPTED,
    DEFERRED,
    LATER,
    NOW,
    UNCERTAIN,
    add_sign_up,
    add_subscribers,
    count_states,
    make_list,
    make_mailing,
    newcomer,
    record_outcome,
)
from tests.support.stores import KINDS, new_store

ROOT = Path(__file__).parents[2]
PERSON = Address(local="Noor.Devries", domain="voorbeeld.example")
OTHER = Address(local="not-Noor.Devries", domain="voorbeeld.example")
NAME = "Noor van Ouds-Achter"
TRACES = ["noor.devries", "voorbeeld.example", "ouds-achter", "waterschap geheim"]
SAID = Reply.parse(550, f"5.2.2 <{PERSON}>: mailbox of Noor.Devries is full")
LIST = replace(make_list(), opt_in=OptIn.DOUBLE)
CONSENT = Consent(text="Ja, mail mij", version="1")
THEIRS = newcomer(
    0,
    address=PERSON,
    name=NAME,
    attributes={"organisatie": "Waterschap Geheim"},
    consent=f"mail van {PERSON}",
)


@pytest.fixture(params=KINDS)
def url(request):
    with new_store(request.param, request) as made:
        yield made


@pytest.fixture
def on(url):
    """Run a scenario on a new, empty store of each kind."""

    def run(scenario):
        async def whole():
            store = await open_store(url, actor="an", hasher=KNOWN_BY)
            try:
                return await scenario(store)
            finally:
                await store.close()

        return asyncio.run(whole())

    return run


def week(number, *fields):
    drafted = make_mailing(f"week-{number}")
    return replace(drafted, key=f"weekly/{number}", rendered=replace(drafted.rendered, fields=fields))


async def fill_store(store) -> None:
    """Create a person with rows in every table, and another reader whose rows mention them."""
    await store.subscribers.save_list(LIST)
    await add_subscribers(
        store, THEIRS, newcomer(1, consent=f"doorgegeven door {str(PERSON).upper()}, en {OTHER}")
    )
    field = MergeField(name="organisatie", default="-", line=1)
    for number, outcome in enumerate((ACCEPTED, to_outcome(SAID, Phase.RCPT), DEFERRED, UNCERTAIN)):
        mailing = await store.ledger.create_mailing(week(number, field))
        mine, theirs = await store.ledger.claim(mailing.id, limit=2, now=NOW)
        await record_outcome(store, mine.id, outcome, now=LATER)
        said = Reply.parse(550, f"5.7.1 forwarded from {PERSON}: no")
        await record_outcome(store, theirs.id, to_outcome(said, Phase.RCPT), now=LATER)
        sent = await store.bounces.find_delivery(mailing.id, mine.subscriber_id)
        fact = Bounce(
            digest=str(number),
            kind=BounceKind.SOFT,
            created_at=LATER,
            sent_message=sent,
            proof=BounceProof.MESSAGE_ID,
            reply=SAID,
        )
        await store.bounces.record(fact)
    await store.ledger.create_mailing(week(9))
    phoned = Suppression(
        address=PERSON, reason=SuppressionReason.MANUAL, created_at=NOW, evidence=f"{NAME} phoned"
    )
    await store.suppressions.add(phoned)
    await store.suppressions.remove(PERSON, f"{NAME} phoned again", now=NOW)
    await store.suppressions.add(phoned)


async def erase_person(store, address=PERSON):
    return await SubscriberAdmin(store).erase(str(address), clock=lambda: LATER, patience=timedelta(0))


def read_files(url: str) -> str:
    """Return the content of the database files, or of all tables of a server."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return "".join(file.read_bytes().decode("latin-1") for file in sorted(path.parent.iterdir()))
    tables = [row[0] for row in run_sql(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    return "".join(str(run_sql(url, f"SELECT * FROM {table}")) for table in tables)


def found(url: str) -> list[str]:
    """Return the traces of the person that can still be read."""
    return [trace for trace in TRACES if trace in read_files(url).replace(str(OTHER), "").lower()]


def test_every_table_is_exported_or_holds_no_personal_data():
    named = {table.name for table in personal_data.PERSONAL_TABLES} | personal_data.OTHER_TABLES.keys()
    assert set(schema.metadata.tables) == named
    assert not {table.name for table in personal_data.PERSONAL_TABLES} & personal_data.OTHER_TABLES.keys()
    # The exported tables are those that an erasure searches, except the tables in which a hash of the address stays.
    assert {table.name for table in personal_data.PERSONAL_TABLES} - {
        table.name for table in address_leftovers.SEARCHED
    } == {
        "audit_log",
        "erasures",
    }


def test_an_export_has_every_table_and_column(on):
    async def scenario(store):
        await fill_store(store)
        return await store.data_requests.collect(PERSON)

    rows = on(scenario)
    assert {name: len(found) for name, found in rows.items()} == {
        "subscribers": 1,
        "subscriptions": 1,
        "sign_up_requests": 0,
        "confirmations": 0,
        "suppressions": 1,
        "removed_suppressions": 1,
        "deliveries": 5,
        "bounces": 4,
        "erasures": 0,
        "audit_log": 3,
    }
    for name, columns in schema.metadata.tables.items():
        for row in rows.get(name, ()):
            assert {column.name for column in columns.c} <= row.keys()
    assert rows["deliveries"][1]["reply"] == str(SAID)
    assert (rows["deliveries"][1]["issue"], rows["deliveries"][1]["merge_values"]) == (
        "week-1",
        {"organisatie": "Waterschap Geheim"},
    )
    json.dumps(rows)


def test_an_erased_person_is_in_no_byte_of_the_files_and_the_counts_stay(on, url):
    async def scenario(store):
        await fill_store(store)
        before = [
            await count_states(store, mailing.id) for mailing in reversed(await store.ledger.list_mailings())
        ]
        assert set(TRACES) <= set(found(url)) or not url.startswith("sqlite")
        done = await erase_person(store)
        after = [
            await count_states(store, mailing.id) for mailing in reversed(await store.ledger.list_mailings())
        ]
        assert before == [
            {"accepted": 1, "refused": 1},
            {"refused": 2},
            {"deferred": 1, "refused": 1},
            {"refused": 1, "uncertain": 1},
            {"pending": 2},
        ]
        assert after == [
            *before[:2],
            {"refused": 1, "skipped": 1},
            before[3],
            {"pending": 1, "skipped": 1},
        ]
        other = (await store.subscribers.find(Address(local="reader1", domain="example.org"))).subscriptions[
            0
        ]
        assert other.consent == f"doorgegeven door (no longer kept), en {OTHER}"
        return done, found(url), await store.data_requests.collect(PERSON)

    done, left, rows = on(scenario)
    assert left == []
    assert found(url) == []
    assert done.is_complete
    # These counts include the rows of the other reader that mentioned the address.
    assert done.rows == {
        "deliveries": 9,
        "removed_suppressions": 1,
        "subscribers": 1,
        "subscriptions": 2,
        "suppressions": 1,
    }
    assert [len(rows[name]) for name in ("subscribers", "subscriptions", "suppressions", "erasures")] == [
        0,
        0,
        0,
        1,
    ]
    assert {row["address"] for row in rows["deliveries"]} == {""}
    assert {row["reply"] for row in rows["bounces"]} == {"550 5.2.2"}
    (told,) = [row["detail"] for row in rows["audit_log"] if row["action"] == "erase"]
    assert told == "weekly: came 2026-01-14, confirmed 2026-01-14"


def test_an_erased_person_is_not_added_by_an_import_but_can_sign_up(on):
    async def scenario(store):
        await store.subscribers.save_list(LIST)
        await add_subscribers(store, THEIRS)
        await erase_person(store)
        again = [
            *await add_subscribers(store, THEIRS, newcomer(1), source="import leden.csv"),
            *await add_subscribers(store, THEIRS, source="subscribers add"),
        ]
        assert again == [AddResult.ERASED, AddResult.ADDED, AddResult.ERASED]
        assert await store.subscribers.find(PERSON) is None
        filled_form = SignUp(address=PERSON, consent=CONSENT, source="https://example.org/", name=NAME)
        await add_sign_up(store, filled_form, LIST, now=LATER)
        # A form does not prove that the person signed up, because anybody can type an address.
        assert await add_subscribers(store, THEIRS) == [AddResult.ERASED]
        await store.sign_ups.confirm(1, now=LATER)
        assert await add_subscribers(store, THEIRS) == [AddResult.UPDATED]
        acts = [entry.action.value async for entry in store.audit_log.iter_entries(PERSON)]
        assert acts == ["erase", "sign_up", "confirm"]

    on(scenario)


def test_a_form_that_is_not_handled_yet_is_exported_and_erased(on):
    async def scenario(store):
        filled_form = SignUp(address=PERSON, consent=CONSENT, source="https://example.org/", name=NAME)
        assert await store.sign_ups.add(filled_form, LIST, stamp="s", now=NOW)
        (held,) = (await store.data_requests.collect(PERSON))["sign_up_requests"]
        assert (held["address"], held["name"]) == (str(PERSON), NAME)
        await erase_person(store)
        await store.sign_ups.handle_requests(now=LATER)
        assert await store.subscribers.find(PERSON) is None

    on(scenario)


def test_an_erased_person_who_objected_stays_suppressed_until_they_confirm_a_sign_up(on):
    async def scenario(store):
        await store.subscribers.save_list(LIST)
        await fill_store(store)
        await erase_person(store)
        known = await store.suppressions.find(PERSON)
        assert (known.reason, known.evidence) == (
            SuppressionReason.MANUAL,
            "the address was suppressed when its person was erased",
        )
        filled_form = SignUp(address=PERSON, consent=CONSENT, source="https://example.org/")
        await add_sign_up(store, filled_form, LIST, now=LATER + timedelta(hours=1))
        assert (await store.suppressions.find(PERSON)).reason is SuppressionReason.MANUAL
        # The link in the mail proves that the person themselves decided otherwise.
        await store.sign_ups.confirm(1, now=LATER + timedelta(hours=2))
        assert await store.suppressions.find(PERSON) is None

    on(scenario)


def test_an_address_that_is_only_suppressed_or_only_in_an_old_mailing_is_erased_too(on, url):
    async def scenario(store):
        await store.suppressions.add(
            Suppression(address=PERSON, reason=SuppressionReason.COMPLAINT, created_at=NOW, evidence="x")
        )
        assert (await erase_person(store)).rows == {"suppressions": 1}
        await store.subscribers.save_list(LIST)
        await add_subscribers(store, newcomer(1))
        await store.ledger.create_mailing(week(1))

    on(scenario)
    run_sql(url, f"UPDATE deliveries SET address = '{PERSON}', name = '{NAME}', subscriber_id = 4711")

    async def old(store):
        assert (await erase_person(store)).rows == {"deliveries": 1}
        assert (await erase_person(store)).rows == {}
        with pytest.raises(AddressError, match="nothing is stored"):
            await erase_person(store, OTHER)

    on(old)
    assert found(url) == []


def test_nothing_is_erased_while_a_message_to_the_person_is_being_sent(on):
    async def scenario(store):
        await store.subscribers.save_list(LIST)
        await add_subscribers(store, THEIRS)
        mailing = await store.ledger.create_mailing(week(1))
        (claimed,) = await store.ledger.claim(mailing.id, limit=1, now=LATER)
        await store.ledger.record_intents([claimed.id], now=LATER)
        with pytest.raises(StoreError, match="being sent at this moment"):
            await erase_person(store)
        assert await store.subscribers.find(PERSON) is not None

        async def answer():
            await asyncio.sleep(0.3)
            await record_outcome(store, claimed.id, ACCEPTED, now=LATER)

        done = SubscriberAdmin(store).erase(str(PERSON), clock=lambda: LATER, patience=timedelta(seconds=1))
        _, result = await asyncio.gather(answer(), done)
        assert result.rows["subscribers"] == 1
        assert await count_states(store, mailing.id) == {"accepted": 1}

    on(scenario)


def test_a_claim_of_a_dead_sender_does_not_prevent_an_erasure_for_ever(on):
    async def scenario(store):
        await store.subscribers.save_list(LIST)
        await add_subscribers(store, THEIRS, newcomer(1))
        mailing = await store.ledger.create_mailing(week(1))
        first, second = await store.ledger.claim(mailing.id, limit=2, now=NOW - timedelta(hours=2))
        await store.ledger.record_intents([first.id], now=NOW - timedelta(hours=2))
        await erase_person(store)
        await erase_person(store, second.address)
        assert await count_states(store, mailing.id) == {"skipped": 1, "uncertain": 1}
        await store.ledger.retry_uncertain(mailing.id, now=LATER)
        assert await store.ledger.claim(mailing.id, limit=9, now=LATER) == []
        assert await count_states(store, mailing.id) == {"skipped": 2}

    on(scenario)


def test_a_report_after_an_erasure_is_attributed_to_nobody(on):
    async def scenario(store):
        await store.subscribers.save_list(LIST)
        await add_subscribers(store, THEIRS)
        mailing = await store.ledger.create_mailing(week(1))
        (claimed,) = await store.ledger.claim(mailing.id, limit=1, now=NOW)
        await record_outcome(store, claimed.id, ACCEPTED, now=NOW)
        await erase_person(store)
        sent = await store.bounces.find_delivery(mailing.id, claimed.subscriber_id)
        for kind in (BounceKind.COMPLAINT, BounceKind.UNSUBSCRIBE, BounceKind.HARD):
            fact = Bounce(
                digest=kind,
                kind=kind,
                created_at=LATER,
                sent_message=sent,
                proof=BounceProof.RETURN_ADDRESS,
                reply=SAID,
            )
            follows = await store.bounces.record(fact)
            assert (follows.suppression, follows.unsubscribed) == (None, False)

    on(scenario)


READER = """
import sqlite3, sys
reader = sqlite3.connect(sys.argv[1], isolation_level=None)
reader.execute("BEGIN")
print(reader.execute("SELECT count(*) FROM subscribers").fetchone(), flush=True)
sys.stdin.read()
"""


def test_an_erasure_that_a_reading_process_blocks_is_finished_by_the_next_run(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    monkeypatch.setattr(
        "moza_mail.store.sqlite.database.PRAGMAS", ("secure_delete = ON", "busy_timeout = 200")
    )

    async def scenario(*steps):
        store = await open_store(url, actor="an", hasher=KNOWN_BY)
        results = [await step(store) for step in steps]
        await store.close()
        return results

    asyncio.run(scenario(fill_store))
    with subprocess.Popen(
        [sys.executable, "-c", READER, tmp_path / "store.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdout.readline()
        (done,) = asyncio.run(scenario(erase_person))
        assert not done.is_complete
        assert "is reading the store" in done.remains
        assert found(url) != []
        reader.stdin.close()
        reader.wait(timeout=60)
    (again,) = asyncio.run(scenario(erase_person))
    assert (again.is_complete, again.rows, again.erased_at) == (True, {}, LATER)
    assert found(url) == []


def test_another_process_with_the_store_open_keeps_no_erased_data(tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"

    async def scenario():
        one = await open_store(url, hasher=KNOWN_BY)
        two = await open_store(url, hasher=KNOWN_BY)
        await fill_store(one)
        assert await two.subscribers.find(PERSON)
        done = await erase_person(one)
        left = found(url)
        await two.close()
        await one.close()
        return done, left

    done, left = asyncio.run(scenario())
    assert (done.is_complete, left) == (True, [])


def test_the_file_is_rebuilt_if_sqlite_left_erased_data_in_a_page(tmp_path):
    path = tmp_path / "store.db"
    url = f"sqlite:///{path}"

    async def scenario(*steps):
        store = await open_store(url, hasher=KNOWN_BY)
        results = [await step(store) for step in steps]
        await store.close()
        return results

    asyncio.run(scenario(fill_store))
    with closing(sqlite3.connect(path)) as careless, careless:
        careless.execute("PRAGMA secure_delete = OFF")
        careless.execute("CREATE TABLE old AS SELECT * FROM subscribers")
        careless.execute("DROP TABLE old")
    (done,) = asyncio.run(scenario(erase_person))
    assert (done.is_complete, found(url)) == (True, [])


def test_without_the_secret_the_store_neither_erases_nor_adds_people_after_an_erasure(on, url):
    async def scenario(store):
        await store.subscribers.save_list(LIST)
        await add_subscribers(store, THEIRS)
        await erase_person(store)

    async def without():
        store = await open_store(url)
        with pytest.raises(StoreError, match="secret"):
            await erase_person(store)
        with pytest.raises(StoreError, match="secret"):
            await add_subscribers(store, newcomer(1))
        await store.close()

    on(scenario)
    asyncio.run(without())


def test_an_anonymised_reply_has_the_same_verdict():
    for said in (
        SAID,
        Reply.parse(550, "no such user"),
        Reply.parse(552, "quota of a@b.example"),
        Reply.parse(554, "spam"),
    ):
        bare = said.without_text()
        assert (to_outcome(bare, Phase.RCPT).state, "@" in str(bare)) == (DeliveryState.REFUSED, False)
        assert re.fullmatch(r"\d{3}( 5\.2\.2)?( \w+( \w+)?)?", str(bare))
