"""Many recipients of one provider who fail in the same way are held for a person. One command undoes a wrong batch."""

import asyncio
from datetime import timedelta

import pytest

from moza_mail.model.bounce import Bounce, BounceKind, BounceProof
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.outcome import to_outcome
from moza_mail.model.provider import find_provider
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.subscriber import Suppression, SuppressionQuery, SuppressionReason
from moza_mail.model.verdict import Verdict
from tests.support.store_builders import (
    ACCEPTED,
    NOW,
    address,
    create_mailing,
    make_mailing,
    record_outcome,
)
from tests.support.stores import KINDS, new_store, run_with_store

UNKNOWN = Reply.parse(550, "5.1.1 user unknown")


@pytest.fixture(params=KINDS)
def on(request):
    def run(scenario):
        with new_store(request.param, request) as url:

            async def whole(store):
                await scenario(store)

            asyncio.run(run_with_store(url, whole))

    return run


async def mail(store, count, refused):
    """Mail `count` readers; the relay refuses the first ones, because it does not know them."""
    mailing_id = await create_mailing(store, count)
    batch = await store.ledger.claim(mailing_id, limit=count, now=NOW)
    for number, one in enumerate(batch):
        outcome = to_outcome(UNKNOWN, Phase.RCPT) if number < refused else ACCEPTED
        await record_outcome(store, one.id, outcome, now=NOW)
    return mailing_id, batch


def test_a_few_unknown_readers_are_suppressed_and_many_of_one_provider_are_held(on):
    async def scenario(store):
        mailing_id, _ = await mail(store, 40, refused=10)
        assert await store.suppressions.count_from_mailing(mailing_id) == 0
        assert await store.suppressions.count_held(mailing_id) == {
            ("example.org", Verdict.ADDRESS_UNKNOWN): 10
        }
        assert await store.suppressions.find(address(0)) is None
        assert (await store.subscribers.count_audience("weekly")).confirmed == 40

        complaint = Suppression(
            address=address(1), reason=SuppressionReason.COMPLAINT, created_at=NOW, evidence="spam"
        )
        await store.suppressions.add(complaint)
        assert (await store.suppressions.find(address(1))).reason is SuppressionReason.COMPLAINT

        decide = {"domain": "", "reason": "an outage", "now": NOW}
        assert await store.suppressions.decide_held(mailing_id, accept=False, **decide) == 9
        assert await store.suppressions.count_held(mailing_id) == {}

    on(scenario)


def test_five_refusals_at_one_provider_are_suppressed_and_not_held(on):
    async def scenario(store):
        mailing_id, _ = await mail(store, 30, refused=5)
        assert await store.suppressions.count_from_mailing(mailing_id) == 5

    on(scenario)


def test_sixty_equal_reports_are_held_and_accepted_or_undone_by_one_command(on):
    async def scenario(store):
        mailing_id, batch = await mail(store, 60, refused=0)
        for number, one in enumerate(batch):
            sent = await store.bounces.find_delivery(mailing_id, one.subscriber_id)
            report = Bounce(
                digest=f"report {number}",
                kind=BounceKind.HARD,
                created_at=NOW,
                sent_message=sent,
                proof=BounceProof.RETURN_ADDRESS,
                reply=UNKNOWN,
                verdict=Verdict.ADDRESS_UNKNOWN,
            )
            effect = await store.bounces.record(report)
        assert effect.is_held
        assert sum((await store.suppressions.count_held(mailing_id)).values()) == 60
        assert await store.suppressions.find(address(0)) is None

        decide = {"domain": "example.org", "reason": "", "now": NOW}
        assert await store.suppressions.decide_held(mailing_id, accept=True, **decide) == 60
        assert await store.suppressions.count_from_mailing(mailing_id) == 60

        found = await store.suppressions.find_matching(SuppressionQuery(mailing_id=mailing_id))
        assert len(found) == 60
        assert not await store.suppressions.find_matching(SuppressionQuery(reply="quota"))
        for one in found:
            await store.suppressions.remove(one.address, "the provider was down", now=NOW)
        assert (await store.subscribers.count_audience("weekly")).confirmed == 60

    on(scenario)


def test_refused_readers_who_are_held_are_mailed_again_when_a_person_decides_so(on):
    async def scenario(store):
        mailing_id, _ = await mail(store, 40, refused=10)
        assert await store.ledger.retry_refused(mailing_id, Verdict.ADDRESS_UNKNOWN, now=NOW) == 10
        batch = await store.ledger.claim(mailing_id, limit=40, now=NOW)
        assert len(batch) == 10
        assert {one.state for one in batch} == {DeliveryState.CLAIMED}
        later = NOW + timedelta(hours=1)
        for one in batch:
            await record_outcome(store, one.id, ACCEPTED, now=later)
        assert await store.suppressions.release_held(now=later + timedelta(hours=71)) == 0
        assert await store.suppressions.release_held(now=later + timedelta(hours=73)) == 10

    on(scenario)


