"""Too many readers of one provider who fail alike are held for a person, and a wrong batch is undone by one command."""

import asyncio
from datetime import timedelta

import pytest

from moza_mail.model.bounce import Bounce, BounceKind, BounceProof
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.outcome import to_outcome
from moza_mail.model.provider import find_provider, list_domains
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.subscriber import Suppression, SuppressionQuery, SuppressionReason
from moza_mail.model.verdict import Verdict
from tests.support.store_builders import ACCEPTED, NOW, address, create_mailing, record_outcome
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


def test_five_or_less_than_a_twentieth_of_a_provider_are_suppressed(on):
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
        assert await store.suppressions.release_held(now=later) == 0

    on(scenario)


def test_the_domains_of_one_provider_are_known_without_asking_the_dns():
    assert find_provider("Hotmail.com") == find_provider("outlook.nl") == find_provider("live.be")
    assert find_provider("xs4all.nl") == find_provider("kpnmail.nl")
    assert find_provider("gemeente.example.org") == "gemeente.example.org"
    assert {"home.nl", "ziggo.nl"} <= list_domains("upcmail.nl")
