"""People brought onto a list and foreseen, on each store there is."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_builders import CONFIRMED, NOW, UNCONFIRMED, address, bring, newcomer, suppression, weekly
from test_store_contract import KINDS, new_store, with_store

from moza_mail.store.protocol import Foresight

SOMEBODY = st.builds(
    lambda number, name, place: newcomer(number, name=name, attributes={"plaats": place} if place else {}),
    st.integers(0, 5),
    st.sampled_from(["", "A", "B"]),
    st.sampled_from(["", "Gouda", "Delft"]),
)
CALLS = st.lists(st.lists(SOMEBODY, max_size=6), max_size=5)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(before=st.lists(SOMEBODY, max_size=4), calls=CALLS)
def test_what_is_foreseen_is_what_happens_and_foreseeing_changes_nothing(request, kind, before, calls):
    """Number 0 has left, 1 is suppressed, 2 was never confirmed; the others are known or not."""

    async def scenario(store):
        await store.put_list(weekly())
        await bring(store, newcomer(0), *before)
        await bring(store, newcomer(2), state=UNCONFIRMED)
        await store.unsubscribe((await store.person(address(0))).subscriber.id, "weekly", now=NOW)
        await store.suppress(suppression(1))
        held = [one async for one in store.people("weekly")]
        named = [person.address.key for call in calls for person in call]
        foresight = Foresight(again=frozenset(key for key in named if named.count(key) > 1))
        foreseen = [
            await store.foresee_welcome(call, list_slug="weekly", state=CONFIRMED, foresight=foresight)
            for call in calls
        ]
        assert [one async for one in store.people("weekly")] == held
        assert [await bring(store, *call) for call in calls] == foreseen

    with new_store(kind, request) as url:
        asyncio.run(with_store(url, scenario))
