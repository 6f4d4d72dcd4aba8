"""Bounces on SQLite and PostgreSQL: each counts once, and its consequences are in the same commit."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from moza_mail.model.bounce import Bounce, BounceKind, BounceProof, FailedRecipient, SentMessage
from moza_mail.model.classify_reply import classify_reply
from moza_mail.model.reply import Reply
from moza_mail.model.subscriber import SubscriptionState, SuppressionReason
from moza_mail.model.verdict import Verdict
from moza_mail.store import Store
from tests.support.store_builders import (
    ACCEPTED,
    NOW,
    add_subscribers,
    address,
    make_list,
    make_mailing,
    newcomer,
    record_outcome,
)
from tests.support.stores import KINDS, Scenario, new_store, run_with_store

WEEK = timedelta(weeks=1)
READ = NOW + 20 * WEEK


@pytest.fixture(params=KINDS)
def on(request):
    """Run a scenario on a new, empty store of each kind, with two readers on its list."""

    def run(scenario: Scenario) -> None:
        async def whole(store: Store) -> None:
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(0), newcomer(1))
            await scenario(store)

        with new_store(request.param, request) as url:
            asyncio.run(run_with_store(url, whole))

    return run


async def mailed(store: Store, week: int) -> SentMessage:
    """Create an accepted mailing of that week, and return the delivery of reader 0."""
    mailing = await store.ledger.create_mailing(
        replace(make_mailing(f"week-{week}"), created_at=NOW, key=f"weekly/{week}")
    )
    batch = await store.ledger.claim(mailing.id, limit=9, now=NOW)
    for one in batch:
        await record_outcome(store, one.id, ACCEPTED, now=NOW + week * WEEK)
    return await store.bounces.find_delivery(mailing.id, batch[0].subscriber_id)


def bounce(sent: SentMessage | None, said: str = "", kind: BounceKind | None = None) -> Bounce:
    reply = Reply.parse(int(said[:3]), said[4:]) if said else None
    verdict = classify_reply(said) if said else Verdict.UNCLEAR
    found = kind or FailedRecipient(recipient="", reply=reply, verdict=verdict).kind
    number = sent.delivery_id if sent else 0
    proof = BounceProof.RETURN_ADDRESS if sent else None
    return Bounce(
        digest=f"{number}{said}",
        kind=found,
        created_at=READ,
        sent_message=sent,
        proof=proof,
        reply=reply,
        verdict=verdict if said else None,
    )


def test_a_report_counts_once_and_is_part_of_the_persons_data(on):
    async def scenario(store):
        sent = await mailed(store, 1)
        assert (sent.issue_slug, sent.list_slug, sent.mailing_key) == ("week-1", "weekly", "weekly/1")
        assert await store.bounces.list_deliveries_to(address(0)) == [sent]
        fact = bounce(sent, "550 5.1.1 No such user")
        foreseen = await store.bounces.preview(fact)
        assert await store.suppressions.find(address(0)) is None
        first, again = await store.bounces.record(fact), await store.bounces.record(fact)
        assert foreseen == first
        assert (first.already_counted, again.already_counted, again.suppression) == (False, True, None)
        assert await store.suppressions.find(address(0)) == first.suppression
        assert first.suppression.evidence == "bounce: 550 5.1.1 No such user [week-1 to weekly]"
        assert await store.suppressions.count_from_mailing(sent.mailing_id) == 1
        assert (await store.subscribers.find(address(0))).bounces == (("week-1", fact),)
        assert await store.suppressions.find(address(1)) is None

    on(scenario)


@pytest.mark.parametrize(
    ("weeks", "said", "reason"),
    [
        ([1], "550 5.1.2 No such domain", None),
        ([1, 2], "550 5.1.2 No such domain", SuppressionReason.HARD_BOUNCE),
        ([1, 3], "550 5.2.1 Disabled", SuppressionReason.HARD_BOUNCE),
        ([1, 4], "550 5.2.1 Disabled", None),
        ([1, 2, 3, 4, 5], "552 5.2.2 Mailbox full", None),
        ([1, 2, 3, 4, 6], "552 5.2.2 Mailbox full", SuppressionReason.SOFT_BOUNCES),
        ([1, 2, 3, 4, 6], "550 5.7.1 Blocked", None),
        ([1, 2, 3, 4, 5], "450 4.4.1 Timed out", None),
        ([1, 2, 3, 4, 6], "450 4.4.1 Timed out", SuppressionReason.SOFT_BOUNCES),
        ([1, 2, 3, 4, 6], "450 4.3.2 Not now", None),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_reports_count_at_the_send_time_of_their_mailing(on, weeks, said, reason, backwards):
    async def scenario(store):
        sent = [await mailed(store, week) for week in weeks]
        for one in reversed(sent) if backwards else sent:
            await store.bounces.record(bounce(one, said))
        found = await store.suppressions.find(address(0))
        assert (found.reason if found else None) is reason
        assert await store.suppressions.find(address(1)) is None

    on(scenario)


def test_an_accepted_issue_resets_the_count_of_a_full_mailbox(on):
    async def scenario(store):
        sent = [await mailed(store, week) for week in (1, 2, 3, 4, 6, 7)]
        for one in [*sent[:3], *sent[4:]]:
            await store.bounces.record(bounce(one, "552 5.2.2 Mailbox full"))
        assert await store.suppressions.find(address(0)) is None

    on(scenario)


def test_two_reports_about_one_message_count_once(on):
    async def scenario(store):
        sent = await mailed(store, 1)
        for said in ("550 5.2.1 Disabled", "550 5.2.1 Still disabled"):
            assert not (await store.bounces.record(bounce(sent, said))).suppression
        assert await store.suppressions.find(address(0)) is None

    on(scenario)


@pytest.mark.parametrize("kind", [BounceKind.FORWARDED, BounceKind.AUTO_REPLY])
def test_a_report_that_is_not_about_the_address_suppresses_nobody(on, kind):
    async def scenario(store):
        for week in (1, 2):
            sent = await mailed(store, week)
            await store.bounces.record(bounce(sent, "550 5.1.1 No such user", kind))
        await store.bounces.record(bounce(None, kind=BounceKind.AUTO_REPLY))
        assert await store.suppressions.find(address(0)) is None

    on(scenario)


def test_a_complaint_suppresses_at_once_and_an_unsubscribe_mail_ends_one_subscription(on):
    async def scenario(store):
        sent = await mailed(store, 1)
        left = await store.bounces.record(bounce(sent, kind=BounceKind.UNSUBSCRIBE))
        assert (left.unsubscribed, left.suppression) == (True, None)
        person = await store.subscribers.find(address(0))
        assert person.subscriptions[0].state is SubscriptionState.UNSUBSCRIBED
        assert await store.suppressions.find(address(0)) is None
        await store.bounces.record(bounce(sent, "550 abuse Feedback/1.0", BounceKind.COMPLAINT))
        assert (await store.suppressions.find(address(0))).reason is SuppressionReason.COMPLAINT

    on(scenario)


def test_replies_from_before_the_removal_of_a_suppression_do_not_count(on):
    """Two failures within 14 days suppress a disabled mailbox. Here two are before the removal, and one is after it."""

    async def scenario(store):
        sent = [await mailed(store, week) for week in (1, 2, 4, 5)]
        for one in sent[:2]:
            await store.bounces.record(bounce(one, "550 5.2.1 Disabled"))
        held = await store.suppressions.find(address(0))
        ended = await store.suppressions.remove(address(0), "de beheerder belde", now=NOW + 3 * WEEK)
        assert ended == replace(held, removed_at=NOW + 3 * WEEK, removal_reason="de beheerder belde")
        assert await store.suppressions.find(address(0)) is None
        assert await store.suppressions.remove(address(0), "nog eens", now=READ) is None
        assert (
            await store.suppressions.list_removed(address(0)),
            await store.suppressions.list_removed(address(1)),
        ) == ((ended,), ())
        assert (await store.subscribers.find(address(0))).removed_suppressions == (ended,)
        assert (await store.subscribers.count_audience("weekly")).confirmed == 2

        late = replace(bounce(sent[1], "550 5.1.1 No such user"), digest="reported late")
        assert (await store.bounces.record(late)).suppression is None
        assert (await store.bounces.record(bounce(sent[2], "550 5.2.1 Disabled"))).suppression is None
        again = await store.bounces.record(bounce(sent[3], "550 5.2.1 Disabled"))
        assert again.suppression.reason is SuppressionReason.HARD_BOUNCE

    on(scenario)


def test_a_complaint_counts_whenever_its_message_was_sent(on):
    async def scenario(store):
        sent = await mailed(store, 1)
        await store.bounces.record(bounce(sent, "550 5.1.1 No such user"))
        await store.suppressions.remove(address(0), "typefout", now=NOW + 2 * WEEK)
        complaint = bounce(sent, "550 abuse Feedback/1.0", BounceKind.COMPLAINT)
        assert (await store.bounces.record(complaint)).suppression.reason is SuppressionReason.COMPLAINT

    on(scenario)


def test_a_summary_counts_each_reader_once_and_by_domain(on):
    async def scenario(store):
        sent = await mailed(store, 1)
        for said in ("550 5.1.1 No such user", "550 5.1.1 Still no such user"):
            await store.bounces.record(bounce(sent, said))
        other = await store.bounces.find_delivery(sent.mailing_id, sent.subscriber_id + 1)
        await store.bounces.record(bounce(other, "552 5.2.2 Full"))
        await store.subscribers.unsubscribe(sent.subscriber_id, "weekly", now=READ)
        found = await store.ledger.summarize(sent.mailing_id, domains=True)
        assert (found.audience, found.unsubscribed, found.suppressed) == (2, 1, 1)
        assert dict(found.reports) == {BounceKind.HARD: 1, BounceKind.SOFT: 1}
        (only,) = found.domains
        assert (only.domain, only.audience, dict(only.reports)) == ("example.org", 2, dict(found.reports))
        assert (await store.ledger.summarize(sent.mailing_id)).domains == ()

    on(scenario)


def test_a_stored_report_about_our_own_domain_keeps_its_verdict_when_counted_again(on):
    async def scenario(store):
        first, second = await mailed(store, 1), await mailed(store, 2)
        # With our addresses known it is about us; its text alone could be about the reader's domain.
        about_us = bounce(second, "550 5.1.1 the address weekly at example.org is unknown")
        await store.bounces.record(replace(about_us, kind=BounceKind.POLICY, verdict=Verdict.SENDER_FAULT))
        assert classify_reply(str(about_us.reply)) is Verdict.ADDRESS_UNKNOWN
        await store.bounces.record(bounce(first, "452 4.2.2 mailbox full", BounceKind.SOFT))
        assert await store.suppressions.find(address(0)) is None
        (_, stored) = (await store.subscribers.find(address(0))).bounces[-1]
        assert stored.verdict is Verdict.SENDER_FAULT

    on(scenario)
