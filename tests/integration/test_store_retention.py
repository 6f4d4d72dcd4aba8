"""Retention on SQLite and PostgreSQL: rows are deleted when they expire, and never while they are needed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from moza_mail.model.bounce import Bounce, BounceKind, BounceProof
from moza_mail.model.classify_reply import classify_reply
from moza_mail.model.outcome import to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.retention import RetentionPeriods
from moza_mail.model.sign_up import SignUp
from moza_mail.model.subscriber import SubscriptionState, SuppressionReason
from tests.integration.test_store_audit import run_sql
from tests.integration.test_store_data_requests import CONSENT, LIST, on, url, week  # noqa: F401  (fixtures)
from tests.support.store_builders import (
    ACCEPTED,
    DEFERRED,
    LATER,
    NOW,
    UNCERTAIN,
    add_sign_up,
    add_subscribers,
    address,
    count_states,
    make_list,
    newcomer,
    record_outcome,
    stored_states,
)

DAY = timedelta(days=1)
PERIODS = RetentionPeriods()
FULL = Reply.parse(552, "mailbox of reader1@example.org is over quota")


async def retain(store, after: timedelta, *, dry_run=False):
    done = await store.retention.delete_expired(PERIODS, now=NOW + after, dry_run=dry_run)
    return {kind: count for kind, count in done.changed.items() if count}, done.still_open


async def mailed(store, readers: int, *outcomes) -> int:
    await store.subscribers.save_list(LIST)
    await add_subscribers(store, *(newcomer(number, attributes={"x": "y"}) for number in range(readers)))
    mailing = await store.ledger.create_mailing(week(1))
    for one, outcome in zip(
        await store.ledger.claim(mailing.id, limit=readers, now=NOW), outcomes, strict=False
    ):
        await record_outcome(store, one.id, outcome, now=LATER)
    return mailing.id


async def shown(store, mailing: int) -> list[str]:
    every = list(await store.ledger.count_by_state(mailing))
    return [f"{one.state} {one.address}" async for one in store.ledger.iter_deliveries(mailing, every)]


def test_deliveries_are_anonymised_after_their_retention_period(on, url):  # noqa: F811
    async def scenario(store):
        refused = to_outcome(FULL, Phase.RCPT)
        number = await mailed(store, 5, ACCEPTED, refused, UNCERTAIN, DEFERRED)
        before = await count_states(store, number)
        assert await retain(store, 90 * DAY) == ({}, 0)
        assert await retain(store, 91 * DAY, dry_run=True) == ({"deliveries": 2}, 3)
        assert "reader0@" in str(await shown(store, number)).lower()
        assert await retain(store, 91 * DAY) == ({"deliveries": 2}, 3)
        assert await count_states(store, number) == before
        (unsent,) = stored_states(store, claimed=1)
        assert await shown(store, number) == [
            "accepted (no longer kept)",
            "refused (no longer kept)",
            "uncertain Reader2@example.org",
            "deferred Reader3@example.org",
            f"{unsent} Reader4@example.org",
        ]
        assert await retain(store, 92 * DAY) == ({}, 3)
        acts = [entry.detail async for entry in store.audit_log.iter_entries() if entry.action == "retention"]
        assert acts == ["2 deliveries"]

    on(scenario)
    rows = run_sql(
        url, "SELECT name, reply, queue_id, merge_values FROM deliveries WHERE address = '' ORDER BY id"
    )
    assert [tuple(row) for row in rows] == [("", "250 2.0.0", "", None), ("", "552 mailbox full", "", None)]


def test_many_deliveries_are_anonymised_in_batches_and_not_searched_again(on, url, small_pages):  # noqa: F811
    async def scenario(store):
        number = await mailed(store, 230)
        for _ in range(3):
            batch = await store.ledger.claim(number, limit=100, now=NOW)
            await store.ledger.record_outcomes([(one.id, ACCEPTED) for one in batch], now=LATER)
        return number

    number = on(scenario)
    run_sql(url, "UPDATE deliveries SET state = 'accepted', changed_at = '2026-01-14T08:05:00.000000+00:00'")

    async def later(store):
        assert await retain(store, 91 * DAY) == ({"deliveries": 230}, 0)
        assert await count_states(store, number) == {"accepted": 230}

    on(later)
    assert run_sql(url, "SELECT count(*) FROM mailings WHERE anonymised_at IS NOT NULL")[0][0] == 1


def test_old_reports_lose_their_text_and_their_suppressions_stay(on):  # noqa: F811
    async def scenario(store):
        number = await mailed(store, 2, ACCEPTED, ACCEPTED)
        sent = await store.bounces.find_delivery(number, 1)
        said = Reply.parse(550, "5.1.1 no such user reader0@example.org")
        for kind, reply in ((BounceKind.HARD, said), (BounceKind.SOFT, FULL)):
            await store.bounces.record(
                Bounce(
                    digest=kind,
                    kind=kind,
                    created_at=LATER,
                    sent_message=sent,
                    proof=BounceProof.MESSAGE_ID,
                    reply=reply,
                    verdict=classify_reply(str(reply)),
                )
            )
        assert await retain(store, 31 * DAY) == ({"bounces": 2}, 0)
        assert await retain(store, 31 * DAY) == ({}, 0)
        rows = (await store.data_requests.collect(address(0)))["bounces"]
        assert sorted(row["reply"] for row in rows) == ["550 5.1.1", "552 mailbox full"]
        assert (await store.suppressions.find(address(0))).reason is SuppressionReason.HARD_BOUNCE
        assert (await retain(store, 400 * DAY))[0] == {"deliveries": 2}
        assert (await store.suppressions.find(address(0))).reason is SuppressionReason.HARD_BOUNCE

    on(scenario)


def test_old_reports_still_count_for_a_full_mailbox(on):  # noqa: F811
    async def scenario(store):
        await store.subscribers.save_list(LIST)
        await add_subscribers(store, newcomer(0))
        for number in range(5):
            mailing = await store.ledger.create_mailing(
                replace(week(number), created_at=NOW + number * 9 * DAY)
            )
            (one,) = await store.ledger.claim(mailing.id, limit=1, now=NOW)
            await record_outcome(store, one.id, to_outcome(FULL, Phase.RCPT), now=NOW + number * 9 * DAY)
            await retain(store, number * 9 * DAY)
        return await store.suppressions.find(address(0))

    assert on(scenario).reason is SuppressionReason.SOFT_BOUNCES


def test_a_report_about_an_anonymised_delivery_still_finds_its_subscriber(on):  # noqa: F811
    async def scenario(store):
        number = await mailed(store, 1, ACCEPTED)
        await retain(store, 91 * DAY)
        sent = await store.bounces.find_delivery(number, 1)
        assert str(sent.address) == "Reader0@example.org"
        fact = Bounce(
            digest="1",
            kind=BounceKind.COMPLAINT,
            created_at=LATER,
            sent_message=sent,
            proof=BounceProof.RETURN_ADDRESS,
        )
        assert (await store.bounces.record(fact)).suppression.reason is SuppressionReason.COMPLAINT

    on(scenario)


def test_expired_unconfirmed_sign_ups_are_deleted_and_confirmed_ones_stay(on):  # noqa: F811
    def make_request(number):
        return SignUp(address=address(number), consent=CONSENT, source="https://example.org/", name="Naam")

    async def scenario(store):
        other = replace(LIST, slug="other")
        await store.subscribers.save_list(other)
        await store.subscribers.save_list(LIST)
        for number in range(4):
            await add_sign_up(store, make_request(number), LIST, now=NOW)
        await store.sign_ups.confirm(1, now=LATER)
        await add_subscribers(store, newcomer(1), list_slug="other")
        await add_sign_up(store, make_request(2), LIST, now=NOW + 8 * DAY)
        assert await retain(store, 14 * DAY) == ({}, 0)
        assert await retain(store, 15 * DAY, dry_run=True) == ({"confirmations": 4, "sign_ups": 2}, 0)
        assert await retain(store, 15 * DAY) == ({"confirmations": 4, "sign_ups": 2}, 0)
        held = [await store.subscribers.find(address(number)) for number in range(4)]
        assert [person and len(person.subscriptions) for person in held] == [1, 1, 1, None]
        assert held[0].subscriptions[0].state is SubscriptionState.CONFIRMED
        assert held[1].subscriptions[0].list_slug == "other"
        assert await retain(store, 23 * DAY) == ({"confirmations": 1, "sign_ups": 1}, 0)
        assert await store.subscribers.find(address(2)) is None

    on(scenario)


def test_the_audit_log_has_its_own_retention_period_and_its_seals_stay_valid(on, url):  # noqa: F811
    async def scenario(store):
        await store.subscribers.save_list(make_list())
        await add_subscribers(store, newcomer(0), source="subscribers add")
        await add_subscribers(store, newcomer(1), source="subscribers add", now=NOW + 1826 * DAY)
        assert await retain(store, 1827 * DAY) == ({"audit": 1}, 0)
        assert [entry.action async for entry in store.audit_log.iter_entries()] == ["add", "retention"]
        checked = await store.audit_log.verify()
        assert (checked.is_intact, checked.head.deleted, checked.head.last) == (True, 1, 3)

    on(scenario)
    with pytest.raises(Exception, match="only ever added to"):
        run_sql(url, "DELETE FROM audit_log")


def test_retention_runs_during_a_send_and_deletes_nothing_unfinished(on):  # noqa: F811
    async def scenario(store):
        number = await mailed(store, 400)
        await store.ledger.recover(number, now=NOW)
        await store.ledger.release(
            [one.id async for one in store.ledger.iter_deliveries(number, ["claimed"])]
        )

        async def sends():
            while batch := await store.ledger.claim(number, limit=7, now=LATER):
                await store.ledger.record_outcomes([(one.id, ACCEPTED) for one in batch], now=NOW + 200 * DAY)
                assert all(one.address.domain for one in batch)

        async def retains():
            for _ in range(10):
                assert (await retain(store, 200 * DAY))[0] == {}

        await asyncio.gather(sends(), retains())
        assert await count_states(store, number) == {"accepted": 400}

    on(scenario)
