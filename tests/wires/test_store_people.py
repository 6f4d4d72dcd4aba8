"""People brought onto a list and foreseen, on each store there is."""

import asyncio
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_builders import CONFIRMED, NOW, UNCONFIRMED, address, bring, newcomer, suppression, weekly
from test_store_contract import KINDS, new_store, with_store

from moza_mail.model.address import Address
from moza_mail.model.segment import Segment
from moza_mail.model.sign_up import Choice
from moza_mail.store.merge import WHITE
from moza_mail.store.protocol import Chosen, Foresight

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


NAMES = ["soort", "naam van de organisatie", "a.b", "name", "é"]
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=6).filter(
    str.strip
)
# Values that meet, and those that quote, escape, are wide or stand for other things in LIKE.
SOME = (
    st.sampled_from(
        ["a", "A", "ab", "é", "e\u0301", "'", '"', "\\", "%", "_b", "\U0001f600x", "a'--", "ß", " a"]
    )
    | TEXTS
)
ABOUT = st.one_of(
    *(
        st.fixed_dictionaries({"attribute": st.sampled_from(NAMES), key: given})
        for key, given in {
            "is": SOME,
            "is_not": SOME,
            "one_of": st.lists(SOME, min_size=1, max_size=3),
            "begins_with": SOME,
            "known": st.booleans(),
        }.items()
    ),
    st.fixed_dictionaries({"domain": st.lists(st.sampled_from(["example.org", "example.com"]), min_size=1)}),
    st.fixed_dictionaries({"language": st.sampled_from(["nl", "en", "en-GB"])}),
)
TABLES = st.recursive(
    ABOUT,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
    ),
    max_leaves=6,
)
READERS = st.lists(
    st.tuples(
        st.sampled_from(["example.org", "example.com", "mail.example.org"]),
        SOME | st.just(""),
        st.dictionaries(
            st.sampled_from([name for name in NAMES if name != "name"]), SOME | st.just(" \u00a0"), max_size=3
        ),
        st.sampled_from(["", "nl", "en", "en-GB"]),
    ),
    max_size=6,
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(readers=READERS, tables=st.lists(TABLES, min_size=1, max_size=6))
def test_a_segment_means_the_same_in_the_database_as_it_says(request, kind, readers, tables):
    async def scenario(store):
        await store.put_list(weekly())
        for number, (domain, name, attributes, lang) in enumerate(readers):
            at = Address(local=f"reader{number}", domain=domain)
            await bring(store, newcomer(number, address=at, name=name, attributes=attributes))
            if lang:
                person = (await store.person(at)).subscriber
                await store.choose(person.id, Choice(name=name, lang=lang), source="page", now=NOW)
        everyone = [subscriber async for subscriber, _ in store.people("weekly")]
        for table in tables:
            segment = Segment.read("s", table, lang="nl")
            inside = [one.address for one in everyone if segment.condition.holds(one)]
            chosen = store.people("weekly", Chosen(condition=segment.condition))
            assert [one.address async for one, _ in chosen] == inside
            audience = await store.audience("weekly", segment=segment)
            assert audience.confirmed == len(inside)
            assert audience.left_out.get("not_in_segment", 0) == len(everyone) - len(inside)

    with new_store(kind, request) as url:
        asyncio.run(with_store(url, scenario))


def test_white_space_is_the_same_to_the_database_as_to_python():
    assert sorted(WHITE) == [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