async def accept_later_mailing(store, slug, now, readers=40):
    """Send a later mailing that the relay accepts for everybody."""
    mailing = await store.ledger.create_mailing(make_mailing(slug))
    batch = await store.ledger.claim(mailing.id, limit=readers, now=now)
    for one in batch:
        await record_outcome(store, one.id, ACCEPTED, now=now)
    return mailing.id, batch


def report_about(sent, kind, verdict, now):
    return Bounce(
        digest=f"{kind} about {sent.delivery_id}",
        kind=kind,
        created_at=now,
        sent_message=sent,
        proof=BounceProof.RETURN_ADDRESS,
        reply=UNKNOWN,
        verdict=verdict,
    )


WEEK = timedelta(days=7)


def test_a_later_message_releases_a_held_reader_after_72_hours_without_a_report(on):
    async def scenario(store):
        first, _ = await mail(store, 40, refused=10)
        sent_at = NOW + WEEK
        await accept_later_mailing(store, "2026-01-21", sent_at)
        assert await store.suppressions.release_held(now=sent_at + timedelta(hours=72)) == 0
        assert sum((await store.suppressions.count_held(first)).values()) == 10
        assert await store.suppressions.release_held(now=sent_at + timedelta(hours=72, seconds=1)) == 10
        assert await store.suppressions.count_held(first) == {}
        assert (await store.subscribers.count_audience("weekly")).confirmed == 40

    on(scenario)


@pytest.mark.parametrize(
    ("kind", "released"),
    [
        (BounceKind.HARD, 9),
        (BounceKind.SOFT, 9),
        (BounceKind.POLICY, 9),
        (BounceKind.AUTO_REPLY, 10),
        (BounceKind.NOTICE, 10),
        (BounceKind.FORWARDED, 10),
    ],
)
def test_a_report_after_71_hours_keeps_that_reader_held(on, kind, released):
    async def scenario(store):
        first, _ = await mail(store, 40, refused=10)
        sent_at = NOW + WEEK
        later, batch = await accept_later_mailing(store, "2026-01-21", sent_at)
        sent = await store.bounces.find_delivery(later, batch[0].subscriber_id)
        verdict = Verdict.POLICY if kind is BounceKind.POLICY else Verdict.MAILBOX_FULL
        await store.bounces.record(report_about(sent, kind, verdict, sent_at + timedelta(hours=71)))
        assert await store.suppressions.release_held(now=sent_at + timedelta(hours=80)) == released
        held = sum((await store.suppressions.count_held(first)).values())
        assert held == 10 - released

    on(scenario)


def test_the_same_hard_report_about_a_later_mailing_suppresses_one_held_reader(on):
    async def scenario(store):
        await mail(store, 40, refused=10)
        later, batch = await accept_later_mailing(store, "2026-01-21", NOW + WEEK)
        sent = await store.bounces.find_delivery(later, batch[0].subscriber_id)
        report = report_about(
            sent, BounceKind.HARD, Verdict.ADDRESS_UNKNOWN, NOW + WEEK + timedelta(hours=71)
        )
        assert not (await store.bounces.record(report)).is_held
        assert (await store.suppressions.find(address(0))) is not None
        assert await store.suppressions.release_held(now=NOW + 2 * WEEK) == 9

    on(scenario)


def test_recipients_held_since_an_earlier_mailing_are_released_and_those_of_the_last_one_stay(on):
    async def scenario(store):
        first, _ = await mail(store, 40, refused=10)
        second = (await store.ledger.create_mailing(make_mailing("2026-01-21"))).id
        for number, one in enumerate(await store.ledger.claim(second, limit=40, now=NOW + WEEK)):
            is_refused = 20 <= number < 28
            outcome = to_outcome(UNKNOWN, Phase.RCPT) if is_refused else ACCEPTED
            await record_outcome(store, one.id, outcome, now=NOW + WEEK)
        assert sum((await store.suppressions.count_held(second)).values()) == 8
        assert await store.suppressions.release_held(now=NOW + 2 * WEEK) == 10
        assert await store.suppressions.count_held(first) == {}
        assert sum((await store.suppressions.count_held(second)).values()) == 8

    on(scenario)


def test_six_refusals_among_many_recipients_of_a_provider_are_not_held(on):
    async def scenario(store):
        mailing_id, _ = await mail(store, 140, refused=7)
        assert await store.suppressions.count_from_mailing(mailing_id) == 7
        assert await store.suppressions.count_held(mailing_id) == {}

    on(scenario)


def test_the_domains_of_a_provider_are_recognised_without_a_dns_query():
    assert find_provider("Hotmail.com") == find_provider("outlook.nl") == find_provider("live.be")
    assert find_provider("xs4all.nl") == find_provider("kpnmail.nl")
    assert find_provider("gemeente.example.org") == "gemeente.example.org"
    assert find_provider("home.nl") == find_provider("ziggo.nl") == find_provider("upcmail.nl")
