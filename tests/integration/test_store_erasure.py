"""An address in every text column of SQLite and PostgreSQL, in many spellings: an erasure leaves none of them."""

import asyncio
import json
import unicodedata
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from moza_mail.errors import StoreError
from moza_mail.model.address import Address
from moza_mail.model.mailing_list import Consent, OptIn
from moza_mail.model.sign_up import SignUp
from moza_mail.store import open_store
from moza_mail.store.address_leftovers import SEARCHED
from moza_mail.subscribe import SubscriberAdmin
from tests.integration.test_store_audit import KNOWN_BY, run_sql
from tests.support.store_builders import (
    LATER,
    NOW,
    REFUSED,
    add_subscribers,
    make_list,
    make_mailing,
    newcomer,
    record_outcome,
    suppression,
)
from tests.support.stores import KINDS, new_store

DOUBLE = replace(make_list(), opt_in=OptIn.DOUBLE)
CONSENT = Consent(text="Ja", version="1")
MARK = "(no longer kept)"
PEOPLE = {
    "beyond ASCII": (
        Address.parse("Zoë.Müller@bücher.example", international=True),
        [
            "zoë.müller@bücher.example",
            "ZOË.MÜLLER@XN--BCHER-KVA.EXAMPLE",
            unicodedata.normalize("NFD", "Zoë.Müller@Bücher.example"),
            quote("zoë.müller@bücher.example"),
        ],
        ["zoe.muller@bucher.example", "zoë.müller@bücher.example.org"],
        ["zoë.müller@b", "zoë.müller@xn", "zo%c3%ab.m"],
    ),
    "ASCII with a domain beyond it": (
        Address.parse("Info@straße.example"),
        ["INFO@straße.example", "info@XN--STRAE-OQA.example", '"info"@STRAẞE.example', "info=straße.example"],
        ["info@strasse.example", "newinfo@straße.example"],
        ["info@straße", "info@xn--strae", 'info"@straß', "info=straß"],
    ),
    "ASCII": (
        Address.parse("Irma.I@voorbeeld.example"),
        ["IRMA.I@VOORBEELD.EXAMPLE", "irma.i%40voorbeeld.example", "é irma.i@voorbeeld.example."],
        ["ırma.ı@voorbeeld.example", "irma.i@voorbeeld.example.org"],
        ["irma.i@voorbeeld.example", "irma.i%40"],
    ),
}


@pytest.fixture(params=KINDS)
def url(request):
    with new_store(request.param, request) as made:
        yield made


def run(url, scenario):
    async def whole():
        store = await open_store(url, actor="an", hasher=KNOWN_BY)
        try:
            return await scenario(store)
        finally:
            await store.close()

    return asyncio.run(whole())


def fill(person):
    async def scenario(store):
        await store.subscribers.save_list(DOUBLE)
        await add_subscribers(store, newcomer(0, address=person), newcomer(1), newcomer(2))
        await store.suppressions.add(suppression(1))
        await store.suppressions.add(suppression(2))
        await store.suppressions.remove(newcomer(2).address, "x", now=NOW)
        for number, mailbox in ((3, "new"), (4, "waiting")):
            asked = SignUp(
                address=Address(local=mailbox, domain="example.org"),
                consent=CONSENT,
                source="https://example.org/",
            )
            await store.sign_ups.add(asked, DOUBLE, stamp=str(number), now=NOW)
            if mailbox == "new":
                await store.sign_ups.handle_requests(now=NOW)
        theirs = SignUp(address=person, consent=CONSENT, source="https://example.org/")
        await store.sign_ups.add(theirs, DOUBLE, stamp="5", now=NOW)
        await store.notices.report_once("a notice", now=NOW)
        mailing = await store.ledger.create_mailing(make_mailing())
        for claimed in await store.ledger.claim(mailing.id, limit=3, now=NOW):
            await record_outcome(store, claimed.id, REFUSED, now=LATER)

    return scenario


