"""The behaviour of a store, tested on SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.errors import EmptyAudience, StoreError, StoreLocked
from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState, SkipReason
from moza_mail.model.merge_field import MergeField
from moza_mail.model.outcome import Outcome, to_outcome
from moza_mail.model.rate import DomainFilter, Rate
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.segment import Segment
from moza_mail.model.subscriber import AddResult, SubscriptionState, SuppressionReason
from moza_mail.store import Store, open_store
from tests.support.store_builders import (
    ACCEPTED,
    CONFIRMED,
    DEFERRED,
    LATER,
    NOW,
    REFUSED,
    RELEASED,
    UNCERTAIN,
    UNCONFIRMED,
    add_subscribers,
    address,
    count_states,
    create_mailing,
    make_list,
    make_mailing,
    newcomer,
    record_intents,
    record_outcome,
    stored_states,
    suppression,
)
from tests.support.stores import KINDS, Scenario, new_store, run_with_store, store_examples


@pytest.fixture(params=KINDS)
def url(request):
    """The URL of a new, empty store of each kind."""
    with new_store(request.param, request) as made:
        yield made


@pytest.fixture
def on(url):
    """Run a scenario on a new, empty store of each kind."""

    def run(scenario: Scenario) -> None:
        asyncio.run(run_with_store(url, scenario))

    return run


class TestSentIssues:
    def test_an_issue_counts_as_sent_once_a_relay_accepted_one_message(self, on):
        async def scenario(store):
            mailing = await create_mailing(store, 2)
            assert await store.ledger.list_sent_issues("weekly") == []
            async with store.ledger.hold_sender_lock("test"):
                taken, other = await store.ledger.claim(mailing, limit=2, now=NOW)
                await record_intents(store, taken.id, other.id)
                await record_outcome(store, other.id, REFUSED)
                assert await store.ledger.list_sent_issues("weekly") == []
                await record_outcome(store, taken.id, ACCEPTED)
            (found,) = await store.ledger.list_sent_issues("weekly")
            assert (found.issue_slug, found.issue_title, found.text) == ("2026-01-14", "Titel", "t\r\n")
            assert found.created_at == NOW
            assert await store.ledger.list_sent_issues("elders") == []

        on(scenario)

    def test_a_sent_issue_says_whether_the_whole_list_got_it(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            part = Segment.parse("ours", {"domain": "example.org"}, lang="nl")
            for made in (make_mailing(), replace(make_mailing("2026-01-21"), segment=part)):
                mailing = await store.ledger.create_mailing(made)
                async with store.ledger.hold_sender_lock("test"):
                    (delivery,) = await store.ledger.claim(mailing.id, limit=1, now=NOW)
                    await record_intents(store, delivery.id)
                    await record_outcome(store, delivery.id, ACCEPTED)
            found = {
                one.issue_slug: one.is_whole_list for one in await store.ledger.list_sent_issues("weekly")
            }
            assert found == {"2026-01-21": False, "2026-01-14": True}

        on(scenario)


class TestPeople:
    def test_a_new_subscriber_is_stored_with_name_attributes_and_consent(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            arrivals = await add_subscribers(
                store, newcomer(1, name="Zoë 'x'; --", attributes={"organisatie": 'é{}"'})
            )
            assert arrivals == [AddResult.ADDED]
            person = await store.subscribers.find(Address(local="READER1", domain="example.org"))
            assert str(person.subscriber.address) == "Reader1@example.org"
            assert person.subscriber.name == "Zoë 'x'; --"
            assert dict(person.subscriber.attributes) == {"organisatie": 'é{}"'}
            (subscription,) = person.subscriptions
            assert (subscription.state, subscription.consent, subscription.source) == (
                CONFIRMED,
                "form 1",
                "import",
            )
            assert subscription.created_at == subscription.confirmed_at == NOW
            assert await store.subscribers.find(address(2)) is None

        on(scenario)

    def test_an_export_has_the_attributes_and_the_state_that_counts(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(
                store, newcomer(1, attributes={"soort": "x"}), newcomer(2), newcomer(3, attributes={"a": "b"})
            )
            await add_subscribers(store, newcomer(4), state=UNCONFIRMED)
            await store.suppressions.add(suppression(2))
            assert await store.subscribers.list_attribute_names("weekly") == ["a", "soort"]
            exported = [one async for one in store.subscribers.iter_exported("weekly")]
            assert [(one.subscriber.address, one.suppression) for one in exported] == [
                (address(1), None),
                (address(2), SuppressionReason.HARD_BOUNCE),
                (address(3), None),
                (address(4), None),
            ]
            mailable = store.subscribers.iter_exported("weekly", is_mailable=True)
            assert [one.subscriber.address async for one in mailable] == [address(1), address(3)]

        on(scenario)

    def test_a_person_who_unsubscribed_elsewhere_is_unsubscribed_and_never_added_again(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1), newcomer(2))
            left = [
                newcomer(number, state=SubscriptionState.UNSUBSCRIBED, evidence="Status: afgemeld", since=NOW)
                for number in (1, 3)
            ]
            bounced = [
                newcomer(
                    number,
                    state=SubscriptionState.UNSUBSCRIBED,
                    suppression=SuppressionReason.HARD_BOUNCE,
                    evidence="e",
                )
                for number in (2, 4)
            ]
            results = await add_subscribers(store, *left, *bounced, now=LATER)
            assert results == [
                AddResult.TAKEN_OUT,
                AddResult.UNSUBSCRIBED,
                AddResult.TAKEN_OUT,
                AddResult.SUPPRESSED,
            ]
            again = await add_subscribers(store, *(newcomer(number) for number in (1, 2, 3, 4)), now=LATER)
            assert again == [
                AddResult.UNSUBSCRIBED,
                AddResult.SUPPRESSED,
                AddResult.UNSUBSCRIBED,
                AddResult.SUPPRESSED,
            ]
            assert (await store.suppressions.find(address(4))).evidence == "import: e"
            assert await store.subscribers.find(address(4)) is None
            (subscription,) = (await store.subscribers.find(address(3))).subscriptions
            assert subscription.source == "import: Status: afgemeld"
            assert (subscription.unsubscribed_at, subscription.consent) == (NOW, "")

        on(scenario)

    def test_a_person_who_signed_up_here_after_unsubscribing_elsewhere_stays(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1), source="subscribers add", now=LATER)
            left = newcomer(1, state=SubscriptionState.UNSUBSCRIBED, since=NOW)
            assert await add_subscribers(store, left, now=LATER) == [AddResult.UNCHANGED]

        on(scenario)

    def test_a_consent_keeps_its_date_and_unconfirmed_people_get_no_mail(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            people = (
                newcomer(1, since=NOW),
                newcomer(2, state=UNCONFIRMED, consent="", evidence="Status: new"),
            )
            results = await add_subscribers(store, *people, now=LATER)
            assert results == [AddResult.ADDED, AddResult.UNCONFIRMED]
            (subscription,) = (await store.subscribers.find(address(1))).subscriptions
            assert (subscription.confirmed_at, subscription.created_at) == (NOW, LATER)
            (waiting,) = (await store.subscribers.find(address(2))).subscriptions
            assert (waiting.state, waiting.confirmed_at) == (UNCONFIRMED, None)
            assert (await store.subscribers.count_audience("weekly")).confirmed == 1

        on(scenario)

    @pytest.mark.usefixtures("small_pages")
    def test_importing_twice_changes_nothing(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            people = [newcomer(number, attributes={"a": "b"}) for number in range(250)]
            assert await add_subscribers(store, *people) == [AddResult.ADDED] * 250
            before = [one async for one in store.subscribers.iter_list("weekly")]
            assert await add_subscribers(store, *people, now=LATER) == [AddResult.UNCHANGED] * 250
            assert [one async for one in store.subscribers.iter_list("weekly")] == before
            assert [subscriber.id for subscriber, _ in before] == sorted(one.id for one, _ in before)
            assert len(before) == 250

        on(scenario)

    def test_a_known_address_keeps_its_id_and_is_updated(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1, attributes={"a": "1", "b": "1"}))
            number = (await store.subscribers.find(address(1))).subscriber.id
            given = Address(local="reader1", domain="example.org")
            changed = newcomer(1, address=given, name="", attributes={"b": "2"})
            assert await add_subscribers(store, changed) == [AddResult.UPDATED]
            after = (await store.subscribers.find(address(1))).subscriber
            assert (after.id, after.name, dict(after.attributes)) == (
                number,
                "Reader 1",
                {"a": "1", "b": "2"},
            )

        on(scenario)

    def test_an_address_that_is_repeated_in_an_import_is_added_once_with_the_later_name(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            twice = [newcomer(1), newcomer(1), newcomer(1, name="Later")]
            assert await add_subscribers(store, *twice) == [
                AddResult.ADDED,
                AddResult.UNCHANGED,
                AddResult.UPDATED,
            ]
            assert [one.name async for one, _ in store.subscribers.iter_list("weekly")] == ["Later"]

        on(scenario)

    def test_an_unsubscribed_person_is_not_added_and_keeps_the_first_time(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            number = (await store.subscribers.find(address(1))).subscriber.id
            await store.subscribers.unsubscribe(number, "weekly", now=NOW)
            await store.subscribers.unsubscribe(number, "weekly", now=LATER)
            await store.subscribers.unsubscribe(99, "weekly", now=LATER)
            assert await add_subscribers(store, newcomer(1, name="New")) == [AddResult.UNSUBSCRIBED]
            (subscription,) = (await store.subscribers.find(address(1))).subscriptions
            assert (subscription.state, subscription.unsubscribed_at) == (SubscriptionState.UNSUBSCRIBED, NOW)

        on(scenario)

    def test_a_suppressed_address_is_not_added_and_keeps_its_first_reason(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            await store.suppressions.add(suppression(1))
            await store.suppressions.add(suppression(1, SuppressionReason.COMPLAINT))
            await store.suppressions.add(suppression(2))
            assert await add_subscribers(store, newcomer(1), newcomer(2)) == [AddResult.SUPPRESSED] * 2
            assert (await store.subscribers.find(address(1))).suppression == suppression(1)
            assert await store.subscribers.find(address(2)) is None

        on(scenario)

    def test_an_import_confirms_an_unconfirmed_subscriber_but_never_the_reverse(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1), state=UNCONFIRMED)
            assert (await store.subscribers.count_audience("weekly")).confirmed == 0
            assert await add_subscribers(store, newcomer(1, consent="form 2"), now=LATER) == [
                AddResult.UPDATED
            ]
            assert await add_subscribers(store, newcomer(1), state=UNCONFIRMED) == [AddResult.UNCHANGED]
            (subscription,) = (await store.subscribers.find(address(1))).subscriptions
            assert (subscription.state, subscription.consent) == (CONFIRMED, "form 2")
            assert (subscription.created_at, subscription.confirmed_at) == (NOW, LATER)

        on(scenario)

    def test_a_person_on_two_lists_can_unsubscribe_from_one(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await store.subscribers.save_list(make_list(slug="other"))
            await add_subscribers(store, newcomer(1))
            assert await add_subscribers(store, newcomer(1), list_slug="other") == [AddResult.ADDED]
            number = (await store.subscribers.find(address(1))).subscriber.id
            await store.subscribers.unsubscribe(number, "weekly", now=NOW)
            assert (await store.subscribers.count_audience("weekly")).confirmed == 0
            assert (await store.subscribers.count_audience("other")).confirmed == 1

        on(scenario)

    def test_an_unknown_list_is_refused_and_nobody_is_added(self, on):
        async def scenario(store):
            with pytest.raises(StoreError, match="no list `weekly`"):
                await add_subscribers(store, newcomer(1))
            assert await store.subscribers.find(address(1)) is None
            await store.subscribers.save_list(make_list())
            await store.subscribers.save_list(make_list(title="Renamed"))
            assert await add_subscribers(store, newcomer(1)) == [AddResult.ADDED]

        on(scenario)

    @pytest.mark.usefixtures("small_pages")
    def test_the_audience_count_agrees_with_the_recipients_and_the_created_mailing(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, *(newcomer(number) for number in range(123)))
            await add_subscribers(store, newcomer(5000), newcomer(5001), state=UNCONFIRMED)
            gone = (await store.subscribers.find(address(7))).subscriber.id
            await store.subscribers.unsubscribe(gone, "weekly", now=NOW)
            await store.suppressions.add(suppression(8))
            await store.suppressions.add(suppression(9))
            audience = await store.subscribers.count_audience("weekly")
            assert (audience.confirmed, dict(audience.left_out)) == (
                120,
                {"unconfirmed": 2, "unsubscribed": 1, "suppressed": 2},
            )
            recipients = [one async for one in store.subscribers.iter_recipients("weekly")]
            mailing = await store.ledger.create_mailing(make_mailing())
            frozen = [one async for one in store.ledger.iter_deliveries(mailing.id, DeliveryState)]
            assert len(recipients) == 120
            assert [(one.subscriber_id, one.address, one.name) for one in recipients] == [
                (one.subscriber_id, one.address, one.name) for one in frozen
            ]

        on(scenario)


class TestMailings:
    def test_a_mailing_is_read_as_it_was_stored(self, on):
        async def scenario(store):
            number = await create_mailing(store, 2)
            frozen = replace(make_mailing(), id=number)
            assert await store.ledger.find_mailing("2026-01-14", "weekly") == frozen
            assert await store.ledger.find_mailing("2026-01-21", "weekly") is None
            second = await store.ledger.create_mailing(make_mailing("2026-01-21"))
            assert await store.ledger.list_mailings() == [second, frozen]
            assert await store.ledger.list_mailings("2026-01-14") == [frozen]
            person = await store.subscribers.find(address(1))
            assert [slug for slug, _ in person.deliveries] == ["2026-01-14", "2026-01-21"]

        on(scenario)

    def test_an_issue_has_one_mailing_for_each_list(self, on):
        async def scenario(store):
            number = await create_mailing(store, 2)
            with pytest.raises(StoreError, match="already a mailing of `2026-01-14`"):
                await store.ledger.create_mailing(make_mailing())
            assert await count_states(store, number) == {"pending": 2}

        on(scenario)

    def test_a_mailing_to_nobody_is_refused_and_not_stored(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1), state=UNCONFIRMED)
            with pytest.raises(EmptyAudience):
                await store.ledger.create_mailing(make_mailing())
            assert await store.ledger.list_mailings() == []

        on(scenario)

    def test_a_person_added_after_the_mailing_was_created_is_not_in_its_audience(self, on):
        async def scenario(store):
            number = await create_mailing(store, 2)
            await add_subscribers(store, newcomer(9))
            assert sum((await store.ledger.count_by_state(number)).values()) == 2
            assert set(await store.ledger.count_by_state(number)) == set(DeliveryState)

        on(scenario)


class TestClaim:
    def test_each_delivery_is_claimed_once_in_the_order_of_the_ids(self, on):
        async def scenario(store):
            number = await create_mailing(store, 25)
            claimed = []
            while batch := await store.ledger.claim(number, limit=10, now=NOW):
                assert {one.state for one in batch} == {DeliveryState.CLAIMED}
                claimed += [one.id for one in batch]
            assert claimed == sorted(set(claimed))
            assert len(claimed) == 25
            assert await count_states(store, number) == stored_states(store, claimed=25)

        on(scenario)

    def test_a_person_who_unsubscribed_or_was_suppressed_since_is_skipped_by_the_claim(self, on):
        async def scenario(store):
            number = await create_mailing(store, 30)
            for gone in range(10):
                await store.subscribers.unsubscribe(gone + 1, "weekly", now=NOW)
            await store.suppressions.add(suppression(15))
            batch = await store.ledger.claim(number, limit=5, now=NOW)
            assert [one.subscriber_id for one in batch] == [11, 12, 13, 14, 15]
            rest = await store.ledger.claim(number, limit=100, now=NOW)
            assert 16 not in [one.subscriber_id for one in rest]
            skipped = [
                one.skip_reason async for one in store.ledger.iter_deliveries(number, [DeliveryState.SKIPPED])
            ]
            assert skipped == [SkipReason.UNSUBSCRIBED] * 10 + [SkipReason.SUPPRESSED]
            assert await count_states(store, number) == stored_states(store, claimed=19, skipped=11)

        on(scenario)

    def test_a_suppressed_address_with_non_ascii_letters_is_skipped_by_the_claim(self, on):
        async def scenario(store):
            loud = Address(local="JOS\u00c9", domain="example.org")
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1, address=loud), newcomer(2))
            number = (await store.ledger.create_mailing(make_mailing())).id
            await store.suppressions.add(replace(suppression(1), address=loud))
            batch = await store.ledger.claim(number, limit=5, now=NOW)
            assert [str(one.address) for one in batch] == ["Reader2@example.org"]
            assert await count_states(store, number) == stored_states(store, claimed=1, skipped=1)

        on(scenario)

    def test_a_mailing_whose_recipients_all_unsubscribed_ends_with_an_empty_claim(self, on):
        async def scenario(store):
            number = await create_mailing(store, 5)
            for gone in range(5):
                await store.subscribers.unsubscribe(gone + 1, "weekly", now=NOW)
            assert await store.ledger.claim(number, limit=2, now=NOW) == []
            assert await count_states(store, number) == {"skipped": 5}

        on(scenario)

    def test_a_deferred_delivery_is_claimed_when_due_and_after_the_pending(self, on):
        async def scenario(store):
            number = await create_mailing(store, 2)
            (first,) = await store.ledger.claim(number, limit=1, now=NOW)
            await record_outcome(store, first.id, DEFERRED)
            due = await store.ledger.find_next_attempt(number)
            assert timedelta(minutes=4) <= due - NOW <= timedelta(minutes=6)
            (second,) = await store.ledger.claim(number, limit=5, now=due - timedelta(microseconds=1))
            assert second.id != first.id
            await store.ledger.release([second.id])
            assert [one.id for one in await store.ledger.claim(number, limit=5, now=due)] == [
                second.id,
                first.id,
            ]
            await record_intents(store, second.id, first.id)
            assert await store.ledger.find_next_attempt(number) is None

        on(scenario)

    def test_an_unsubscribed_reader_who_was_deferred_is_skipped(self, on):
        async def scenario(store):
            number = await create_mailing(store, 1)
            (only,) = await store.ledger.claim(number, limit=1, now=NOW)
            await record_outcome(store, only.id, DEFERRED)
            await store.subscribers.unsubscribe(only.subscriber_id, "weekly", now=NOW)
            assert await store.ledger.claim(number, limit=1, now=NOW + timedelta(hours=1)) == []
            assert await count_states(store, number) == {"skipped": 1}

        on(scenario)

    def test_released_deliveries_are_pending_again_and_only_claimed_ones_can_be(self, on):
        async def scenario(store):
            number = await create_mailing(store, 3)
            one, two, three = await store.ledger.claim(number, limit=3, now=NOW)
            await store.ledger.release([])
            await store.ledger.release([one.id])
            await record_intents(store, three.id)
            with pytest.raises(StoreError, match="1 of 2"):
                await store.ledger.release([two.id, three.id])
            assert await count_states(store, number) == stored_states(store, pending=1, claimed=1, intent=1)

        on(scenario)


class TestReports:
    def test_an_accepted_delivery_keeps_the_reply_and_the_queue_id(self, on):
        async def scenario(store):
            number = await create_mailing(store, 1)
            (only,) = await store.ledger.claim(number, limit=1, now=NOW)
            await record_intents(store, only.id)
            await record_outcome(store, only.id, ACCEPTED)
            (after,) = [one async for one in store.ledger.iter_deliveries(number, [DeliveryState.ACCEPTED])]
            assert (after.reply, after.queue_id, after.attempts) == (
                "250 2.0.0 Ok: queued as 4XyZ12",
                "4XyZ12",
                1,
            )

        on(scenario)

    def test_a_released_delivery_is_pending_and_not_counted_as_an_attempt(self, on):
        async def scenario(store):
            number = await create_mailing(store, 1)
            (only,) = await store.ledger.claim(number, limit=1, now=NOW)
            await record_intents(store, only.id)
            await record_outcome(store, only.id, RELEASED)
            (again,) = await store.ledger.claim(number, limit=1, now=NOW)
            assert (again.attempts, again.reply) == (0, "the line broke")
            assert (again.detail, again.phase) == ("the line broke", Phase.MAIL)

        on(scenario)

    def test_a_delivery_deferred_for_48_hours_is_refused(self, on):
        async def scenario(store):
            number, moment, tries = await create_mailing(store, 1), NOW, 0
            while batch := await store.ledger.claim(number, limit=1, now=moment):
                tries += 1
                assert batch[0].attempts == tries - 1
                await record_outcome(store, batch[0].id, DEFERRED, now=moment)
                moment = await store.ledger.find_next_attempt(number) or moment
            assert moment - NOW <= timedelta(hours=48)
            assert await count_states(store, number) == {"refused": 1}
            (after,) = [one async for one in store.ledger.iter_deliveries(number, DeliveryState)]
            assert after.reply == "450 4.2.1 try later"

        on(scenario)

    @pytest.mark.parametrize("final", [ACCEPTED, REFUSED, UNCERTAIN], ids=lambda outcome: outcome.state.value)
    def test_a_final_state_never_changes(self, on, final):
        async def scenario(store):
            number = await create_mailing(store, 1)
            (only,) = await store.ledger.claim(number, limit=1, now=NOW)
            await record_intents(store, only.id)
            await record_outcome(store, only.id, final)
            with pytest.raises(StoreError, match=f"is {final.state} and cannot become intent"):
                await record_intents(store, only.id)
            for outcome in (ACCEPTED, DEFERRED, REFUSED, UNCERTAIN, RELEASED):
                with pytest.raises(StoreError, match=f"is {final.state} and cannot become"):
                    await record_outcome(store, only.id, outcome)
            with pytest.raises(StoreError):
                await store.ledger.release([only.id])
            await store.ledger.recover(number, now=NOW)
            assert await store.ledger.claim(number, limit=1, now=NOW + timedelta(days=1)) == []
            assert await count_states(store, number) == {final.state.value: 1}

        on(scenario)

    def test_a_pending_delivery_cannot_be_reported_on(self, on):
        async def scenario(store):
            number = await create_mailing(store, 1)
            (only,) = [one async for one in store.ledger.iter_deliveries(number, DeliveryState)]
            with pytest.raises(StoreError, match="is pending and cannot become intent"):
                await record_intents(store, only.id)
            with pytest.raises(StoreError, match="is pending and cannot become accepted"):
                await record_outcome(store, only.id, ACCEPTED)
            with pytest.raises(StoreError, match="no delivery 999"):
                await record_intents(store, 999)
            claimed = Outcome(state=DeliveryState.CLAIMED, phase=Phase.BODY)
            with pytest.raises(StoreError, match="not the outcome of an attempt"):
                await record_outcome(store, only.id, claimed)
            assert await count_states(store, number) == {"pending": 1}

        on(scenario)

    def test_outcomes_in_one_group_are_all_stored_and_a_wrong_one_fails_alone(self, on):
        async def scenario(store):
            number = await create_mailing(store, 200)
            batch = await store.ledger.claim(number, limit=100, now=NOW)
            outside = batch[-1].id + 1
            answers = await asyncio.gather(
                *(record_intents(store, one.id) for one in batch),
                record_intents(store, outside),
                return_exceptions=True,
            )
            assert answers[:-1] == [None] * 100
            assert isinstance(answers[-1], StoreError)
            assert await count_states(store, number) == {"pending": 100, "intent": 100}

        on(scenario)

    def test_an_impossible_outcome_in_a_batch_fails_alone_and_is_returned(self, on):
        async def scenario(store):
            number = await create_mailing(store, 20)
            batch = [one.id for one in await store.ledger.claim(number, limit=10, now=NOW)]
            outside = batch[-1] + 1
            misfits = await store.ledger.record_intents([*batch[:5], outside, *batch[5:]], now=NOW)
            assert list(misfits) == [outside]
            assert "is pending and cannot become intent" in str(misfits[outside])
            assert await count_states(store, number) == {"pending": 10, "intent": 10}
            outcomes = [(one, ACCEPTED) for one in batch]
            misfits = await store.ledger.record_outcomes([*outcomes[:4], (999, ACCEPTED), *outcomes], now=NOW)
            assert set(misfits) == {*batch[:4], 999}
            assert "no delivery 999" in str(misfits[999])
            assert await count_states(store, number) == {"pending": 10, "accepted": 10}
            assert (
                await store.ledger.record_intents([], now=NOW)
                == await store.ledger.record_outcomes([], now=NOW)
                == {}
            )

        on(scenario)

    def test_an_invalid_outcome_state_is_refused_with_its_whole_batch(self, on):
        async def scenario(store):
            number = await create_mailing(store, 2)
            one, two = await store.ledger.claim(number, limit=2, now=NOW)
            claimed = Outcome(state=DeliveryState.CLAIMED, phase=Phase.BODY)
            with pytest.raises(StoreError, match="not the outcome of an attempt"):
                await store.ledger.record_outcomes([(one.id, ACCEPTED), (two.id, claimed)], now=NOW)
            assert await count_states(store, number) == stored_states(store, claimed=2)

        on(scenario)

    def test_reports_on_one_delivery_keep_their_order_inside_a_group(self, on):
        async def scenario(store):
            number = await create_mailing(store, 1)
            (only,) = await store.ledger.claim(number, limit=1, now=NOW)
            good = await asyncio.gather(
                record_intents(store, only.id),
                record_outcome(store, only.id, ACCEPTED),
                record_intents(store, only.id),
                return_exceptions=True,
            )
            assert good[:2] == [None, None]
            assert isinstance(good[2], StoreError)
            assert await count_states(store, number) == {"accepted": 1}

        on(scenario)

    def test_an_intent_after_a_release_in_the_same_group_is_refused(self, on):
        async def scenario(store):
            number = await create_mailing(store, 1)
            (only,) = await store.ledger.claim(number, limit=1, now=NOW)
            given_back, intended = await asyncio.gather(
                record_outcome(store, only.id, RELEASED),
                record_intents(store, only.id),
                return_exceptions=True,
            )
            assert given_back is None
            assert isinstance(intended, StoreError)
            assert await count_states(store, number) == {"pending": 1}

        on(scenario)

    def test_two_outcomes_of_one_attempt_never_both_count(self, on):
        async def scenario(store):
            number = await create_mailing(store, 1)
            (only,) = await store.ledger.claim(number, limit=1, now=NOW)
            settled = await asyncio.gather(
                record_outcome(store, only.id, RELEASED),
                record_outcome(store, only.id, ACCEPTED),
                return_exceptions=True,
            )
            assert settled[0] is None
            assert isinstance(settled[1], StoreError)
            assert await count_states(store, number) == {"pending": 1}

        on(scenario)

    def test_queued_changes_are_stored_when_the_store_is_closed(self, url):
        async def scenario():
            store = await open_store(url)
            number = await create_mailing(store, 50)
            batch = await store.ledger.claim(number, limit=50, now=NOW)
            waiting = [asyncio.ensure_future(record_intents(store, one.id)) for one in batch]
            await asyncio.sleep(0)
            await store.close()
            await store.close()
            await asyncio.gather(*waiting)
            with pytest.raises(StoreError, match="closed"):
                await store.ledger.count_by_state(number)
            again = await open_store(url)
            assert await count_states(again, number) == {"intent": 50}
            await again.close()

        asyncio.run(scenario())

    def test_deliveries_deferred_together_are_due_at_different_times(self, on):
        async def scenario(store):
            number = await create_mailing(store, 9)
            for one in await store.ledger.claim(number, limit=9, now=NOW):
                await record_outcome(store, one.id, DEFERRED)
            moments = {
                one.next_attempt
                async for one in store.ledger.iter_deliveries(number, [DeliveryState.DEFERRED])
            }
            assert len(moments) == 9

        on(scenario)


WEEK = timedelta(weeks=1)


async def create_answered_mailing(store: Store, week: int, *said: str) -> int:
    """Create a mailing of that week in which reader 1, 2, ... gets these replies to RCPT; return its id."""
    mailing = (await store.ledger.create_mailing(replace(make_mailing(f"week-{week}"), created_at=NOW))).id
    now = NOW + week * WEEK
    batch = await store.ledger.claim(mailing, limit=len(said), now=now)
    replies = [Reply.parse(int(text[:3]), text[4:]) for text in said]
    await store.ledger.record_outcomes(
        [
            (one.id, to_outcome(reply, Phase.BODY if reply.code == 250 else Phase.RCPT))
            for one, reply in zip(batch, replies, strict=False)
        ],
        now=now,
    )
    return mailing


class TestSuppression:
    """A reply that shows that an address does not exist suppresses it, in the commit that records the outcome."""

    def test_one_reply_that_an_address_does_not_exist_suppresses_it_with_the_reply_as_evidence(self, on):
        async def scenario(store):
            await create_mailing(store, 3)
            mailing = await create_answered_mailing(
                store, 1, "550 5.1.1 No such user", "550 5.7.1 Blocked", "250 2.0.0 Ok"
            )
            assert await store.suppressions.count_from_mailing(mailing) == 1
            (found,) = [one async for one in store.suppressions.iter_from_mailing(mailing)]
            assert found == await store.suppressions.find(Address(local="READER0", domain="example.org"))
            assert (found.address, found.created_at) == (address(0), NOW + WEEK)
            assert found.reason is SuppressionReason.HARD_BOUNCE
            assert found.evidence == "550 5.1.1 No such user [week-1 to weekly]"
            assert await store.suppressions.find(address(1)) is None
            assert (await store.subscribers.count_audience("weekly")).left_out == {"suppressed": 1}

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
            ([1, 2, 3, 4, 6], "452 4.2.2 Mailbox full", SuppressionReason.SOFT_BOUNCES),
            ([1, 2, 3, 4, 6], "550 5.7.1 Blocked", None),
            ([1, 2, 3, 4, 6], "451 4.3.0 Later", None),
            ([1, 2, 3, 4, 6], "503 5.5.1 Nested MAIL", None),
        ],
    )
    def test_replies_to_earlier_mailings_count_too(self, on, weeks, said, reason):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(0), newcomer(1))
            for week in weeks:
                mailing = await create_answered_mailing(store, week, said)
            found = await store.suppressions.find(address(0))
            assert (found.reason if found else None) is reason
            assert await store.suppressions.find(address(1)) is None
            if found and len(weeks) > 1:
                assert f"the like on {NOW + weeks[0] * WEEK:%Y-%m-%d}" in found.evidence
                assert await store.suppressions.count_from_mailing(mailing) == 1

        on(scenario)

    def test_replies_from_before_the_removal_of_a_suppression_do_not_count(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(0), newcomer(1))
            for week in (1, 2):
                await create_answered_mailing(store, week, "550 5.2.1 Disabled")
            await store.suppressions.remove(address(0), "weer aan", now=NOW + 2 * WEEK + timedelta(hours=1))
            await create_answered_mailing(store, 3, "550 5.2.1 Disabled")
            assert await store.suppressions.find(address(0)) is None
            await create_answered_mailing(store, 4, "550 5.2.1 Disabled")
            assert (await store.suppressions.find(address(0))).reason is SuppressionReason.HARD_BOUNCE

        on(scenario)

    def test_a_retry_in_one_mailing_counts_once(self, on):
        async def scenario(store):
            mailing = await create_mailing(store, 1)
            for hour in (0, 1, 2):
                now = NOW + timedelta(hours=hour)
                (one,) = await store.ledger.claim(mailing, limit=1, now=now)
                await record_outcome(
                    store, one.id, to_outcome(Reply.parse(450, "5.2.1 off"), Phase.RCPT), now=now
                )
            assert await store.suppressions.find(address(0)) is None

        on(scenario)

    def test_an_impossible_outcome_is_no_evidence(self, on):
        async def scenario(store):
            mailing = await create_mailing(store, 2)
            one, _ = await store.ledger.claim(mailing, limit=2, now=NOW)
            misfits = await store.ledger.record_outcomes([(one.id, ACCEPTED), (one.id, REFUSED)], now=NOW)
            assert one.id in misfits
            assert await store.suppressions.find(one.address) is None

        on(scenario)

    def test_the_first_reason_is_kept(self, on):
        async def scenario(store):
            mailing = await create_mailing(store, 1)
            batch = await store.ledger.claim(mailing, limit=1, now=NOW)
            await store.suppressions.add(suppression(0, SuppressionReason.COMPLAINT))
            await record_outcome(store, batch[0].id, REFUSED)
            assert (await store.suppressions.find(address(0))).reason is SuppressionReason.COMPLAINT
            assert await store.suppressions.count_from_mailing(mailing) == 0

        on(scenario)

    @pytest.mark.usefixtures("small_pages")
    def test_many_suppressions_are_read_in_pages(self, on):
        async def scenario(store):
            mailing = await create_mailing(store, 230)
            batch = await store.ledger.claim(mailing, limit=230, now=NOW)
            await store.ledger.record_outcomes([(one.id, REFUSED) for one in batch], now=NOW)
            assert await store.suppressions.count_from_mailing(mailing) == 0, (
                "so many at one provider are held"
            )
            await store.suppressions.decide_held(mailing, accept=True, domain="", reason="", now=NOW)
            assert await store.suppressions.count_from_mailing(mailing) == 230
            assert len({one.address async for one in store.suppressions.iter_from_mailing(mailing)}) == 230

        on(scenario)


def grouped() -> tuple[DomainFilter, DomainFilter]:
    """Return the deliveries at slow.example or slow.test, and the others."""
    names = frozenset({"slow.example", "slow.test"})
    return DomainFilter(names=names), DomainFilter(names=names, inverted=True)


class TestRateLimits:
    def test_a_claim_can_be_for_some_domains_or_for_all_but_these(self, on):
        async def scenario(store):
            slow, others = grouped()
            homes = ["fast.example", "slow.example", "sub.slow.example", "slow.test", "fast.example"]
            await store.subscribers.save_list(make_list())
            people = [Address(local=f"a{one}", domain=home) for one, home in enumerate(homes)]
            await add_subscribers(store, *(newcomer(0, address=one) for one in people))
            assert await store.ledger.count_remaining("weekly", slow) == 2
            mailing = (await store.ledger.create_mailing(make_mailing())).id
            assert await store.ledger.count_remaining("weekly", others, mailing) == 3
            taken = await store.ledger.claim(mailing, limit=1, now=NOW, domains=slow)
            assert [one.address.domain for one in taken] == ["slow.example"]
            behind = replace(slow, after=taken[0].id)
            taken = await store.ledger.claim(mailing, limit=9, now=NOW, domains=behind)
            assert [one.address.domain for one in taken] == ["slow.test"]
            taken += await store.ledger.claim(mailing, limit=9, now=NOW, domains=others)
            assert [one.address.local for one in taken[1:]] == ["a0", "a2", "a4"]
            for one in taken:
                await record_outcome(store, one.id, DEFERRED)
            due = await store.ledger.claim(mailing, limit=9, now=NOW + timedelta(hours=1), domains=behind)
            assert [one.address.domain for one in due] == ["slow.test"]

        on(scenario)

    def test_a_rate_limit_is_shared_and_outlives_the_process(self, url):
        rate = Rate.parse("10/s")

        async def scenario(store):
            first = [await store.rate_limits.reserve("all", rate, 1, now=NOW) for _ in range(5)]
            assert first == [timedelta(milliseconds=100 * turn) for turn in range(5)]
            other = await open_store(url)
            try:
                assert await other.rate_limits.reserve("all", rate, 1, now=NOW) == timedelta(milliseconds=500)
                assert await other.rate_limits.reserve("slow.example", rate, 1, now=NOW) == timedelta(0)
            finally:
                await other.close()

        asyncio.run(run_with_store(url, scenario))
        asyncio.run(run_with_store(url, still))

    def test_a_changed_rate_starts_full(self, on):
        async def scenario(store):
            for _ in range(3):
                await store.rate_limits.reserve("all", Rate.parse("1/h"), 1, now=NOW)
            assert await store.rate_limits.reserve("all", Rate.parse("50/s"), 5, now=NOW) == timedelta(0)

        on(scenario)


async def still(store: Store) -> None:
    wait = await store.rate_limits.reserve("all", Rate.parse("10/s"), 1, now=NOW)
    assert wait == timedelta(milliseconds=600)


class TestRecover:
    def test_deliveries_of_a_dead_sender_become_pending_or_uncertain(self, on):
        async def scenario(store):
            number = await create_mailing(store, 4)
            one, two, three, _ = await store.ledger.claim(number, limit=4, now=NOW)
            await record_intents(store, one.id)
            await record_intents(store, two.id)
            await record_outcome(store, two.id, ACCEPTED)
            await record_outcome(store, three.id, REFUSED)
            moved = await store.ledger.recover(number, now=LATER)
            is_written = store.transactions.database.has_many_senders
            assert moved == {DeliveryState.PENDING: int(is_written), DeliveryState.UNCERTAIN: 1}
            assert await count_states(store, number) == {
                "accepted": 1,
                "refused": 1,
                "pending": 1,
                "uncertain": 1,
            }
            assert await store.ledger.recover(number, now=LATER) == dict.fromkeys(moved, 0)
            (doubtful,) = [
                one async for one in store.ledger.iter_deliveries(number, [DeliveryState.UNCERTAIN])
            ]
            assert doubtful.attempts == 1

        on(scenario)

    def test_uncertain_deliveries_are_retried_only_on_request(self, on):
        async def scenario(store):
            number = await create_mailing(store, 2)
            batch = await store.ledger.claim(number, limit=2, now=NOW)
            for one in batch:
                await record_intents(store, one.id)
            await store.ledger.recover(number, now=NOW)
            assert await store.ledger.claim(number, limit=2, now=NOW) == []
            assert await store.ledger.retry_uncertain(number, now=NOW) == 2
            assert len(await store.ledger.claim(number, limit=2, now=NOW)) == 2

        on(scenario)

    def test_recover_leaves_other_mailings_alone(self, on):
        async def scenario(store):
            number = await create_mailing(store, 2)
            other = await store.ledger.create_mailing(make_mailing("2026-01-21"))
            await store.ledger.claim(other.id, limit=2, now=NOW)
            await store.ledger.recover(number, now=NOW)
            assert await count_states(store, other.id) == stored_states(store, claimed=2)

        on(scenario)


class TestConcurrentSenders:
    def test_the_error_of_a_second_sender_names_the_first(self, on):
        async def scenario(store):
            async with store.ledger.hold_sender_lock("send 2026-01-14\r\n\x1b[2J"):
                with pytest.raises(
                    StoreLocked, match=r"send 2026-01-14\[2J \(.+process \d+\), since 20"
                ) as caught:
                    async with store.ledger.hold_sender_lock("me too"):
                        pass
                assert "moza-mail status" in caught.value.hint
            async with store.ledger.hold_sender_lock("now I"):
                pass

        on(scenario)


def test_pages_of_several_states_give_every_delivery_once_in_order(on, small_pages):
    async def scenario(store):
        number = await create_mailing(store, 330)
        for report in (ACCEPTED, REFUSED):
            batch = await store.ledger.claim(number, limit=110, now=NOW)
            await asyncio.gather(*(record_outcome(store, one.id, report) for one in batch))
        every = [one.id async for one in store.ledger.iter_deliveries(number, DeliveryState)]
        assert every == sorted(set(every))
        assert len(every) == 330
        wanted = [DeliveryState.ACCEPTED, DeliveryState.PENDING]
        some = [one.state async for one in store.ledger.iter_deliveries(number, wanted)]
        assert (some[0], some[-1], len(some)) == (DeliveryState.ACCEPTED, DeliveryState.PENDING, 220)
        assert [one async for one in store.ledger.iter_deliveries(number, [])] == []

    on(scenario)


REPORTS = {"accept": ACCEPTED, "defer": DEFERRED, "refuse": REFUSED, "doubt": UNCERTAIN, "return": RELEASED}
CALLS = st.one_of(
    st.tuples(st.just("claim"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["intend", "release", *REPORTS]), st.integers(1, 4)),
    st.tuples(st.sampled_from(["recover", "ask a human", "unsubscribe", "together"]), st.integers(1, 4)),
)


async def call_ledger(store: Store, mailing: int, name: str, number: int) -> None:
    """Make one call of the ledger, valid or not."""
    now = NOW + timedelta(hours=1)
    match name:
        case "claim":
            await store.ledger.claim(mailing, limit=number, now=now)
        case "intend":
            await record_intents(store, number)
        case "release":
            await store.ledger.release([number])
        case "recover":
            await store.ledger.recover(mailing, now=NOW)
        case "ask a human":
            await store.ledger.retry_uncertain(mailing, now=NOW)
        case "unsubscribe":
            await store.subscribers.unsubscribe(number, "weekly", now=NOW)
        case "together":
            reports = [record_outcome(store, number, outcome) for outcome in REPORTS.values()]
            await asyncio.gather(record_intents(store, number), *reports, return_exceptions=True)
        case _:
            await record_outcome(store, number, REPORTS[name])


async def states_by_delivery(store: Store, mailing: int) -> dict[int, DeliveryState]:
    return {one.id: one.state async for one in store.ledger.iter_deliveries(mailing, DeliveryState)}


FINAL = {DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.SKIPPED, DeliveryState.UNCERTAIN}


@pytest.mark.parametrize("kind", KINDS)
def test_no_sequence_of_calls_changes_a_final_state_except_on_request(request, kind):
    @store_examples(kind, 30)
    @given(calls=st.lists(CALLS, max_size=25))
    def run(calls):
        with new_store(kind, request) as url:
            asyncio.run(run_with_store(url, partial(call_and_compare, calls=calls)))

    run()


async def call_and_compare(store: Store, *, calls: list[tuple[str, int]]) -> None:
    """Make the calls, and assert after each that no final state changed."""
    mailing = await create_mailing(store, 4)
    before = await states_by_delivery(store, mailing)
    for name, number in calls:
        try:
            await call_ledger(store, mailing, name, number)
        except StoreError:
            assert await states_by_delivery(store, mailing) == before
        after = await states_by_delivery(store, mailing)
        assert after.keys() == before.keys()
        assert sum((await store.ledger.count_by_state(mailing)).values()) == 4
        for one, state in before.items():
            human = name == "ask a human" and state is DeliveryState.UNCERTAIN
            assert after[one] is (DeliveryState.PENDING if human else state) or state not in FINAL
        before = after


VOORNAAM, NAAM = MergeField(name="voornaam"), MergeField(name="name", default="lezer")


def greeting(*fields: MergeField, slug: str = "2026-01-14"):
    mailing = make_mailing(slug)
    return replace(mailing, rendered=replace(mailing.rendered, fields=fields))


async def readers_with(store: Store, *attributes: dict[str, str], **more) -> None:
    await store.subscribers.save_list(make_list())
    await add_subscribers(
        store, *(newcomer(number, attributes=given, **more) for number, given in enumerate(attributes))
    )


def test_the_values_of_a_mailings_fields_are_frozen_and_no_others(on):
    async def scenario(store: Store) -> None:
        await readers_with(store, {"voornaam": 'Zoë "Z"', "salaris": "veel"}, {"voornaam": "Jan"})
        made = await store.ledger.create_mailing(greeting(VOORNAAM, NAAM))
        await add_subscribers(store, newcomer(0, attributes={"voornaam": "Anders"}))
        claimed = await store.ledger.claim(made.id, limit=10, now=NOW)
        assert [dict(one.values) for one in claimed] == [{"voornaam": 'Zoë "Z"'}, {"voornaam": "Jan"}]
        await store.ledger.release([one.id for one in claimed])
        again = [one async for one in store.ledger.iter_deliveries(made.id, [DeliveryState.PENDING])]
        assert [one.values for one in again] == [one.values for one in claimed]
        assert (await store.ledger.find_mailing("2026-01-14", "weekly")).rendered == made.rendered

    on(scenario)


def test_a_subscriber_without_a_required_value_is_in_the_audience_as_skipped(on):
    async def scenario(store: Store) -> None:
        await readers_with(store, {"voornaam": "Jan"}, {}, {"voornaam": " \u00a0\u2003"}, {"voornaam": ""})
        await add_subscribers(
            store, newcomer(8, name="", attributes={"voornaam": "Piet"}), newcomer(9, name=" \t")
        )
        fields = (VOORNAAM, MergeField(name="name"), MergeField(name="stad", default=""))
        audience = await store.subscribers.count_audience("weekly", fields)
        assert (audience.confirmed, dict(audience.left_out)) == (1, {"missing_value": 5})
        assert dict(audience.missing) == {"voornaam": 4, "name": 2}
        would = [one async for one in store.subscribers.iter_recipients("weekly", fields)]
        assert [one.missing_fields(fields) for one in would] == [
            (), ("voornaam",), ("voornaam",), ("voornaam",), ("name",), ("voornaam", "name"),
        ]  # fmt: skip
        made = await store.ledger.create_mailing(greeting(*fields))
        assert await count_states(store, made.id) == {"pending": 1, "skipped": 5}
        why = SkipReason.MISSING_VALUE
        assert await store.ledger.count_skipped(made.id) == {
            (why, "no value for voornaam"): 3,
            (why, "no value for name"): 1,
            (why, "no value for voornaam, name"): 1,
        }
        skipped = [one async for one in store.ledger.iter_deliveries(made.id, [DeliveryState.SKIPPED])]
        assert {(one.skip_reason, one.address.local) for one in skipped} == {
            (why, f"Reader{number}") for number in (1, 2, 3, 8, 9)
        }
        assert [one.address.local for one in await store.ledger.claim(made.id, limit=10, now=NOW)] == [
            "Reader0"
        ]

    on(scenario)


def test_with_a_default_nobody_is_skipped_and_without_fields_no_values_are_stored(on):
    async def scenario(store: Store) -> None:
        await readers_with(store, {"voornaam": "Jan"}, {})
        assert (
            await store.subscribers.count_audience("weekly", (MergeField(name="voornaam", default="lezer"),))
        ).confirmed == 2
        made = await store.ledger.create_mailing(greeting(MergeField(name="voornaam", default="lezer")))
        assert [dict(one.values) for one in await store.ledger.claim(made.id, limit=9, now=NOW)] == [
            {"voornaam": "Jan"},
            {},
        ]
        plain = await store.ledger.create_mailing(make_mailing("2026-01-21"))
        assert [dict(one.values) for one in await store.ledger.claim(plain.id, limit=9, now=NOW)] == [{}, {}]
        assert (await store.ledger.count_skipped(plain.id)) == {}

    on(scenario)


def test_no_mailing_is_created_if_nobody_has_the_value(on):
    async def scenario(store: Store) -> None:
        await readers_with(store, {}, {"stad": "Ede"})
        with pytest.raises(EmptyAudience, match="nobody on weekly has a value for voornaam"):
            await store.ledger.create_mailing(greeting(VOORNAAM))
        assert await store.ledger.find_mailing("2026-01-14", "weekly") is None

    on(scenario)


def test_a_delivery_skipped_after_an_attempt_loses_the_reply_of_that_attempt(on):
    async def scenario(store: Store) -> None:
        number = await create_mailing(store, 1)
        (one,) = await store.ledger.claim(number, limit=1, now=NOW)
        await store.ledger.record_outcomes([(one.id, replace(DEFERRED, detail="the line broke"))], now=NOW)
        await store.subscribers.unsubscribe(one.subscriber_id, "weekly", now=NOW)
        assert await store.ledger.claim(number, limit=1, now=NOW + timedelta(days=1)) == []
        assert await store.ledger.count_skipped(number) == {(SkipReason.UNSUBSCRIBED, ""): 1}

    on(scenario)
