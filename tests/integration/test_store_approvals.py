"""Approvals, and errors that are reported once, on SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace

import pytest

from moza_mail.model.approval import Approval
from tests.support.store_builders import ACCEPTED, DEFERRED, LATER, NOW, REFUSED, create_mailing, make_mailing
from tests.support.stores import KINDS, new_store, run_with_store

GIVEN = Approval(
    issue_slug="2026-01-14",
    list_slug="weekly",
    digest="d1",
    audience="weekly",
    approved_by="Noor é",
    created_at=NOW,
)


@pytest.fixture(params=KINDS)
def on(request):
    with new_store(request.param, request) as url:
        yield lambda scenario: asyncio.run(run_with_store(url, scenario))


def test_approvals_of_an_issue_are_listed_newest_first(on):
    async def scenario(store):
        second = replace(GIVEN, approved_by="Teun", created_at=LATER)
        for one in (
            GIVEN,
            second,
            replace(GIVEN, issue_slug="2026-01-21"),
            replace(GIVEN, list_slug="intern"),
        ):
            await store.approvals.add(one)
        assert await store.approvals.list_for_issue("2026-01-14", "weekly") == [second, GIVEN]

    on(scenario)


def test_withdrawing_ends_all_current_approvals_and_keeps_the_first_withdrawal(on):
    async def scenario(store):
        await store.approvals.add(GIVEN)
        await store.approvals.add(replace(GIVEN, approved_by="Teun"))
        assert await store.approvals.withdraw("2026-01-14", "weekly", by="Sam", now=LATER) == 2
        assert await store.approvals.withdraw("2026-01-14", "weekly", by="Kim", now=LATER) == 0
        found = await store.approvals.list_for_issue("2026-01-14", "weekly")
        assert {(one.withdrawn_by, one.withdrawn_at) for one in found} == {("Sam", LATER)}
        assert not any(one.covers(make_mailing()) for one in found)

    on(scenario)


def test_an_approval_is_valid_for_one_content_and_one_audience():
    assert GIVEN.covers(make_mailing())
    assert not GIVEN.covers(replace(make_mailing(), digest="d2"))
    assert not GIVEN.covers(replace(make_mailing(), list_slug="intern"))


def test_a_notice_key_is_recorded_once(on):
    async def scenario(store):
        assert [await store.notices.report_once("stale 1", now=NOW) for _ in range(3)] == [True, False, False]
        assert await store.notices.report_once("stale 2", now=LATER)

    on(scenario)


def test_a_reported_notice_is_remembered(on):
    async def scenario(store):
        assert not await store.notices.was_reported("held weekly/1")
        await store.notices.report_once("held weekly/1", now=NOW)
        assert await store.notices.was_reported("held weekly/1")

    on(scenario)


def test_started_mailings_say_if_deliveries_remain(on):
    async def scenario(store):
        assert await store.ledger.list_started() == []
        number = await create_mailing(store, 3)
        (fresh,) = await store.ledger.list_started()
        assert (fresh.mailing_id, fresh.issue_slug, fresh.list_slug, fresh.created_at) == (
            number,
            "2026-01-14",
            "weekly",
            NOW,
        )
        assert (fresh.has_unsent, fresh.next_attempt, fresh.is_unfinished(NOW)) == (True, None, True)
        async with store.ledger.hold_sender_lock("test"):
            taken = await store.ledger.claim(number, limit=3, now=NOW)
            assert (await store.ledger.list_started())[0].has_unsent
            outcomes = [ACCEPTED, DEFERRED, REFUSED]
            await store.ledger.record_outcomes(
                [(one.id, said) for one, said in zip(taken, outcomes, strict=True)], now=NOW
            )
        (after,) = await store.ledger.list_started()
        assert not after.has_unsent
        assert (after.is_unfinished(NOW), after.is_unfinished(after.next_attempt)) == (False, True)

    on(scenario)
