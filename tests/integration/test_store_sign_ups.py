"""Sign-up, confirmation, unsubscribing and preferences, on SQLite and PostgreSQL."""

import asyncio
import secrets
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from moza_mail.compose import SignedLinks
from moza_mail.errors import InvalidLink, SubscriptionError
from moza_mail.model.address import Address
from moza_mail.model.mailing_list import Consent, OptIn
from moza_mail.model.sign_up import MAIL_INTERVAL, PreferenceChoice, SignUp
from moza_mail.model.subscriber import AddResult, SubscriptionState, SuppressionReason
from moza_mail.store.schema import confirmations, sign_up_requests, subscribers
from moza_mail.subscribe import SelfService
from tests.support.store_builders import (
    CONFIRMED,
    NOW,
    UNCONFIRMED,
    add_subscribers,
    address,
    make_list,
    newcomer,
    suppression,
)
from tests.support.stores import KINDS, Scenario, new_store, run_with_store

LINKS = SignedLinks(secret=b"0123456789abcdef", public_url="https://letters.example.org")
UNSUBSCRIBED = SubscriptionState.UNSUBSCRIBED
HOUR = timedelta(hours=1)
WORDS = Consent(text="Ja, mail mij.", version="2026-01")


@pytest.fixture(params=KINDS)
def on(request):
    """Run a scenario on a new, empty store of each kind."""

    def run(scenario: Scenario) -> None:
        with new_store(request.param, request) as url:
            asyncio.run(run_with_store(url, scenario))

    return run


def make_sign_up(number: int = 1, **more) -> SignUp:
    given = {"address": address(number), "consent": WORDS, "source": "form", "name": "Zoë", "lang": "en"}
    return SignUp(**given | more)


async def send_form(store, *, at=NOW, list_slug="weekly", stamp="", **more) -> bool:
    """Send a form without handling it."""
    stamp = stamp or secrets.token_hex(16)
    service = SelfService(store, LINKS)
    return await service.sign_up(make_sign_up(**more), make_list(slug=list_slug), stamp=stamp, now=at)


async def sign_up(store, *, at=NOW, **more) -> None:
    """Send a form, and handle it as the sender of confirmations does."""
    assert await send_form(store, at=at, **more)
    await store.sign_ups.handle_requests(now=at)


async def queued(store):
    """Return every sign-up, oldest first."""
    numbers = await store.transactions.read(
        lambda connection: connection.scalars(sa.select(confirmations.c.id)).all()
    )
    return [await store.sign_ups.find(number) for number in sorted(numbers)]


async def due(store):
    query = sa.select(confirmations.c.due_at).order_by(confirmations.c.id)
    return await store.transactions.read(lambda connection: connection.scalars(query).all())


def token(confirmation) -> str:
    return LINKS.make_confirmation_url(confirmation).rpartition("/")[2]


def leaving(subscriber: int, list_slug: str = "weekly") -> str:
    return LINKS.make_unsubscribe_url(list_slug, subscriber).rpartition("/")[2]


def choosing(subscriber: int) -> str:
    return LINKS.make_preferences_url(subscriber).rpartition("/")[2]


async def confirm(store, confirmation, *, at=NOW, list_slug="weekly"):
    return await SelfService(store, LINKS).confirm(list_slug, token(confirmation), now=at)


async def find_subscription(store, number: int = 1, list_slug: str = "weekly"):
    person = await store.subscribers.find(address(number))
    found = [one for one in person.subscriptions if one.list_slug == list_slug] if person else []
    return found[0] if found else None