def plant(url, text):
    """Write a text into every column that may have it, in every row. Return how many columns there are."""
    count = 0
    for table in SEARCHED:
        for column in table.c:
            is_key = (
                column.primary_key
                or column.unique
                or column.foreign_keys
                or column.name in {"address", "address_key", "digest"}
            )
            if isinstance(column.type, sa.Text | sa.JSON) and (not is_key or table.name == "notices"):
                value = (
                    json.dumps({text: [text]}, ensure_ascii=False)
                    if isinstance(column.type, sa.JSON)
                    else text
                )
                quoted = value.replace("'", "''")
                run_sql(url, f"UPDATE {table.name} SET {column.name} = '{quoted}'")
                count += 1
    return count


def read_columns(url):
    """Return every row of every table as text, in NFC and lower case."""
    if url.startswith("sqlite"):
        names = run_sql(
            url, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
    else:
        names = run_sql(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [str(row) for (name,) in names for row in run_sql(url, f"SELECT * FROM {name}")]
    return unicodedata.normalize("NFC", "\n".join(rows)).lower()


async def erase(store, text):
    admin = SubscriberAdmin(store)
    return await admin.erase(text, clock=lambda: LATER, patience=timedelta(0))


@pytest.mark.parametrize("name", PEOPLE)
def test_no_column_has_a_spelling_of_the_address_after_an_erasure(url, name):
    person, spellings, others, traces = PEOPLE[name]
    run(url, fill(person))
    assert plant(url, " en ".join([*spellings, *others])) > 20
    before = read_columns(url)
    assert all(trace in before for trace in traces)
    assert run(url, lambda store: erase(store, str(person))).erased_at == LATER
    after = read_columns(url).replace(others[1], "")
    assert [trace for trace in traces if trace in after] == []
    # The texts about others lost the address, and nothing else.
    assert f"{MARK} en {MARK}" in after
    assert unicodedata.normalize("NFC", others[0]).lower() in after
    assert run(url, lambda store: erase(store, str(person))).rows == {}


@pytest.mark.parametrize("name", PEOPLE)
def test_each_spelling_alone_is_found_in_every_column(url, name):
    person, spellings, others, traces = PEOPLE[name]
    run(url, fill(person))
    for spelling in spellings:
        plant(url, f"van {spelling}")
        assert any(trace in read_columns(url) for trace in traces)
        run(url, lambda store: erase(store, str(person)))
        assert [trace for trace in traces if trace in read_columns(url)] == [], spelling
    plant(url, f"van {others[0]}")
    assert run(url, lambda store: erase(store, str(person))).rows == {}


def test_many_people_are_erased_in_every_spelling_of_each(url):
    others = [newcomer(number).address for number in range(100, 160)]
    everybody = [person for person, *_rest in PEOPLE.values()]
    run(url, fill(everybody[0]))
    for text in (" en ".join(spellings) for _person, spellings, *_rest in PEOPLE.values()):
        plant(url, text)
        erased = run(url, lambda store: erase_all(store, [*everybody, *others]))
        assert erased.is_complete
    after = read_columns(url)
    for _person, _spellings, kept, traces in PEOPLE.values():
        assert [trace for trace in traces if trace in after.replace(kept[1], "")] == []
    assert run(url, lambda store: erase_all(store, [*everybody, *others])).rows == {}
    plant(url, "van reader1@example.org")
    assert run(url, lambda store: erase_all(store, everybody)).rows == {}


async def erase_all(store, addresses):
    return await SubscriberAdmin(store).erase_all(addresses, clock=lambda: LATER, patience=timedelta(0))


def test_a_person_who_is_being_mailed_is_not_erased_and_the_others_are(url):
    async def scenario(store):
        await store.subscribers.save_list(DOUBLE)
        await add_subscribers(store, newcomer(1), newcomer(2))
        mailing = await store.ledger.create_mailing(make_mailing())
        (claimed,) = await store.ledger.claim(mailing.id, limit=1, now=LATER)
        await store.ledger.record_intents([claimed.id], now=LATER)
        other = newcomer(3 - claimed.subscriber_id).address
        with pytest.raises(StoreError, match="being sent at this moment"):
            await erase_all(store, [claimed.address, other])
        assert await store.subscribers.find(claimed.address)
        assert await store.subscribers.find(other) is None

    run(url, scenario)
