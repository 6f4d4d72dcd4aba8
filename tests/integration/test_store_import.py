"""Importing subscribers, and the dry run of an import, on SQLite and PostgreSQL."""

import asyncio
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.model.address import Address
from moza_mail.model.segment import Segment, SubscriberFilter
from moza_mail.model.sign_up import PreferenceChoice
from moza_mail.model.subscriber import ImportPreview
from moza_mail.store.attributes import WHITESPACE
from moza_mail.subscribe import ImportSettings, import_rows
from moza_mail.subscribe.first_lines import FirstLines
from moza_mail.subscriber_file import RejectedRow
from tests.support.examples import examples
from tests.support.store_builders import (
    NOW,
    UNCONFIRMED,
    add_subscribers,
    address,
    make_list,
    newcomer,
    suppression,
)
from tests.support.stores import KINDS, new_store, run_with_store

SOMEBODY = st.builds(
    lambda number, name, place: newcomer(number, name=name, attributes={"plaats": place} if place else {}),
    st.integers(0, 5),
    st.sampled_from(["", "A", "B"]),
    st.sampled_from(["", "Gouda", "Delft"]),
)
CALLS = st.lists(st.lists(SOMEBODY, max_size=6), max_size=5)


@pytest.mark.parametrize("kind", KINDS)
@examples(25)
@given(before=st.lists(SOMEBODY, max_size=4), calls=CALLS)
def test_a_dry_run_predicts_the_import_and_changes_nothing(request, kind, before, calls):
    """Create a list where 0 is unsubscribed, 1 is suppressed, 2 is unconfirmed, and some others are subscribed."""

    async def scenario(store):
        await store.subscribers.save_list(make_list())
        await add_subscribers(store, newcomer(0), *before)
        await add_subscribers(store, newcomer(2), state=UNCONFIRMED)
        await store.subscribers.unsubscribe(
            (await store.subscribers.find(address(0))).subscriber.id, "weekly", now=NOW
        )
        await store.suppressions.add(suppression(1))
        held = [one async for one in store.subscribers.iter_list("weekly")]
        named = [person.address.key for call in calls for person in call]
        preview = ImportPreview(repeated=frozenset(key for key in named if named.count(key) > 1))
        foreseen = [
            await store.subscribers.preview_add(call, list_slug="weekly", preview=preview) for call in calls
        ]
        assert [one async for one in store.subscribers.iter_list("weekly")] == held
        assert [await add_subscribers(store, *call) for call in calls] == foreseen

    with new_store(kind, request) as url:
        asyncio.run(run_with_store(url, scenario))


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_reported_by_line_and_the_later_of_two_lines_counts(request, kind, monkeypatch):
    numbers = [number * 7 % 40 for number in range(100)]
    rows = [
        RejectedRow(line=line, reason="no")
        if number == 13
        else replace(newcomer(number, name=f"of line {line}"), line=line)
        for line, number in enumerate(numbers, start=2)
    ]
    monkeypatch.setattr("moza_mail.subscribe.file_import.BATCH_ROWS", 5)
    monkeypatch.setattr("moza_mail.subscribe.file_import.WINDOW_ROWS", 60)
    monkeypatch.setattr("moza_mail.subscribe.file_import.READ_ROWS", 7)

    async def scenario(store):
        await store.subscribers.save_list(make_list())
        await add_subscribers(store, newcomer(7))
        await store.subscribers.unsubscribe(
            (await store.subscribers.find(address(7))).subscriber.id, "weekly", now=NOW
        )
        await store.suppressions.add(suppression(14))
        imported, previewed = [], []
        settings = ImportSettings(source="a.csv", now=NOW, on_row=previewed.append, dry_run=True)
        foreseen = await import_rows(store, rows, make_list(), settings)
        report = await import_rows(
            store, rows, make_list(), replace(settings, on_row=imported.append, dry_run=False)
        )
        assert report == foreseen
        assert imported == previewed
        assert [row.line for row in imported] == [row.line for row in rows]
        for row, number in zip(imported, numbers, strict=True):
            first = numbers.index(number) + 2
            special = {7: "unsubscribed", 13: "refused", 14: "suppressed"}.get(number)
            assert row.result == (special or ("added" if row.line == first else "updated"))
            assert row.earlier_line == (first if row.line > first and number != 13 else 0)
        last = {number: line for line, number in enumerate(numbers, start=2)}
        names = {
            str(subscriber.address): subscriber.name
            async for subscriber, _ in store.subscribers.iter_list("weekly")
        }
        assert {
            address(number): names[str(address(number))] for number in last if number not in (7, 13, 14)
        } == {
            address(number): f"of line {line}" for number, line in last.items() if number not in (7, 13, 14)
        }

    with new_store(kind, request) as url:
        asyncio.run(run_with_store(url, scenario))


@given(st.lists(st.integers(0, 300), max_size=400), st.integers(1, 50))
def test_a_repeated_address_is_found_with_its_first_line(numbers, window):
    first_lines, first, found = FirstLines(), {}, {}
    rows = [(str(number), line) for line, number in enumerate(numbers, start=1)]
    for key, line in rows:
        first.setdefault(key, line)
    for start in range(0, len(rows), window):
        found |= first_lines.find_earlier(rows[start : start + window])
    assert found == {line: first[key] for key, line in rows if line != first[key]}


NAMES = ["soort", "naam van de organisatie", "a.b", "name", "é"]
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=6).filter(
    str.strip
)
# Values that can be equal, and values with quotes, backslashes, wide characters or the wildcards of LIKE.
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
@examples(30)
@given(readers=READERS, tables=st.lists(TABLES, min_size=1, max_size=6))
def test_a_segment_selects_the_same_people_in_sql_as_in_python(request, kind, readers, tables):
    async def scenario(store):
        await store.subscribers.save_list(make_list())
        for number, (domain, name, attributes, lang) in enumerate(readers):
            at = Address(local=f"reader{number}", domain=domain)
            await add_subscribers(store, newcomer(number, address=at, name=name, attributes=attributes))
            if lang:
                person = (await store.subscribers.find(at)).subscriber
                await store.subscribers.save_preferences(
                    person.id, PreferenceChoice(name=name, lang=lang), source="page", now=NOW
                )
        everyone = [subscriber async for subscriber, _ in store.subscribers.iter_list("weekly")]
        for table in tables:
            segment = Segment.parse("s", table, lang="nl")
            inside = [one.address for one in everyone if segment.condition.matches(one)]
            chosen = store.subscribers.iter_list("weekly", SubscriberFilter(condition=segment.condition))
            assert [one.address async for one, _ in chosen] == inside
            audience = await store.subscribers.count_audience("weekly", segment=segment)
            assert audience.confirmed == len(inside)
            assert audience.left_out.get("not_in_segment", 0) == len(everyone) - len(inside)

    with new_store(kind, request) as url:
        asyncio.run(run_with_store(url, scenario))


def test_the_database_and_python_strip_the_same_white_space():
    assert sorted(WHITESPACE) == [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