class TestSigningUp:
    def test_a_new_subscriber_is_unconfirmed_until_the_link_is_used_and_the_consent_has_its_times(self, on):
        async def scenario(store):
            await sign_up(store)
            before = await find_subscription(store)
            assert (before.state, before.consent) == (UNCONFIRMED, "Ja, mail mij. [2026-01]")
            assert (await store.subscribers.count_audience("weekly")).confirmed == 0
            (asked,) = await queued(store)
            assert (asked.address, asked.consent, asked.lang) == (address(1), "Ja, mail mij. [2026-01]", "en")
            person = await store.subscribers.find(address(1))
            assert (person.subscriber.name, person.subscriber.lang) == ("", "")
            await confirm(store, asked, at=NOW + HOUR)
            person = await store.subscribers.find(address(1))
            (after,) = person.subscriptions
            assert (after.state, after.created_at, after.confirmed_at) == (CONFIRMED, NOW, NOW + HOUR)
            assert (after.consent, after.source) == ("Ja, mail mij. [2026-01]", "form")
            assert (person.subscriber.name, person.subscriber.lang) == ("Zoë", "en")
            assert (await store.subscribers.count_audience("weekly")).confirmed == 1

        on(scenario)

    def test_the_stored_consent_is_that_of_the_confirmation_mail_that_was_used(self, on):
        async def scenario(store):
            await sign_up(store)
            await sign_up(store, at=NOW + 72 * HOUR, consent=Consent(text="Anders."), source="form 2")
            _, second = await queued(store)
            await confirm(store, second, at=NOW + 73 * HOUR)
            after = await find_subscription(store)
            assert (after.consent, after.source, after.created_at) == ("Anders.", "form 2", NOW + 72 * HOUR)

        on(scenario)

    def test_a_sign_up_with_the_address_of_a_subscriber_changes_and_mails_nothing(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            before = await store.subscribers.find(address(1))
            await sign_up(store, name="Boef", lang="en", consent=Consent(text="x"))
            assert await store.subscribers.find(address(1)) == before
            assert await queued(store) == []

        on(scenario)

    def test_a_sign_up_with_an_address_that_complained_mails_and_stores_nothing(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await store.suppressions.add(suppression(1, SuppressionReason.COMPLAINT))
            await sign_up(store, at=NOW + HOUR, address=Address(local="reader1", domain="example.org"))
            assert await store.subscribers.find(address(1)) is None
            assert await queued(store) == []

        on(scenario)

    @pytest.mark.parametrize(
        "reason", [one for one in SuppressionReason if one is not SuppressionReason.COMPLAINT]
    )
    @pytest.mark.parametrize("is_subscribed", [False, True])
    def test_a_suppressed_address_gets_one_mail_and_its_link_lifts_the_suppression(
        self, on, reason, is_subscribed
    ):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            if is_subscribed:
                await add_subscribers(store, newcomer(1))
            await store.suppressions.add(suppression(1, reason))
            await sign_up(store, at=NOW + HOUR)
            (asked,) = await queued(store)
            assert [one.id for one in await store.confirmations.claim(limit=9, now=NOW + HOUR)] == [asked.id]
            for hours in (2, 60):
                await sign_up(store, at=NOW + hours * HOUR)
            assert len(await queued(store)) == 1
            assert await store.suppressions.find(address(1))
            await confirm(store, asked, at=NOW + 62 * HOUR)
            assert await store.suppressions.find(address(1)) is None
            (removed,) = await store.suppressions.list_removed(address(1))
            assert (removed.reason, removed.removed_at) == (reason, NOW + 62 * HOUR)
            assert (await find_subscription(store)).state is CONFIRMED
            assert (await store.subscribers.count_audience("weekly")).confirmed == 1
            acts = [entry.action.value async for entry in store.audit_log.iter_entries()]
            assert acts[-2:] == ["unsuppress", "confirm"]

        on(scenario)

    @pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINT, SuppressionReason.MANUAL])
    def test_a_person_who_was_suppressed_after_the_sign_up_is_mailed_nothing_and_stays_suppressed(
        self, on, reason
    ):
        async def scenario(store):
            await sign_up(store, at=NOW - HOUR)
            (asked,) = await queued(store)
            await store.suppressions.add(suppression(1, reason))
            assert await store.confirmations.claim(limit=9, now=NOW) == []
            await confirm(store, asked)
            assert (await store.suppressions.find(address(1))).reason is reason

        on(scenario)

    def test_storing_a_form_runs_the_same_statements_for_every_address(self, on):
        """The response must not show who is known, so the form is only queued."""

        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            await store.suppressions.add(suppression(2))
            statements = []

            def note(connection, cursor, statement, *rest):
                statements.append(statement)

            seen = []
            sa.event.listen(sa.Engine, "before_cursor_execute", note)
            try:
                for number in (1, 2, 3, 3):
                    statements.clear()
                    await send_form(store, number=number)
                    seen.append(list(statements))
            finally:
                sa.event.remove(sa.Engine, "before_cursor_execute", note)
            assert any("sign_up_requests" in one for one in seen[0])
            assert seen[0] == seen[1] == seen[2] == seen[3]
            assert not [one for one in seen[0] if "subscribers" in one or "suppressions" in one]
            await store.sign_ups.handle_requests(now=NOW)
            assert sorted(str(one.address) for one in await queued(store)) == [
                str(address(2)),
                str(address(3)),
            ]

        on(scenario)

    def test_a_stamp_is_valid_once_and_a_handled_form_keeps_nothing_else(self, on):
        async def scenario(store):
            assert await send_form(store, stamp="stamp")
            assert not await send_form(store, number=2, stamp="stamp")
            await store.sign_ups.handle_requests(now=NOW)
            assert not await send_form(store, number=3, stamp="stamp")
            assert [one.address for one in await queued(store)] == [address(1)]
            query = sa.select(sign_up_requests)
            (kept,) = await store.transactions.read(lambda connection: connection.execute(query).all())
            assert (kept.stamp, kept.address, kept.address_key, kept.name, kept.consent) == (
                "stamp",
                "",
                "",
                "",
                "",
            )
            await sign_up(store, number=4, at=NOW + 25 * HOUR)
            left = await store.transactions.read(lambda connection: connection.execute(query).all())
            assert [row.stamp for row in left if row.stamp == "stamp"] == []

        on(scenario)

    def test_an_unsubscribed_person_stays_unsubscribed_until_the_new_link_is_used(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            number = (await store.subscribers.find(address(1))).subscriber.id
            await store.subscribers.unsubscribe(number, "weekly", now=NOW)
            await sign_up(store, at=NOW + HOUR)
            assert (await find_subscription(store)).state is UNSUBSCRIBED
            assert await add_subscribers(store, newcomer(1)) == [AddResult.UNSUBSCRIBED]
            (asked,) = await queued(store)
            await confirm(store, asked, at=NOW + 2 * HOUR)
            after = await find_subscription(store)
            assert (after.state, after.created_at, after.unsubscribed_at) == (CONFIRMED, NOW + HOUR, None)

        on(scenario)

    def test_a_list_with_recorded_consent_accepts_no_sign_up(self, on):
        async def scenario(store):
            closed = replace(make_list(), opt_in=OptIn.RECORDED)
            with pytest.raises(SubscriptionError):
                await SelfService(store, LINKS).sign_up(make_sign_up(), closed, stamp="1", now=NOW)
            assert await queued(store) == []

        on(scenario)


class TestLimits:
    def test_a_thousand_sign_ups_of_one_address_in_a_week_give_three_spaced_mails(self, on):
        async def scenario(store):
            moments = [NOW + timedelta(minutes=10 * number) for number in range(1000)]
            for start in range(0, len(moments), 100):
                # Half of the sign-ups are for another list, which does not have a separate limit.
                await asyncio.gather(
                    *(
                        sign_up(store, at=at, list_slug=("weekly", "other")[at.minute % 20 // 10])
                        for at in moments[start : start + 100]
                    )
                )
                # All due mails count as sent, because a waiting mail would replace later ones.
                await store.transactions.write(
                    lambda c: c.execute(sa.update(confirmations).values(state="accepted"))
                )
            assert len(await due(store)) == 3
            first, second, third = sorted(await due(store))
            assert second - first >= MAIL_INTERVAL
            assert third - second >= MAIL_INTERVAL
            count = sa.select(sa.func.count()).select_from(subscribers)
            assert await store.transactions.read(lambda connection: connection.scalar(count)) == 1

        on(scenario)

    def test_after_a_week_a_person_may_ask_for_mails_again(self, on):
        async def scenario(store):
            for day in (0, 2, 4, 6):
                await sign_up(store, at=NOW + timedelta(days=day))
            assert len(await due(store)) == 3
            await sign_up(store, at=NOW + timedelta(days=7, minutes=1))
            assert len(await due(store)) == 4

        on(scenario)

    def test_a_sign_up_to_a_second_list_within_minutes_is_mailed_a_little_later(self, on):
        async def scenario(store):
            await sign_up(store)
            await sign_up(store, list_slug="other", at=NOW + timedelta(minutes=1))
            assert await due(store) == [NOW, NOW + MAIL_INTERVAL]

        on(scenario)

    def test_one_mailbox_gets_three_mails_a_week_however_its_address_is_spelled(self, on):
        spellings = [
            "zoe.bakker@gmail.com",
            "ZoeBakker@gmail.com",
            "zoebakker+1@googlemail.com",
            "z.o.e.bakker@gmail.com",
        ]
        others = ["zoe.bakker@example.org", "ZOE.BAKKER+news@example.org"]

        async def scenario(store):
            for hours, text in enumerate([*spellings * 2, *others * 4]):
                await sign_up(store, at=NOW + hours * HOUR, address=Address.parse(text))
                await store.transactions.write(
                    lambda c: c.execute(sa.update(confirmations).values(state="accepted"))
                )
            mailed = Counter(one.address.domain for one in await queued(store))
            assert mailed["gmail.com"] + mailed["googlemail.com"] == 3
            assert mailed["example.org"] == 3

        on(scenario)

    def test_a_waiting_confirmation_replaces_later_requests_for_the_same_mail(self, on):
        async def scenario(store):
            for hours in range(47):
                await sign_up(store, at=NOW + hours * HOUR)
            assert len(await due(store)) == 1

        on(scenario)


class TestLinks:
    def test_confirming_twice_has_the_effect_of_confirming_once(self, on):
        async def scenario(store):
            await sign_up(store)
            (asked,) = await queued(store)
            await confirm(store, asked)
            before = await store.subscribers.find(address(1))
            await confirm(store, asked, at=NOW + HOUR)
            assert await store.subscribers.find(address(1)) == before

        on(scenario)

    def test_a_confirmation_link_is_valid_for_seven_days(self, on):
        async def scenario(store):
            await sign_up(store)
            (asked,) = await queued(store)
            with pytest.raises(InvalidLink, match="expired") as told:
                await confirm(store, asked, at=NOW + timedelta(days=7))
            assert told.value.expired
            assert (await find_subscription(store)).state is UNCONFIRMED
            await confirm(store, asked, at=NOW + timedelta(days=7) - timedelta(seconds=1))
            assert (await find_subscription(store)).state is CONFIRMED

        on(scenario)

    def test_a_link_for_one_list_is_invalid_for_another(self, on):
        async def scenario(store):
            await sign_up(store)
            (asked,) = await queued(store)
            with pytest.raises(InvalidLink):
                await confirm(store, asked, list_slug="other")

        on(scenario)

    @pytest.mark.parametrize("used", [False, True])
    def test_an_old_link_does_not_restore_a_person_who_unsubscribed_since(self, on, used):
        async def scenario(store):
            await sign_up(store)
            (asked,) = await queued(store)
            if used:
                await confirm(store, asked)
            await SelfService(store, LINKS).unsubscribe(
                "weekly", leaving(asked.subscriber_id), now=NOW + HOUR
            )
            with pytest.raises(InvalidLink):
                await confirm(store, asked, at=NOW + 2 * HOUR)
            assert (await find_subscription(store)).state is UNSUBSCRIBED

        on(scenario)

    def test_unsubscribing_again_makes_a_newer_confirmation_link_invalid(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            number = (await store.subscribers.find(address(1))).subscriber.id
            await store.subscribers.unsubscribe(number, "weekly", now=NOW)
            await sign_up(store, at=NOW + HOUR)
            (asked,) = await queued(store)
            await SelfService(store, LINKS).unsubscribe("weekly", leaving(number), now=NOW + 2 * HOUR)
            with pytest.raises(InvalidLink):
                await confirm(store, asked, at=NOW + 3 * HOUR)
            assert (await find_subscription(store)).state is UNSUBSCRIBED

        on(scenario)


class TestUnsubscribing:
    def test_unsubscribing_is_immediate_and_repeatable_and_works_for_unknown_people(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            number = (await store.subscribers.find(address(1))).subscriber.id
            for at in (NOW, NOW + HOUR):
                await SelfService(store, LINKS).unsubscribe("weekly", leaving(number), now=at)
            after = await find_subscription(store)
            assert (after.state, after.unsubscribed_at) == (UNSUBSCRIBED, NOW)
            await SelfService(store, LINKS).unsubscribe("weekly", leaving(99), now=NOW)
            await SelfService(store, LINKS).unsubscribe("gone", leaving(number, "gone"), now=NOW)

        on(scenario)

    def test_many_simultaneous_unsubscriptions_are_all_stored(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, *(newcomer(number) for number in range(200)))
            numbers = [subscriber.id async for subscriber, _ in store.subscribers.iter_list("weekly")]
            await asyncio.gather(
                *(
                    SelfService(store, LINKS).unsubscribe("weekly", leaving(number), now=NOW)
                    for number in numbers
                )
            )
            assert {one.state async for _, one in store.subscribers.iter_list("weekly")} == {UNSUBSCRIBED}

        on(scenario)

    def test_requests_before_the_store_was_closed_are_stored(self, on):
        async def scenario(store):
            troubles = []
            asyncio.get_running_loop().set_exception_handler(lambda _, told: troubles.append(told))
            asked = [asyncio.ensure_future(send_form(store, number=number)) for number in range(300)]
            await asyncio.sleep(0)
            await store.close()
            assert await asyncio.gather(*asked) == [True] * 300
            await asyncio.sleep(0.01)
            assert troubles == []

        on(scenario)


class TestPreferences:
    def test_a_subscriber_sees_and_changes_name_language_and_lists(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            number = (await store.subscribers.find(address(1))).subscriber.id
            seen = await SelfService(store, LINKS).load_preferences(choosing(number))
            assert (seen.subscriber.name, seen.subscriber.lang, seen.is_suppressed) == ("Reader 1", "", False)
            assert [(one.list_slug, one.state) for one in seen.subscriptions] == [("weekly", CONFIRMED)]
            other = make_list(slug="other")
            choice = PreferenceChoice(name="", lang="en", joins={"other": WORDS}, leaves=("weekly",))
            after = await SelfService(store, LINKS).save_preferences(
                choosing(number), choice, joined=[other], now=NOW + HOUR
            )
            assert (after.subscriber.name, after.subscriber.lang) == ("", "en")
            joined, left = after.subscriptions
            assert (joined.list_slug, joined.state, joined.consent) == ("other", CONFIRMED, WORDS.evidence)
            assert (joined.source, joined.created_at, joined.confirmed_at) == (
                "preferences page",
                NOW + HOUR,
                NOW + HOUR,
            )
            assert (left.state, left.unsubscribed_at) == (UNSUBSCRIBED, NOW + HOUR)

        on(scenario)

    def test_saving_unchanged_preferences_changes_nothing(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            before = await store.subscribers.find(address(1))
            number = before.subscriber.id
            choice = PreferenceChoice(name="Reader 1", lang="", joins={"weekly": WORDS})
            await SelfService(store, LINKS).save_preferences(
                choosing(number), choice, joined=[make_list()], now=NOW + HOUR
            )
            assert await store.subscribers.find(address(1)) == before

        on(scenario)

    def test_a_suppressed_subscriber_sees_the_suppression(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            await store.suppressions.add(suppression(1))
            number = (await store.subscribers.find(address(1))).subscriber.id
            assert (await SelfService(store, LINKS).load_preferences(choosing(number))).is_suppressed

        on(scenario)

    def test_a_link_for_an_unknown_subscriber_shows_and_changes_nothing(self, on):
        async def scenario(store):
            with pytest.raises(InvalidLink):
                await SelfService(store, LINKS).load_preferences(choosing(7))
            with pytest.raises(InvalidLink):
                await SelfService(store, LINKS).save_preferences(
                    choosing(7), PreferenceChoice(name="", lang=""), now=NOW
                )

        on(scenario)

    def test_a_request_that_cannot_be_stored_fails_alone_in_its_group_commit(self, on):
        async def scenario(store):
            await store.subscribers.save_list(make_list())
            await add_subscribers(store, newcomer(1))
            number = (await store.subscribers.find(address(1))).subscriber.id
            unknown = PreferenceChoice(name="", lang="", joins={"no-such-list": WORDS})
            answers = await asyncio.gather(
                *(sign_up(store, number=other) for other in range(2, 6)),
                store.subscribers.save_preferences(number, unknown, source="x", now=NOW),
                *(sign_up(store, number=other) for other in range(6, 10)),
                return_exceptions=True,
            )
            assert [isinstance(answer, Exception) for answer in answers] == [False] * 4 + [True] + [False] * 4
            assert len(await queued(store)) == 8
            assert (await store.subscribers.find(address(1))).subscriber.name == "Reader 1"

        on(scenario)
