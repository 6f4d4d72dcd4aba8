"""A move file: the same subscribers, states and marks in another database."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.errors import StoreError
from moza_mail.model.address_hash import AddressHasher
from moza_mail.model.mailing_list import Consent
from moza_mail.model.sign_up import ConfirmResult, SignUp
from moza_mail.model.subscriber import SubscriptionState, SuppressionReason
from moza_mail.store import open_store
from tests.support.examples import examples
from tests.support.store_builders import (
    ACCEPTED,
    LATER,
    NOW,
    add_subscribers,
    address,
    make_list,
    newcomer,
)
from tests.support.stores import KINDS, new_store

SECRET = AddressHasher(secret=b"0123456789abcdef")
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
PEOPLE = st.lists(
    st.builds(
        lambda number, name, state, reason, attributes: newcomer(
            number,
            name=name,
            state=state,
            suppression=reason,
            attributes=attributes,
            evidence="Status: x",
            consent=name,
        ),
        st.integers(0, 12),
        TEXTS,
        st.sampled_from(SubscriptionState),
        st.sampled_from([None, None, None, *SuppressionReason]),
        st.dictionaries(st.sampled_from(["plaats", "soort"]), TEXTS),
    ),
    max_size=12,
)


async def export(store) -> list[str]:
    return [line async for line in store.move.iter_lines()]


async def sign_up(store, number) -> None:
    """Fill in the form of the list, so that a confirmation mail is queued."""
    words = Consent(text="Ja, mail mij.", version="2026-01")
    form = SignUp(address=address(number), consent=words, source="form", name="Zoë", lang="en")
    await store.sign_ups.add(form, make_list(), stamp=f"stamp of {number}", now=NOW)
    await store.sign_ups.handle_requests(now=NOW)


async def fill(store, people, erased, unsuppressed, signed_up=()) -> None:
    for slug in ("weekly", "andere-lijst"):
        await store.subscribers.save_list(make_list(slug=slug))
    await add_subscribers(store, *people)
    await add_subscribers(store, *people[:3], list_slug="andere-lijst", now=LATER)
    for number in signed_up:
        await sign_up(store, number)
    for number in unsuppressed:
        await store.suppressions.remove(address(number), "asked", now=LATER)
    for number in erased:
        await store.data_requests.erase(address(number), now=LATER)


@pytest.mark.parametrize(("first", "second"), [("sqlite", "postgres"), ("postgres", "sqlite")])
@examples(15)
@given(
    people=PEOPLE,
    erased=st.sets(st.integers(0, 12), max_size=3),
    unsuppressed=st.sets(st.integers(0, 12), max_size=3),
    signed_up=st.sets(st.integers(8, 16), max_size=3),
)
def test_a_store_moved_to_another_database_has_the_same_move_file(
    request, first, second, people, erased, unsuppressed, signed_up
):
    async def scenario(one: str, other: str) -> None:
        source = await open_store(one, hasher=SECRET)
        target = await open_store(other, hasher=SECRET)
        try:
            await fill(source, people, erased, unsuppressed, signed_up)
            lines = await export(source)
            counts = await target.move.import_lines(lines, "move.jsonl", now=LATER)
            assert await export(target) == lines
            assert counts == json.loads(lines[-1])["end"]
            # Who was erased does not come back, and no new subscriber gets the number of another.
            for store in (source, target):
                await add_subscribers(store, *(newcomer(number) for number in erased), newcomer(20))
            assert await export(target) == await export(source)
        finally:
            await source.close()
            await target.close()

    with new_store(first, request) as one, new_store(second, request) as other:
        asyncio.run(scenario(one, other))


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_and_a_used_store_import_nothing(request, kind):
    async def scenario(one: str, other: str) -> None:
        source = await open_store(one, hasher=SECRET)
        target = await open_store(other, hasher=SECRET)
        try:
            await fill(source, [newcomer(number) for number in range(3)], [1], [])
            lines = await export(source)
            assert not any(SECRET.secret.decode() in line for line in lines)
            damaged = {
                "complete": lines[:-1],
                "line 3": [*lines[:2], "{}", *lines[3:]],
                "line 4": [*lines[:3], lines[3].replace("@", ""), *lines[4:]],
                "not a move file": lines[1:],
                "another secret": [lines[0].replace(SECRET.fingerprint, "0" * 32), *lines[1:]],
            }
            for says, wrong in damaged.items():
                with pytest.raises(StoreError, match=says):
                    await target.move.import_lines(wrong, "move.jsonl", now=NOW)
            assert json.loads((await export(target))[-1])["end"]["subscribers"] == 0
            await target.move.import_lines(lines, "move.jsonl", now=NOW)
            with pytest.raises(StoreError, match="empty project"):
                await target.move.import_lines(lines, "move.jsonl", now=NOW)
        finally:
            await source.close()
            await target.close()

    with new_store(kind, request) as one, new_store(kind, request) as other:
        asyncio.run(scenario(one, other))


@pytest.mark.parametrize(("first", "second"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_a_confirmation_link_works_after_a_move_and_no_mail_is_sent_twice(request, first, second):
    async def scenario(one: str, other: str) -> None:
        source = await open_store(one, hasher=SECRET)
        target = await open_store(other, hasher=SECRET)
        try:
            await fill(source, [newcomer(0)], [], [], signed_up=(1, 2, 3))
            waiting = await source.confirmations.claim(limit=2, now=NOW)
            sent, started = (confirmation.id for confirmation in waiting)
            await source.confirmations.record_intents([sent, started], now=NOW)
            await source.confirmations.record_outcomes([(sent, ACCEPTED)], now=NOW)
            lines = await export(source)
            await target.move.import_lines(lines, "move.jsonl", now=LATER)
            assert await export(target) == lines
            left = await target.confirmations.claim(limit=9, now=LATER)
            assert [str(one.address) for one in left] == ["Reader3@example.org"]
            assert await target.sign_ups.confirm(sent, now=LATER) is ConfirmResult.NOW
            assert await target.sign_ups.confirm(sent, now=LATER) is ConfirmResult.ALREADY
            await sign_up(target, 4)
            known = {sent, started, left[0].id}
            newest = json.loads([line for line in await export(target) if "confirmations" in line][-2])
            assert newest["id"] > max(known)
        finally:
            await source.close()
            await target.close()

    with new_store(first, request) as one, new_store(second, request) as other:
        asyncio.run(scenario(one, other))
